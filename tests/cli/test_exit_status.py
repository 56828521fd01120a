import re

from support.quick import each

from bentley_sync_async import (
    AuthenticationError,
    ConfigurationError,
    ConnectionLostError,
    CredentialsError,
    ExecutionResult,
    ExecutionState,
    ForeignOriginError,
    IModelBusyError,
    InvalidArgumentError,
    JournalError,
    JournalInUseError,
    NotFoundError,
    PermissionDeniedError,
    RunVanishedError,
    ServerError,
    StorageRun,
    TokenUnavailableError,
    WatchFailedError,
    WatchTimeoutError,
)
from bentley_sync_async.bulk import BulkReport, Outcome, OutcomeStatus
from bentley_sync_async.cli.exit_codes import WORST, WORST_PUBLISH, ExitCode
from bentley_sync_async.cli.exit_status import code_of_error, code_of_publish, code_of_report, code_of_run
from bentley_sync_async.publish import FileAction, FileOutcome, FileStatus, PublishReport


def answered(kind, status):
    return kind(status=status, method="GET", url="http://127.0.0.1/")


@each(
    ("result", "code"),
    [
        ("Success", 0),
        ("Skipped", 0),
        ("PartialSuccess", 3),
        ("Error", 4),
        ("Canceled", 4),
        ("TimedOut", 4),
        ("Undetermined", 4),
        ("Miraculous", 4),
    ],
)
def test_the_result_of_a_run_decides_the_code(result, code):
    run = StorageRun(id="r", state=ExecutionState.COMPLETED, result=ExecutionResult(result))
    assert code_of_run(run) == code


@each(
    ("error", "code"),
    [
        (ConfigurationError("x"), 2),
        (InvalidArgumentError("x"), 2),
        (WatchTimeoutError("x", ref=None), 5),
        (answered(AuthenticationError, 401), 6),
        (answered(PermissionDeniedError, 403), 6),
        (CredentialsError("x"), 6),
        (IModelBusyError("x", ref=None), 7),
        (TokenUnavailableError("x"), 1),
        (answered(NotFoundError, 404), 1),
        (answered(ServerError, 500), 1),
        (ConnectionLostError("x", method="GET", url="http://127.0.0.1/", sent=False), 1),
        (WatchFailedError("x", ref=None), 1),
        (RunVanishedError("x", ref=None), 1),
        (ForeignOriginError("x"), 1),
        (JournalError("x"), 9),
        (JournalInUseError("x", pid=1), 9),
    ],
)
def test_the_kind_of_an_error_decides_the_code(error, code):
    assert code_of_error(error) == code


def code_of(*statuses):
    outcomes = tuple(Outcome(connection_id="c", status=OutcomeStatus(status)) for status in statuses)
    return code_of_report(BulkReport(outcomes=outcomes, began_at=None, duration=0.0))


@each(
    ("statuses", "code"),
    [
        ([], 0),
        (["succeeded", "skipped"], 0),
        (["succeeded", "partial success"], 3),
        (["partial success", "timed out"], 5),
        (["timed out", "failed", "partial success"], 4),
        (["failed", "refused", "timed out"], 8),
        (["failed", "detached"], 8),
    ],
)
def test_the_worst_of_its_connections_decides_the_code_of_a_bulk(statuses, code):
    assert code_of(*statuses) == code


def test_every_outcome_that_is_not_good_has_a_code_which_the_help_ranks():
    ranked = [int(code) for code in re.findall(r"\d", WORST)]
    bad = [status for status in OutcomeStatus if not Outcome(connection_id="c", status=status).good]
    assert {int(code_of(status)) for status in bad} == set(ranked)
    assert [int(code_of(*bad[place:])) for place in range(len(bad))] == [
        next(code for code in ranked if code in {int(code_of(status)) for status in bad[place:]})
        for place in range(len(bad))
    ]


def test_no_two_meanings_share_a_code():
    assert len({int(code) for code in ExitCode}) == len({code.meaning for code in ExitCode}) == len(ExitCode)


def published(files=(), runs=(), **rest):
    return PublishReport(
        files=tuple(FileOutcome(path="a", action=FileAction.UPLOAD, status=status) for status in files),
        runs=tuple(Outcome(connection_id="c", status=status) for status in runs),
        **rest,
    )


@each(
    ("report", "code"),
    [
        (published(), 0),
        (published([FileStatus.UPLOADED, FileStatus.UNCHANGED, FileStatus.KEPT], [OutcomeStatus.SKIPPED]), 0),
        (published([FileStatus.REFUSED], [OutcomeStatus.FAILED]), 9),
        (published([FileStatus.FAILED], [OutcomeStatus.SUCCEEDED]), 9),
        (published([FileStatus.UPLOADED], [OutcomeStatus.PARTIAL_SUCCESS, OutcomeStatus.SUCCEEDED]), 3),
        (published([FileStatus.WAITING], [OutcomeStatus.FAILED]), 4),
        (published([], [OutcomeStatus.TIMED_OUT]), 5),
        (published([], [OutcomeStatus.REFUSED, OutcomeStatus.FAILED]), 8),
        (published([FileStatus.WAITING]), 8),
        (published(not_run={"Nightly 1": "a could not be uploaded"}), 8),
    ],
)
def test_a_publish_exits_with_the_code_of_its_files_else_of_its_worst_run(report, code):
    assert code_of_publish(report) == code


def test_the_help_tells_the_codes_of_a_publish_in_this_order():
    statuses = [OutcomeStatus.REFUSED, OutcomeStatus.FAILED, OutcomeStatus.TIMED_OUT, OutcomeStatus.PARTIAL_SUCCESS]
    reports = [published([FileStatus.FAILED]), *(published([], [one]) for one in statuses)]
    assert [int(found) for found in re.findall(r"\d+", WORST_PUBLISH)] == [code_of_publish(one) for one in reports]
