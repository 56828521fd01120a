import enum
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import bentley_sync_async as public
import bentley_sync_async.emulator as public_emulator
import bentley_sync_async.testing as public_testing

PUBLIC = [
    "APIError",
    "Announcements",
    "AuthenticationError",
    "AuthenticationType",
    "AuthorizationInformation",
    "AuthorizationLinks",
    "BackoffPacing",
    "BudgetUse",
    "BulkEvent",
    "BulkPlan",
    "BulkProgress",
    "BulkReport",
    "BulkRun",
    "ClientCredentials",
    "CompletionSignal",
    "ConfigurationError",
    "ConflictError",
    "Connection",
    "ConnectionFinished",
    "ConnectionLinks",
    "ConnectionLostError",
    "ConnectionProgressed",
    "ConnectionStarted",
    "ConnectionSummary",
    "ConnectorType",
    "CredentialsError",
    "DecodeError",
    "Demand",
    "Durations",
    "Environment",
    "ExecutionResult",
    "ExecutionState",
    "FailedFile",
    "FixedPacing",
    "ForeignOriginError",
    "GateRecord",
    "Hook",
    "IModelBusyError",
    "InvalidArgumentError",
    "JobAppeared",
    "JobChange",
    "JobCompleted",
    "JobPhase",
    "JobStateChanged",
    "JobUpdated",
    "JobVanished",
    "JournalError",
    "JournalInUseError",
    "LearnedPacing",
    "Link",
    "Listing",
    "LocationError",
    "LoggingHook",
    "Look",
    "NotFoundError",
    "OpenEnum",
    "Outcome",
    "OutcomeStatus",
    "Pacing",
    "Page",
    "Pages",
    "PagingLinks",
    "PermissionDeniedError",
    "PlannedRun",
    "PollDelayed",
    "PollRecord",
    "ProblemDetail",
    "ProtocolError",
    "RateLimitedError",
    "RateTier",
    "Record",
    "Request",
    "RequestRecord",
    "RequestTimeoutError",
    "Response",
    "ResponseTooLargeError",
    "ResumeTokenError",
    "RetryPolicy",
    "RetryRecord",
    "RunAppeared",
    "RunChange",
    "RunCompleted",
    "RunErrorDetails",
    "RunEvent",
    "RunFailedError",
    "RunJoined",
    "RunNotCompletedError",
    "RunPhaseChanged",
    "RunRef",
    "RunStateChanged",
    "RunSummary",
    "RunTriggered",
    "RunUpdated",
    "RunVanishedError",
    "RunWatcher",
    "SeenMessages",
    "ServerError",
    "SourceFile",
    "SourceFileCreate",
    "SourceFileLinks",
    "SourceFileSummary",
    "StorageConnection",
    "StorageJob",
    "StorageRun",
    "StorageTask",
    "SuggestedAction",
    "SynchronizationClient",
    "SynchronizationError",
    "SynchronizationReport",
    "TaskAppeared",
    "TaskChange",
    "TaskCompleted",
    "TaskDetails",
    "TaskError",
    "TaskErrorCategory",
    "TaskErrorPhase",
    "TaskErrorSystem",
    "TaskRetried",
    "TaskStateChanged",
    "TaskUpdated",
    "TaskVanished",
    "Timeouts",
    "Token",
    "TokenError",
    "TokenRecord",
    "TokenSource",
    "TokenUnavailableError",
    "Transition",
    "Transport",
    "TransportError",
    "TriggerDelayed",
    "TriggeredRun",
    "UnknownValueSeen",
    "UnprocessableError",
    "WaitingForIModel",
    "WatchError",
    "WatchEvent",
    "WatchFailedError",
    "WatchTimeoutError",
    "WebhookContent",
    "WebhookError",
    "WebhookMessage",
    "WindowUse",
    "__version__",
    "diff",
    "event_to_json",
    "fold",
    "verify_webhook",
]
PUBLIC_OF_THE_EMULATOR = [
    "CATALOGUE",
    "CatalogueEntry",
    "Delivery",
    "Emulator",
    "FaultAction",
    "FaultRule",
    "FileRule",
    "Options",
    "RecordedRequest",
    "Run",
    "RunRule",
    "Scenario",
    "Settings",
    "Webhook",
    "load_scenario",
    "parse_scenario",
]
PUBLIC_OF_TESTING = [
    "After",
    "ScriptFailed",
    "ScriptedTransport",
    "Sent",
    "Step",
    "answer",
    "lost",
    "refusal",
    "timed_out",
]
CLASSES = [(name, cls) for name in PUBLIC if inspect.isclass(cls := getattr(public, name))]
EMULATOR_CLASSES = [
    (name, cls) for name in PUBLIC_OF_THE_EMULATOR if inspect.isclass(cls := getattr(public_emulator, name))
]
TESTING_CLASSES = [(name, cls) for name in PUBLIC_OF_TESTING if inspect.isclass(cls := getattr(public_testing, name))]
RESOURCES = [
    cls
    for module in pkgutil.iter_modules(importlib.import_module("bentley_sync_async.resources").__path__)
    for name, cls in vars(importlib.import_module(f"bentley_sync_async.resources.{module.name}")).items()
    if inspect.isclass(cls) and cls.__module__.startswith("bentley_sync_async.resources") and not name.startswith("_")
]
EVERY_CLASS = [cls for _, cls in [*CLASSES, *EMULATOR_CLASSES, *TESTING_CLASSES]] + RESOURCES


def test_the_public_names_are_these():
    assert public.__all__ == PUBLIC


def test_the_public_names_of_the_emulator_are_these():
    assert public_emulator.__all__ == PUBLIC_OF_THE_EMULATOR


def test_the_public_names_of_testing_are_these():
    assert public_testing.__all__ == PUBLIC_OF_TESTING


