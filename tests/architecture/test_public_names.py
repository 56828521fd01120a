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
from support.quick import each

import bentley_sync_async as public

ROOT = "bentley_sync_async"

# Every public name, by the namespace of the package in which it is public.
PUBLIC = {
    "": """
        APIError AmbiguousNameError AuthenticationError AuthenticationType BackoffPacing ClientCredentials
        ConfigurationError ConflictError ConnectionLostError ConnectorType CredentialsError DecodeError
        DocumentAttribute Environment ExecutionResult ExecutionState Extent FileTransferError FixedPacing
        ForeignOriginError IModel IModelBusyError IModelNotInitializedError ITwin InvalidArgumentError JobAppeared
        JobChange JobCompleted JobPhase JobStateChanged JobUpdated JobVanished JournalError JournalInUseError
        LearnedPacing LocationError ManifestAction ManifestFile ManifestRun NotFoundError PermissionDeniedError
        PollDelayed ProblemDetail ProtocolError RateLimitedError RateTier ReplayGuard ReportUnavailableError
        RequestTimeoutError ResponseTooLargeError ResumeTokenError RetryPolicy RunAppeared RunChange RunCompleted
        RunEvent RunFailedError RunJoined RunNotCompletedError RunPhaseChanged RunRef RunStateChanged RunTriggered
        RunUpdated RunVanishedError RunWatcher ServerError SignInError SourceFile SourceFileCreate StorageConnection
        StorageFile StorageFolder StorageJob StorageRun StorageTask SynchronizationClient SynchronizationError
        SynchronizationReport
        TaskAppeared TaskChange TaskCompleted TaskError TaskRetried TaskStateChanged TaskUpdated TaskVanished Timeouts
        TokenError TokenUnavailableError TransportError TriggerDelayed UnknownValueSeen UnprocessableError UsageError
        WaitingForIModel WatchError WatchEvent WatchFailedError WatchTimeoutError WebhookError __version__ diff fold
        to_builtins to_json verify_webhook
    """,
    "auth": """
        FileStore KeyringStore NativeApplication SignIn SignInStore TokenClaims UserInfo consent default_store
        kept_sign_in open_browser open_or_print read_token sign_in sign_out
    """,
    "bulk": """
        BulkEvent BulkPlan BulkProgress BulkReport BulkRun ConnectionFinished ConnectionProgressed ConnectionStarted
        FailedFile Outcome OutcomeStatus PlannedRun
    """,
    "emulator": """
        CATALOGUE CatalogueEntry Delivery Emulator FaultAction FaultRule FileRule Options RecordedRequest Run RunRule
        Scenario Settings Webhook load_scenario parse_scenario
    """,
    "models": """
        AuthenticationType AuthorizationInformation AuthorizationLinks Connection ConnectionDetails ConnectionLinks
        ConnectionSummary ConnectorType ExecutionResult ExecutionState JobPhase Link ManifestConnection
        ManifestSourceFile OpenEnum Page PagingLinks RunErrorDetails RunFailedError RunRef RunSummary SourceFile
        SourceFileCreate SourceFileLinks SourceFileSummary StorageConnection StorageJob StorageRun StorageTask
        SuggestedAction SynchronizationReport TaskDetails TaskError TaskErrorCategory TaskErrorPhase TaskErrorSystem
        Transition TriggeredRun WebhookContent WebhookMessage
    """,
    "models.platform": """
        Application Changeset ChangesetLinks ChangesetState Extent FileUpload IModel IModelCreation IModelCreationState
        IModelLinks IModelState IModelSummary ITwin ITwinClass ITwinStatus ITwinSubClass ITwinSummary NamedVersion
        NamedVersionLinks NamedVersionState Point StorageFile StorageFolder StorageItem StorageItemLinks StorageItemType
        SynchronizationInfo Webhook WebhookScope
    """,
    "models.configurations": """
        Configuration ConfigurationScope KNOWN_SETTINGS KnownSetting SettingValue
    """,
    "models.reports": """
        AuditCategory AuditInfo AuditLevel AuditRecord DiagnosticReport ElementInfo FileRecord RecordedFile Report
        ReportContext ReportOperation ReportType ReportedFile SourceFileState SourceFilesInfo
    """,
    "pacing": """
        BackoffPacing CompletionNotifier CompletionSignal DurationDistribution FixedPacing LearnedPacing Pacing
        PollContext PollDemand
    """,
    "publish": """
        ConnectionPlan ConnectionPrepared FileAction FileEvent FileFailed FileOutcome FilePlan FileRemoved FileSelection
        FileSource FileStatus FileUploaded FileVersion LocalFile ModelTarget PublishEvent PublishManifest PublishPlan
        PublishPlanned PublishProgress PublishReport PublishRun PublishedFile SavedReports UploadStarted
    """,
    "resources": """
        Listing Pages
    """,
    "testing": """
        After ScriptFailed ScriptedTransport Sent Step answer lost refusal timed_out
    """,
    "transport": """
        BudgetUse Hook LoggingHook PollRecord Record Request RequestRecord Response RetryRecord ThrottleRecord Token
        TokenRecord TokenSource Transport WindowUse exhausted_window
    """,
}
PUBLIC = {f"{ROOT}.{namespace}".rstrip("."): names.split() for namespace, names in PUBLIC.items()}
MODULES = {namespace: importlib.import_module(namespace) for namespace in PUBLIC}
NAMES = [(namespace, name) for namespace, names in PUBLIC.items() for name in names if name != "__version__"]
CLASSES = [
    (namespace, name, cls) for namespace, name in NAMES if inspect.isclass(cls := getattr(MODULES[namespace], name))
]
CLIENT_CLASSES = [cls for namespace, _, cls in CLASSES if not namespace.endswith((".emulator", ".testing"))]
RESOURCES = [
    cls
    for module in pkgutil.walk_packages(MODULES[f"{ROOT}.resources"].__path__, f"{ROOT}.resources.")
    for name, cls in vars(importlib.import_module(module.name)).items()
    if inspect.isclass(cls) and cls.__module__.startswith("bentley_sync_async.resources") and not name.startswith("_")
]
EVERY_CLASS = [*dict.fromkeys([*(cls for _, _, cls in CLASSES), *RESOURCES])]


