"""A run of a connection with its jobs and tasks (pages `get-storage-connection-runs` and `get-storage-connection-run`).

One job for each connector type, one task for each source file. The published schemas require no property, so all but
ids may be missing. Timestamps are aware UTC datetimes to the microsecond (the service sends seven fraction digits), and
the service's empty date, the year 1, is `None`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from attrs import field, frozen

from bentley_sync_async.errors import RunNotCompletedError, SynchronizationError
from bentley_sync_async.redaction import excerpt

from .enums import (
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    JobPhase,
    SuggestedAction,
    TaskErrorCategory,
    TaskErrorPhase,
    TaskErrorSystem,
)


@frozen(kw_only=True)
class RunErrorDetails:
    """The error of a run as a whole ("Run error details").

    Attributes:
        error_key: A stable key, such as `UserNotAuthenticated`. Match on this: several keys share a description.
        description: For people.
    """

    error_key: str | None = None
    description: str | None = None


@frozen(kw_only=True)
class RunSummary:
    """A run as a list shows it ("Run (summary)", `Prefer: return=minimal`).

    Attributes:
        id: The run's id.
        state: How far it is.
        result: How it ended.
    """

    id: str
    state: ExecutionState = ExecutionState.NOT_STARTED
    result: ExecutionResult = ExecutionResult.UNDETERMINED


@frozen(kw_only=True)
class TaskError:
    """Why a task failed ("task-error"). The pages show one beside the result Success: read the result first.

    Attributes:
        error_code: Such as `TAE_BRG_1000`.
        message: For people.
        details: More on the message.
        bridge_exit_code: The connector's exit code, 64 bits wide; the service sends -1 as 4294967295, too.
        system: The part of the service that reported the error.
        phase: The step at which it happened.
        category: What it has to do with.
        description_key: The key of the published error catalogue, such as `SourceFileNotFound`.
        description: For people. Several keys share one.
        kb_article_link: Where to read on; an empty string or `None` when there is no article.
        can_user_fix: Whether a person must correct the file, the permissions or the settings; trying again is no use.
    """

    error_code: str | None = None
    message: str | None = None
    details: str | None = None
    bridge_exit_code: int | None = None
    system: TaskErrorSystem | None = None
    phase: TaskErrorPhase | None = None
    category: TaskErrorCategory | None = None
    description_key: str | None = None
    description: str | None = None
    kb_article_link: str | None = None
    can_user_fix: bool | None = None


@frozen(kw_only=True)
class SynchronizationReport:
    """What a connector found in a file ("Synchronization report").

    Attributes:
        suggested_action: The most severe kind of issue.
        message: The error that explains the result; often empty.
        total_errors_count: Number of errors.
        total_warnings_count: Number of warnings.
        total_other_issues_count: Number of other issues.
    """

    suggested_action: SuggestedAction | None = None
    message: str | None = None
    total_errors_count: int | None = None
    total_warnings_count: int | None = None
    total_other_issues_count: int | None = None


@frozen(kw_only=True)
class TaskDetails:
    """Details of a task's result ("Task details").

    Attributes:
        synchronization_report: Absent until the task is completed.
    """

    synchronization_report: SynchronizationReport | None = None


@frozen(kw_only=True)
class StorageTask:
    """The work on one source file ("storage-task").

    Attributes:
        id: The task's id.
        start_date_time: When it started; `None` before that.
        end_date_time: When it ended; `None` before that.
        retry_attempts: How often it was tried again.
        storage_file_id: The file in Storage; `None` for a task of a manifest connection.
        source_file_id: The file of a manifest connection, by your own id; `None` for a task of a storage connection.
        state: How far it is.
        result: How it ended.
        error: Why it failed.
        details: The report on the file.
    """

    id: str
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    retry_attempts: int | None = None
    storage_file_id: str | None = None
    source_file_id: str | None = None
    state: ExecutionState = ExecutionState.NOT_STARTED
    result: ExecutionResult = ExecutionResult.UNDETERMINED
    error: TaskError | None = None
    details: TaskDetails | None = None

    @property
    def failed(self) -> bool:
        """Whether the task was completed with neither Success nor Skipped."""
        return self.state == ExecutionState.COMPLETED and self.result not in _NO_FAILURE


@frozen(kw_only=True)
class StorageJob:
    """The work of one connector on its files ("storage-job").

    Attributes:
        id: The job's id.
        start_date_time: When it started; `None` before that.
        end_date_time: When it ended; `None` before that.
        state: How far it is.
        result: How it ended.
        connector_type: The connector.
        tasks: One for each file, in the service's order, which may change.
    """

    id: str
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    state: ExecutionState = ExecutionState.NOT_STARTED
    result: ExecutionResult = ExecutionResult.UNDETERMINED
    connector_type: ConnectorType | None = None
    tasks: tuple[StorageTask, ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class StorageRun:
    """A snapshot of one synchronization ("storage-run").

    Attributes:
        id: The run's id.
        connection_id: The connection that it belongs to.
        start_date_time: When it started.
        end_date_time: When it ended; `None` before that.
        phase: What it works on.
        state: How far it is; only Completed is an end.
        result: How it ended; Completed with PartialSuccess is no success.
        error: Why it failed as a whole.
        jobs: One for each connector type; empty just after the start, when the service sends none or null.
    """

    id: str
    connection_id: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    phase: JobPhase | None = None
    state: ExecutionState = ExecutionState.NOT_STARTED
    result: ExecutionResult = ExecutionResult.UNDETERMINED
    error: RunErrorDetails | None = None
    jobs: tuple[StorageJob, ...] = field(default=(), repr=False)

    @property
    def completed(self) -> bool:
        """Whether the run has ended, well or not."""
        return self.state == ExecutionState.COMPLETED

    @property
    def succeeded(self) -> bool:
        """Whether the run has ended and its result is Success."""
        return self.completed and self.result == ExecutionResult.SUCCESS

    @property
    def duration(self) -> float | None:
        """Seconds that it took by the service's clock; `None` if it has not ended or the service does not say."""
        if not self.completed or self.start_date_time is None or self.end_date_time is None:
            return None
        return max((self.end_date_time - self.start_date_time).total_seconds(), 0.0)

    @property
    def tasks(self) -> Iterator[StorageTask]:
        """All tasks of all jobs."""
        return (task for job in self.jobs for task in job.tasks)

    @property
    def failed_tasks(self) -> tuple[StorageTask, ...]:
        """The tasks that were completed and are no success."""
        return tuple(task for task in self.tasks if task.failed)

    def raise_for_result(self) -> None:
        """Return if the run succeeded, or had nothing to do (Skipped); raise otherwise.

        Raises:
            RunFailedError: The result is any other, or one that this package does not know.
            RunNotCompletedError: The run is still going.
        """
        if not self.completed:
            raise RunNotCompletedError(f"Run {self.id} is still {self.state}; watch it to its end first.")
        if self.result not in _NO_FAILURE:
            raise RunFailedError(_failure_text(self), run=self, failed_tasks=self.failed_tasks)


