"""The budget never exceeds the limits of a tier, uses nearly all of them, and learns from the answers it observes."""

import json
import math
import random
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.quick import each, length

from bentley_sync_async import RateTier
from bentley_sync_async.transport.rate_limit.budget import RequestBudget

SMALL = RateTier(name="Small", per_minute=10, per_hour=50)


def spend(budget, calls, now, *, kind="poll", lasting=0.0):
    """Reserve and spend as many requests as there is room for, up to `calls`; return their number."""
    reserved = 0
    while reserved < calls and budget.reserve(kind, now):
        reserved += 1
    for _ in range(reserved):
        budget.spend(kind, now + lasting)
    return reserved


def most_in(instants, seconds):
    """Return the largest number of instants within `seconds`; like the emulator, without those exactly that old."""
    ordered = sorted(instants)
    return max((n + 1 - bisect_right(ordered, at - seconds, hi=n) for n, at in enumerate(ordered)), default=0)


def flood(budget, *, begin=0.0, hours=1, lasting=0.1, chance=None):
    """Send all requests that may be sent; return when the service counted each, between its start and its end."""
    now, counted = begin, []
    while (now := budget.available_at(now)) < begin + 3600 * hours:
        sent = spend(budget, math.inf, now, lasting=lasting)
        counted += [now + lasting * (chance.random() if chance else 1.0) for _ in range(sent)]
        now += lasting
    return counted


# Limits.


def test_a_minute_has_room_for_the_limit_and_no_more():
    budget = RequestBudget(SMALL)
    assert spend(budget, 100, 0.0) == 10


def test_there_is_room_again_when_the_first_requests_are_a_minute_old():
    budget = RequestBudget(SMALL)
    spend(budget, 4, 0.0)
    spend(budget, 6, 30.0)
    assert 60.0 <= budget.available_at(30.0) <= 60.5
    assert spend(budget, 100, budget.available_at(30.0)) == 4


def test_there_is_no_room_just_before_the_first_requests_are_a_minute_old():
    budget = RequestBudget(SMALL)
    spend(budget, 10, 0.0)
    assert spend(budget, 1, 59.99) == 0


def test_an_hour_has_its_own_limit():
    budget = RequestBudget(SMALL)
    assert [spend(budget, 100, 61.0 * n) for n in range(7)] == [10, 10, 10, 10, 10, 0, 0]
    assert 3600.0 <= budget.available_at(400.0) <= 3600.0 * 1.01


def test_a_request_counts_until_a_minute_after_its_end():
    budget = RequestBudget(RateTier(name="One", per_minute=1))
    spend(budget, 1, 0.0, lasting=30.0)
    assert 90.0 <= budget.available_at(89.0) <= 90.5


def test_while_requests_under_way_fill_the_budget_the_next_room_is_at_infinity():
    budget = RequestBudget(RateTier(name="One", per_minute=1))
    assert budget.reserve("poll", 0.0)
    assert budget.available_at(500.0) == math.inf


def test_a_request_that_was_not_sent_is_not_counted():
    budget = RequestBudget(RateTier(name="One", per_minute=1))
    budget.reserve("poll", 0.0)
    budget.cancel("poll")
    assert budget.use(0.0).minute.used == 0
    assert budget.reserve("call", 0.0)


def test_without_limits_there_is_always_room():
    budget = RequestBudget(RateTier.UNLIMITED)
    assert spend(budget, 20_000, 0.0) == 20_000


@each(("share", "limit"), [(0.5, 5), (0.19, 1), (0.01, 1), (1, 10)])
def test_a_share_is_a_part_of_the_limit_and_at_least_one_request(share, limit):
    assert spend(RequestBudget(SMALL, share=share), 100, 0.0) == limit


def test_without_a_tier_the_limits_of_standard_count():
    assert spend(RequestBudget(), 10_000, 0.0) == 5000


@each(
    ("tier", "limits"),
    [
        (RateTier.COMMUNITY, (500, 5000)),
        (RateTier.STANDARD, (5000, None)),
        (RateTier.PREMIUM, (5000, None)),
        (RateTier.CUSTOM, (5000, None)),
        (RateTier.UNLIMITED, (None, None)),
    ],
)
def test_the_tiers_have_the_limits_of_the_page(tier, limits):
    assert (tier.per_minute, tier.per_hour) == limits


