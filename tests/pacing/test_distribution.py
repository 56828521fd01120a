"""What is expected of a run's duration."""

from itertools import pairwise
from math import exp, log
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async.pacing.distribution import (
    DurationDistribution,
    DurationPrior,
    LogNormal,
    ProgressEstimate,
    fit_prior,
)

HOUR = 3600.0
PLAIN = DurationDistribution((LogNormal(1.0, log(HOUR), 0.5),))
SECONDS = st.floats(1e-3, 1e8)
PASTS = st.lists(st.floats(0, 1e7), max_size=6)


def spread(durations):
    """Half of what lies between the quantiles that are two deviations of a normal distribution apart, as logarithm."""
    low, high = (durations.quantile(NormalDist().cdf(z)) for z in (-1, 1))
    return log(high / low) / 2


def test_half_of_the_runs_take_longer_than_the_median():
    assert PLAIN.survival(HOUR) == pytest.approx(0.5)


def test_the_logarithm_is_spread_normally():
    assert PLAIN.survival(HOUR * exp(0.5)) == pytest.approx(1 - NormalDist().cdf(1))


def test_every_run_takes_some_time():
    assert PLAIN.at(0.0) == (1.0, 0.0)


@given(PASTS, SECONDS)
def test_the_density_is_how_fast_the_survival_falls(past, at):
    durations = DurationPrior().distribution(past)
    step = at * 1e-4
    falls = durations.survival(at - step) - durations.survival(at + step)
    assert falls == pytest.approx(2 * step * durations.at(at)[1], rel=0.01, abs=1e-12)


@given(PASTS, SECONDS, SECONDS)
def test_fewer_runs_take_longer(past, one, other):
    durations = DurationPrior().distribution(past)
    assert durations.survival(min(one, other)) >= durations.survival(max(one, other))


def test_a_run_that_goes_on_has_outlasted_the_quick_ones():
    assert PLAIN.survival(2 * HOUR, elapsed=HOUR) == pytest.approx(PLAIN.survival(2 * HOUR) / 0.5)


def test_a_run_that_goes_on_certainly_takes_longer_than_it_has_taken():
    assert PLAIN.survival(HOUR / 2, elapsed=HOUR) == 1.0


def test_the_hazard_is_the_density_among_the_runs_that_go_on():
    assert PLAIN.hazard(HOUR) == pytest.approx(PLAIN.at(HOUR)[1] / 0.5)


@given(st.floats(0.001, 0.999), st.floats(0, 1e5), PASTS)
def test_a_quantile_is_where_the_survival_says(probability, elapsed, past):
    durations = DurationPrior().distribution(past)
    at = durations.quantile(probability, elapsed=elapsed)
    assert durations.survival(at, elapsed=elapsed) == pytest.approx(1 - probability, abs=1e-6)


def test_with_nothing_known_five_minutes_and_three_hours_are_both_thought_possible():
    durations = DurationPrior().distribution()
    assert min(1 - durations.survival(300.0), durations.survival(3 * HOUR)) > 0.05


def test_a_connection_s_past_outweighs_what_is_typical():
    assert DurationPrior(typical=300.0).distribution([HOUR] * 5).quantile(0.5) == pytest.approx(HOUR, rel=0.1)


def test_a_single_past_run_is_drawn_towards_what_is_typical():
    prior = DurationPrior(typical=300.0, between=0.4, within=0.4)
    assert prior.distribution([1200.0]).quantile(0.5) == pytest.approx(600.0, rel=0.01)


def test_the_more_runs_are_known_the_surer_is_the_next():
    prior = DurationPrior()
    spreads = [spread(prior.distribution([HOUR] * known)) for known in (0, 1, 2, 5)]
    assert all(less < more for more, less in pairwise(spreads))


def test_a_connection_whose_runs_differ_little_is_surer_than_others():
    prior = DurationPrior()
    steady, erratic = [1000, 1010, 990, 1000, 1005], [1000, 2000, 500, 1500, 1000]
    assert spread(prior.distribution(steady)) < 0.9 * spread(prior.distribution(erratic))


def test_recent_runs_count_more():
    prior = DurationPrior()
    assert prior.distribution([500, 700]).quantile(0.5) > prior.distribution([700, 500]).quantile(0.5)


