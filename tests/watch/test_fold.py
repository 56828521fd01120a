"""The snapshot that events lead to."""

from attrs import evolve
from support.quick import each
from support.runs import NOW, REF

from bentley_sync_async import (
    ExecutionState,
    JobAppeared,
    JobUpdated,
    JobVanished,
    RunAppeared,
    RunUpdated,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskAppeared,
    TaskUpdated,
    TaskVanished,
    TriggerDelayed,
    fold,
)
from bentley_sync_async.errors import ConflictError

TASK = StorageTask(id="t")
OTHER_TASK = StorageTask(id="u")
JOB = StorageJob(id="j", tasks=(TASK, OTHER_TASK))
BEFORE, AFTER = StorageJob(id="a", tasks=(TASK,)), StorageJob(id="z", tasks=(TASK,))
RUN = StorageRun(id="r", jobs=(BEFORE, JOB, AFTER))
CHANGED = evolve(TASK, state=ExecutionState.EXECUTING)


def folded(cls, start=RUN, **fields):
    return fold([cls(seq=1, at=NOW, ref=REF, **fields)], start)


def test_folding_no_events_returns_the_start():
    assert fold([]) is None
    assert fold([], RUN) is RUN


def test_run_appeared_adds_the_run_without_its_jobs():
    assert folded(RunAppeared, None, run=RUN) == evolve(RUN, jobs=())


def test_a_change_of_the_run_keeps_its_jobs():
    now = evolve(RUN, start_date_time=NOW, jobs=())
    assert folded(RunUpdated, run=now) == evolve(now, jobs=RUN.jobs)


def test_job_appeared_adds_the_job_without_its_tasks():
    job = StorageJob(id="n", tasks=(TASK,))
    assert folded(JobAppeared, job=job) == evolve(RUN, jobs=(*RUN.jobs, evolve(job, tasks=())))


def test_a_change_of_a_job_keeps_its_tasks_and_the_other_jobs():
    now = evolve(JOB, end_date_time=NOW, tasks=())
    assert folded(JobUpdated, job=now) == evolve(RUN, jobs=(BEFORE, AFTER, evolve(now, tasks=JOB.tasks)))


def test_job_vanished_removes_the_job():
    assert folded(JobVanished, job=JOB) == evolve(RUN, jobs=(BEFORE, AFTER))


def test_task_appeared_adds_the_task_to_its_job_only():
    task = StorageTask(id="n")
    now = evolve(JOB, tasks=(TASK, OTHER_TASK, task))
    assert folded(TaskAppeared, job_id="j", task=task) == evolve(RUN, jobs=(BEFORE, now, AFTER))


def test_a_task_of_the_same_id_in_another_job_is_not_changed():
    now = evolve(JOB, tasks=(OTHER_TASK, CHANGED))
    assert folded(TaskUpdated, job_id="j", task=CHANGED) == evolve(RUN, jobs=(BEFORE, now, AFTER))


def test_task_vanished_removes_the_task_from_its_job_only():
    now = evolve(JOB, tasks=(OTHER_TASK,))
    assert folded(TaskVanished, job_id="j", task=TASK) == evolve(RUN, jobs=(BEFORE, now, AFTER))


@each(
    ("cls", "fields"),
    [
        (JobUpdated, {"job": JOB}),
        (JobVanished, {"job": JOB}),
        (TaskUpdated, {"job_id": "j", "task": TASK}),
        (TaskVanished, {"job_id": "j", "task": TASK}),
    ],
)
def test_changes_inside_an_unknown_run_are_ignored(cls, fields):
    assert folded(cls, None, **fields) is None


def test_events_before_a_run_change_no_snapshot():
    conflict = ConflictError(status=409, method="POST", url="https://api.example/")
    delayed = TriggerDelayed(seq=1, at=NOW, connection_id="c", cause=conflict, attempt=1, delay=1.0)
    assert fold([delayed], RUN) is RUN