# Never above the limit, and not much below.


@given(seed=st.integers(0, 2**32), lasting=st.floats(0, 5), begin=st.floats(0, 1e7), share=st.floats(0.2, 1))
@settings(max_examples=length(15, 40), deadline=None)
def test_however_a_service_counts_it_never_finds_more_than_the_limit_in_a_window(seed, lasting, begin, share):
    chance = random.Random(seed)
    counted = flood(RequestBudget(SMALL, share=share), begin=begin, hours=3, lasting=max(lasting, 0.5), chance=chance)
    assert most_in(counted, 60.0) <= 10 * share
    assert most_in(counted, 3600.0) <= 50 * share


@each("begin", [0.0, 0.1, 86_400.3])
@each("lasting", [0.05, 0.3])
def test_at_least_98_percent_of_the_quota_of_a_minute_can_be_used(begin, lasting):
    counted = flood(RequestBudget(RateTier(name="Wide", per_minute=50)), begin=begin, hours=2, lasting=lasting)
    assert len(counted) >= 0.98 * 50 * 120


@each("begin", [0.0, 86_400.3])
def test_at_least_98_percent_of_the_quota_of_an_hour_can_be_used(begin):
    counted = flood(RequestBudget(RateTier(name="Wide", per_hour=500)), begin=begin, hours=100, lasting=1.0)
    assert len(counted) >= 0.98 * 500 * 100


def test_memory_does_not_grow_with_the_traffic():
    budget = RequestBudget(RateTier.UNLIMITED)
    for n in range(50_000):
        spend(budget, 1, n * 0.1)
    assert sum(len(window._leaving) for window in budget._windows) < 600


# Use.


def test_the_use_counts_requests_by_their_kind():
    budget = RequestBudget(SMALL, share=0.9)
    spend(budget, 2, 0.0, kind="trigger")
    spend(budget, 3, 100.0, kind="poll")
    budget.reserve("call", 110.0)
    use = budget.use(110.0, waiting=7)
    assert (use.tier, use.share, use.under_way, use.waiting) == (SMALL, 0.9, 1, 7)
    assert (use.minute.seconds, use.minute.limit, use.minute.used, use.minute.left) == (60.0, 9, 4, 5)
    assert use.minute.spent == {"poll": 3, "call": 1}
    assert (use.hour.seconds, use.hour.limit, use.hour.used, use.hour.left) == (3600.0, 45, 6, 39)
    assert use.hour.spent == {"trigger": 2, "poll": 3, "call": 1}


def test_without_a_limit_the_use_has_neither_limit_nor_left():
    use = RequestBudget().use(0.0)
    assert (use.hour.limit, use.hour.left) == (None, None)


def test_the_use_is_one_json_object():
    budget = RequestBudget(RateTier(name="Own", per_minute=10))
    spend(budget, 2, 0.0, kind="call")
    assert json.loads(budget.use(0.0).to_json()) == {
        "tier": {"name": "Own", "perMinute": 10},
        "share": 1.0,
        "minute": {"seconds": 60.0, "limit": 10, "used": 2, "left": 8, "spent": {"call": 2}},
        "hour": {"seconds": 3600.0, "used": 2, "spent": {"call": 2}},
        "underWay": 0,
        "waiting": 0,
    }


def test_after_a_day_without_requests_nothing_is_spent():
    budget = RequestBudget(SMALL)
    spend(budget, 10, 0.0)
    use = budget.use(86_400.0)
    assert (use.hour.used, use.hour.spent, use.minute.left, use.waiting) == (0, {}, 10, 0)


# Polls that are available.

MINUTE = RateTier(name="Minute", per_minute=10)
HOUR = RateTier(name="Hour", per_hour=50)


def test_without_limits_an_infinite_number_of_polls_is_available():
    assert RequestBudget(RateTier.UNLIMITED).available(60.0, 0.0) == math.inf


@each(("tier", "seconds", "available"), [(MINUTE, 60.0, 8), (MINUTE, 600.0, 80), (HOUR, 3600.0, 40)])
def test_with_nothing_spent_all_but_a_fifth_is_available(tier, seconds, available):
    assert RequestBudget(tier).available(seconds, 0.0) == pytest.approx(available)


