"""One price for all watches."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from benchmarks.pacing.crowd import HOURLY, crowd
from bentley_sync_async import InvalidArgumentError
from bentley_sync_async.pacing.price import HIGHEST_PRICE, LOWEST_PRICE, PollDemand, PollPrice

DEMANDS = st.builds(PollDemand, polls=st.floats(0.1, 1000), remaining=st.floats(1, 1e5))


def at_rate(rate):
    return PollPrice(lambda seconds: rate * seconds)


def test_the_price_is_lowest_without_watches():
    assert at_rate(1.0).current(0.0) == LOWEST_PRICE


def test_the_price_is_lowest_while_the_budget_suffices():
    price = at_rate(1.0)
    price.update("a", PollDemand(polls=10, remaining=1000))
    assert price.current(0.0) == LOWEST_PRICE


def test_the_price_is_such_that_all_need_together_what_is_free():
    price = at_rate(1.0)
    for number in range(100):
        price.update(number, PollDemand(polls=50, remaining=500))
    assert 100 * (50 / price.current(0.0) ** 0.5 + 0.5) == pytest.approx(500)


def test_twice_the_watches_pay_about_four_times_the_price():
    def price(watches):
        price = at_rate(100.0)
        for number in range(watches):
            price.update(number, PollDemand(polls=50, remaining=500))
        return price.current(0.0)

    assert price(4000) == pytest.approx(4 * price(2000), rel=0.1)


def test_those_left_pay_less_when_others_have_ended():
    price = at_rate(0.1)
    for number in range(10):
        price.update(number, PollDemand(polls=50, remaining=500))
    before = price.current(0.0)
    for number in range(5):
        price.remove(number)
    assert price.current(0.0) < before / 3


def test_a_watch_that_updates_its_demand_counts_once():
    once, anew = at_rate(0.1), at_rate(0.1)
    for polls in (50, 40, 30):
        anew.update("a", PollDemand(polls=polls, remaining=500))
    once.update("a", PollDemand(polls=30, remaining=500))
    assert anew.current(0.0) == pytest.approx(once.current(0.0))


def test_removing_an_unknown_watch_changes_nothing():
    price = at_rate(1.0)
    price.remove("a")
    assert price.current(0.0) == LOWEST_PRICE


def test_what_is_free_is_asked_for_the_time_in_which_it_is_needed():
    asked = []

    def free(seconds):
        asked.append(seconds)
        return 100.0

    price = PollPrice(free)
    price.update("a", PollDemand(polls=10, remaining=100))
    price.update("b", PollDemand(polls=10, remaining=300))
    assert (price.current(0.0), asked) == (LOWEST_PRICE, [pytest.approx(150)])


def test_an_exhausted_budget_sets_the_highest_price():
    price = at_rate(0.0)
    price.update("a", PollDemand(polls=10, remaining=100))
    assert price.current(0.0) == HIGHEST_PRICE


@given(st.lists(DEMANDS, min_size=1, max_size=30), st.floats(0.001, 10))
def test_the_price_stays_within_its_bounds(demands, rate):
    price = at_rate(rate)
    for number, demand in enumerate(demands):
        price.update(number, demand)
    assert LOWEST_PRICE <= price.current(0.0) <= HIGHEST_PRICE


@given(st.lists(DEMANDS, min_size=1, max_size=30))
def test_the_price_is_lowest_again_when_all_watches_have_ended(demands):
    price = at_rate(0.001)
    for number, demand in enumerate(demands):
        price.update(number, demand)
    for number in range(len(demands)):
        price.remove(number)
    assert (price.current(0.0), price.horizon) == (LOWEST_PRICE, 0.0)


@pytest.fixture(scope="module")
def many():
    return crowd(300)


def test_watches_at_one_price_keep_to_the_hour_but_for_a_seventh(many):
    assert many.hour <= HOURLY * 1.15


def test_watches_at_one_price_keep_to_the_minute(many):
    assert many.minute <= 500


def test_watches_at_one_price_notice_ends_sooner_than_regular_polls(many):
    assert many.learned.delay < 0.6 * many.fixed.delay


def test_a_watch_that_is_expected_needs_what_the_others_need_on_average():
    price = at_rate(1.0)
    for number in range(50):
        price.register(number)
    for number in range(50, 100):
        price.update(number, PollDemand(polls=50, remaining=500))
    some_told = price.current(0.0)
    for number in range(50):
        price.update(number, PollDemand(polls=50, remaining=500))
    assert some_told == pytest.approx(price.current(0.0))


def test_a_registered_watch_that_is_removed_does_not_raise_the_price():
    price = at_rate(1.0)
    for number in range(99):
        price.register(number)
    price.update("a", PollDemand(polls=100, remaining=500))
    is_expensive = price.current(0.0)
    for number in range(99):
        price.remove(number)
    assert (is_expensive > LOWEST_PRICE, price.current(0.0)) == (True, LOWEST_PRICE)


def test_the_price_is_lowest_while_no_demand_is_known():
    price = at_rate(0.0)
    price.register("a")
    assert price.current(0.0) == LOWEST_PRICE


def test_a_small_budget_raises_the_price_gradually():
    def price(free):
        price = PollPrice(lambda _: free)
        for number in range(100):
            price.update(number, PollDemand(polls=10, remaining=500))
        return price.current(0.0)

    prices = [price(free) for free in (80.0, 60.0, 50.0, 45.0)]
    assert prices == sorted(prices)
    assert all(later < 2 * earlier for earlier, later in pairwise(prices[1:]))


def test_however_little_is_free_a_quarter_of_it_counts():
    price = PollPrice(lambda _: 0.4)
    price.update("a", PollDemand(polls=1, remaining=100))
    assert price.current(0.0) == pytest.approx((1 / 0.1) ** 2)


def test_a_demand_that_lasts_no_time_is_refused():
    with pytest.raises(ValueError, match="remaining"):
        PollDemand(polls=1, remaining=0)


@each("polls", [-1.0, float("inf"), float("nan")])
def test_a_demand_with_an_invalid_number_of_polls_is_refused(polls):
    with pytest.raises(ValueError, match="polls"):
        PollDemand(polls=polls, remaining=100)


def test_what_is_no_demand_is_refused():
    with pytest.raises(InvalidArgumentError, match="must be a PollDemand, not 3"):
        PollPrice(at_rate(1)).update("watch", 3)
