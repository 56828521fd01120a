"""The exception tree: classes, texts, attributes, copies."""

import copy
import inspect
import pickle

import pytest
from support.quick import each

import bentley_sync_async as public
from bentley_sync_async import errors
from bentley_sync_async.errors import (
    AmbiguousNameError,
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    ConnectionLostError,
    CredentialsError,
    DecodeError,
    FileTransferError,
    ForeignOriginError,
    IModelNotInitializedError,
    InvalidArgumentError,
    JournalError,
    JournalInUseError,
    LocationError,
    NotFoundError,
    PermissionDeniedError,
    ProblemDetail,
    ProtocolError,
    RateLimitedError,
    ReportUnavailableError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ResumeTokenError,
    RunNotCompletedError,
    ServerError,
    SignInError,
    SynchronizationError,
    TokenError,
    TokenUnavailableError,
    TransportError,
    UnprocessableError,
    UsageError,
    WebhookError,
)
from bentley_sync_async.models import ExecutionState, RunFailedError, RunRef, StorageRun, StorageTask, runs
from bentley_sync_async.watch import errors as watch_errors
from bentley_sync_async.watch.errors import (
    IModelBusyError,
    RunVanishedError,
    WatchError,
    WatchFailedError,
    WatchTimeoutError,
)

TREE = {
    SynchronizationError: (Exception,),
    ConfigurationError: (SynchronizationError,),
    InvalidArgumentError: (SynchronizationError, ValueError),
    UsageError: (SynchronizationError, RuntimeError),
    APIError: (SynchronizationError,),
    AuthenticationError: (APIError,),
    PermissionDeniedError: (APIError,),
    NotFoundError: (APIError,),
    ConflictError: (APIError,),
    UnprocessableError: (APIError,),
    RateLimitedError: (APIError,),
    ServerError: (APIError,),
    TransportError: (SynchronizationError,),
    ConnectionLostError: (TransportError,),
    RequestTimeoutError: (TransportError,),
    ResponseTooLargeError: (TransportError,),
    DecodeError: (SynchronizationError,),
    ProtocolError: (SynchronizationError,),
    LocationError: (ProtocolError,),
    ForeignOriginError: (ProtocolError,),
    ResumeTokenError: (SynchronizationError, ValueError),
    ReportUnavailableError: (SynchronizationError,),
    WebhookError: (SynchronizationError,),
    FileTransferError: (SynchronizationError,),
    IModelNotInitializedError: (SynchronizationError,),
    AmbiguousNameError: (SynchronizationError,),
    TokenError: (SynchronizationError,),
    CredentialsError: (TokenError,),
    SignInError: (TokenError,),
    TokenUnavailableError: (TokenError,),
    WatchError: (SynchronizationError,),
    WatchTimeoutError: (WatchError, TimeoutError),
    WatchFailedError: (WatchError,),
    RunVanishedError: (WatchError,),
    IModelBusyError: (WatchError,),
    RunNotCompletedError: (SynchronizationError,),
    RunFailedError: (SynchronizationError,),
    JournalError: (SynchronizationError,),
    JournalInUseError: (JournalError,),
}
REF = RunRef(connection_id="c1", run_id="r1")
TASK = StorageTask(id="t1")
RUN = StorageRun(id="r1", connection_id="c1", state=ExecutionState.EXECUTING)
API = {
    "status": 422,
    "method": "POST",
    "url": "https://h/x",
    "code": "C",
    "message": "M",
    "target": "T",
    "details": [ProblemDetail(code="D", message="wrong", target="$top")],
    "retry_after": 2.5,
    "request_id": "abc",
}


def made(cls):
    if issubclass(cls, APIError):
        return cls(**API)
    if issubclass(cls, TransportError):
        return cls("it broke", method="POST", url="https://h/x", sent=True)
    if issubclass(cls, WatchError):
        return cls("no end", ref=REF, run=RUN)
    special = {
        DecodeError: lambda: DecodeError("expected a string", path="$.run.id", excerpt="5", source="GET https://h/x"),
        TokenUnavailableError: lambda: TokenUnavailableError("not now", retry_after=3.0),
        ReportUnavailableError: lambda: ReportUnavailableError("expired", report_id="r", status=403, code=None),
        WebhookError: lambda: WebhookError("forged", status=401),
        RunFailedError: lambda: RunFailedError("no success", run=RUN, failed_tasks=[TASK]),
        FileTransferError: lambda: FileTransferError("it broke", file_id="f1", status=403, code="AuthenticationFailed"),
        IModelNotInitializedError: lambda: IModelNotInitializedError("not yet", imodel_id="i1", state="scheduled"),
        AmbiguousNameError: lambda: AmbiguousNameError("two of them", ids=["i1", "i2"]),
        JournalInUseError: lambda: JournalInUseError("in use by process 42", pid=42),
    }
    return special[cls]() if cls in special else cls("what happened")


every_error = each("cls", TREE)


def test_the_tree_holds_every_error():
    modules = (errors, runs, watch_errors)
    found = {cls for module in modules for cls in vars(module).values() if inspect.isclass(cls)}
    assert {cls for cls in found if issubclass(cls, BaseException)} == set(TREE)


@every_error
def test_an_error_has_its_place_in_the_tree(cls):
    assert cls.__bases__ == TREE[cls]


@every_error
def test_an_error_is_public(cls):
    assert getattr(public, cls.__name__) is cls
    assert cls.__module__ == "bentley_sync_async"