def test_for_less_than_a_window_the_whole_limit_is_available_less_the_reserve_of_that_time():
    assert RequestBudget(MINUTE).available(30.0, 0.0) == pytest.approx(10 - 1)


def test_the_window_with_less_room_decides():
    assert [RequestBudget(SMALL).available(seconds, 0.0) for seconds in (60.0, 3600.0)] == [
        pytest.approx(8),
        pytest.approx(40),
    ]


def test_what_was_spent_is_not_available_until_it_leaves_the_window():
    budget = RequestBudget(HOUR)
    spend(budget, 40, 0.0)
    assert [budget.available(900.0, now) for now in (0.0, 3605.0)] == [pytest.approx(10 - 2.5), pytest.approx(50 - 2.5)]


def test_no_more_is_available_than_there_is_room_for_until_requests_leave_the_window():
    budget = RequestBudget(HOUR)
    spend(budget, 20, 0.0)
    spend(budget, 20, 1500.0)
    # Room for 10 until the first 20 leave, one slot late at the most.
    earliest, latest = (900 * (10 / (3600 * 1.001 + late - 3000) - 10 / 3600) for late in (0.0, 14.4))
    assert latest < budget.available(900.0, 3000.0) < earliest


def test_a_full_minute_does_not_count_for_polls_over_a_quarter_of_an_hour():
    budget = RequestBudget(MINUTE)
    spend(budget, 10, 0.0)
    assert [budget.available(seconds, 0.0) for seconds in (300.0, 900.0)] == [pytest.approx(2.5), pytest.approx(120)]


def test_a_full_hour_counts_until_its_requests_have_left_the_window():
    budget = RequestBudget(HOUR)
    spend(budget, 50, 0.0)
    available = [budget.available(3000.0, now) for now in (1000.0, 3610.0)]
    assert available == [pytest.approx(3000 * 2.5 / 3600), pytest.approx(50 - 3000 * 10 / 3600)]


def test_requests_under_way_are_not_available():
    budget = RequestBudget(MINUTE)
    for _ in range(5):
        budget.reserve("poll", 0.0)
    assert budget.available(30.0, 0.0) == pytest.approx(5 - 1)


def test_a_twentieth_is_available_even_if_more_is_under_way_than_polls_may_use():
    budget = RequestBudget(MINUTE)
    for _ in range(10):
        budget.reserve("trigger", 0.0)
    assert budget.available(30.0, 0.0) == pytest.approx(10 / 20 / 2)


# What the budget learns from answers.


def reject(budget, now, *, reserved_at=None, retry_after=None, tier=None):
    """Have a request answered with 429."""
    budget.reserve("poll", now if reserved_at is None else reserved_at)
    budget.observe_rejection(
        now, reserved_at=now if reserved_at is None else reserved_at, retry_after=retry_after, tier=tier
    )
    budget.spend("poll", now, rejected=True)


def test_a_tier_that_was_not_given_is_the_one_that_a_429_names():
    budget = RequestBudget(share=0.5)
    reject(budget, 1.0, tier=RateTier.COMMUNITY)
    assert budget.use(1.0).tier == RateTier.COMMUNITY
    assert (budget.use(1.0).minute.limit, budget.use(1.0).hour.limit) == (250, 2500)


def test_requests_spent_before_count_against_the_tier_that_is_learned():
    budget = RequestBudget()
    spend(budget, 600, 0.0)
    reject(budget, 1.0, tier=RateTier.COMMUNITY)
    assert budget.use(1.0).minute.left == 0
    assert 60.0 <= budget.available_at(1.0) <= 60.5


def test_a_tier_that_was_not_given_is_also_corrected_upward():
    budget = RequestBudget()
    budget.observe_remaining(4000, 0.0, tier=RateTier.COMMUNITY)
    budget.observe_remaining(4000, 0.0, tier=RateTier.STANDARD)
    assert (budget.use(0.0).minute.limit, budget.use(0.0).hour.limit) == (5000, None)


