"""The outcomes of a bulk's connections, and whether a failed run is worth a retry. Pure."""

import enum
from datetime import datetime

from attrs import evolve, field, frozen

from bentley_sync_async.errors import (
    APIError,
    ConflictError,
    InvalidArgumentError,
    RateLimitedError,
    ServerError,
    SynchronizationError,
)
from bentley_sync_async.models import ExecutionResult, RunRef, StorageRun, StorageTask, TaskErrorCategory
from bentley_sync_async.redaction import redact
from bentley_sync_async.watch.errors import WatchTimeoutError

_MAX_TEXT = 2000


class OutcomeStatus(enum.StrEnum):
    """The status of an outcome."""

    SUCCEEDED = "succeeded"
    """Its run was completed with Success."""
    PARTIAL_SUCCESS = "partial success"
    """Its run was completed with PartialSuccess: some files failed."""
    FAILED = "failed"
    """Its run was completed with any other result."""
    SKIPPED = "skipped"
    """Its run was completed with Skipped: there was nothing to do."""
    TIMED_OUT = "timed out"
    """The `timeout` ran out before its run was completed; the run goes on."""
    REFUSED = "refused"
    """The service refused to return the connection or to run it; the reason says why."""
    DETACHED = "detached"
    """The bulk ended, or could no longer follow the run, before it was completed; a triggered run goes on."""

    @classmethod
    def _missing_(cls, value: object) -> "OutcomeStatus | None":
        return cls.PARTIAL_SUCCESS if value == "partially" else None  # as journals of version 0.1 have it


def _presentable(text: str | None) -> str | None:
    """Return a text of the service as it may be kept and shown: without secrets, shortened, valid in any encoding."""
    if text is None:
        return None
    writable = text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate cannot be encoded
    shown = redact(writable[: 8 * _MAX_TEXT])
    if len(shown) > _MAX_TEXT:
        return f"{shown[:_MAX_TEXT]}…"
    return text if shown == text else shown  # the very same text: thousands of outcomes keep no copy of their ids


@frozen(kw_only=True)
class FailedFile:
    """A file that a run could not synchronize.

    Attributes:
        storage_file_id: The file in Storage; `None` for a task without one.
        source_file_id: The file of a manifest connection, by your own id; `None` for one in Storage.
        task_id: Its task; `None` in outcomes of earlier versions.
        file_name: The name that it had when a run read it last; `None` if it is not known.
        result: The result of its task.
        error_key: The key of the published error catalogue, such as `SourceFileNotFound`, or the error's code if it
            came without one; `None` if neither came.
        description: The service's description, for people; `None` if none came.
        can_user_fix: Whether a person must correct the file, the permissions or the settings.
        kb_article_link: The URL of the article to read; `None` if there is none.
    """

    storage_file_id: str | None = field(default=None, converter=_presentable)
    source_file_id: str | None = field(default=None, converter=_presentable)
    task_id: str | None = field(default=None, converter=_presentable)
    file_name: str | None = field(default=None, converter=_presentable)
    result: ExecutionResult = ExecutionResult.UNDETERMINED
    error_key: str | None = field(default=None, converter=_presentable)
    description: str | None = field(default=None, converter=_presentable)
    can_user_fix: bool | None = None
    kb_article_link: str | None = field(default=None, converter=_presentable)


@frozen(kw_only=True)
class Outcome:
    """The outcome of one connection of a bulk. It holds no secret, whatever the service sent.

    Attributes:
        connection_id: The connection; `None` if the connections of an iModel could not be listed.
        status: Whether and how it ended.
        imodel_id: Its iModel; `None` if unknown.
        display_name: Its name; `None` if unknown.
        ref: The run that was followed last; `None` if there was none.
        result: The result of that run; `None` if it was not completed.
        error_key: Why the run failed as a whole; `None` if the service gave no such reason.
        reason: Why there is no completed run, or the service's description of its failure, for people.
        failed_files: The files that it could not synchronize.
        joined: Whether the run was active already, triggered by another client.
        attempts: How many runs were triggered or joined; 0 if none was.
        began_at: When the run started; `None` if the service did not say.
        ended_at: When the run ended; `None` if it was not completed.
        waited: Seconds from the start of the bulk until the run was triggered; `None` if none was.
        requests: How many requests to the API it took, token requests not counted.
    """

    connection_id: str | None = field(converter=_presentable)
    status: OutcomeStatus
    imodel_id: str | None = field(default=None, converter=_presentable)
    display_name: str | None = field(default=None, converter=_presentable)
    ref: RunRef | None = None
    result: ExecutionResult | None = None
    error_key: str | None = field(default=None, converter=_presentable)
    reason: str | None = field(default=None, converter=_presentable)
    failed_files: tuple[FailedFile, ...] = ()
    joined: bool = False
    attempts: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    waited: float | None = None
    requests: int = 0

    @property
    def duration(self) -> float | None:
        """Seconds that the run took; `None` if it was not completed or the service gave no dates."""
        if self.began_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.began_at).total_seconds(), 0.0)

    @property
    def good(self) -> bool:
        """Whether the connection is up to date: its run succeeded, or had nothing to do."""
        return self.status in {OutcomeStatus.SUCCEEDED, OutcomeStatus.SKIPPED}


