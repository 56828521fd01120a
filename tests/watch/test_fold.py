"""A snapshot put together from events."""

import pytest
from attrs import evolve
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


def folded(cls, start=RUN, **told):
    return fold([cls(seq=1, at=NOW, ref=REF, **told)], start)


def test_no_events_lead_nowhere():
    assert fold([]) is None
    assert fold([], RUN) is RUN


def test_a_run_that_appears_has_no_jobs_before_they_appear():
    assert folded(RunAppeared, None, run=RUN) == evolve(RUN, jobs=())


def test_a_change_of_the_run_leaves_its_jobs():
    now = evolve(RUN, start_date_time=NOW, jobs=())
    assert folded(RunUpdated, run=now) == evolve(now, jobs=RUN.jobs)


def test_a_job_that_appears_has_no_tasks_before_they_appear():
    job = StorageJob(id="n", tasks=(TASK,))
    assert folded(JobAppeared, job=job) == evolve(RUN, jobs=(*RUN.jobs, evolve(job, tasks=())))


def test_a_change_of_a_job_leaves_its_tasks_and_the_other_jobs():
    now = evolve(JOB, end_date_time=NOW, tasks=())
    assert folded(JobUpdated, job=now) == evolve(RUN, jobs=(BEFORE, AFTER, evolve(now, tasks=JOB.tasks)))


def test_a_job_that_vanished_is_gone():
    assert folded(JobVanished, job=JOB) == evolve(RUN, jobs=(BEFORE, AFTER))


def test_a_task_appears_in_its_job_alone():
    task = StorageTask(id="n")
    now = evolve(JOB, tasks=(TASK, OTHER_TASK, task))
    assert folded(TaskAppeared, job_id="j", task=task) == evolve(RUN, jobs=(BEFORE, now, AFTER))


def test_a_task_changes_in_its_job_alone_though_others_have_one_of_its_id():
    now = evolve(JOB, tasks=(OTHER_TASK, CHANGED))
    assert folded(TaskUpdated, job_id="j", task=CHANGED) == evolve(RUN, jobs=(BEFORE, now, AFTER))


def test_a_task_vanishes_from_its_job_alone():
    now = evolve(JOB, tasks=(OTHER_TASK,))
    assert folded(TaskVanished, job_id="j", task=TASK) == evolve(RUN, jobs=(BEFORE, now, AFTER))


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (JobUpdated, {"job": JOB}),
        (JobVanished, {"job": JOB}),
        (TaskUpdated, {"job_id": "j", "task": TASK}),
        (TaskVanished, {"job_id": "j", "task": TASK}),
    ],
)
def test_changes_inside_an_unknown_run_are_ignored(cls, told):
    assert folded(cls, None, **told) is None


def test_what_happens_on_the_way_to_a_run_changes_no_snapshot():
    conflict = ConflictError(status=409, method="POST", url="https://api.example/")
    delayed = TriggerDelayed(seq=1, at=NOW, connection_id="c", cause=conflict, attempt=1, delay=1.0)
    assert fold([delayed], RUN) is RUN
