"""What a snapshot says about how long its run will take."""

from datetime import UTC, datetime, timedelta

import pytest
from support.quick import each

from bentley_sync_async.models import ExecutionState, StorageJob, StorageRun, StorageTask
from bentley_sync_async.pacing.progress import estimate_duration

START = datetime(2030, 1, 1, tzinfo=UTC)
DONE, RUNNING, QUEUED = ExecutionState.COMPLETED, ExecutionState.EXECUTING, ExecutionState.QUEUED
RETRYING = ExecutionState.WAITING_TO_RETRY


def run(*states, first=0.0, state=ExecutionState.EXECUTING, retries=0):
    started = START + timedelta(seconds=first)
    tasks = tuple(
        StorageTask(id=str(number), state=task, start_date_time=started, retry_attempts=retries)
        for number, task in enumerate(states)
    )
    return StorageRun(id="r", state=state, start_date_time=START, jobs=(StorageJob(id="j", tasks=tasks),))


@each("states", [(), (QUEUED, RUNNING)])
def test_nothing_is_said_before_a_task_is_done(states):
    assert estimate_duration(run(*states), elapsed=100.0) is None


def test_nothing_is_said_before_any_time_has_passed():
    assert estimate_duration(run(DONE), elapsed=0.0) is None


def test_a_quarter_of_the_tasks_take_a_quarter_of_the_time():
    assert estimate_duration(run(DONE, QUEUED, QUEUED, QUEUED), elapsed=100.0).median == pytest.approx(400)


def test_the_time_before_the_first_task_is_not_spent_on_tasks():
    assert estimate_duration(run(DONE, QUEUED, first=60.0), elapsed=100.0).median == pytest.approx(140)


def test_a_task_that_runs_counts_half():
    assert estimate_duration(run(DONE, RUNNING, RUNNING, QUEUED), elapsed=100.0).median == pytest.approx(200)


def test_a_task_that_waits_to_be_retried_counts_nothing():
    assert estimate_duration(run(DONE, RETRYING), elapsed=100.0).median == pytest.approx(200)


def test_the_more_tasks_are_done_the_surer_it_is():
    few, many = (
        estimate_duration(run(DONE, QUEUED), elapsed=100.0),
        estimate_duration(run(*[DONE] * 8, *[QUEUED] * 8), elapsed=100.0),
    )
    assert many.spread < few.spread


def test_retries_make_it_less_sure():
    calm, retried = (estimate_duration(run(DONE, QUEUED, retries=retries), elapsed=100.0) for retries in (0, 2))
    assert retried.spread > calm.spread


def test_the_end_is_near_when_all_tasks_are_done():
    assert estimate_duration(run(DONE, DONE), elapsed=1000.0).median == pytest.approx(1050)


def test_a_short_run_needs_ten_seconds_to_wind_up():
    assert estimate_duration(run(DONE), elapsed=20.0).median == pytest.approx(30)


def test_a_run_that_is_finalizing_has_no_more_tasks_to_show():
    sure = estimate_duration(run(DONE, state=ExecutionState.FINALIZING), elapsed=1000.0)
    assert sure.spread < estimate_duration(run(DONE), elapsed=1000.0).spread


def test_a_run_without_a_start_worked_from_the_beginning():
    without = StorageRun(id="r", jobs=run(DONE, QUEUED, first=60.0).jobs)
    assert estimate_duration(without, elapsed=100.0).median == pytest.approx(200)
