"""The snapshot that events lead to: the inverse of `diff`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from attrs import evolve

from bentley_sync_async.models import StorageJob, StorageRun, StorageTask

from .events import JobChange, JobVanished, RunChange, TaskChange, TaskVanished, WatchEvent


def fold(events: Iterable[WatchEvent], start: StorageRun | None = None) -> StorageRun | None:
    """Return the snapshot that the events lead to.

    For all events of a watch from the first that is its last snapshot, up to the order of the children.

    Args:
        events: In the order of their `seq`.
        start: The snapshot before the first event; `None` if there is none.
    """
    return reduce(_apply, events, start)


def _apply(run: StorageRun | None, event: WatchEvent) -> StorageRun | None:
    match event:
        case RunChange():
            return evolve(event.run, jobs=run.jobs if run is not None else ())
        case JobChange() if run is not None:
            return evolve(run, jobs=_with_job(run.jobs, event))
        case TaskChange() if run is not None:
            return evolve(
                run, jobs=tuple(_with_task(job, event) if job.id == event.job_id else job for job in run.jobs)
            )
        case _:
            return run


def _with_job(jobs: tuple[StorageJob, ...], event: JobChange) -> tuple[StorageJob, ...]:
    by_id = {job.id: job for job in jobs}
    before = by_id.pop(event.job.id, None)
    if not isinstance(event, JobVanished):
        by_id[event.job.id] = evolve(event.job, tasks=before.tasks if before is not None else ())
    return tuple(by_id.values())


def _with_task(job: StorageJob, event: TaskChange) -> StorageJob:
    by_id: dict[str, StorageTask] = {task.id: task for task in job.tasks}
    by_id.pop(event.task.id, None)
    if not isinstance(event, TaskVanished):
        by_id[event.task.id] = event.task
    return evolve(job, tasks=tuple(by_id.values()))
