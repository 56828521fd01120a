"""When LearnedPacing looks."""

from itertools import pairwise
from math import exp, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from benchmarks.pacing.optimum import optimum
from bentley_sync_async.models import ExecutionState, StorageJob, StorageRun, StorageTask
from bentley_sync_async.pacing.distribution import DurationDistribution, DurationPrior, LogNormal
from bentley_sync_async.pacing.learned import LearnedPacing, demand, next_poll
from bentley_sync_async.pacing.price import LOWEST_PRICE
from bentley_sync_async.pacing.progress import with_progress
from bentley_sync_async.pacing.strategies import PollContext

PACING = LearnedPacing(jitter=0.0)
PAST = (900.0, 880.0, 930.0, 910.0, 900.0)
USUAL = DurationPrior().distribution(PAST)
SURE = DurationPrior(within=0.1).distribution(PAST)


def lognormal(spread):
    return DurationDistribution((LogNormal(1.0, 0.0, spread),))


def schedule(durations, price):
    instants = [next_poll(durations, elapsed=0.0, price=price)]
    while durations.survival(instants[-1]) > 1e-9:
        instants.append(next_poll(durations, elapsed=instants[-1], price=price))
    return instants


def cost(durations, instants, price):
    """`price` x looks + the mean instant at which the end is noticed."""
    alive, total = 1.0, 0.0
    for at in instants:
        after = durations.survival(at)
        total += price * alive + at * (alive - after)
        alive = after
    return total


@each("spread", [0.15, 0.3, 0.6, 1.0])
@each("price", [0.3, 0.1, 0.03, 0.01, 0.003])
def test_the_law_costs_hardly_more_than_the_best_schedule_there_is(spread, price):
    durations = lognormal(spread)
    # Of the delay and the looks alone: the mean duration is no cost.
    mean = exp(spread**2 / 2)
    law = cost(durations, schedule(durations, price), price) - mean
    best = cost(durations, optimum(durations.survival, price), price) - mean
    assert law <= 1.002 * best


def test_for_short_gaps_it_is_the_square_root_law():
    durations, price = lognormal(0.5), 1e-6
    gap = next_poll(durations, elapsed=1.0, price=price) - 1.0
    assert gap == pytest.approx(sqrt(2 * price / durations.hazard(1.0)), rel=0.01)


def test_of_two_likely_times_the_first_is_not_passed_over():
    durations = DurationDistribution((LogNormal(0.5, 0.0, 0.1), LogNormal(0.5, log(5.0), 0.1)))
    assert 0.9 < next_poll(durations, elapsed=0.0, price=0.1) < 1.5


def test_between_two_likely_times_the_second_is_waited_for():
    durations = DurationDistribution((LogNormal(0.5, 0.0, 0.1), LogNormal(0.5, log(5.0), 0.1)))
    assert 4.0 < next_poll(durations, elapsed=1.6, price=0.1) < 6.5


@given(st.floats(0, 1e7), st.floats(LOWEST_PRICE, 1e6), st.lists(st.floats(1, 1e6), max_size=6), st.floats(0, 1))
def test_there_is_always_a_next_poll_after_a_finite_wait(elapsed, price, past, chance):
    context = PollContext(chance=chance, elapsed=elapsed, price=price, duration=DurationPrior().distribution(past))
    assert 2.0 <= LearnedPacing().delay(context) < 1e10


@given(
    st.floats(0, 1e8),
    st.lists(st.floats(1, 1e6), max_size=6),
    st.floats(0.01, 3),
    st.lists(st.sampled_from([ExecutionState.COMPLETED, ExecutionState.EXECUTING]), max_size=5),
    st.integers(0, 10),
)
def test_any_run_needs_some_polls_for_some_time(elapsed, past, within, states, retries):
    tasks = tuple(StorageTask(id=state, state=state, retry_attempts=retries) for state in states)
    run = StorageRun(id="r", jobs=(StorageJob(id="j", tasks=tasks),))
    context = PollContext(
        chance=0.0,
        elapsed=elapsed,
        run=run,
        duration=with_progress(DurationPrior(within=within).distribution(past), run, elapsed=elapsed),
    )
    need = PACING.demand(context)
    assert (need.polls > 0, 1 <= need.remaining < 1e12, PACING.delay(context) >= 2.0) == (True, True, True)


def test_a_run_that_cannot_have_ended_is_not_polled():
    first = PACING.delay(PollContext(chance=0.0, duration=SURE, price=20.0))
    assert 600 < first < 1000


def test_polls_are_frequent_when_the_end_is_due():
    at = {
        elapsed: PACING.delay(PollContext(chance=0.0, elapsed=elapsed, duration=USUAL, price=1.0))
        for elapsed in (100.0, 900.0)
    }
    assert at[900.0] < at[100.0] / 5


