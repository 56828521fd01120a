"""What the exit code says to a script: one table, which the help and the README print."""

from __future__ import annotations

import enum
from typing import Self

from bentley_sync_async import (
    AuthenticationError,
    BulkReport,
    ConfigurationError,
    CredentialsError,
    ExecutionResult,
    IModelBusyError,
    InvalidArgumentError,
    JournalError,
    OutcomeStatus,
    PermissionDeniedError,
    StorageRun,
    SynchronizationError,
    WatchTimeoutError,
)


class ExitCode(enum.IntEnum):
    """An exit code and its meaning.

    Attributes:
        meaning: What it says, in a few words.
    """

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a member of the table."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    SUCCESS = 0, "the run succeeded, or had nothing to do"
    ERROR = 1, "the service, or the way to it, failed; a run may go on"
    USAGE = 2, "wrong arguments or settings; nothing was sent"
    PARTIAL_SUCCESS = 3, "the run ended with PartialSuccess"
    FAILURE = 4, "the run ended with Error or any other result"
    TIMEOUT = 5, "--timeout ran out; the run goes on"
    AUTH = 6, "the credentials were refused or lack a permission"
    BUSY = 7, "--when-busy fail, and the iModel was busy"
    NOT_RUN = 8, "bulk: a connection was refused, or its run lost sight of"
    FILES = 9, "bulk: the journal, or the report's file, could not be used; a run may go on"
    DETACHED = 130, "Ctrl-C, or nobody read the output any more; the run goes on"
    TERMINATED = 143, "SIGTERM; the run goes on"


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
    OutcomeStatus.PARTIALLY: ExitCode.PARTIAL_SUCCESS,
}

WORST = "A bulk exits with the worst that came of a connection: 8, else 4, 5 or 3, in this order."
"""How many connections make one exit code, for people."""


def code_of_run(run: StorageRun) -> ExitCode:
    """Return what a completed run amounts to; a result that nobody knows is no success."""
    return _BY_RESULT.get(run.result, ExitCode.FAILURE)


def code_of_error(error: SynchronizationError) -> ExitCode:
    """Return what an error amounts to."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.ERROR)


def code_of_report(report: BulkReport) -> ExitCode:
    """Return what a bulk amounts to: the worst of its connections."""
    counts = report.counts
    return next((code for status, code in _BY_STATUS.items() if counts[status]), ExitCode.SUCCESS)