@pytest.mark.parametrize("module", [public, public_emulator, public_testing])
def test_the_public_names_are_sorted_and_there(module):
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_public_name_has_a_room_that_it_comes_from():
    assert sorted({*public._HOMES, "__version__"}) == PUBLIC


def test_every_public_name_is_the_one_of_its_room():
    homes = {name: getattr(importlib.import_module(home), name) for name, home in public._HOMES.items()}
    assert {name: getattr(public, name) for name in homes} == homes


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'bentley_sync_async' has no attribute 'Sync'"):
        _ = public.Sync


def test_the_public_names_are_listed_before_they_are_used():
    assert set(PUBLIC) <= set(dir(public))


def test_a_star_import_brings_the_public_names_and_no_others():
    names = {}
    exec("from bentley_sync_async import *", names)
    assert sorted(names.keys() - {"__builtins__"}) == PUBLIC


@pytest.mark.parametrize(("name", "cls"), CLASSES)
def test_a_public_class_says_that_it_lives_at_the_public_place(name, cls):
    assert (cls.__module__, cls.__qualname__) == ("bentley_sync_async", name)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "__version__"])
def test_a_public_name_is_documented_by_itself(name):
    assert vars(getattr(public, name)).get("__doc__") or inspect.isfunction(getattr(public, name))
    assert getattr(public, name).__doc__


@pytest.mark.parametrize("name", [name for name in PUBLIC_OF_THE_EMULATOR if name != "CATALOGUE"])
def test_a_public_name_of_the_emulator_is_documented(name):
    assert vars(public_emulator)[name].__doc__


@pytest.mark.parametrize("name", [name for name in PUBLIC_OF_TESTING if name != "Step"])
def test_a_public_name_of_testing_is_documented(name):
    assert vars(public_testing)[name].__doc__


def test_the_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", public.__version__)


def _members(cls):
    for name, value in vars(cls).items():
        member = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


@pytest.mark.parametrize("cls", EVERY_CLASS)
def test_every_method_and_property_of_a_public_class_is_documented(cls):
    # What is inherited is documented where it is defined.
    assert [name for name, member in _members(cls) if not inspect.getdoc(member)] == []


@pytest.mark.parametrize("cls", EVERY_CLASS)
def test_every_argument_of_a_documented_method_is_documented_if_any_is(cls):
    undocumented = [
        (name, argument)
        for name, member in [*_members(cls), ("__init__", vars(cls).get("__init__"))]
        if "Args:" in (inspect.getdoc(member) or "")
        for argument in list(inspect.signature(member).parameters)[1:]
        if not re.search(rf"^    \**{argument}: \S", inspect.getdoc(member) or "", re.MULTILINE)
    ]
    assert undocumented == []


@pytest.mark.parametrize("cls", [cls for cls in EVERY_CLASS if attrs.has(cls)])
def test_every_field_of_a_public_value_is_documented(cls):
    documented = "\n".join(inspect.cleandoc(base.__doc__ or "") for base in cls.__mro__)
    fields = [field.name for field in attrs.fields(cls) if not field.name.startswith("_")]
    assert [name for name in fields if not re.search(rf"^    {name}: \S", documented, re.MULTILINE)] == []


@pytest.mark.parametrize("cls", [cls for cls in EVERY_CLASS if cls.__doc__ and "Attributes:" in cls.__doc__])
def test_every_documented_attribute_is_there(cls):
    documented = re.findall(r"^    (\w+): ", inspect.cleandoc(cls.__doc__).partition("Attributes:")[2], re.MULTILINE)
    there = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    for base in cls.__mro__:
        there |= vars(base).keys() & base.__annotations__.keys() if "__annotations__" in vars(base) else set()
        there |= set(base.__init__.__code__.co_names) if inspect.isfunction(base.__init__) else set()
    assert documented
    assert [name for name in documented if name not in there] == []


@pytest.mark.parametrize("cls", [cls for _, cls in CLASSES if attrs.has(cls)])
def test_a_public_value_is_frozen_unless_it_belongs_to_the_emulator(cls):
    assert cls.__setattr__ is not object.__setattr__


@pytest.mark.parametrize("cls", [cls for _, cls in CLASSES if issubclass(cls, public.WatchEvent)])
def test_an_event_is_documented_by_itself_and_given_by_keyword(cls):
    assert vars(cls)["__doc__"].splitlines()[0].endswith((".", ";", ",")) or ". " in cls.__doc__
    assert all(field.kw_only for field in attrs.fields(cls))


def test_only_errors_end_in_error_apart_from_the_error_of_a_task():
    others = [name for name, cls in CLASSES if name.endswith("Error") and not issubclass(cls, Exception)]
    assert others == ["TaskError"]


def test_no_public_enum_is_closed_but_those_of_this_package():
    enums = {name for name, cls in CLASSES if issubclass(cls, enum.Enum) and not issubclass(cls, public.OpenEnum)}
    assert enums == {"Environment", "OutcomeStatus", "Transition"}


def test_every_public_name_is_used_by_the_typed_program():
    program = "\n".join(path.read_text("utf-8") for path in (Path(__file__).parents[1] / "typing").glob("*.py"))
    assert [name for name in PUBLIC + PUBLIC_OF_TESTING if not re.search(rf"\b{name}\b", program)] == []


def test_the_package_says_that_it_is_typed():
    assert (Path(public.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize(
    "absent",
    [
        "typer",
        "rich",
        "opentelemetry",
        "bentley_sync_async.emulator",
        "bentley_sync_async.cli",
        "bentley_sync_async.integrations",
        "unittest",
    ],
)
def test_importing_the_package_does_not_import(absent):
    code = f"import sys, bentley_sync_async; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