_BY_RESULT = {
    ExecutionResult.SUCCESS: OutcomeStatus.SUCCEEDED,
    ExecutionResult.PARTIAL_SUCCESS: OutcomeStatus.PARTIAL_SUCCESS,
    ExecutionResult.SKIPPED: OutcomeStatus.SKIPPED,
}


def status_of_run(run: StorageRun) -> OutcomeStatus:
    """Return the status for a completed run; an unknown result is a failure."""
    return _BY_RESULT.get(run.result, OutcomeStatus.FAILED)


def status_of_error(error: SynchronizationError) -> OutcomeStatus:
    """Return the status for an error that ended the resolution or the watch of a connection.

    A throttle, a conflict with other triggers and a failure of the service are no refusal: they say nothing about the
    connection.
    """
    match error:
        case WatchTimeoutError():
            return OutcomeStatus.TIMED_OUT
        case ConflictError() | RateLimitedError() | ServerError():
            return OutcomeStatus.DETACHED
        case APIError() | InvalidArgumentError():
            return OutcomeStatus.REFUSED
        case _:
            return OutcomeStatus.DETACHED


def failed_files(run: StorageRun) -> tuple[FailedFile, ...]:
    """Return the files that a completed run could not synchronize."""
    return tuple(_failed_file(task) for task in run.failed_tasks)


def _failed_file(task: StorageTask) -> FailedFile:
    failed = FailedFile(
        storage_file_id=task.storage_file_id,
        source_file_id=task.source_file_id,
        task_id=task.id,
        result=task.result,
    )
    if (error := task.error) is None:
        return failed
    return evolve(
        failed,
        error_key=error.description_key or error.error_code,
        description=error.description or error.message,
        can_user_fix=error.can_user_fix,
        kb_article_link=error.kb_article_link or None,
    )


# Errors that pass by themselves, judged by the published catalogue of errors (no page says so explicitly): network
# errors, the platform's own queues, nodes and downloads, and other users of the iModel at that moment. Any other key
# stays until a person changes something. AllFilesHaveFailed has the text "in the queue for too long".
_TRANSIENT_KEYS = frozenset(
    {
        "AffinityReportDownloadFailed",
        "AllFilesHaveFailed",
        "AnotherUserPushing",
        "BriefcaseCloseAndReopenFailed",
        "CloudJobNotFound",
        "CloudTaskNotFound",
        "ConnectionTimeout",
        "ExternalCommunicationError",
        "FailedToRetryTask",
        "LockError",
        "NetworkIssue",
        "NodeBecameUnusable",
        "RunSchedulingConflict",
        "SourceFileDownloadFailed",
        "TaskWasCancelled",
        "launchdarkly_init_failed",
    }
)
_TRANSIENT_RESULTS = frozenset({ExecutionResult.CANCELED, ExecutionResult.TIMED_OUT})


def is_retryable(run: StorageRun) -> bool:
    """Return whether a completed run failed for a cause that may have passed when it is run again.

    One file with such a cause is enough. If no file has one, and no file must be corrected by a person, the error of
    the run as a whole decides.
    """
    if run.result in {ExecutionResult.SUCCESS, ExecutionResult.SKIPPED}:
        return False
    failures = run.failed_tasks
    if any(_is_transient(task) for task in failures):
        return True
    if any(task.error is not None and task.error.can_user_fix for task in failures):
        return False
    key = run.error.error_key if run.error is not None else None
    return run.result in _TRANSIENT_RESULTS if key is None else key in _TRANSIENT_KEYS


def _is_transient(task: StorageTask) -> bool:
    error = task.error
    if error is None:
        return task.result in _TRANSIENT_RESULTS
    # By the catalogue a user can fix AnotherUserPushing, but it passes by itself.
    if error.description_key in _TRANSIENT_KEYS:
        return True
    return error.category == TaskErrorCategory.NETWORK and not error.can_user_fix