def test_polls_become_rarer_with_their_price():
    schedule = [
        PACING.delay(PollContext(chance=0.0, elapsed=900.0, duration=USUAL, price=price)) for price in (0.1, 1, 10, 100)
    ]
    assert all(less < more for less, more in pairwise(schedule))


def test_a_single_watch_polls_every_few_seconds_when_the_end_is_due():
    assert PACING.delay(PollContext(chance=0.0, elapsed=900.0, duration=USUAL)) < 10.0


def test_no_wait_is_longer_than_half_a_minute_at_the_lowest_price():
    assert PACING.delay(PollContext(chance=0.0, unchanged_polls=20, duration=SURE)) == 30.0


def test_the_longest_wait_grows_with_the_price():
    assert PACING.delay(PollContext(chance=0.0, unchanged_polls=20, duration=SURE, price=2 * LOWEST_PRICE)) == 60.0


def test_at_the_lowest_price_polls_follow_soon_after_a_change_and_then_later():
    schedule = [
        PACING.delay(PollContext(chance=0.0, unchanged_polls=unchanged_polls, duration=SURE))
        for unchanged_polls in range(4)
    ]
    assert schedule == [2.0, 3.0, 4.5, 6.75]


def test_at_a_high_price_a_change_leads_to_no_extra_poll():
    schedule = [
        PACING.delay(PollContext(chance=0.0, unchanged_polls=unchanged_polls, duration=SURE, price=20.0))
        for unchanged_polls in (0, 20)
    ]
    assert schedule[0] == schedule[1] > 600


def test_no_wait_is_shorter_than_the_shortest():
    pacing = LearnedPacing(shortest=7.0)
    assert pacing.delay(PollContext(chance=0.0, elapsed=900.0, duration=SURE)) == 7.0


def test_jitter_shortens_the_gap_between_polls_not_the_whole_wait():
    schedule = [
        LearnedPacing().delay(PollContext(chance=chance, duration=SURE, price=20.0)) for chance in (0.0, 0.5, 1.0)
    ]
    assert schedule[0] > schedule[1] > schedule[2] > 0.97 * schedule[0]


def test_what_all_runs_teach_matters_where_nothing_else_is_known():
    short, long = (
        PACING.delay(PollContext(chance=0.0, duration=DurationPrior(typical=typical).distribution(), price=10.0))
        for typical in (100.0, 10_000.0)
    )
    assert short < long / 10


def test_a_run_whose_tasks_are_completed_is_polled_sooner():
    task = StorageTask(id="t", state=ExecutionState.COMPLETED)
    run = StorageRun(id="r", state=ExecutionState.FINALIZING, jobs=(StorageJob(id="j", tasks=(task,)),))
    context = {"chance": 0.0, "elapsed": 300.0, "duration": USUAL, "price": 10.0}
    assert (
        PACING.delay(PollContext(**context | {"duration": with_progress(USUAL, run, elapsed=300.0)}))
        < PACING.delay(PollContext(**context)) / 4
    )


def test_after_failures_it_backs_off():
    schedule = [
        PACING.delay(PollContext(chance=0.0, unchanged_polls=unchanged_polls, failed=True, duration=USUAL))
        for unchanged_polls in range(3)
    ]
    assert schedule == [2.0, 3.0, 4.5]


@each("setting", [{"shortest": 0.0}, {"longest": 0.0}, {"jitter": -0.1}, {"jitter": 1.1}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        LearnedPacing(**setting)


@each("elapsed", [0.0, 0.9, 1.5])
def test_the_demand_is_the_number_of_polls_that_the_law_makes(elapsed):
    durations, price = DurationDistribution((LogNormal(1.0, 0.0, 0.3),)), 1e-4
    random, polls, runs = Random(1), 0, 400
    for _ in range(runs):
        ends, at = durations.quantile(random.uniform(0.001, 0.999), elapsed=elapsed), elapsed
        while at < ends:
            at = next_poll(durations, elapsed=at, price=price)
            polls += 1
    assert demand(durations, elapsed=elapsed).polls / sqrt(price) == pytest.approx(polls / runs, rel=0.1)


def test_the_demand_lasts_as_long_as_the_run_is_likely_to():
    context = PollContext(chance=0.0, duration=SURE)
    assert PACING.demand(context).remaining == pytest.approx(900, rel=0.1)


def test_the_demand_lasts_as_long_as_what_is_left_of_the_run():
    steady = DurationDistribution((LogNormal(1.0, log(1000.0), 0.1),))
    assert demand(steady, elapsed=1000.0).remaining == pytest.approx(80, rel=0.1)


def test_an_overdue_run_still_needs_polls():
    late = PACING.demand(PollContext(chance=0.0, elapsed=9000.0, duration=USUAL))
    assert late.polls > 0
