"""The exit code for a run, an error, a bulk or a publish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bentley_sync_async import (
    AmbiguousNameError,
    AuthenticationError,
    ConfigurationError,
    CredentialsError,
    ExecutionResult,
    IModelBusyError,
    InvalidArgumentError,
    JournalError,
    PermissionDeniedError,
    SignInError,
    StorageRun,
    SynchronizationError,
    WatchTimeoutError,
)

from .exit_codes import ExitCode

if TYPE_CHECKING:
    from bentley_sync_async.bulk import BulkReport, OutcomeStatus
    from bentley_sync_async.publish import PublishReport

_BY_RESULT = {
    ExecutionResult.SUCCESS: ExitCode.SUCCESS,
    ExecutionResult.SKIPPED: ExitCode.SUCCESS,
    ExecutionResult.PARTIAL_SUCCESS: ExitCode.PARTIAL_SUCCESS,
}

_BY_ERROR: tuple[tuple[type[SynchronizationError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.USAGE),
    (InvalidArgumentError, ExitCode.USAGE),
    (AmbiguousNameError, ExitCode.USAGE),
    (AuthenticationError, ExitCode.AUTH),
    (PermissionDeniedError, ExitCode.AUTH),
    (CredentialsError, ExitCode.AUTH),
    (SignInError, ExitCode.AUTH),
    (WatchTimeoutError, ExitCode.TIMEOUT),
    (IModelBusyError, ExitCode.BUSY),
    (JournalError, ExitCode.FILES),
)


def code_of_run(run: StorageRun) -> ExitCode:
    """Return the exit code for a completed run; an unknown result is no success."""
    return _BY_RESULT.get(run.result, ExitCode.FAILURE)


def code_of_error(error: SynchronizationError) -> ExitCode:
    """Return the exit code for an error."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.ERROR)


def code_of_report(report: BulkReport) -> ExitCode:
    """Return the exit code for a bulk: that of its worst connection."""
    return _worst(outcome.status for outcome in report.outcomes)


def code_of_publish(report: PublishReport) -> ExitCode:
    """Return the exit code for a publish: that of its files, else that of its worst run."""
    from bentley_sync_async.publish import FileStatus  # noqa: PLC0415

    if report.counts[FileStatus.REFUSED] or report.counts[FileStatus.FAILED]:
        return ExitCode.FILES
    code = _worst(run.status for run in report.runs)
    return code or (ExitCode.SUCCESS if report.good else ExitCode.NOT_RUN)


def _worst(statuses: Iterable[OutcomeStatus]) -> ExitCode:
    from bentley_sync_async.bulk import OutcomeStatus  # noqa: PLC0415 - most commands need no bulk

    by_status = {  # the worst first
        OutcomeStatus.REFUSED: ExitCode.NOT_RUN,
        OutcomeStatus.DETACHED: ExitCode.NOT_RUN,
        OutcomeStatus.FAILED: ExitCode.FAILURE,
        OutcomeStatus.TIMED_OUT: ExitCode.TIMEOUT,
        OutcomeStatus.PARTIAL_SUCCESS: ExitCode.PARTIAL_SUCCESS,
    }
    seen = set(statuses)
    return next((code for status, code in by_status.items() if status in seen), ExitCode.SUCCESS)
