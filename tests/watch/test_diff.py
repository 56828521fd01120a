"""The changes between two snapshots as events."""

import copy

import pytest
from attrs import evolve
from support.quick import each
from support.runs import NOW, REF

from bentley_sync_async import (
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    JobPhase,
    JobStateChanged,
    RunStateChanged,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskError,
    TaskRetried,
    TaskStateChanged,
    diff,
)
from bentley_sync_async.models import RunErrorDetails, TaskErrorSystem, Transition
from bentley_sync_async.watch.diff import RUN_ITSELF, unknown_values

S = ExecutionState
TASK = StorageTask(id="t", state=S.EXECUTING, retry_attempts=0, storage_file_id="f")
JOB = StorageJob(id="j", state=S.EXECUTING, connector_type=ConnectorType.MSTN, tasks=(TASK,))
RUN = StorageRun(id="r", state=S.EXECUTING, phase=JobPhase.MASTER_FILE, jobs=(JOB,))


def with_task(**changes):
    return evolve(RUN, jobs=(evolve(JOB, tasks=(evolve(TASK, **changes),)),))


def with_job(**changes):
    return evolve(RUN, jobs=(evolve(JOB, **changes),))


def names(last, now):
    return [type(event).__name__ for event in diff(last, now, ref=REF, at=NOW)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(evolve(RUN, state=S.FINALIZING), ["RunStateChanged"], id="state of the run"),
        pytest.param(evolve(RUN, phase=JobPhase.REFERENCE_FILE), ["RunPhaseChanged"], id="phase"),
        pytest.param(evolve(RUN, start_date_time=NOW), ["RunUpdated"], id="date of the run"),
        pytest.param(evolve(RUN, error=RunErrorDetails(error_key="k")), ["RunUpdated"], id="error of the run"),
        pytest.param(evolve(RUN, state=S.IDLE, start_date_time=NOW), ["RunStateChanged"], id="state and date"),
        pytest.param(evolve(RUN, state=S.COMPLETED), ["RunStateChanged", "RunCompleted"], id="end of the run"),
        pytest.param(evolve(RUN, jobs=()), ["TaskVanished", "JobVanished"], id="job gone"),
        pytest.param(with_job(state=S.FINALIZING), ["JobStateChanged"], id="state of the job"),
        pytest.param(with_job(end_date_time=NOW), ["JobUpdated"], id="date of the job"),
        pytest.param(with_job(state=S.COMPLETED), ["JobStateChanged", "JobCompleted"], id="end of the job"),
        pytest.param(with_job(tasks=()), ["TaskVanished"], id="task gone"),
        pytest.param(with_task(state=S.FINALIZING), ["TaskStateChanged"], id="state of the task"),
        pytest.param(with_task(error=TaskError(message="x")), ["TaskUpdated"], id="error of the task"),
        pytest.param(with_task(retry_attempts=1), ["TaskRetried"], id="retry alone"),
        pytest.param(
            with_task(retry_attempts=1, start_date_time=NOW), ["TaskUpdated", "TaskRetried"], id="retry, date"
        ),
        pytest.param(
            with_task(retry_attempts=1, state=S.QUEUED), ["TaskStateChanged", "TaskRetried"], id="retry, state"
        ),
        pytest.param(with_task(state=S.COMPLETED), ["TaskStateChanged", "TaskCompleted"], id="end of the task"),
        pytest.param(
            evolve(
                RUN, jobs=(JOB, StorageJob(id="k", state=S.COMPLETED, tasks=(StorageTask(id="u", state=S.COMPLETED),)))
            ),
            ["JobAppeared", "TaskAppeared", "TaskCompleted", "JobCompleted"],
            id="job that appears completed",
        ),
    ],
)
def test_each_change_has_its_events(now, expected):
    assert names(RUN, now) == expected


