"""Fingerprints of a run in a resume token: enough to report what changed since, in some twenty bytes a task. Pure.

A fingerprint holds the id of the run, job or task, the fields that have events of their own (state, phase, retries),
and a hash of all other fields. When a watch is resumed, the hash is compared with the current snapshot: if it is equal,
the other fields are the current ones; if not, the fields that the hash covers are unknown.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from bentley_sync_async.models import ExecutionResult, ExecutionState, JobPhase, StorageJob, StorageRun, StorageTask
from bentley_sync_async.wire.codec import encode

UNKNOWN_RESULT = ExecutionResult("NotRemembered")
"""The result, in the restored snapshot, of a run, job or task that changed or vanished since the token was taken."""

_DIGEST_SIZE = 6
_ANY_STATE = ExecutionState.NOT_STARTED


PackedRun = tuple[str, str | None, bytes, list[tuple[bytes, str, bytes, list[tuple[bytes, str, int | None, bytes]]]]]
"""A packed fingerprint: state, phase and hash of the run, then of its jobs and, in each, of its tasks."""


@frozen(kw_only=True)
class TaskFingerprint:
    """The fingerprint of a task.

    Attributes:
        id: The task's id.
        state: Its state.
        retries: Its retry attempts.
        digest: The hash of its other fields.
    """

    id: str
    state: str
    retries: int | None
    digest: bytes


@frozen(kw_only=True)
class JobFingerprint:
    """The fingerprint of a job.

    Attributes:
        id: The job's id.
        state: Its state.
        digest: The hash of its other fields, without the tasks.
        tasks: The fingerprints of its tasks.
    """

    id: str
    state: str
    digest: bytes
    tasks: tuple[TaskFingerprint, ...]


@frozen(kw_only=True)
class RunFingerprint:
    """The fingerprint of a run.

    Attributes:
        state: Its state.
        phase: Its phase.
        digest: The hash of its other fields, without the jobs.
        jobs: The fingerprints of its jobs.
    """

    state: str
    phase: str | None
    digest: bytes
    jobs: tuple[JobFingerprint, ...]

    def pack(self) -> list[Any]:
        """Return the fingerprint as plain values of the form `PackedRun`."""
        jobs = [
            [_packed_id(job.id), job.state, job.digest, [_packed_task(task) for task in job.tasks]] for job in self.jobs
        ]
        return [self.state, self.phase, self.digest, jobs]

    @classmethod
    def unpack(cls, values: PackedRun) -> RunFingerprint:
        """Return the fingerprint that was packed.

        Raises:
            ValueError: A packed id is invalid.
        """
        state, phase, digest, jobs = values
        return cls(
            state=state,
            phase=phase,
            digest=digest,
            jobs=tuple(
                JobFingerprint(
                    id=_unpacked_id(job_id),
                    state=job_state,
                    digest=job_digest,
                    tasks=tuple(
                        TaskFingerprint(id=_unpacked_id(id_), state=task_state, retries=retries, digest=task_digest)
                        for id_, task_state, retries, task_digest in tasks
                    ),
                )
                for job_id, job_state, job_digest, tasks in jobs
            ),
        )


def fingerprint_run(run: StorageRun) -> RunFingerprint:
    """Return the fingerprint of a snapshot."""
    return RunFingerprint(
        state=str(run.state),
        phase=str(run.phase) if run.phase is not None else None,
        digest=_digest_of_run(run),
        jobs=tuple(
            JobFingerprint(
                id=job.id,
                state=str(job.state),
                digest=_digest_of_job(job),
                tasks=tuple(
                    TaskFingerprint(
                        id=task.id, state=str(task.state), retries=task.retry_attempts, digest=_digest_of_task(task)
                    )
                    for task in job.tasks
                ),
            )
            for job in run.jobs
        ),
    )


def restore_run(reported: RunFingerprint, now: StorageRun) -> StorageRun:
    """Return the reported snapshot, from its fingerprint and the fields that have not changed until now."""
    jobs_now = {job.id: job for job in now.jobs}
    jobs = tuple(_restored_job(job, jobs_now.get(job.id)) for job in reported.jobs)
    if reported.digest != _digest_of_run(now):
        now = StorageRun(id=now.id, result=UNKNOWN_RESULT)
    phase = JobPhase(reported.phase) if reported.phase is not None else None
    return evolve(now, state=ExecutionState(reported.state), phase=phase, jobs=jobs)


def fingerprint(node: StorageRun | StorageJob | StorageTask) -> bytes:
    """Return a short hash of a run, job or task with all its fields."""
    return blake2b(encode(node), digest_size=_DIGEST_SIZE).digest()


def _restored_job(reported: JobFingerprint, now: StorageJob | None) -> StorageJob:
    tasks_now = {task.id: task for task in now.tasks} if now is not None else {}
    tasks = tuple(_restored_task(task, tasks_now.get(task.id)) for task in reported.tasks)
    if now is None or reported.digest != _digest_of_job(now):
        now = StorageJob(id=reported.id, result=UNKNOWN_RESULT)
    return evolve(now, state=ExecutionState(reported.state), tasks=tasks)


def _restored_task(reported: TaskFingerprint, now: StorageTask | None) -> StorageTask:
    if now is None or reported.digest != _digest_of_task(now):
        now = StorageTask(id=reported.id, result=UNKNOWN_RESULT)
    return evolve(now, state=ExecutionState(reported.state), retry_attempts=reported.retries)


def _digest_of_run(run: StorageRun) -> bytes:
    return fingerprint(evolve(run, state=_ANY_STATE, phase=None, jobs=()))


def _digest_of_job(job: StorageJob) -> bytes:
    return fingerprint(evolve(job, state=_ANY_STATE, tasks=()))


def _digest_of_task(task: StorageTask) -> bytes:
    return fingerprint(evolve(task, state=_ANY_STATE, retry_attempts=None))


def _packed_task(task: TaskFingerprint) -> list[Any]:
    return [_packed_id(task.id), task.state, task.retries, task.digest]


def _packed_id(id_: str) -> bytes:
    """Return an id as bytes: `g` and the sixteen bytes of a GUID, as most ids are, or `t` and the text."""
    try:
        guid = UUID(id_)
    except ValueError:
        guid = None
    return b"g" + guid.bytes if guid is not None and str(guid) == id_ else b"t" + id_.encode("utf-8", "surrogatepass")


def _unpacked_id(id_: bytes) -> str:
    return str(UUID(bytes=id_[1:])) if id_[:1] == b"g" else id_[1:].decode("utf-8", "surrogatepass")
