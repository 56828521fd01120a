"""What changed between two snapshots of a run, as events. Pure.

The order of the events keeps the stream's promises: a parent appears before its children, and what ends, ends after its
children. Nothing that a service may send raises: children may be reordered, vanish, come back, or reopen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import attrs
from attrs import evolve

from bentley_sync_async.models import ExecutionState, OpenEnum, RunRef, StorageJob, StorageRun, StorageTask

from .events import (
    JobAppeared,
    JobCompleted,
    JobStateChanged,
    JobUpdated,
    JobVanished,
    RunAppeared,
    RunCompleted,
    RunEvent,
    RunPhaseChanged,
    RunStateChanged,
    RunUpdated,
    TaskAppeared,
    TaskCompleted,
    TaskRetried,
    TaskStateChanged,
    TaskUpdated,
    TaskVanished,
)

# An event that still lacks its seq, instant and ref.
_Change = Callable[..., RunEvent]


class _Child(Protocol):
    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=_Child)


def diff(last: StorageRun | None, now: StorageRun, *, ref: RunRef, at: datetime, seq: int = 1) -> tuple[RunEvent, ...]:
    """Return the events that lead from one snapshot to the next.

    Args:
        last: The snapshot before; `None` if there was none.
        now: The snapshot.
        ref: The run.
        at: When `now` arrived.
        seq: The number of the first event.
    """
    if last is now:
        return ()
    return tuple(change(seq=number, at=at, ref=ref) for number, change in enumerate(_run(last, now), seq))


def unknown_values(value: object) -> Iterator[OpenEnum]:
    """Yield every enum value inside a snapshot that this package does not know."""
    cls = type(value)
    if isinstance(value, OpenEnum):
        if not value.known:
            yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from unknown_values(item)
    elif attrs.has(cls):
        for field in attrs.fields(cls):
            yield from unknown_values(getattr(value, field.name))


def _run(last: StorageRun | None, now: StorageRun) -> Iterator[_Change]:
    jobs = last.jobs if last is not None else ()
    if last is None:
        yield partial(RunAppeared, run=now)
        yield from _jobs(jobs, now.jobs)
        if _ended(now):
            yield partial(RunCompleted, run=now)
        return
    state_changed = partial(RunStateChanged, run=now, before=last.state) if last.state != now.state else None
    if state_changed and not _ended(now):
        yield state_changed
    if last.phase != now.phase:
        yield partial(RunPhaseChanged, run=now, before=last.phase)
    elif not state_changed and evolve(last, jobs=()) != evolve(now, jobs=()):
        yield partial(RunUpdated, run=now)
    yield from _jobs(jobs, now.jobs)
    if state_changed and _ended(now):
        yield state_changed
        yield partial(RunCompleted, run=now)


def _jobs(last: Iterable[StorageJob], now: Iterable[StorageJob]) -> Iterator[_Change]:
    before, after = _by_id(last), _by_id(now)
    for job in after.values():
        yield from _job(before.get(job.id), job)
    for gone in before.keys() - after.keys():
        yield from _tasks(gone, before[gone].tasks, ())
        yield partial(JobVanished, job=before[gone])


def _job(last: StorageJob | None, now: StorageJob) -> Iterator[_Change]:
    if last is None:
        yield partial(JobAppeared, job=now)
        yield from _tasks(now.id, (), now.tasks)
        if _ended(now):
            yield partial(JobCompleted, job=now)
        return
    state_changed = partial(JobStateChanged, job=now, before=last.state) if last.state != now.state else None
    if state_changed and not _ended(now):
        yield state_changed
    elif not state_changed and evolve(last, tasks=()) != evolve(now, tasks=()):
        yield partial(JobUpdated, job=now)
    yield from _tasks(now.id, last.tasks, now.tasks)
    if state_changed and _ended(now):
        yield state_changed
        yield partial(JobCompleted, job=now)


def _tasks(job_id: str, last: Iterable[StorageTask], now: Iterable[StorageTask]) -> Iterator[_Change]:
    before, after = _by_id(last), _by_id(now)
    for task in after.values():
        yield from _task(job_id, before.get(task.id), task)
    for gone in before.keys() - after.keys():
        yield partial(TaskVanished, job_id=job_id, task=before[gone])


def _task(job_id: str, last: StorageTask | None, now: StorageTask) -> Iterator[_Change]:
    if last is None:
        yield partial(TaskAppeared, job_id=job_id, task=now)
        if _ended(now):
            yield partial(TaskCompleted, job_id=job_id, task=now)
        return
    if last is now:
        return
    retries = last.retry_attempts or 0
    retried = (now.retry_attempts or 0) > retries
    if last.state != now.state:
        yield partial(TaskStateChanged, job_id=job_id, task=now, before=last.state)
    elif (evolve(last, retry_attempts=now.retry_attempts) if retried else last) != now:
        yield partial(TaskUpdated, job_id=job_id, task=now)
    if retried:
        yield partial(TaskRetried, job_id=job_id, task=now, before=retries)
    if _ended(now) and not _ended(last):
        yield partial(TaskCompleted, job_id=job_id, task=now)


def _by_id(children: Iterable[C]) -> dict[str, C]:
    """Return the children by id; of two with one id, which no service should send, the last."""
    return {child.id: child for child in children}


def _ended(thing: StorageRun | StorageJob | StorageTask) -> bool:
    return thing.state == ExecutionState.COMPLETED