class RunFailedError(SynchronizationError):
    """The run was completed without success (`StorageRun.raise_for_result`).

    Attributes:
        run: The completed run.
        failed_tasks: Its tasks that are no success, with their errors.
    """

    def __init__(self, text: str, *, run: StorageRun, failed_tasks: Sequence[StorageTask]) -> None:
        self.run = run
        self.failed_tasks = tuple(failed_tasks)
        super().__init__(text)


_LONGEST_LINE = 500
_FIXABLE = {
    True: "the user can fix it",
    False: "the user cannot fix it",
    None: "the service does not say whether the user can fix it",
}
_NO_FAILURE = frozenset({ExecutionResult.SUCCESS, ExecutionResult.SKIPPED})


def _failure_text(run: StorageRun) -> str:
    lines = [f"Run {run.id} of connection {run.connection_id} was completed with {run.result}."]
    if run.error is not None:
        lines.append("  " + excerpt(f"{run.error.error_key}: {run.error.description}", _LONGEST_LINE))
    lines += [_task_failure_text(task) for task in run.failed_tasks]
    return "\n".join(lines)


def _task_failure_text(task: StorageTask) -> str:
    file_id = task.storage_file_id or task.source_file_id
    file = f"file {file_id}" if file_id else f"task {task.id}"
    error = task.error
    if error is None:
        return f"  {file}: {task.result}, and the service gives no reason"
    fix = _FIXABLE[error.can_user_fix]
    article = f", see {excerpt(error.kb_article_link, _LONGEST_LINE)}" if error.kb_article_link else ""
    what = excerpt(f"{error.description_key or error.error_code}: {error.description or error.message}", _LONGEST_LINE)
    return f"  {file}: {what} ({fix}{article})"
