from datetime import UTC, datetime, timedelta

import pytest
from support.quick import each

from bentley_sync_async import (
    ExecutionResult,
    ExecutionState,
    RunFailedError,
    RunNotCompletedError,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskError,
)
from bentley_sync_async.models import RunErrorDetails

COMPLETED = ExecutionState.COMPLETED
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
R = ExecutionResult
FINE = (R.SUCCESS, R.SKIPPED)


def run_with(result=R.ERROR, *, state=COMPLETED, error=None, tasks=()):
    jobs = (StorageJob(id="j", tasks=tuple(tasks)),)
    return StorageRun(id="r1", connection_id="c1", state=state, result=result, error=error, jobs=jobs)


def task_with(result=R.ERROR, *, state=COMPLETED, error=None, file="f1"):
    return StorageTask(id="t1", state=state, result=result, error=error, storage_file_id=file)


def failure_of(run):
    with pytest.raises(RunFailedError) as caught:
        run.raise_for_result()
    return caught.value


@each("result", FINE)
def test_a_run_that_succeeded_or_had_nothing_to_do_raises_nothing(result):
    assert run_with(result).raise_for_result() is None


@each("result", [*(result for result in R if result not in FINE), R("Miraculous")])
def test_a_run_with_any_other_result_is_a_failure(result):
    run = run_with(result)
    assert failure_of(run).run is run


@each("state", [*(state for state in ExecutionState if state != COMPLETED), ExecutionState("Hibernating")])
@each("result", [R.UNDETERMINED, R.SUCCESS, R.ERROR])
def test_a_run_that_is_still_going_has_no_result(state, result):
    with pytest.raises(RunNotCompletedError, match=f"Run r1 is still {state}"):
        run_with(result, state=state).raise_for_result()


@each("state", [*ExecutionState, ExecutionState("Hibernating")])
def test_only_completed_is_the_end_of_a_run(state):
    assert run_with(state=state).completed is (state == "Completed")


@each("result", [*R, R("Miraculous")])
def test_only_success_is_success(result):
    assert run_with(result).succeeded is (result == "Success")


def test_a_run_that_is_still_going_has_not_succeeded():
    assert not run_with(R.SUCCESS, state=ExecutionState.FINALIZING).succeeded


@each(("result", "failed"), [(result, result not in FINE) for result in R])
def test_a_completed_task_failed_if_it_neither_succeeded_nor_was_skipped(result, failed):
    assert task_with(result).failed is failed


def test_a_task_that_is_still_going_has_not_failed():
    assert not task_with(state=ExecutionState.WAITING_TO_RETRY).failed


def test_a_task_that_carries_an_error_beside_success_has_not_failed():
    assert not task_with(R.SUCCESS, error=TaskError(error_code="TAE_BRG_1000")).failed


def test_the_tasks_of_a_run_are_those_of_all_its_jobs_in_order():
    jobs = (StorageJob(id="a", tasks=(StorageTask(id="1"), StorageTask(id="2"))), StorageJob(id="b", tasks=()))
    run = StorageRun(id="r", jobs=(*jobs, StorageJob(id="c", tasks=(StorageTask(id="3"),))))
    assert [task.id for task in run.tasks] == ["1", "2", "3"]


def test_a_failure_carries_the_failed_tasks():
    failed, fine = task_with(), task_with(R.SUCCESS)
    assert failure_of(run_with(tasks=[fine, failed])).failed_tasks == (failed,)


def test_a_failure_names_run_connection_and_result():
    assert str(failure_of(run_with(R.TIMED_OUT))) == "Run r1 of connection c1 was completed with TimedOut."


def test_a_failure_has_the_error_of_the_run():
    error = RunErrorDetails(error_key="UserNotAuthenticated", description="User is not authenticated.")
    assert "UserNotAuthenticated: User is not authenticated." in str(failure_of(run_with(error=error)))


@each(
    ("can_user_fix", "words"),
    [
        (True, "the user can fix it"),
        (False, "the user cannot fix it"),
        (None, "the service does not say whether the user can fix it"),
    ],
)
def test_a_failure_says_whether_the_user_can_fix_it(can_user_fix, words):
    error = TaskError(description_key="SourceFileNotFound", description="Gone.", can_user_fix=can_user_fix)
    assert f"file f1: SourceFileNotFound: Gone. ({words})" in str(failure_of(run_with(tasks=[task_with(error=error)])))


def test_a_failure_names_the_article_to_read():
    error = TaskError(kb_article_link="https://kb/KB0098398")
    assert ", see https://kb/KB0098398)" in str(failure_of(run_with(tasks=[task_with(error=error)])))


def test_a_failure_names_no_article_when_there_is_none():
    error = TaskError(kb_article_link="")
    assert "see" not in str(failure_of(run_with(tasks=[task_with(error=error)])))


def test_a_failure_has_code_and_message_where_there_is_no_description():
    error = TaskError(error_code="TAE_BRG_1000", message="Failed to process the file.")
    text = str(failure_of(run_with(tasks=[task_with(error=error)])))
    assert "file f1: TAE_BRG_1000: Failed to process the file." in text


def test_a_failure_names_a_task_that_has_no_file_and_no_reason():
    text = str(failure_of(run_with(tasks=[task_with(R.CANCELED, file=None)])))
    assert "task t1: Canceled, and the service gives no reason" in text


def test_the_services_description_of_a_failure_is_redacted_and_shortened():
    signed = "see https://blob.example/log?sv=1&sig=AbCdEf%2F and " + "x" * 5000
    error = TaskError(description_key="K", description=signed, kb_article_link="https://kb.example/?sig=AbCdEf")
    task = StorageTask(id="t", state=ExecutionState.COMPLETED, result=ExecutionResult.ERROR, error=error)
    run = StorageRun(
        id="r",
        state=ExecutionState.COMPLETED,
        result=ExecutionResult.ERROR,
        error=RunErrorDetails(error_key="AllJobsFailed", description=signed),
        jobs=(StorageJob(id="j", tasks=(task,)),),
    )
    with pytest.raises(RunFailedError) as caught:
        run.raise_for_result()
    assert "AbCdEf" not in str(caught.value)
    assert len(str(caught.value)) < 2000


@each(
    ("state", "start", "end", "seconds"),
    [
        (COMPLETED, NOON, NOON + timedelta(seconds=90.5), 90.5),
        (COMPLETED, NOON, NOON, 0.0),
        (COMPLETED, NOON, NOON - timedelta(seconds=1), 0.0),
        (COMPLETED, None, NOON, None),
        (COMPLETED, NOON, None, None),
        (ExecutionState.FINALIZING, NOON, NOON + timedelta(seconds=90.5), None),
    ],
)
def test_the_duration_of_a_run_is_known_once_it_has_ended_and_never_below_zero(state, start, end, seconds):
    run = StorageRun(id="r1", state=state, start_date_time=start, end_date_time=end)
    assert run.duration == seconds