def test_any_phase_may_follow_any_other():
    for before in (*JobPhase, None):
        for after in (*JobPhase, None):
            expected = ["RunPhaseChanged"] if before != after else []
            assert names(evolve(RUN, phase=before), evolve(RUN, phase=after)) == expected


@each("state", [*S, S("Asleep"), S("Zombie")])
def test_a_first_snapshot_has_completed_events_only_in_state_completed(state):
    task = StorageTask(id="t", state=state)
    job = StorageJob(id="j", state=state, tasks=(task,))
    ends = [name for name in names(None, StorageRun(id="r", state=state, jobs=(job,))) if name.endswith("Completed")]
    assert ends == (["TaskCompleted", "JobCompleted", "RunCompleted"] if state == S.COMPLETED else [])


@each(
    ("with_state", "name"),
    [
        (lambda state: evolve(RUN, state=state), "RunStateChanged"),
        (lambda state: with_job(state=state), "JobStateChanged"),
        (lambda state: with_task(state=state), "TaskStateChanged"),
    ],
)
def test_any_state_may_follow_any_other(with_state, name):
    for before in S:
        for after in S:
            assert (name in names(with_state(before), with_state(after))) == (before != after)


@each(
    ("before", "after", "expected"),
    [
        (None, 1, ["TaskRetried"]),
        (None, 0, ["TaskUpdated"]),
        (0, None, ["TaskUpdated"]),
        (1, None, ["TaskUpdated"]),
        (1, 2, ["TaskRetried"]),
    ],
)
def test_missing_retry_attempts_count_as_zero(before, after, expected):
    assert names(with_task(retry_attempts=before), with_task(retry_attempts=after)) == expected


def test_the_first_retry_has_zero_retries_before():
    (retried,) = diff(with_task(retry_attempts=None), with_task(retry_attempts=1), ref=REF, at=NOW)
    assert isinstance(retried, TaskRetried)
    assert retried.before == 0


def test_events_are_counted_from_one():
    assert [event.seq for event in diff(None, RUN, ref=REF, at=NOW)] == [1, 2, 3]


ENDED = evolve(RUN, state=S.COMPLETED, jobs=(evolve(JOB, state=S.COMPLETED, tasks=(evolve(TASK, state=S.COMPLETED),)),))


@each(
    ("unreported", "expected"),
    [
        ({("j", "t")}, ["TaskCompleted"]),
        ({("j",)}, ["JobCompleted"]),
        ({RUN_ITSELF}, ["RunCompleted"]),
        ({RUN_ITSELF, ("j",), ("j", "t")}, ["TaskCompleted", "JobCompleted", "RunCompleted"]),
        ({("k",), ("j", "u"), ("k", "t"), ("t",)}, []),
        (set(), []),
    ],
)
def test_an_unreported_completion_is_emitted(unreported, expected):
    for now in (ENDED, copy.deepcopy(ENDED)):
        events = diff(ENDED, now, ref=REF, at=NOW, unreported=frozenset(unreported))
        assert [type(event).__name__ for event in events] == expected


def test_an_unreported_completion_of_a_reopened_run_is_not_emitted():
    events = diff(ENDED, RUN, ref=REF, at=NOW, unreported=frozenset({RUN_ITSELF, ("j",), ("j", "t")}))
    assert {type(event).__name__ for event in events} == {"RunStateChanged", "JobStateChanged", "TaskStateChanged"}


def test_a_first_snapshot_emits_everything_in_order():
    assert names(None, RUN) == ["RunAppeared", "JobAppeared", "TaskAppeared"]


def test_a_first_snapshot_that_is_completed_ends_at_once():
    assert names(None, evolve(RUN, state=S.COMPLETED, jobs=())) == ["RunAppeared", "RunCompleted"]


def test_fewer_retries_than_before_are_an_update():
    assert names(with_task(retry_attempts=2), RUN) == ["TaskUpdated"]


