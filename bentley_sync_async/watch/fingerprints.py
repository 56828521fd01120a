"""What a resume token remembers of a run: enough to tell what changed since, in some twenty bytes a task. Pure.

Of each job and task it keeps the id, what has events of its own (state, phase, retries), and a fingerprint of all else.
When the watch goes on, what still has its fingerprint is known in full; of what has not, all else is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from bentley_sync_async.models import ExecutionResult, ExecutionState, JobPhase, StorageJob, StorageRun, StorageTask
from bentley_sync_async.wire.codec import encode

NOT_REMEMBERED = ExecutionResult("NotRemembered")
"""The result of a job or task that changed or vanished since a resume token was taken, in what was before."""

_FINGERPRINT = 6
_NO_STATE = ExecutionState.NOT_STARTED


Packed = tuple[str, str | None, bytes, list[tuple[bytes, str, bytes, list[tuple[bytes, str, int | None, bytes]]]]]
"""A packed memory: state, phase and fingerprint of the run, then of its jobs and, in each, of its tasks."""


@frozen(kw_only=True)
class TaskFingerprint:
    """A task, as far as it is remembered.

    Attributes:
        id: Its id.
        state: Its state.
        retries: Its retry attempts.
        fingerprint: Of all else.
    """

    id: str
    state: str
    retries: int | None
    fingerprint: bytes


@frozen(kw_only=True)
class JobFingerprint:
    """A job, as far as it is remembered.

    Attributes:
        id: Its id.
        state: Its state.
        fingerprint: Of all else.
        tasks: Its tasks.
    """

    id: str
    state: str
    fingerprint: bytes
    tasks: tuple[TaskFingerprint, ...]


@frozen(kw_only=True)
class RunFingerprint:
    """A run, as far as it is remembered.

    Attributes:
        state: Its state.
        phase: Its phase.
        fingerprint: Of all else.
        jobs: Its jobs.
    """

    state: str
    phase: str | None
    fingerprint: bytes
    jobs: tuple[JobFingerprint, ...]

    def pack(self) -> list[Any]:
        """Return plain values, of the form `Packed`."""
        jobs = [
            [_packed(job.id), job.state, job.fingerprint, [_packed_task(task) for task in job.tasks]]
            for job in self.jobs
        ]
        return [self.state, self.phase, self.fingerprint, jobs]

    @classmethod
    def unpack(cls, values: Packed) -> RunFingerprint:
        """Return the memory that was packed.

        Raises:
            ValueError: An id is none.
        """
        state, phase, fingerprint, jobs = values
        return cls(
            state=state,
            phase=phase,
            fingerprint=fingerprint,
            jobs=tuple(
                JobFingerprint(
                    id=_unpacked(job_id),
                    state=job_state,
                    fingerprint=print_,
                    tasks=tuple(
                        TaskFingerprint(id=_unpacked(id_), state=task_state, retries=retries, fingerprint=mark)
                        for id_, task_state, retries, mark in tasks
                    ),
                )
                for job_id, job_state, print_, tasks in jobs
            ),
        )


def remember(run: StorageRun) -> RunFingerprint:
    """Return what to keep of a snapshot."""
    return RunFingerprint(
        state=str(run.state),
        phase=str(run.phase) if run.phase is not None else None,
        fingerprint=_of_run(run),
        jobs=tuple(
            JobFingerprint(
                id=job.id,
                state=str(job.state),
                fingerprint=_of_job(job),
                tasks=tuple(
                    TaskFingerprint(
                        id=task.id, state=str(task.state), retries=task.retry_attempts, fingerprint=_of_task(task)
                    )
                    for task in job.tasks
                ),
            )
            for job in run.jobs
        ),
    )


def recall(memory: RunFingerprint, now: StorageRun) -> StorageRun:
    """Return the remembered snapshot, as far as it is remembered or still the same now."""
    jobs_now = {job.id: job for job in now.jobs}
    jobs = tuple(_recalled_job(job, jobs_now.get(job.id)) for job in memory.jobs)
    if memory.fingerprint != _of_run(now):
        now = StorageRun(id=now.id, result=NOT_REMEMBERED)
    phase = JobPhase(memory.phase) if memory.phase is not None else None
    return evolve(now, state=ExecutionState(memory.state), phase=phase, jobs=jobs)


def fingerprint(thing: StorageRun | StorageJob | StorageTask) -> bytes:
    """Return a few bytes that are others as soon as anything is."""
    return blake2b(encode(thing), digest_size=_FINGERPRINT).digest()


def _recalled_job(memory: JobFingerprint, now: StorageJob | None) -> StorageJob:
    tasks = _recalled_tasks(memory.tasks, now.tasks if now is not None else ())
    if now is None or memory.fingerprint != _of_job(now):
        now = StorageJob(id=memory.id, result=NOT_REMEMBERED)
    return evolve(now, state=ExecutionState(memory.state), tasks=tasks)


def _recalled_tasks(memories: Iterable[TaskFingerprint], now: Iterable[StorageTask]) -> tuple[StorageTask, ...]:
    tasks_now = {task.id: task for task in now}
    return tuple(_recalled_task(memory, tasks_now.get(memory.id)) for memory in memories)


def _recalled_task(memory: TaskFingerprint, now: StorageTask | None) -> StorageTask:
    if now is None or memory.fingerprint != _of_task(now):
        now = StorageTask(id=memory.id, result=NOT_REMEMBERED)
    return evolve(now, state=ExecutionState(memory.state), retry_attempts=memory.retries)


def _of_run(run: StorageRun) -> bytes:
    return fingerprint(evolve(run, state=_NO_STATE, phase=None, jobs=()))


def _of_job(job: StorageJob) -> bytes:
    return fingerprint(evolve(job, state=_NO_STATE, tasks=()))


def _of_task(task: StorageTask) -> bytes:
    return fingerprint(evolve(task, state=_NO_STATE, retry_attempts=None))


def _packed_task(task: TaskFingerprint) -> list[Any]:
    return [_packed(task.id), task.state, task.retries, task.fingerprint]


def _packed(id_: str) -> bytes:
    """Return an id as bytes: of a GUID, which most are, its sixteen; a letter before them tells which it is."""
    try:
        is_guid = str(UUID(id_)) == id_
    except ValueError:
        is_guid = False
    return b"g" + UUID(id_).bytes if is_guid else b"t" + id_.encode("utf-8", "surrogatepass")


def _unpacked(id_: bytes) -> str:
    return str(UUID(bytes=id_[1:])) if id_[:1] == b"g" else id_[1:].decode("utf-8", "surrogatepass")