@every_error
def test_an_error_is_caught_as_a_synchronization_error(cls):
    with pytest.raises(SynchronizationError):
        raise made(cls)


@every_error
@each("restored", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
class TestACopyOfAnError:
    def test_is_of_the_same_class(self, cls, restored):
        assert type(restored(made(cls))) is cls

    def test_has_the_same_text(self, cls, restored):
        assert str(restored(made(cls))) == str(made(cls)) != ""

    def test_has_the_same_attributes(self, cls, restored):
        assert vars(restored(made(cls))) == vars(made(cls))

    def test_keeps_its_notes(self, cls, restored):
        error = made(cls)
        error.add_note("in the nightly batch")
        assert restored(error).__notes__ == ["in the nightly batch"]


def test_every_attribute_is_documented():
    undocumented = {
        (cls.__name__, name)
        for cls in TREE
        for name in vars(made(cls))
        if not any(f"\n    {name}: " in inspect.cleandoc(base.__doc__ or "") for base in cls.__mro__)
    }
    assert undocumented == set()


class TestTheTextOfAnApiError:
    def test_has_every_part(self):
        assert str(UnprocessableError(**API)).splitlines() == [
            "POST https://h/x answered 422 C: M",
            "  - $top: wrong (D)",
            "  the service requests to wait 2.5 s",
            "  request id: abc",
            "  Correct what the details name, then send the request again.",
        ]

    def test_says_that_the_answer_had_no_error_object(self):
        assert str(APIError(status=418, method="GET", url="u")).splitlines() == [
            "GET u answered 418 no error object in the answer",
            "  See the service's code and message for what to change.",
        ]

    @each(("code", "message", "expected"), [("C", None, "418 C"), (None, "M", "418 M")])
    def test_has_the_parts_that_the_service_sent(self, code, message, expected):
        first = str(APIError(status=418, method="GET", url="u", code=code, message=message)).splitlines()[0]
        assert first == f"GET u answered {expected}"

    def test_names_the_target_if_there_are_no_details(self):
        assert "  about: T" in str(APIError(status=418, method="GET", url="u", target="T"))

    def test_names_a_wait_of_0_seconds(self):
        assert "requests to wait 0 s" in str(RateLimitedError(status=429, method="GET", url="u", retry_after=0.0))

    @each(
        ("cls", "word"),
        [
            (AuthenticationError, "environment"),
            (PermissionDeniedError, "role"),
            (NotFoundError, "Check the id"),
            (ConflictError, "trigger again"),
            (UnprocessableError, "Correct"),
            (RateLimitedError, "quota"),
            (ServerError, "try again later"),
        ],
    )
    def test_ends_with_what_to_do(self, cls, word):
        assert word in str(cls(status=400, method="GET", url="u")).splitlines()[-1]


def test_the_details_of_an_api_error_are_a_tuple():
    assert APIError(**API).details == (ProblemDetail(code="D", message="wrong", target="$top"),)


class TestTheTextOfATransportError:
    def test_names_the_request_and_the_failure(self):
        assert str(ConnectionLostError("no connection", method="GET", url="u", sent=False)) == "GET u: no connection"

    @each("method", ["POST", "PUT", "DELETE"])
    def test_says_that_a_change_may_have_been_made(self, method):
        text = str(ConnectionLostError("it broke", method=method, url="u", sent=True))
        assert text == f"{method} u: it broke; it may have been carried out: check before sending it again"

    def test_says_nothing_about_a_change_that_was_not_sent(self):
        assert str(RequestTimeoutError("slow", method="POST", url="u", sent=False)) == "POST u: slow"

    def test_says_nothing_about_a_change_for_a_get(self):
        assert str(RequestTimeoutError("slow", method="GET", url="u", sent=True)) == "GET u: slow"


class TestTheTextOfADecodeError:
    def test_names_the_path_the_problem_and_the_value(self):
        text = str(DecodeError("expected a string", path="$.run.id", excerpt="5"))
        assert text.startswith("Unexpected answer at $.run.id: expected a string, found 5. ")

    def test_leaves_out_an_unknown_value(self):
        assert str(DecodeError("the body is empty")).startswith("Unexpected answer at $: the body is empty. ")

    def test_names_the_request(self):
        error = DecodeError("expected a string", path="$.run.id", excerpt="5").answering("GET https://h/x")
        assert str(error).startswith("Unexpected answer to GET https://h/x at $.run.id: expected a string, found 5. ")

    def test_names_possible_causes(self):
        assert str(DecodeError("the body is empty")).endswith("a proxy or gateway answers in its place.")


def test_answering_changes_only_the_source_of_a_decode_error():
    error = DecodeError("p", path="$.a", excerpt="e").answering("GET u")
    assert (error.problem, error.path, error.excerpt, error.source) == ("p", "$.a", "e", "GET u")


def test_a_watch_timeout_error_is_a_timeout_error():
    with pytest.raises(TimeoutError, match="no end"):
        raise made(WatchTimeoutError)


def test_a_watch_error_without_a_run_has_none():
    error = WatchTimeoutError("no end", ref=None)
    assert (error.ref, error.run) == (None, None)


def test_an_invalid_argument_error_is_a_value_error():
    with pytest.raises(ValueError, match="what happened"):
        raise made(InvalidArgumentError)


def test_the_failed_tasks_of_a_run_are_a_tuple():
    assert made(RunFailedError).failed_tasks == (TASK,)


def test_a_journal_in_use_names_the_process():
    assert made(JournalInUseError).pid == 42
