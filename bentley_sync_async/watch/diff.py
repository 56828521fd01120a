"""What changed between two snapshots of a run, as events. Pure.

The order of the events keeps the stream's promises: a parent appears before its children, and what ends, ends after its
children. Of two events about one thing the first lacks what the second tells, so that a consumer may stop between any
two and know what it was told. Nothing that a service may send raises: children may be reordered, vanish, come back, or
reopen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache, partial
from itertools import zip_longest
from operator import attrgetter
from typing import Any, Protocol, TypeVar, get_args, get_origin

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

Endings = frozenset[tuple[str, ...]]
"""What was completed without its event having been told: a job by its id, a task by its job's id and its own."""

RUN_ENDING: tuple[str, ...] = ()
"""Stands for the run itself among endings."""

# An event that still lacks its seq, instant and ref.
_Change = Callable[..., RunEvent]


class _Child(Protocol):
    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=_Child)

_of_run = attrgetter(*(field.name for field in attrs.fields(StorageRun) if field.name != "jobs"))
_of_job = attrgetter(*(field.name for field in attrs.fields(StorageJob) if field.name != "tasks"))


def diff(
    last: StorageRun | None,
    now: StorageRun,
    *,
    ref: RunRef,
    at: datetime,
    seq: int = 1,
    ending: Endings = frozenset(),
) -> tuple[RunEvent, ...]:
    """Return the events that lead from one snapshot to the next.

    Args:
        last: The snapshot before; `None` if there was none.
        now: The snapshot.
        ref: The run.
        at: When `now` arrived.
        seq: The number of the first event.
        ending: What was completed in `last` already, without its `...Completed` event having been told.
    """
    if last is now and not ending:
        return ()
    return tuple(change(seq=number, at=at, ref=ref) for number, change in enumerate(_run(last, now, ending), seq))


def unknown_values(last: StorageRun | None, now: StorageRun) -> Iterator[OpenEnum]:
    """Yield the enum values of a snapshot that this package does not know, save those of what stood there before."""
    if last is now:
        return
    yield from _unknown(now)
    for job, before in zip_longest(now.jobs, last.jobs if last is not None else ()):
        if job is not None and job is not before:
            yield from _unknown(job)
            for task, known in zip_longest(job.tasks, before.tasks if before is not None else ()):
                if task is not None and task is not known:
                    yield from _unknown(task)


def _unknown(node: Any) -> Iterator[OpenEnum]:
    model: type = type(node)
    for name in _enums(model):
        value = getattr(node, name)
        if isinstance(value, OpenEnum):
            if not value.known:
                yield value
        elif value is not None:
            yield from _unknown(value)


@cache
def _enums(model: type) -> list[str]:
    """Return the fields of a model that are open enums, or models that may have some; not its children."""
    kinds = {field.name: field.type for field in attrs.fields(attrs.resolve_types(model))}
    inner = {name: [kind, *get_args(kind)] for name, kind in kinds.items() if get_origin(kind) is not tuple}
    return [
        name
        for name, types in inner.items()
        if any(isinstance(kind, type) and (issubclass(kind, OpenEnum) or attrs.has(kind)) for kind in types)
    ]


def _run(last: StorageRun | None, now: StorageRun, ending: Endings) -> Iterator[_Change]:
    ends = _ended(now) and (last is None or not _ended(last) or RUN_ENDING in ending)
    envelope = list(_envelope(last, now))
    if last is None or not ends:
        yield from envelope
    yield from _jobs(last.jobs if last is not None else (), now.jobs, ending)
    if last is not None and ends:
        yield from envelope
    if ends:
        yield partial(RunCompleted, run=now)


def _envelope(last: StorageRun | None, now: StorageRun) -> Iterator[_Change]:
    if last is None:
        yield partial(RunAppeared, run=now)
        return
    if last.state != now.state:
        yield partial(RunStateChanged, run=evolve(now, phase=last.phase), before=last.state)
    if last.phase != now.phase:
        yield partial(RunPhaseChanged, run=now, before=last.phase)
    elif last.state == now.state and _of_run(last) != _of_run(now):
        yield partial(RunUpdated, run=now)


def _jobs(last: Iterable[StorageJob], now: Iterable[StorageJob], ending: Endings) -> Iterator[_Change]:
    before, after = _by_id(last), _by_id(now)
    for job in after.values():
        yield from _job(before.get(job.id), job, ending)
    for gone in (id_ for id_ in before if id_ not in after):
        yield from _tasks(gone, before[gone].tasks, (), ending)
        yield partial(JobVanished, job=before[gone])


def _job(last: StorageJob | None, now: StorageJob, ending: Endings) -> Iterator[_Change]:
    if last is now and not ending:
        return
    ends = _ended(now) and (last is None or not _ended(last) or (now.id,) in ending)
    state_changed = None
    if last is None:
        yield partial(JobAppeared, job=now)
    elif last.state != now.state:
        state_changed = partial(JobStateChanged, job=now, before=last.state)
    elif _of_job(last) != _of_job(now):
        yield partial(JobUpdated, job=now)
    if state_changed and not ends:
        yield state_changed
    yield from _tasks(now.id, last.tasks if last is not None else (), now.tasks, ending)
    if state_changed and ends:
        yield state_changed
    if ends:
        yield partial(JobCompleted, job=now)


def _tasks(job_id: str, last: Iterable[StorageTask], now: Iterable[StorageTask], ending: Endings) -> Iterator[_Change]:
    before, after = _by_id(last), _by_id(now)
    for task in after.values():
        known = before.get(task.id)
        if known is task and not ending:
            continue
        yield from _task(job_id, known, task)
        if _ended(task) and (known is None or not _ended(known) or (job_id, task.id) in ending):
            yield partial(TaskCompleted, job_id=job_id, task=task)
    for gone in (id_ for id_ in before if id_ not in after):
        yield partial(TaskVanished, job_id=job_id, task=before[gone])


def _task(job_id: str, last: StorageTask | None, now: StorageTask) -> Iterator[_Change]:
    if last is None:
        yield partial(TaskAppeared, job_id=job_id, task=now)
        return
    if last is now:
        return
    retries = last.retry_attempts or 0
    retried = (now.retry_attempts or 0) > retries
    changed = evolve(now, retry_attempts=last.retry_attempts) if retried else now
    if last.state != now.state:
        yield partial(TaskStateChanged, job_id=job_id, task=changed, before=last.state)
    elif last != changed:
        yield partial(TaskUpdated, job_id=job_id, task=changed)
    if retried:
        yield partial(TaskRetried, job_id=job_id, task=now, before=retries)


def _by_id(children: Iterable[C]) -> dict[str, C]:
    """Return the children by id; of two with one id, which no service should send, the last."""
    return {child.id: child for child in children}


def _ended(thing: StorageRun | StorageJob | StorageTask) -> bool:
    return thing.state == ExecutionState.COMPLETED
