"""A user's program that tells every event from the others. Type checkers read it; nothing runs it."""

from typing import assert_type

from bentley_sync_async import (
    ExecutionState,
    JobAppeared,
    JobCompleted,
    JobPhase,
    JobStateChanged,
    JobUpdated,
    JobVanished,
    PollDelayed,
    RunAppeared,
    RunCompleted,
    RunJoined,
    RunPhaseChanged,
    RunRef,
    RunStateChanged,
    RunTriggered,
    RunUpdated,
    StorageJob,
    StorageRun,
    StorageTask,
    SynchronizationError,
    TaskAppeared,
    TaskCompleted,
    TaskError,
    TaskRetried,
    TaskStateChanged,
    TaskUpdated,
    TaskVanished,
    TriggerDelayed,
    UnknownValueSeen,
    WaitingForIModel,
    WatchEvent,
)
from bentley_sync_async.models import Transition


def told(event: WatchEvent) -> str:  # noqa: PLR0912 - one for each event
    match event:
        case TriggerDelayed(connection_id=connection_id, cause=cause, attempt=attempt, delay=delay):
            assert_type((connection_id, cause, attempt, delay), tuple[str, SynchronizationError, int, float])
        case RunTriggered(ref=ref, recovered=recovered):
            assert_type((ref, recovered), tuple[RunRef, bool])
        case RunJoined(foreign=foreign):
            assert_type(foreign, bool)
        case WaitingForIModel(run=run):
            assert_type(run, StorageRun | None)
        case PollDelayed(cause=cause, failures=failures, delay=delay):
            assert_type((cause, failures, delay), tuple[SynchronizationError, int, float])
        case UnknownValueSeen(enum=enum, value=value):
            assert_type((enum, value), tuple[str, str])
        case RunStateChanged(before=before):
            assert_type((before, event.transition), tuple[ExecutionState, Transition])
        case RunPhaseChanged(before=phase):
            assert_type(phase, JobPhase | None)
        case RunAppeared(run=seen) | RunUpdated(run=seen) | RunCompleted(run=seen):
            assert_type(seen, StorageRun)
        case JobStateChanged(before=before):
            assert_type((before, event.transition), tuple[ExecutionState, Transition])
        case JobAppeared(job=job) | JobUpdated(job=job) | JobCompleted(job=job) | JobVanished(job=job):
            assert_type(job, StorageJob)
        case TaskCompleted(task=task) if task.error is not None:
            assert_type((task, task.error), tuple[StorageTask, TaskError])
        case TaskStateChanged(before=before, job_id=job_id):
            assert_type((before, job_id, event.transition), tuple[ExecutionState, str, Transition])
        case TaskRetried(before=retries):
            assert_type(retries, int)
        case TaskAppeared(task=task) | TaskUpdated(task=task) | TaskCompleted(task=task) | TaskVanished(task=task):
            assert_type(task, StorageTask)
        case _:
            return str(event.seq)
    return type(event).__name__