def offenders(rule, classes=EVERY_CLASS):
    """What a rule finds in classes, by their names; a rule returns something true for what breaks it."""
    found = {cls.__qualname__: rule(cls) for cls in classes}
    return {name: broken for name, broken in found.items() if broken}


@each("namespace", PUBLIC)
def test_the_public_names_are_these(namespace):
    assert sorted(MODULES[namespace].__all__) == PUBLIC[namespace]


def test_no_name_is_public_in_two_places_but_the_models_that_everybody_needs():
    shared = {ROOT, f"{ROOT}.models", f"{ROOT}.models.platform", f"{ROOT}.pacing"}
    elsewhere = {name for namespace, name in NAMES if namespace not in shared}
    assert elsewhere & set(PUBLIC[ROOT]) == set()


def test_every_public_name_has_a_module_that_it_comes_from():
    assert sorted({*public._HOMES, "__version__"}) == PUBLIC[ROOT]


def test_every_public_name_is_the_one_of_its_module():
    homes = {name: getattr(importlib.import_module(home), name) for name, home in public._HOMES.items()}
    assert {name: getattr(public, name) for name in homes} == homes


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'bentley_sync_async' has no attribute 'Sync'"):
        _ = public.Sync


def test_the_public_names_are_listed_before_they_are_used():
    assert set(PUBLIC[ROOT]) <= set(dir(public))


def test_a_star_import_brings_the_public_names_and_no_others():
    names = {}
    exec("from bentley_sync_async import *", names)
    assert sorted(names.keys() - {"__builtins__"}) == PUBLIC[ROOT]


def test_a_public_class_says_that_it_lives_at_a_public_place():
    places = {cls: ROOT if name in PUBLIC[ROOT] else namespace for namespace, name, cls in CLASSES}
    assert offenders(lambda cls: cls.__module__ != places[cls], CLIENT_CLASSES) == {}


