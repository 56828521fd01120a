"""What an event, an error and a duration are in words; plain ASCII, as the words may go to any file."""

from __future__ import annotations

from datetime import timedelta
from functools import singledispatch

from bentley_sync_async import (
    ExecutionResult,
    ExecutionState,
    JobAppeared,
    JobCompleted,
    JobStateChanged,
    JobVanished,
    PollDelayed,
    RunAppeared,
    RunCompleted,
    RunJoined,
    RunPhaseChanged,
    RunStateChanged,
    RunTriggered,
    StorageTask,
    SynchronizationError,
    TaskAppeared,
    TaskCompleted,
    TaskError,
    TaskRetried,
    TaskStateChanged,
    TaskVanished,
    TriggerDelayed,
    UnknownValueSeen,
    WaitingForIModel,
    WatchEvent,
)
from bentley_sync_async.models import RunErrorDetails

from .display_names import DisplayNames

FIXABLE = {True: "yes", False: "no", None: "?"}
"""Whether the user can fix an error, in a word."""


_STYLES = {
    ExecutionResult.SUCCESS: "green",
    ExecutionResult.SKIPPED: "green",
    ExecutionResult.PARTIAL_SUCCESS: "yellow",
}


def words(event: WatchEvent, names: DisplayNames, connection_id: str | None = None) -> str | None:
    """Return what an event tells, or `None` if another event tells it better (a changed date, the state Completed).

    Args:
        event: The event.
        names: The names that are known.
        connection_id: The connection that is watched.
    """
    if isinstance(event, WaitingForIModel):
        return _waiting(event, names, connection_id)
    return _told(event, names)


def _waiting(event: WaitingForIModel, names: DisplayNames, connection_id: str | None) -> str | None:
    if event.run is not None and event.run.completed:
        return None
    state = f", {event.run.state}" if event.run is not None else ""
    if event.ref.connection_id == connection_id:
        return f"waits for the end of its own active run {event.ref.run_id}{state}"
    return f"waits for the iModel, which is busy with {names.run(event.ref)}{state}"


@singledispatch
def _told(event: WatchEvent, names: DisplayNames) -> str | None:
    del event, names
    return None


@_told.register
def _trigger_delayed(event: TriggerDelayed, names: DisplayNames) -> str:
    del names
    return f"not triggered yet, again in {event.delay:.1f} s: {first_line(event.cause)}"


@_told.register
def _poll_delayed(event: PollDelayed, names: DisplayNames) -> str:
    del names
    return f"no news, next look in {event.delay:.1f} s: {first_line(event.cause)}"


@_told.register
def _triggered(event: RunTriggered, names: DisplayNames) -> str:
    found = " (its answer was lost, the run was found)" if event.recovered else ""
    return f"triggered run {event.ref.run_id}{found}{names.where(event.ref)}"


@_told.register
def _joined(event: RunJoined, names: DisplayNames) -> str:
    what = names.run(event.ref) if event.foreign else f"run {event.ref.run_id}"
    return f"joined {what}, which was active already{names.where(event.ref)}"


@_told.register
def _unknown(event: UnknownValueSeen, names: DisplayNames) -> str:
    del names
    return f"the service uses a new {event.enum}: {event.value}"


@_told.register
def _run_appeared(event: RunAppeared, names: DisplayNames) -> str:
    del names
    return f"run: {event.run.state}"


@_told.register
def _run_state(event: RunStateChanged, names: DisplayNames) -> str | None:
    del names
    return _change("run", event.before, event.run.state)


@_told.register
def _run_phase(event: RunPhaseChanged, names: DisplayNames) -> str | None:
    del names
    return None if event.run.completed else f"run: phase {event.run.phase}"


@_told.register
def _run_completed(event: RunCompleted, names: DisplayNames) -> str:
    del names
    return f"run completed: {event.run.result}{_because(event.run.error)}"


@_told.register
def _job_appeared(event: JobAppeared, names: DisplayNames) -> str:
    del names
    number = len(event.job.tasks)
    return f"job {event.job.connector_type}: {event.job.state}, {number} file{'' if number == 1 else 's'}"


@_told.register
def _job_state(event: JobStateChanged, names: DisplayNames) -> str | None:
    del names
    return _change(f"job {event.job.connector_type}", event.before, event.job.state)


@_told.register
def _job_completed(event: JobCompleted, names: DisplayNames) -> str:
    del names
    return f"job {event.job.connector_type} completed: {event.job.result}"


@_told.register
def _job_vanished(event: JobVanished, names: DisplayNames) -> str:
    del names
    return f"job {event.job.connector_type} is no longer listed"


@_told.register
def _task_appeared(event: TaskAppeared, names: DisplayNames) -> str | None:
    return None if event.task.state == ExecutionState.COMPLETED else f"{names.file(event.task)}: {event.task.state}"


@_told.register
def _task_state(event: TaskStateChanged, names: DisplayNames) -> str | None:
    return _change(names.file(event.task), event.before, event.task.state)


@_told.register
def _task_retried(event: TaskRetried, names: DisplayNames) -> str:
    return f"{names.file(event.task)}: retry {event.task.retry_attempts}"


@_told.register
def _task_completed(event: TaskCompleted, names: DisplayNames) -> str:
    return f"{names.file(event.task)} completed: {event.task.result}{_because(_error(event.task))}"


@_told.register
def _task_vanished(event: TaskVanished, names: DisplayNames) -> str:
    return f"{names.file(event.task)} is no longer listed"


def _change(what: str, before: ExecutionState, now: ExecutionState) -> str | None:
    return None if now == ExecutionState.COMPLETED else f"{what}: {before} -> {now}"


def _error(task: StorageTask) -> TaskError | None:
    return task.error if task.failed else None  # the service shows errors beside Success, too


def _because(error: TaskError | RunErrorDetails | None) -> str:
    return f", {error_words(error)}" if error is not None else ""


def error_words(error: TaskError | RunErrorDetails, between: str = ": ") -> str:
    """Return the key of an error and what the service says of it, with something between them."""
    if isinstance(error, RunErrorDetails):
        parts = (error.error_key, error.description)
    else:
        parts = (error.description_key or error.error_code, error.description or error.message)
    return between.join(part for part in parts if part) or "no reason given"


def first_line(error: SynchronizationError) -> str:
    """Return the first line of an error's text; the others are advice."""
    return str(error).partition("\n")[0]


def result_style(result: ExecutionResult) -> str:
    """Return the colour of a result; one that nobody knows is no success."""
    return _STYLES.get(result, "red")


def duration_words(lasted: timedelta) -> str:
    """Return a duration as people say it."""
    seconds = round(lasted.total_seconds())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"
