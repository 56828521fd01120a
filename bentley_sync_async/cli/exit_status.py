"""The exit code for a run, an error or a bulk."""

from __future__ import annotations

from bentley_sync_async import (
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
from bentley_sync_async.bulk import BulkReport, OutcomeStatus

from .exit_codes import ExitCode

_BY_RESULT = {
    ExecutionResult.SUCCESS: ExitCode.SUCCESS,
    ExecutionResult.SKIPPED: ExitCode.SUCCESS,
    ExecutionResult.PARTIAL_SUCCESS: ExitCode.PARTIAL_SUCCESS,
}

_BY_ERROR: tuple[tuple[type[SynchronizationError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.USAGE),
    (InvalidArgumentError, ExitCode.USAGE),
    (AuthenticationError, ExitCode.AUTH),
    (PermissionDeniedError, ExitCode.AUTH),
    (CredentialsError, ExitCode.AUTH),
    (SignInError, ExitCode.AUTH),
    (WatchTimeoutError, ExitCode.TIMEOUT),
    (IModelBusyError, ExitCode.BUSY),
    (JournalError, ExitCode.FILES),
)

# The worst first.
_BY_STATUS = {
    OutcomeStatus.REFUSED: ExitCode.NOT_RUN,
    OutcomeStatus.DETACHED: ExitCode.NOT_RUN,
    OutcomeStatus.FAILED: ExitCode.FAILURE,
    OutcomeStatus.TIMED_OUT: ExitCode.TIMEOUT,
    OutcomeStatus.PARTIAL_SUCCESS: ExitCode.PARTIAL_SUCCESS,
}


def code_of_run(run: StorageRun) -> ExitCode:
    """Return the exit code for a completed run; an unknown result is no success."""
    return _BY_RESULT.get(run.result, ExitCode.FAILURE)


def code_of_error(error: SynchronizationError) -> ExitCode:
    """Return the exit code for an error."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.ERROR)


def code_of_report(report: BulkReport) -> ExitCode:
    """Return the exit code for a bulk: that of its worst connection."""
    counts = report.counts
    return next((code for status, code in _BY_STATUS.items() if counts[status]), ExitCode.SUCCESS)
