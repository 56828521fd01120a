"""What a watch reports, as frozen values.

Every event says its place in the watch (`seq`) and when the client learnt of it (`at`). Those that tell of a change in
the run carry the thing that changed as it is now, with its children as the snapshot has them; of two about one thing,
the first still lacks what the second tells.
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
    """Something happened in a watch.

    Attributes:
        seq: Its number in the watch, from 1, without holes.
        at: When the client learnt of it, by the client's clock, in UTC.
    """

    seq: int
    at: datetime

    def to_json(self) -> str:
        """Return the event as one line of JSON, in the API's spelling, with the name of its class as `event`.

        The jobs of a run are in `RunCompleted` only, and the tasks of a job in no event: the events of the jobs and
        tasks themselves have reported them.
        """
        return encode(event_to_builtins(self)).decode()


# On the way to a run of ours.


@frozen(kw_only=True)
class TriggerDelayed(WatchEvent):
    """A trigger came to nothing, and the watch will try again.

    Attributes:
        connection_id: The connection that was to be run.
        cause: Why it came to nothing.
        attempt: How many triggers have come to nothing in a row.
        delay: Seconds until the next.
    """

    connection_id: str
    cause: SynchronizationError
    attempt: int
    delay: float


@frozen(kw_only=True)
class RunEvent(WatchEvent):
    """Something about one run.

    Attributes:
        ref: The run.
    """

    ref: RunRef


@frozen(kw_only=True)
class RunTriggered(RunEvent):
    """The trigger created a run (202): it is ours, and the watch follows it.

    Attributes:
        recovered: Whether the answer to the trigger was lost and the run was found by looking for it.
    """

    recovered: bool = False


@frozen(kw_only=True)
class RunJoined(RunEvent):
    """A run was active already (303), and the watch follows it; what was uploaded since it started is not in it.

    Attributes:
        foreign: Whether it is a run of another connection of the iModel (`when_busy="join"` only).
    """

    foreign: bool = False


@frozen(kw_only=True)
class WaitingForIModel(RunEvent):
    """Another run occupies the iModel; ours is triggered after it. Comes again whenever that run has changed.

    Attributes:
        ref: The run that occupies the iModel: not ours.
        run: Its snapshot, `None` before the first look and when the service does not show it to this caller.
    """

    run: StorageRun | None = None


@frozen(kw_only=True)
class PollDelayed(RunEvent):
    """A look at a run failed in a way that may pass, and the watch will look again.

    Attributes:
        cause: How it failed.
        failures: How many looks have failed in a row.
        delay: Seconds until the next.
    """

    cause: SynchronizationError
    failures: int
    delay: float


@frozen(kw_only=True)
class UnknownValueSeen(RunEvent):
    """The service used a value that this package does not know; reported once for each value in a watch.

    An unknown state is taken for "still going", an unknown result is never success.

    Attributes:
        enum: Name of the enum, such as `ExecutionState`.
        value: The value as it came.
    """

    enum: str
    value: str


# Changes of the run itself.


@frozen(kw_only=True)
class RunChange(RunEvent):
    """The run as such changed.

    Attributes:
        run: The snapshot with the change.
    """

    run: StorageRun


@frozen(kw_only=True)
class RunAppeared(RunChange):
    """The run was seen for the first time."""


@frozen(kw_only=True)
class RunStateChanged(RunChange):
    """The run is in another state.

    Attributes:
        before: The state at the look before.
    """

    before: ExecutionState

    @property
    def transition(self) -> Transition:
        """What the change amounts to by the state table."""
        return classify(self.before, self.run.state)


@frozen(kw_only=True)
class RunPhaseChanged(RunChange):
    """The run works on something else.

    Attributes:
        before: The phase at the look before.
    """

    before: JobPhase | None


@frozen(kw_only=True)
class RunUpdated(RunChange):
    """Something else of the run changed: a date, its result, its error."""


@frozen(kw_only=True)
class RunCompleted(RunChange):
    """The run has ended, well or not: look at `run.result`, or call `run.raise_for_result()`. The last event."""


# Changes of a job.


@frozen(kw_only=True)
class JobChange(RunEvent):
    """A job changed.

    Attributes:
        job: The job with the change; as last seen if it vanished.
    """

    job: StorageJob


@frozen(kw_only=True)
class JobAppeared(JobChange):
    """A job was seen for the first time."""


@frozen(kw_only=True)
class JobStateChanged(JobChange):
    """A job is in another state.

    Attributes:
        before: The state at the look before.
    """

    before: ExecutionState

    @property
    def transition(self) -> Transition:
        """What the change amounts to by the state table."""
        return classify(self.before, self.job.state)


@frozen(kw_only=True)
class JobUpdated(JobChange):
    """Something else of a job changed: a date, its result."""


@frozen(kw_only=True)
class JobCompleted(JobChange):
    """A job has ended, well or not."""


@frozen(kw_only=True)
class JobVanished(JobChange):
    """The service no longer shows a job; its tasks vanished before it."""


# Changes of a task.


@frozen(kw_only=True)
class TaskChange(RunEvent):
    """A task changed.

    Attributes:
        job_id: The job that it belongs to.
        task: The task with the change; as last seen if it vanished.
    """

    job_id: str
    task: StorageTask


@frozen(kw_only=True)
class TaskAppeared(TaskChange):
    """A task was seen for the first time."""


@frozen(kw_only=True)
class TaskStateChanged(TaskChange):
    """A task is in another state.

    Attributes:
        before: The state at the look before.
    """

    before: ExecutionState

    @property
    def transition(self) -> Transition:
        """What the change amounts to by the state table."""
        return classify(self.before, self.task.state)


@frozen(kw_only=True)
class TaskRetried(TaskChange):
    """The service tries a task again: `task.retry_attempts` has grown.

    Attributes:
        before: The retries at the look before.
    """

    before: int


@frozen(kw_only=True)
class TaskUpdated(TaskChange):
    """Something else of a task changed: a date, its result, its error, its report."""


@frozen(kw_only=True)
class TaskCompleted(TaskChange):
    """A task has ended, well or not: look at `task.result` and `task.error`."""


@frozen(kw_only=True)
class TaskVanished(TaskChange):
    """The service no longer shows a task."""


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