def test_a_429_that_the_tier_explains_is_not_attributed_to_others():
    budget = RequestBudget()
    reject(budget, 1.0, retry_after=20.0, tier=RateTier.COMMUNITY)
    assert budget.use(1.0).minute.spent == {"rejected": 1}
    reject(budget, 2.0, retry_after=20.0, tier=RateTier.COMMUNITY)
    assert budget.use(2.0).minute.spent == {"rejected": 2, "others": 498}


def test_when_the_limit_falls_below_what_is_spent_there_is_room_once_enough_requests_have_left():
    budget = RequestBudget()
    for at in range(60):
        spend(budget, 20, float(at))
    reject(budget, 59.5, tier=RateTier.COMMUNITY)
    assert 95.0 <= budget.available_at(59.5) <= 95.5


def test_when_the_limit_falls_below_what_is_under_way_there_is_no_room():
    budget = RequestBudget()
    for _ in range(600):
        budget.reserve("poll", 0.0)
    reject(budget, 1.0, tier=RateTier.COMMUNITY)
    assert not budget.reserve("poll", 2.0)
    assert budget.available_at(2.0) == math.inf


def test_a_429_with_a_retry_after_of_a_minute_means_the_quota_of_the_minute():
    budget = RequestBudget(SMALL)
    reject(budget, 0.0, retry_after=60.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (0, 49)


def test_a_tier_that_was_given_is_corrected_downward_only():
    budget = RequestBudget(RateTier.STANDARD)
    budget.observe_remaining(4000, 0.0, tier=RateTier.COMMUNITY)
    assert budget.use(0.0).minute.limit == 500
    budget = RequestBudget(RateTier.COMMUNITY)
    budget.observe_remaining(4000, 0.0, tier=RateTier.STANDARD)
    assert (budget.use(0.0).minute.limit, budget.use(0.0).hour.limit) == (500, 5000)


def test_a_429_means_that_others_used_up_the_rest_of_the_minute():
    budget = RequestBudget(SMALL)
    spend(budget, 3, 0.0)
    reject(budget, 1.0, retry_after=20.0)
    assert budget.use(1.0).minute.spent == {"poll": 3, "rejected": 1, "others": 6}
    assert 21.0 <= budget.available_at(1.0) <= 22.0


def test_the_calls_of_others_leave_evenly_from_retry_after_to_the_end_of_the_window():
    budget = RequestBudget(SMALL)
    reject(budget, 0.0, retry_after=20.0)
    assert [budget.use(at).minute.spent.get("others", 0) for at in (0.0, 19.9, 20.2, 40.0, 60.5)] == [9, 9, 8, 4, 0]


def test_a_429_with_a_retry_after_above_a_minute_means_the_quota_of_the_hour():
    budget = RequestBudget(SMALL)
    reject(budget, 0.0, retry_after=1800.0)
    assert budget.use(0.0).hour.left == 0
    assert 1800.0 <= budget.available_at(0.0) <= 1880.0


@each("reserved_at", [0.0, 1.0])
def test_of_429s_to_requests_under_way_together_only_one_counts(reserved_at):
    budget = RequestBudget(RateTier.STANDARD)
    reject(budget, 1.0, reserved_at=0.0, retry_after=1.0)
    reject(budget, 62.0, reserved_at=reserved_at, retry_after=1.0)
    assert budget.use(62.0).minute.limit == 5000
    reject(budget, 63.0, reserved_at=1.1, retry_after=1.0)
    assert budget.use(63.0).minute.limit == 50


def test_after_429s_for_a_whole_window_the_limit_is_what_could_be_sent():
    budget = RequestBudget(RateTier.STANDARD)
    spend(budget, 600, 0.0)
    reject(budget, 1.0, retry_after=59.0)
    spend(budget, 600, 61.0)
    reject(budget, 62.0, retry_after=59.0)
    assert budget.use(62.0).minute.limit == 600
    assert budget.use(62.0 + 9 * 60).minute.limit == 600
    assert budget.use(62.0 + 11 * 60).minute.limit == 5000


def test_available_at_takes_into_account_when_an_observed_limit_ends():
    budget = RequestBudget(RateTier.STANDARD)
    reject(budget, 1.0)
    reject(budget, 61.0)
    for _ in range(50):
        budget.reserve("poll", 200.0)
    assert budget.available_at(200.0) == 661.0


@each(("share", "minute", "hour"), [(1.0, 50, 500), (0.1, 5, 50), (0.001, 1, 1)])
def test_an_observed_limit_is_no_less_than_the_strictest_published_one(share, minute, hour):
    budget = RequestBudget(RateTier.STANDARD, share=share)
    for at in (1.0, 3601.0):
        reject(budget, at, retry_after=3000.0)
    for at in (3610.0, 3670.0):
        reject(budget, at)
    assert (budget.use(3670.0).minute.limit, budget.use(3670.0).hour.limit) == (minute, hour)


def test_once_a_limit_is_observed_nothing_is_attributed_to_others():
    budget = RequestBudget(RateTier.STANDARD)
    for at in (1.0, 30.0, 61.0):
        reject(budget, at, retry_after=1.0)
    assert budget.use(61.0).minute.spent == {"rejected": 3}
    assert (budget.use(61.0).minute.used, budget.use(61.0).minute.left) == (3, 47)


def test_429s_within_one_window_do_not_lower_the_limit():
    budget = RequestBudget(RateTier.STANDARD)
    for at in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.9):
        reject(budget, at)
    assert budget.use(60.9).minute.limit == 5000


