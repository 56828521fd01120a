"""The changes between two snapshots of a run, as events. Pure.

The order of the events keeps the laws of the stream: a parent appears before its children, and completes after its
children. Of two events about one run, job or task, the first lacks what the second reports, so that a consumer may stop
between any two events and know exactly what was reported. Nothing that the service may send raises: children may be
reordered, vanish, come back, or leave Completed again.
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

UnreportedCompletions = frozenset[tuple[str, ...]]
"""What is completed without a `...Completed` event yet: a job by its id, a task by its job's id and its own."""

RUN_ITSELF: tuple[str, ...] = ()
"""The run itself among unreported completions."""

# An event that lacks its seq, instant and ref.
_Change = Callable[..., RunEvent]


class _Child(Protocol):
    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=_Child)
N = TypeVar("N", StorageRun, StorageJob, StorageTask)

_run_fields = attrgetter(*(field.name for field in attrs.fields(StorageRun) if field.name != "jobs"))
_job_fields = attrgetter(*(field.name for field in attrs.fields(StorageJob) if field.name != "tasks"))


def diff(
    last: StorageRun | None,
    now: StorageRun,
    *,
    ref: RunRef,
    at: datetime,
    seq: int = 1,
    unreported: UnreportedCompletions = frozenset(),
) -> tuple[RunEvent, ...]:
    """Return the events that lead from one snapshot to the next.

    Args:
        last: The snapshot before; `None` if there was none.
        now: The snapshot.
        ref: The run.
        at: When `now` arrived.
        seq: The number of the first event.
        unreported: What is completed in `last` without a `...Completed` event.
    """
    if last is now and not unreported:
        return ()
    return tuple(change(seq=number, at=at, ref=ref) for number, change in enumerate(_run(last, now, unreported), seq))


def unknown_values(last: StorageRun | None, now: StorageRun) -> Iterator[OpenEnum]:
    """Yield the enum values of a snapshot that this package does not know, except in objects of the last snapshot."""
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
    """Return the fields of a model that are open enums or models with such fields, without its jobs or tasks."""
    kinds = {field.name: field.type for field in attrs.fields(attrs.resolve_types(model))}
    inner = {name: [kind, *get_args(kind)] for name, kind in kinds.items() if get_origin(kind) is not tuple}
    return [
        name
        for name, types in inner.items()
        if any(isinstance(kind, type) and (issubclass(kind, OpenEnum) or attrs.has(kind)) for kind in types)
    ]


def _run(last: StorageRun | None, now: StorageRun, unreported: UnreportedCompletions) -> Iterator[_Change]:
    completes = _completes(last, now, RUN_ITSELF, unreported)
    own_changes = list(_own_changes(last, now))
    if last is None or not completes:
        yield from own_changes
    yield from _jobs(last.jobs if last is not None else (), now.jobs, unreported)
    if last is not None and completes:
        yield from own_changes
    if completes:
        yield partial(RunCompleted, run=now)


def _own_changes(last: StorageRun | None, now: StorageRun) -> Iterator[_Change]:
    if last is None:
        yield partial(RunAppeared, run=now)
        return
    if last.state != now.state:
        yield partial(RunStateChanged, run=evolve(now, phase=last.phase), before=last.state)
    if last.phase != now.phase:
        yield partial(RunPhaseChanged, run=now, before=last.phase)
    elif last.state == now.state and _run_fields(last) != _run_fields(now):
        yield partial(RunUpdated, run=now)


def _jobs(
    last: Iterable[StorageJob], now: Iterable[StorageJob], unreported: UnreportedCompletions
) -> Iterator[_Change]:
    before, after = _by_id(last), _by_id(now)
    for job in after.values():
        yield from _job(before.get(job.id), job, unreported)
    for gone in (id_ for id_ in before if id_ not in after):
        yield from _tasks(gone, before[gone].tasks, (), unreported)
        yield partial(JobVanished, job=before[gone])


def _job(last: StorageJob | None, now: StorageJob, unreported: UnreportedCompletions) -> Iterator[_Change]:
    if last is now and not unreported:
        return
    completes = _completes(last, now, (now.id,), unreported)
    state_changed = None
    if last is None:
        yield partial(JobAppeared, job=now)
    elif last.state != now.state:
        state_changed = partial(JobStateChanged, job=now, before=last.state)
    elif _job_fields(last) != _job_fields(now):
        yield partial(JobUpdated, job=now)
    if state_changed and not completes:
        yield state_changed
    yield from _tasks(now.id, last.tasks if last is not None else (), now.tasks, unreported)
    if state_changed and completes:
        yield state_changed
    if completes:
        yield partial(JobCompleted, job=now)


def _tasks(
    job_id: str, last: Iterable[StorageTask], now: Iterable[StorageTask], unreported: UnreportedCompletions
) -> Iterator[_Change]:
    before, after = _by_id(last), _by_id(now)
    for task in after.values():
        yield from _task(job_id, before.get(task.id), task, unreported)
    for gone in (id_ for id_ in before if id_ not in after):
        yield partial(TaskVanished, job_id=job_id, task=before[gone])


def _task(
    job_id: str, last: StorageTask | None, now: StorageTask, unreported: UnreportedCompletions
) -> Iterator[_Change]:
    if last is now and not unreported:
        return
    if last is None:
        yield partial(TaskAppeared, job_id=job_id, task=now)
    elif last is not now:
        yield from _task_changes(job_id, last, now)
    if _completes(last, now, (job_id, now.id), unreported):
        yield partial(TaskCompleted, job_id=job_id, task=now)


def _task_changes(job_id: str, last: StorageTask, now: StorageTask) -> Iterator[_Change]:
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
    """Return the children by id; of two with the same id, which the service should not send, the last."""
    return {child.id: child for child in children}


def _completes(last: N | None, now: N, key: tuple[str, ...], unreported: UnreportedCompletions) -> bool:
    """Return whether a run, job or task gets its `...Completed` event now."""
    if now.state != ExecutionState.COMPLETED:
        return False
    return last is None or last.state != ExecutionState.COMPLETED or key in unreported
