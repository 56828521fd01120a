"""Fingerprints of a run in a resume token, and what is restored from them."""

import pytest
from attrs import evolve, fields
from support.quick import each
from support.runs import NOW

from bentley_sync_async import ExecutionResult, ExecutionState, JobPhase, StorageJob, StorageRun, StorageTask
from bentley_sync_async.watch.fingerprints import (
    UNKNOWN_RESULT,
    JobFingerprint,
    RunFingerprint,
    TaskFingerprint,
    fingerprint_run,
    restore_run,
)
from bentley_sync_async.wire.resume import pack, unpack

GUID = "de626d0d-1647-48d7-8c11-f1f74f2d4523"
S = ExecutionState
TASK = StorageTask(id="t", state=S.EXECUTING, retry_attempts=2, storage_file_id="f")
JOB = StorageJob(id="j", state=S.FINALIZING, tasks=(TASK, StorageTask(id="u")))
RUN = StorageRun(id="r", state=S.EXECUTING, phase=JobPhase.MASTER_FILE, jobs=(JOB, StorageJob(id="k")))


def with_job(**changes):
    return evolve(RUN, jobs=(evolve(JOB, **changes), RUN.jobs[1]))


def with_task(**changes):
    return with_job(tasks=(evolve(TASK, **changes), JOB.tasks[1]))


def run_with_task(id_):
    return StorageRun(id="r", jobs=(StorageJob(id="j", tasks=(StorageTask(id=id_),)),))


def packed_id(id_):
    return fingerprint_run(run_with_task(id_)).pack()[3][0][3][0][0]


def test_a_packed_fingerprint_holds_states_phase_and_retries():
    state, phase, _, jobs = fingerprint_run(RUN).pack()
    assert (state, phase) == ("Executing", str(JobPhase.MASTER_FILE))
    assert [(job[0], job[1]) for job in jobs] == [(b"tj", "Finalizing"), (b"tk", "NotStarted")]
    assert [(task[0], task[1], task[2]) for task in jobs[0][3]] == [
        (b"tt", "Executing", 2),
        (b"tu", "NotStarted", None),
    ]


def test_a_packed_fingerprint_holds_hashes_of_six_bytes():
    _, _, run_hash, jobs = fingerprint_run(RUN).pack()
    assert [len(run_hash), len(jobs[0][2]), len(jobs[0][3][0][3])] == [6, 6, 6]


def test_a_guid_is_packed_in_seventeen_bytes():
    assert packed_id(GUID) == b"g" + bytes.fromhex(GUID.replace("-", ""))


@each("id_", [GUID, GUID.upper(), f"{{{GUID}}}", "g", "t", "47da1bb2", "ü", "x" * 256])
def test_an_id_of_any_form_is_unpacked_unchanged(id_):
    (job,) = RunFingerprint.unpack(unpack(pack(fingerprint_run(run_with_task(id_)).pack()))).jobs
    assert [task.id for task in job.tasks] == [id_]


@each("broken", [b"g", b"g123", b"g" + b"\x00" * 17, b"t\xff"])
def test_an_invalid_packed_id_is_refused(broken):
    state, phase, fingerprint, _ = fingerprint_run(RUN).pack()
    with pytest.raises(ValueError, match=r"16-char|decode"):
        RunFingerprint.unpack((state, phase, fingerprint, [(broken, "Queued", fingerprint, [])]))


@each("run", [RUN, evolve(RUN, phase=None, jobs=()), evolve(RUN, result=ExecutionResult.SUCCESS)])
def test_an_unchanged_run_is_restored_completely(run):
    assert restore_run(fingerprint_run(run), run) == run


def test_a_changed_run_is_restored_with_state_and_phase_only():
    now = evolve(RUN, state=S.FINALIZING, phase=None, start_date_time=NOW)
    restored = StorageRun(id="r", state=S.EXECUTING, phase=JobPhase.MASTER_FILE, result=UNKNOWN_RESULT, jobs=RUN.jobs)
    assert restore_run(fingerprint_run(RUN), now) == restored


def test_a_run_without_a_phase_is_restored_without_one():
    reported = evolve(RUN, phase=None)
    assert restore_run(fingerprint_run(reported), evolve(RUN, start_date_time=NOW)).phase is None


def test_a_changed_job_is_restored_with_state_and_tasks_only():
    now = with_job(state=S.COMPLETED, end_date_time=NOW)
    restored = StorageJob(id="j", state=S.FINALIZING, result=UNKNOWN_RESULT, tasks=JOB.tasks)
    assert restore_run(fingerprint_run(RUN), now).jobs == (restored, RUN.jobs[1])


def test_a_vanished_job_is_restored_with_its_state_and_those_of_its_tasks():
    restored = StorageJob(
        id="j",
        state=S.FINALIZING,
        result=UNKNOWN_RESULT,
        tasks=(
            StorageTask(id="t", state=S.EXECUTING, retry_attempts=2, result=UNKNOWN_RESULT),
            StorageTask(id="u", result=UNKNOWN_RESULT),
        ),
    )
    assert restore_run(fingerprint_run(RUN), evolve(RUN, jobs=RUN.jobs[1:])).jobs == (restored, RUN.jobs[1])


def test_a_changed_task_is_restored_with_state_and_retries_only():
    now = with_task(state=S.COMPLETED, retry_attempts=3, end_date_time=NOW)
    restored = StorageTask(id="t", state=S.EXECUTING, retry_attempts=2, result=UNKNOWN_RESULT)
    assert restore_run(fingerprint_run(RUN), now) == with_job(tasks=(restored, JOB.tasks[1]))


LATER = evolve(with_job(end_date_time=NOW, tasks=with_task(end_date_time=NOW).jobs[0].tasks), end_date_time=NOW)


@each(("reported", "now"), [(RUN, LATER), (LATER, RUN)])
def test_a_change_of_a_run_a_job_or_a_task_changes_its_hash(reported, now):
    run = restore_run(fingerprint_run(reported), now)
    job = run.jobs[0]
    assert [run.result, job.result, job.tasks[0].result] == [UNKNOWN_RESULT] * 3


@each("cls", [RunFingerprint, JobFingerprint, TaskFingerprint])
def test_fingerprints_are_keyword_only(cls):
    assert all(attribute.kw_only for attribute in fields(cls))


def test_new_jobs_and_tasks_are_not_restored():
    now = evolve(RUN, jobs=(*with_job(tasks=(*JOB.tasks, StorageTask(id="n"))).jobs, StorageJob(id="n")))
    assert restore_run(fingerprint_run(RUN), now) == RUN


def test_children_keep_the_order_of_the_token():
    now = evolve(with_job(tasks=JOB.tasks[::-1]), jobs=(RUN.jobs[1], evolve(JOB, tasks=JOB.tasks[::-1])))
    assert restore_run(fingerprint_run(RUN), now) == RUN
