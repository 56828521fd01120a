"""The texts of events, errors and durations. Plain ASCII, as they may be written to any file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

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


def event_text(event: WatchEvent, names: DisplayNames, connection_id: str | None = None) -> str | None:
    """Return the text of an event; `None` if another event says it better (a changed date, the state Completed).

    Args:
        event: The event.
        names: The display names of connections and files.
        connection_id: The connection that is watched.
    """
    if isinstance(event, WaitingForIModel):
        return _waiting(event, names, connection_id)
    text = _TEXTS.get(type(event))
    return text(event, names) if text is not None else None


def _waiting(event: WaitingForIModel, names: DisplayNames, connection_id: str | None) -> str | None:
    if event.run is not None and event.run.completed:
        return None
    state = f", {event.run.state}" if event.run is not None else ""
    if event.ref.connection_id == connection_id:
        return f"waiting for the end of its own active run {event.ref.run_id}{state}"
    return f"waiting for the iModel, which is busy with {names.run(event.ref)}{state}"


def _triggered(event: RunTriggered, names: DisplayNames) -> str:
    found = " (the answer was lost, and the run was found)" if event.recovered else ""
    return f"triggered run {event.ref.run_id}{found}{names.where(event.ref)}"


def _joined(event: RunJoined, names: DisplayNames) -> str:
    run = names.run(event.ref) if event.foreign else f"run {event.ref.run_id}"
    return f"joined {run}, which was active already{names.where(event.ref)}"


def _job_appeared(event: JobAppeared, _: DisplayNames) -> str:
    number = len(event.job.tasks)
    return f"job {event.job.connector_type}: {event.job.state}, {number} file{'' if number == 1 else 's'}"


def _task_appeared(event: TaskAppeared, names: DisplayNames) -> str | None:
    return None if event.task.state == ExecutionState.COMPLETED else f"{names.file(event.task)}: {event.task.state}"


def _change(subject: str, before: ExecutionState, now: ExecutionState) -> str | None:
    return None if now == ExecutionState.COMPLETED else f"{subject}: {before} -> {now}"


def _cause(error: TaskError | RunErrorDetails | None) -> str:
    return f", {error_text(error)}" if error is not None else ""


def _task_error(task: StorageTask) -> TaskError | None:
    return task.error if task.failed else None  # the service shows errors beside Success, too


_TEXTS: Mapping[type[WatchEvent], Callable[[Any, DisplayNames], str | None]] = {
    TriggerDelayed: lambda event, _: f"not triggered yet, again in {event.delay:.1f} s: {first_line(event.cause)}",
    PollDelayed: lambda event, _: f"poll failed, next poll in {event.delay:.1f} s: {first_line(event.cause)}",
    RunTriggered: _triggered,
    RunJoined: _joined,
    UnknownValueSeen: lambda event, _: f"the service sent a new {event.enum}: {event.value}",
    RunAppeared: lambda event, _: f"run: {event.run.state}",
    RunStateChanged: lambda event, _: _change("run", event.before, event.run.state),
    RunPhaseChanged: lambda event, _: None if event.run.completed else f"run: phase {event.run.phase}",
    RunCompleted: lambda event, _: f"run completed: {event.run.result}{_cause(event.run.error)}",
    JobAppeared: _job_appeared,
    JobStateChanged: lambda event, _: _change(f"job {event.job.connector_type}", event.before, event.job.state),
    JobCompleted: lambda event, _: f"job {event.job.connector_type} completed: {event.job.result}",
    JobVanished: lambda event, _: f"job {event.job.connector_type} is no longer listed",
    TaskAppeared: _task_appeared,
    TaskStateChanged: lambda event, names: _change(names.file(event.task), event.before, event.task.state),
    TaskRetried: lambda event, names: f"{names.file(event.task)}: retry {event.task.retry_attempts}",
    TaskCompleted: lambda event, names: (
        f"{names.file(event.task)} completed: {event.task.result}{_cause(_task_error(event.task))}"
    ),
    TaskVanished: lambda event, names: f"{names.file(event.task)} is no longer listed",
}


def error_text(error: TaskError | RunErrorDetails, between: str = ": ") -> str:
    """Return the key of an error and the service's description of it, with a separator between them."""
    if isinstance(error, RunErrorDetails):
        parts = (error.error_key, error.description)
    else:
        parts = (error.description_key or error.error_code, error.description or error.message)
    return between.join(part for part in parts if part) or "no reason given"


def first_line(error: SynchronizationError) -> str:
    """Return the first line of an error's text; the others are advice."""
    return str(error).partition("\n")[0]


def result_style(result: ExecutionResult) -> str:
    """Return the colour of a result; an unknown one is no success."""
    return _STYLES.get(result, "red")


def duration_text(duration: timedelta) -> str:
    """Return a duration such as `2h 05m`, `3m 07s` or `12s`."""
    seconds = round(duration.total_seconds())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"