@each("rejections", [1, 2, 5])
def test_after_429s_without_retry_after_one_request_at_a_time_is_sent(rejections):
    budget = RequestBudget(SMALL)
    spend(budget, 3, 0.0)
    for n in range(rejections):
        reject(budget, 1.0 + n)
    assert spend(budget, 100, 10.0) == 1
    assert 60.0 <= budget.available_at(10.0) <= 60.5


def test_after_a_success_nothing_is_attributed_to_others():
    budget = RequestBudget(SMALL)
    reject(budget, 1.0)
    budget.observe_success(reserved_at=1.0)
    assert budget.use(2.0).minute.left == 1
    budget.observe_success(reserved_at=1.5)
    assert budget.use(2.0).minute.left == 9


def test_a_retry_after_still_counts_after_a_success():
    budget = RequestBudget(SMALL)
    reject(budget, 1.0, retry_after=20.0)
    budget.observe_success(reserved_at=30.0)
    assert budget.use(30.0).minute.spent["others"] > 0


def test_an_observed_limit_is_no_more_than_that_of_the_tier():
    budget = RequestBudget(SMALL)
    reject(budget, 1.0)
    reject(budget, 61.0)
    assert budget.use(61.0).minute.limit == 10


def test_two_429s_far_apart_do_not_lower_the_limit():
    budget = RequestBudget(RateTier.STANDARD)
    reject(budget, 1.0)
    reject(budget, 1000.0)
    assert budget.use(1000.0).minute.limit == 5000


def test_no_more_is_sent_than_the_service_says_is_left():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(3, 0.0)
    assert spend(budget, 100, 0.0) == 3
    assert budget.use(0.0).minute.spent == {"others": 7, "poll": 3}


def test_more_remaining_calls_than_the_limit_of_a_minute_are_those_of_the_hour():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(30, 0.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (10, 30)


def test_remaining_calls_are_compared_with_the_limit_of_the_tier_not_with_the_share():
    budget = RequestBudget(SMALL, share=0.2)
    budget.observe_remaining(9, 0.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (2, 10)


def test_remaining_calls_that_match_the_budget_change_nothing():
    budget = RequestBudget(SMALL)
    spend(budget, 4, 0.0)
    budget.observe_remaining(6, 0.0)
    assert budget.use(0.0).minute.used == 4


def test_remaining_calls_may_be_the_whole_limit_of_a_minute():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(10, 0.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (10, 50)


def test_remaining_calls_above_every_limit_change_nothing():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(1000, 0.0)
    assert budget.use(0.0).hour.used == 0


def test_remaining_calls_change_nothing_without_limits():
    budget = RequestBudget(RateTier.UNLIMITED)
    budget.observe_remaining(3, 0.0)
    assert budget.use(0.0).minute.used == 0


def test_repeated_429s_set_a_limit_where_there_was_none():
    budget = RequestBudget(RateTier.UNLIMITED)
    reject(budget, 1.0)
    spend(budget, 70, 30.0)
    reject(budget, 62.0)
    assert budget.use(62.0).minute.limit == 70
