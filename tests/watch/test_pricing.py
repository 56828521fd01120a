"""One price for all watches."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pacing_crowd import HOURLY, crowd
from bentley_sync_async.watch.pricing import CHEAPEST, DEAREST, Demand, Pricing

DEMANDS = st.builds(Demand, looks=st.floats(0.1, 1000), left=st.floats(1, 1e5))


def at_rate(rate):
    return Pricing(lambda seconds: rate * seconds)


def test_looks_are_cheapest_while_nobody_needs_any():
    assert at_rate(1.0).price(0.0) == CHEAPEST


def test_looks_are_cheapest_while_there_are_enough():
    pricing = at_rate(1.0)
    pricing.tell("a", Demand(looks=10, left=1000))
    assert pricing.price(0.0) == CHEAPEST


def test_the_price_is_such_that_all_need_together_what_is_free():
    pricing = at_rate(1.0)
    for number in range(100):
        pricing.tell(number, Demand(looks=50, left=500))
    assert 100 * (50 / pricing.price(0.0) ** 0.5 + 0.5) == pytest.approx(500)


def test_twice_the_watches_pay_about_four_times_the_price():
    def price(watches):
        pricing = at_rate(100.0)
        for number in range(watches):
            pricing.tell(number, Demand(looks=50, left=500))
        return pricing.price(0.0)

    assert price(4000) == pytest.approx(4 * price(2000), rel=0.1)


def test_those_left_pay_less_when_others_have_ended():
    pricing = at_rate(0.1)
    for number in range(10):
        pricing.tell(number, Demand(looks=50, left=500))
    before = pricing.price(0.0)
    for number in range(5):
        pricing.leave(number)
    assert pricing.price(0.0) < before / 3


def test_a_watch_that_tells_anew_is_counted_once():
    once, anew = at_rate(0.1), at_rate(0.1)
    for looks in (50, 40, 30):
        anew.tell("a", Demand(looks=looks, left=500))
    once.tell("a", Demand(looks=30, left=500))
    assert anew.price(0.0) == pytest.approx(once.price(0.0))


def test_leaving_without_having_told_anything_changes_nothing():
    pricing = at_rate(1.0)
    pricing.leave("a")
    assert pricing.price(0.0) == CHEAPEST


def test_what_is_free_is_asked_for_the_time_in_which_it_is_needed():
    asked = []

    def free(seconds):
        asked.append(seconds)
        return 100.0

    pricing = Pricing(free)
    pricing.tell("a", Demand(looks=10, left=100))
    pricing.tell("b", Demand(looks=10, left=300))
    assert (pricing.price(0.0), asked) == (CHEAPEST, [pytest.approx(150)])


def test_a_budget_that_is_used_up_makes_looks_dearest():
    pricing = at_rate(0.0)
    pricing.tell("a", Demand(looks=10, left=100))
    assert pricing.price(0.0) == DEAREST


@given(st.lists(DEMANDS, min_size=1, max_size=30), st.floats(0.001, 10))
def test_the_price_stays_within_its_bounds(demands, rate):
    pricing = at_rate(rate)
    for number, demand in enumerate(demands):
        pricing.tell(number, demand)
    assert CHEAPEST <= pricing.price(0.0) <= DEAREST


@given(st.lists(DEMANDS, min_size=1, max_size=30))
def test_when_all_have_ended_looks_are_cheapest_again(demands):
    pricing = at_rate(0.001)
    for number, demand in enumerate(demands):
        pricing.tell(number, demand)
    for number in range(len(demands)):
        pricing.leave(number)
    assert (pricing.price(0.0), pricing.horizon) == (CHEAPEST, 0.0)


@pytest.fixture(scope="module")
def many():
    return crowd(300)


def test_watches_at_one_price_keep_to_the_hour_but_for_a_seventh(many):
    assert many.hour <= HOURLY * 1.15


def test_watches_at_one_price_keep_to_the_minute(many):
    assert many.minute <= 500


def test_watches_at_one_price_notice_ends_sooner_than_regular_looks(many):
    assert many.learned.delay < 0.6 * many.fixed.delay


def test_a_watch_that_is_expected_needs_what_the_others_need_on_average():
    pricing = at_rate(1.0)
    for number in range(50):
        pricing.expect(number)
    for number in range(50, 100):
        pricing.tell(number, Demand(looks=50, left=500))
    some_told = pricing.price(0.0)
    for number in range(50):
        pricing.tell(number, Demand(looks=50, left=500))
    assert some_told == pytest.approx(pricing.price(0.0))


def test_a_watch_that_is_expected_and_leaves_costs_nobody_anything():
    pricing = at_rate(1.0)
    for number in range(99):
        pricing.expect(number)
    pricing.tell("a", Demand(looks=100, left=500))
    dear = pricing.price(0.0)
    for number in range(99):
        pricing.leave(number)
    assert (dear > CHEAPEST, pricing.price(0.0)) == (True, CHEAPEST)


def test_while_nobody_has_told_a_demand_looks_are_cheapest():
    pricing = at_rate(0.0)
    pricing.expect("a")
    assert pricing.price(0.0) == CHEAPEST


def test_too_small_a_budget_makes_looks_dear_by_and_by():
    def price(free):
        pricing = Pricing(lambda _: free)
        for number in range(100):
            pricing.tell(number, Demand(looks=10, left=500))
        return pricing.price(0.0)

    prices = [price(free) for free in (80.0, 60.0, 50.0, 45.0)]
    assert prices == sorted(prices)
    assert all(later < 2 * earlier for earlier, later in pairwise(prices[1:]))


def test_however_little_is_free_a_quarter_of_it_counts():
    pricing = Pricing(lambda _: 0.4)
    pricing.tell("a", Demand(looks=1, left=100))
    assert pricing.price(0.0) == pytest.approx((1 / 0.1) ** 2)


def test_a_demand_that_lasts_no_time_is_refused():
    with pytest.raises(ValueError, match="left"):
        Demand(looks=1, left=0)


@pytest.mark.parametrize("looks", [-1.0, float("inf"), float("nan")])
def test_a_demand_of_no_number_of_looks_is_refused_before_it_spoils_the_sums(looks):
    with pytest.raises(ValueError, match="looks"):
        Demand(looks=looks, left=100)