def test_a_public_name_is_documented_by_itself():
    things = {(namespace, name): getattr(MODULES[namespace], name) for namespace, name in NAMES}
    documented = {place for place, thing in things.items() if getattr(thing, "__dict__", {}).get("__doc__")}
    functions = {place for place, thing in things.items() if inspect.isfunction(thing) and thing.__doc__}
    no_classes = {"CATALOGUE", "ConfigurationScope", "KNOWN_SETTINGS", "SettingValue", "Step"}
    assert {name for _, name in things.keys() - documented - functions} == no_classes


def test_the_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", public.__version__)


def _members(cls):
    for name, value in vars(cls).items():
        member = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def test_every_method_and_property_of_a_public_class_is_documented():
    # What is inherited is documented where it is defined.
    assert offenders(lambda cls: [name for name, member in _members(cls) if not inspect.getdoc(member)]) == {}


def _undocumented_arguments(cls):
    return [
        (name, argument)
        for name, member in [*_members(cls), ("__init__", vars(cls).get("__init__"))]
        if "Args:" in (inspect.getdoc(member) or "")
        for argument in list(inspect.signature(member).parameters)[1:]
        if not re.search(rf"^    \**{argument}: \S", inspect.getdoc(member) or "", re.MULTILINE)
    ]


def test_every_argument_of_a_documented_method_is_documented_if_any_is():
    assert offenders(_undocumented_arguments) == {}


def _undocumented_fields(cls):
    documented = "\n".join(inspect.cleandoc(base.__doc__ or "") for base in cls.__mro__)
    fields = [field.name for field in attrs.fields(cls) if not field.name.startswith("_")]
    return [name for name in fields if not re.search(rf"^    {name}: \S", documented, re.MULTILINE)]


def test_every_field_of_a_public_value_is_documented():
    assert offenders(_undocumented_fields, filter(attrs.has, EVERY_CLASS)) == {}


def _absent_attributes(cls):
    documented = re.findall(r"^    (\w+): ", inspect.cleandoc(cls.__doc__).partition("Attributes:")[2], re.MULTILINE)
    there = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    for base in cls.__mro__:
        there |= vars(base).keys() & base.__annotations__.keys() if "__annotations__" in vars(base) else set()
        there |= set(base.__init__.__code__.co_names) if inspect.isfunction(base.__init__) else set()
    return [name for name in documented if name not in there] if documented else "none are documented"


def test_every_documented_attribute_is_there():
    assert offenders(_absent_attributes, [cls for cls in EVERY_CLASS if "Attributes:" in (cls.__doc__ or "")]) == {}


def test_a_public_value_is_frozen_unless_it_belongs_to_the_emulator():
    values = filter(attrs.has, CLIENT_CLASSES)
    assert offenders(lambda cls: cls.__setattr__ is object.__setattr__, values) == {}


def test_an_event_is_given_by_keyword():
    events = [cls for cls in CLIENT_CLASSES if issubclass(cls, public.WatchEvent)]
    assert offenders(lambda cls: not all(field.kw_only for field in attrs.fields(cls)), events) == {}


def test_only_errors_end_in_error_apart_from_the_error_of_a_task():
    others = [
        name
        for namespace, name, cls in CLASSES
        if namespace == ROOT and name.endswith("Error") and not issubclass(cls, Exception)
    ]
    assert others == ["TaskError"]


def test_no_public_enum_is_closed_but_those_of_this_package():
    open_enum = MODULES[f"{ROOT}.models"].OpenEnum
    enums = {cls.__name__ for cls in CLIENT_CLASSES if issubclass(cls, enum.Enum) and not issubclass(cls, open_enum)}
    assert enums == {"Environment", "FileAction", "FileStatus", "OutcomeStatus", "Transition"}


def test_every_public_name_is_used_by_the_typed_program():
    program = "\n".join(path.read_text("utf-8") for path in (Path(__file__).parents[1] / "typing").glob("*.py"))
    assert [
        name for namespace, name in NAMES if ".emulator" not in namespace and not re.search(rf"\b{name}\b", program)
    ] == []


def test_the_package_says_that_it_is_typed():
    assert (Path(public.__file__).parent / "py.typed").exists()


@each(
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