def test_a_reopened_task_changes_its_state_and_completes_again():
    completed = with_task(state=S.COMPLETED)
    assert names(completed, RUN) == ["TaskStateChanged"]
    assert names(RUN, completed) == ["TaskStateChanged", "TaskCompleted"]


def test_children_complete_before_their_parents_in_one_poll():
    ended = evolve(with_task(state=S.COMPLETED), state=S.COMPLETED)
    ended = evolve(ended, jobs=(evolve(ended.jobs[0], state=S.COMPLETED),))
    assert [name for name in names(RUN, ended) if name.endswith("Completed")] == [
        "TaskCompleted",
        "JobCompleted",
        "RunCompleted",
    ]


def test_events_carry_the_task_after_the_change_and_the_value_before():
    (changed, retried) = diff(RUN, with_task(state=S.WAITING_TO_RETRY, retry_attempts=2), ref=REF, at=NOW, seq=7)
    assert isinstance(changed, TaskStateChanged)
    assert isinstance(retried, TaskRetried)
    assert (changed.before, changed.task.state, changed.transition) == (
        S.EXECUTING,
        S.WAITING_TO_RETRY,
        Transition.DIRECT,
    )
    assert (retried.before, retried.task.retry_attempts, retried.job_id) == (0, 2, "j")
    assert (changed.seq, retried.seq, changed.at, changed.ref) == (7, 8, NOW, REF)


def test_state_changes_are_classified():
    (of_job,) = diff(RUN, with_job(state=S.NOT_STARTED), ref=REF, at=NOW)
    (of_run,) = diff(RUN, evolve(RUN, state=S.QUEUED), ref=REF, at=NOW)
    assert isinstance(of_job, JobStateChanged)
    assert isinstance(of_run, RunStateChanged)
    assert of_job.transition is Transition.IRREGULAR
    assert of_run.transition is Transition.SKIPPED


def test_unknown_values_are_found_in_runs_jobs_and_tasks():
    odd = evolve(
        RUN,
        result=ExecutionResult("Miraculous"),
        jobs=(evolve(JOB, connector_type=ConnectorType("WARP"), tasks=(evolve(TASK, state=S("Asleep")),)),),
    )
    assert sorted(unknown_values(None, odd)) == ["Asleep", "Miraculous", "WARP"]
    assert list(unknown_values(None, RUN)) == []


def test_unknown_values_are_searched_in_new_objects_only():
    odd = S("Asleep")
    last = evolve(RUN, jobs=(evolve(JOB, state=odd, tasks=(evolve(TASK, state=odd),)),))
    assert list(unknown_values(last, last)) == []
    assert list(unknown_values(last, evolve(last, state=S("Dozing")))) == ["Dozing"]
    (job,) = last.jobs
    assert list(unknown_values(last, evolve(last, jobs=(evolve(job, state=S.IDLE),)))) == []
    assert list(unknown_values(last, evolve(last, jobs=(evolve(job, tasks=(*job.tasks, TASK)),)))) == ["Asleep"]


def test_unknown_values_are_found_after_children_were_reordered():
    job = evolve(JOB, tasks=(TASK, evolve(TASK, id="u")))
    now = evolve(job, tasks=(job.tasks[1], evolve(TASK, error=TaskError(system=TaskErrorSystem("Moon")))))
    assert list(unknown_values(evolve(RUN, jobs=(job,)), evolve(RUN, jobs=(now,)))) == ["Moon"]


def test_children_that_are_the_same_objects_are_not_compared(monkeypatch):
    last = evolve(RUN, jobs=(evolve(JOB, tasks=(TASK,)), evolve(JOB, id="k")))
    now = evolve(last, jobs=(evolve(last.jobs[0], tasks=(TASK, evolve(TASK, id="u"))), last.jobs[1]))
    compared = []
    monkeypatch.setattr(StorageTask, "__eq__", lambda one, other: compared.append(one) or one is other)
    assert len(diff(last, now, ref=REF, at=NOW)) == 1
    assert compared == []