def test_one_run_unlike_the_others_hardly_moves_what_is_expected():
    usual = [1000.0, 1010.0, 990.0, 1005.0, 995.0, 1000.0]
    odd = [*usual[:3], 50_000.0, *usual[4:]]
    prior = DurationPrior(within=0.1)
    moved = prior.distribution(odd).quantile(0.5) / prior.distribution(usual).quantile(0.5)
    assert 1 <= moved < 1.3


@each("factor", [5.0, 1 / 5])
def test_a_run_five_times_as_long_or_short_as_ever_is_still_thought_possible(factor):
    durations = DurationPrior(within=0.05).distribution([1000.0] * 8)
    at = 1000.0 * factor
    assert (durations.survival(at) if factor > 1 else 1 - durations.survival(at)) > 0.001


def test_runs_that_took_no_time_count_as_a_second():
    assert DurationPrior().distribution([0.0] * 5) == DurationPrior().distribution([1.0] * 5)


def test_a_snapshot_that_shows_the_end_near_is_believed():
    near = DurationPrior().distribution([3000.0] * 5).updated(ProgressEstimate(median=1000.0, spread=0.05))
    assert near.survival(1300.0, elapsed=950.0) < 0.2


def test_a_snapshot_that_is_unsure_changes_little():
    before = DurationPrior().distribution([3000.0] * 5)
    after = before.updated(ProgressEstimate(median=1000.0, spread=3.0))
    assert after.quantile(0.5) == pytest.approx(before.quantile(0.5), rel=0.1)


def test_a_snapshot_may_mislead():
    seen = DurationPrior().distribution([3000.0] * 5).updated(ProgressEstimate(median=1000.0, spread=0.05))
    assert seen.survival(2000.0) > 0.05


@given(PASTS, st.floats(1e-3, 1e7), st.floats(0.01, 3))
def test_weights_always_add_up_to_one(past, median, unsure):
    after = DurationPrior().distribution(past).updated(ProgressEstimate(median=median, spread=unsure))
    assert sum(part.weight for part in after.parts) == pytest.approx(1, abs=0.01)


def test_a_snapshot_beyond_all_expectation_is_all_that_counts():
    after = DurationDistribution((LogNormal(1.0, 0.0, 0.01),)).updated(ProgressEstimate(median=1e30, spread=0.01))
    assert after.quantile(0.5) == pytest.approx(1e30, rel=0.01)


@each("setting", [{"typical": 0.0}, {"between": 0.0}, {"within": -1.0}])
def test_impossible_populations_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        DurationPrior(**setting)


@each("setting", [{"median": 0.0, "spread": 1.0}, {"median": 1.0, "spread": 0.0}])
def test_impossible_estimates_are_refused(setting):
    with pytest.raises(ValueError, match="must be > 0"):
        ProgressEstimate(**setting)


def test_nothing_known_teaches_what_is_assumed():
    taught, assumed = fit_prior([(), ()]), DurationPrior()
    values = [taught.typical, taught.between, taught.within]
    assert values == pytest.approx([assumed.typical, assumed.between, assumed.within])


@pytest.fixture(scope="module")
def taught():
    """What is learned from 400 connections with five runs each, typically of 500 s, that differ by 0.8 and 0.2."""
    random = Random(1)
    scales = [500 * random.lognormvariate(0, 0.8) for _ in range(400)]
    return fit_prior([[scale * random.lognormvariate(0, 0.2) for _ in range(5)] for scale in scales])


def test_many_connections_teach_what_is_typical(taught):
    assert taught.typical == pytest.approx(500, rel=0.15)


def test_many_connections_teach_how_much_connections_differ(taught):
    assert taught.between == pytest.approx(0.8, rel=0.1)


def test_many_connections_teach_how_much_the_runs_of_one_differ(taught):
    assert taught.within == pytest.approx(0.2, rel=0.1)


def test_a_drift_does_not_pass_for_spread():
    steady = [[100.0 * 1.1**number for number in range(20)]] * 50
    assert fit_prior(steady).within == pytest.approx(0.1, abs=0.05)


def test_upsets_do_not_count_in_full():
    calm, upset = [100.0, 100.0, 100.0], [100.0, 1e7, 1e7]
    assert fit_prior([calm] * 99 + [upset]).within < 0.2
