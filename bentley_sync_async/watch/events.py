"""The events of a watch, as frozen values.

Every event has a number in its watch (`seq`) and the instant when the client observed it (`at`). An event about a
change carries the run, job or task as it is after the change, with its children as in the snapshot; of two events about
the same run, job or task, the first still lacks what the second reports.
"""

from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import (
    ExecutionState,
    JobPhase,
    RunRef,
    StorageJob,
    StorageRun,
    StorageTask,
    Transition,
)
from bentley_sync_async.models.states import classify
from bentley_sync_async.wire.codec import encode, to_builtins


@frozen(kw_only=True)
class WatchEvent:
    """Any event of a watch.

    Attributes:
        seq: Its number in the watch, from 1, without holes.
        at: When the client observed it, by the client's clock, in UTC.
    """

    seq: int
    at: datetime

    def to_json(self) -> str:
        """Return the event as one line of JSON, in the API's spelling, with the name of its class as `event`.

        The jobs of a run are in `RunCompleted` only, and the tasks of a job in no event: the events of the jobs and
        tasks themselves have reported them.
        """
        return encode(event_to_builtins(self)).decode()


# Before there is a run.


@frozen(kw_only=True)
class TriggerDelayed(WatchEvent):
    """A trigger failed, and the watch will trigger again.

    Attributes:
        connection_id: The connection that was triggered.
        cause: How it failed.
        attempt: How many triggers have failed in a row.
        delay: Seconds until the next.
    """

    connection_id: str
    cause: SynchronizationError
    attempt: int
    delay: float


@frozen(kw_only=True)
class RunEvent(WatchEvent):
    """An event about one run.

    Attributes:
        ref: The run.
    """

    ref: RunRef


@frozen(kw_only=True)
class RunTriggered(RunEvent):
    """The trigger created a run (202), and the watch follows it.

    Attributes:
        recovered: Whether the answer to the trigger was lost and the watch found the run by a search.
    """

    recovered: bool = False


@frozen(kw_only=True)
class RunJoined(RunEvent):
    """A run was active already (303), and the watch follows it; files uploaded since its start are not in it.

    Attributes:
        foreign: Whether it is a run of another connection of the iModel (`when_busy="join"` only).
    """

    foreign: bool = False


@frozen(kw_only=True)
class WaitingForIModel(RunEvent):
    """Another run is active on the iModel; ours is triggered after it. Emitted again whenever that run has changed.

    Attributes:
        ref: The run that is active, not ours.
        run: Its snapshot; `None` before the first poll, and when the service does not show it to this caller.
    """

    run: StorageRun | None = None


@frozen(kw_only=True)
class PollDelayed(RunEvent):
    """A poll failed for a transient cause, and the watch will poll again.

    Attributes:
        cause: How it failed.
        failures: How many polls have failed in a row.
        delay: Seconds until the next.
    """

    cause: SynchronizationError
    failures: int
    delay: float


@frozen(kw_only=True)
class UnknownValueSeen(RunEvent):
    """The service sent an enum value that this package does not know; emitted once per value in a watch.

    An unknown state counts as "still going", and an unknown result is never success.

    Attributes:
        enum: Name of the enum, such as `ExecutionState`.
        value: The value as the service sent it.
    """

    enum: str
    value: str


# Changes of the run itself.


@frozen(kw_only=True)
class RunChange(RunEvent):
    """The run itself changed.

    Attributes:
        run: The snapshot after the change.
    """

    run: StorageRun


@frozen(kw_only=True)
class RunAppeared(RunChange):
    """The first snapshot of the run."""


@frozen(kw_only=True)
class RunStateChanged(RunChange):
    """The run is in another state.

    Attributes:
        before: The state at the previous poll.
    """

    before: ExecutionState

    @property
    def transition(self) -> Transition:
        """The kind of this change by the state table."""
        return classify(self.before, self.run.state)


@frozen(kw_only=True)
class RunPhaseChanged(RunChange):
    """The run is in another phase.

    Attributes:
        before: The phase at the previous poll.
    """

    before: JobPhase | None


@frozen(kw_only=True)
class RunUpdated(RunChange):
    """Another field of the run changed: a date, its result, its error."""


@frozen(kw_only=True)
class RunCompleted(RunChange):
    """The run has ended; `run.result` says how, `run.raise_for_result()` raises if it failed. The last event."""


# Changes of a job.


@frozen(kw_only=True)
class JobChange(RunEvent):
    """A job changed.

    Attributes:
        job: The job after the change; as it was last seen if it vanished.
    """

    job: StorageJob


@frozen(kw_only=True)
class JobAppeared(JobChange):
    """A job was listed for the first time."""


@frozen(kw_only=True)
class JobStateChanged(JobChange):
    """A job is in another state.

    Attributes:
        before: The state at the previous poll.
    """

    before: ExecutionState

    @property
    def transition(self) -> Transition:
        """The kind of this change by the state table."""
        return classify(self.before, self.job.state)


@frozen(kw_only=True)
class JobUpdated(JobChange):
    """Another field of a job changed: a date, its result."""


@frozen(kw_only=True)
class JobCompleted(JobChange):
    """A job has ended; `job.result` says how."""


@frozen(kw_only=True)
class JobVanished(JobChange):
    """The service no longer lists a job; its tasks vanished before it."""


# Changes of a task.


@frozen(kw_only=True)
class TaskChange(RunEvent):
    """A task changed.

    Attributes:
        job_id: The job of the task.
        task: The task after the change; as it was last seen if it vanished.
    """

    job_id: str
    task: StorageTask


@frozen(kw_only=True)
class TaskAppeared(TaskChange):
    """A task was listed for the first time."""


@frozen(kw_only=True)
class TaskStateChanged(TaskChange):
    """A task is in another state.

    Attributes:
        before: The state at the previous poll.
    """

    before: ExecutionState

    @property
    def transition(self) -> Transition:
        """The kind of this change by the state table."""
        return classify(self.before, self.task.state)


@frozen(kw_only=True)
class TaskRetried(TaskChange):
    """The service retries a task: `task.retry_attempts` has grown.

    Attributes:
        before: The retry attempts at the previous poll.
    """

    before: int


@frozen(kw_only=True)
class TaskUpdated(TaskChange):
    """Another field of a task changed: a date, its result, its error, its report."""


@frozen(kw_only=True)
class TaskCompleted(TaskChange):
    """A task has ended; `task.result` and `task.error` say how."""


@frozen(kw_only=True)
class TaskVanished(TaskChange):
    """The service no longer lists a task."""


def event_to_builtins(event: WatchEvent) -> dict[str, Any]:
    """Return an event as the dicts and lists that its JSON is made of; see `WatchEvent.to_json`."""
    match event:
        case RunCompleted():
            pass
        case RunChange():
            event = evolve(event, run=evolve(event.run, jobs=()))
        case WaitingForIModel(run=StorageRun() as run):
            event = evolve(event, run=evolve(run, jobs=()))
        case JobChange():
            event = evolve(event, job=evolve(event.job, tasks=()))
        case _:
            pass
    return {"event": type(event).__name__, **to_builtins(event)}
