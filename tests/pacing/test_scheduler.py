"""What a watch makes of what all watches know."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from bentley_sync_async.models import ExecutionState, StorageJob, StorageRun, StorageTask
from bentley_sync_async.pacing.learned import LearnedPacing
from bentley_sync_async.pacing.price import HIGHEST_PRICE, LOWEST_PRICE, PollPrice
from bentley_sync_async.pacing.scheduler import (
    AFTER_SIGNAL,
    LOWEST_PRICE_WITH_SIGNAL,
    PollScheduler,
    SharedPacing,
    is_expensive,
)
from bentley_sync_async.pacing.strategies import FixedPacing, PollContext

START = datetime(2030, 1, 1, tzinfo=UTC)
RUNNING = StorageRun(id="r", state=ExecutionState.EXECUTING, start_date_time=START)


def scheduler_on(free=inf):
    return SharedPacing(PollPrice(lambda _: free))


def next_poll(scheduler, run=RUNNING, now=0.0, lowest_price=LOWEST_PRICE):
    return scheduler.next_context("c", run, now=now, chance=0.5, lowest_price=lowest_price)


def observe(scheduler, run, *, after, now):
    scheduler.observe(run, at=START + timedelta(seconds=after), now=now)


def test_the_past_of_a_connection_is_wanted_until_something_is_known():
    shared_pacing = scheduler_on()
    scheduler = PollScheduler(shared_pacing, LearnedPacing())
    before = scheduler.needs_history("c")
    shared_pacing.history.record_listed("c", ())
    assert (before, scheduler.needs_history("c")) == (True, False)


def test_a_pacing_that_learns_nothing_wants_no_past():
    assert not PollScheduler(scheduler_on(), FixedPacing()).needs_history("c")


def test_the_past_of_the_connection_counts():
    shared_pacing = scheduler_on()
    shared_pacing.history.record("c", *[100.0] * 5)
    shared_pacing.history.record("d", *[5000.0] * 5)
    scheduler = PollScheduler(shared_pacing, LearnedPacing())
    of_c, of_d = (scheduler.next_context(one, None, now=0.0, chance=0.5).duration.quantile(0.5) for one in "cd")
    assert (of_c, of_d) == (pytest.approx(100, rel=0.5), pytest.approx(5000, rel=0.5))


def test_what_the_snapshot_shows_counts():
    task = StorageTask(id="t", state=ExecutionState.COMPLETED, start_date_time=START)
    winding_up = StorageRun(
        id="r", state=ExecutionState.FINALIZING, start_date_time=START, jobs=(StorageJob(id="j", tasks=(task,)),)
    )
    scheduler = PollScheduler(scheduler_on(), LearnedPacing())
    observe(scheduler, winding_up, after=100, now=0.0)
    medians = [next_poll(scheduler, run, now).duration.quantile(0.5) for now, run in enumerate((RUNNING, winding_up))]
    assert (medians[0] > 1000, medians[1] < 130) == (True, True)


def test_time_is_counted_from_the_start_that_the_service_names():
    scheduler = PollScheduler(scheduler_on(), FixedPacing())
    observe(scheduler, RUNNING, after=90, now=1000.0)
    assert next_poll(scheduler, now=1010.0).elapsed == 100.0


def test_a_start_that_was_named_once_is_not_moved_by_a_clock_that_differs():
    scheduler = PollScheduler(scheduler_on(), FixedPacing())
    observe(scheduler, RUNNING, after=90, now=1000.0)
    observe(scheduler, RUNNING, after=500, now=1001.0)
    assert next_poll(scheduler, now=1001.0).elapsed == 91.0


def test_a_clock_that_lags_behind_makes_no_negative_time():
    scheduler = PollScheduler(scheduler_on(), FixedPacing())
    observe(scheduler, RUNNING, after=-5, now=1000.0)
    assert next_poll(scheduler, now=1000.0).elapsed == 0.0


def test_until_the_first_poll_time_is_counted_from_the_trigger():
    scheduler = PollScheduler(scheduler_on(), FixedPacing())
    scheduler.note_triggered(100.0)
    assert next_poll(scheduler, None, now=160.0).elapsed == 60.0


def test_no_time_has_elapsed_of_a_run_that_has_not_started():
    scheduler = PollScheduler(scheduler_on(), FixedPacing())
    scheduler.note_triggered(100.0)
    observe(scheduler, StorageRun(id="r"), after=60, now=160.0)
    assert next_poll(scheduler, now=160.0).elapsed == 0.0


def test_watches_share_one_price():
    shared_pacing = scheduler_on(free=10.0)
    alone = next_poll(PollScheduler(shared_pacing, LearnedPacing())).price
    together = [next_poll(PollScheduler(shared_pacing, LearnedPacing())).price for _ in range(5)][-1]
    assert together > 10 * alone


def test_a_suspended_scheduler_lowers_the_price():
    shared_pacing = scheduler_on(free=10.0)
    one, other = (PollScheduler(shared_pacing, LearnedPacing()) for _ in range(2))
    next_poll(one)
    shared = next_poll(other).price
    one.suspend()
    assert next_poll(other).price < shared / 2


def test_a_scheduler_that_registers_again_estimates_and_updates_its_demand():
    shared_pacing = scheduler_on(free=10.0)
    shared_pacing.history.record("c", *[100.0] * 5)
    scheduler = PollScheduler(shared_pacing, LearnedPacing())
    observe(scheduler, RUNNING, after=10_000, now=10_000.0)
    next_poll(scheduler, now=10_000.0)
    scheduler.register()
    scheduler.note_triggered(10_001.0)
    context = next_poll(scheduler, None, now=10_001.0)
    assert context.duration.quantile(0.5) == pytest.approx(100, rel=0.5)
    assert shared_pacing.price.current(10_001.0) > LOWEST_PRICE


def test_a_pacing_of_its_own_leaves_the_price_alone():
    shared_pacing = scheduler_on(free=0.0)
    assert (next_poll(PollScheduler(shared_pacing, FixedPacing())).price, shared_pacing.price.current(0.0)) == (
        LOWEST_PRICE,
        LOWEST_PRICE,
    )


def test_polling_a_new_run_is_expensive_once_the_budget_is_short():
    assert [is_expensive(next_poll(PollScheduler(scheduler_on(free), LearnedPacing()))) for free in (inf, 0.0)] == [
        False,
        True,
    ]


def test_with_completion_signals_polls_are_rare():
    assert (
        next_poll(PollScheduler(scheduler_on(), LearnedPacing()), lowest_price=LOWEST_PRICE_WITH_SIGNAL).price
        == LOWEST_PRICE_WITH_SIGNAL
        == 2000.0
    )


def test_after_an_early_signal_polls_become_rarer_up_to_five_minutes():
    delays = [
        AFTER_SIGNAL.delay(PollContext(unchanged_polls=unchanged_polls, chance=0.0))
        for unchanged_polls in (0, 1, 2, 100)
    ]
    assert delays == [2.0, 3.0, 4.5, 300.0]


def test_with_completion_signals_the_quota_still_counts():
    assert (
        next_poll(PollScheduler(scheduler_on(free=0.0), LearnedPacing()), lowest_price=LOWEST_PRICE_WITH_SIGNAL).price
        == HIGHEST_PRICE
    )


def test_the_value_of_a_poll_is_the_probability_that_it_shows_the_end():
    scheduler = PollScheduler(scheduler_on(), LearnedPacing())
    context = next_poll(scheduler)
    scheduler.note_scheduled(context, context.duration.quantile(0.25))
    assert scheduler.value() == pytest.approx(0.25)


def test_a_scheduler_that_resumes_counts_again_as_it_did():
    shared_pacing = scheduler_on(free=10.0)
    scheduler, other = (PollScheduler(shared_pacing, LearnedPacing()) for _ in range(2))
    next_poll(scheduler)
    next_poll(other)
    before = shared_pacing.price.current(0.0)
    other.suspend()
    between = shared_pacing.price.current(0.0)
    other.resume()
    PollScheduler(shared_pacing, LearnedPacing()).resume()  # it has estimated nothing yet, so it counts for nothing
    assert between < before / 2
    assert shared_pacing.price.current(0.0) == before
