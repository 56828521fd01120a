import json
import math
import random
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bentley_sync_async import ConfigurationError, RateTier
from bentley_sync_async.config import ClientConfig
from bentley_sync_async.transport.rate_limit.budget import RequestBudget

SMALL = RateTier(name="Small", per_minute=10, per_hour=50)


def spend(budget, calls, now, *, kind="poll", lasting=0.0):
    """Take and end as many requests as there is room for, up to `calls`; return how many that were."""
    taken = 0
    while taken < calls and budget.reserve(kind, now):
        taken += 1
    for _ in range(taken):
        budget.spend(kind, now + lasting)
    return taken


def most_in(instants, seconds):
    """The most of the instants within `seconds`, the way the emulator counts: older than that is gone."""
    ordered = sorted(instants)
    return max((n + 1 - bisect_right(ordered, at - seconds, hi=n) for n, at in enumerate(ordered)), default=0)


def flood(budget, *, begin=0.0, hours=1, lasting=0.1, chance=None):
    """Send whatever may be sent; return when the service counted each, somewhere between its sending and its end."""
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


def test_there_is_room_again_when_the_first_are_a_minute_old():
    budget = RequestBudget(SMALL)
    spend(budget, 4, 0.0)
    spend(budget, 6, 30.0)
    assert 60.0 <= budget.available_at(30.0) <= 60.5
    assert spend(budget, 100, budget.available_at(30.0)) == 4


def test_there_is_no_room_a_moment_too_early():
    budget = RequestBudget(SMALL)
    spend(budget, 10, 0.0)
    assert spend(budget, 1, 59.99) == 0


def test_an_hour_has_its_own_limit():
    budget = RequestBudget(SMALL)
    assert [spend(budget, 100, 61.0 * n) for n in range(7)] == [10, 10, 10, 10, 10, 0, 0]
    assert 3600.0 <= budget.available_at(400.0) <= 3600.0 * 1.01


def test_a_request_keeps_its_place_until_a_minute_after_its_end():
    budget = RequestBudget(RateTier(name="One", per_minute=1))
    spend(budget, 1, 0.0, lasting=30.0)
    assert 90.0 <= budget.available_at(89.0) <= 90.5


def test_while_all_places_are_taken_by_requests_under_way_nobody_knows_when_there_is_room():
    budget = RequestBudget(RateTier(name="One", per_minute=1))
    assert budget.reserve("poll", 0.0)
    assert budget.available_at(500.0) == math.inf


def test_a_request_that_was_not_sent_leaves_no_trace():
    budget = RequestBudget(RateTier(name="One", per_minute=1))
    budget.reserve("poll", 0.0)
    budget.cancel("poll")
    assert budget.use(0.0).minute.used == 0
    assert budget.reserve("call", 0.0)


def test_without_limits_there_is_always_room():
    budget = RequestBudget(RateTier.UNLIMITED)
    assert spend(budget, 20_000, 0.0) == 20_000


@pytest.mark.parametrize(("share", "limit"), [(0.5, 5), (0.19, 1), (0.01, 1), (1, 10)])
def test_a_share_is_a_part_of_the_limit_and_at_least_one_request(share, limit):
    assert spend(RequestBudget(SMALL, share=share), 100, 0.0) == limit


def test_a_tier_that_nobody_named_has_the_limits_of_standard():
    assert spend(RequestBudget(), 10_000, 0.0) == 5000


@pytest.mark.parametrize(
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


# Never too many, and not too few.


@given(seed=st.integers(0, 2**32), lasting=st.floats(0, 5), begin=st.floats(0, 1e7), share=st.floats(0.2, 1))
@settings(max_examples=40, deadline=None)
def test_however_a_service_counts_it_never_finds_more_than_the_limit_in_a_window(seed, lasting, begin, share):
    chance = random.Random(seed)
    counted = flood(RequestBudget(SMALL, share=share), begin=begin, hours=3, lasting=max(lasting, 0.5), chance=chance)
    assert most_in(counted, 60.0) <= 10 * share
    assert most_in(counted, 3600.0) <= 50 * share


@pytest.mark.parametrize("begin", [0.0, 0.1, 86_400.3])
@pytest.mark.parametrize("lasting", [0.05, 0.3])
def test_of_the_quota_of_a_minute_hardly_anything_is_wasted(begin, lasting):
    counted = flood(RequestBudget(RateTier(name="Wide", per_minute=50)), begin=begin, hours=2, lasting=lasting)
    assert len(counted) >= 0.98 * 50 * 120


@pytest.mark.parametrize("begin", [0.0, 86_400.3])
def test_of_the_quota_of_an_hour_hardly_anything_is_wasted(begin):
    counted = flood(RequestBudget(RateTier(name="Wide", per_hour=500)), begin=begin, hours=100, lasting=1.0)
    assert len(counted) >= 0.98 * 500 * 100


def test_memory_does_not_grow_with_the_traffic():
    budget = RequestBudget(RateTier.UNLIMITED)
    for n in range(50_000):
        spend(budget, 1, n * 0.1)
    assert sum(len(window._leaving) for window in budget._windows) < 600


# What was spent.


def test_the_use_says_what_was_spent_on_what():
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


def test_without_a_limit_nothing_is_left_to_say_of_what_is_left():
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


def test_after_a_day_of_silence_nothing_is_spent():
    budget = RequestBudget(SMALL)
    spend(budget, 10, 0.0)
    use = budget.use(86_400.0)
    assert (use.hour.used, use.hour.spent, use.minute.left, use.waiting) == (0, {}, 10, 0)


# What is free for looks.

MINUTE = RateTier(name="Minute", per_minute=10)
HOUR = RateTier(name="Hour", per_hour=50)


def test_without_limits_as_many_looks_are_free_as_anybody_wants():
    assert RequestBudget(RateTier.UNLIMITED).available(60.0, 0.0) == math.inf


@pytest.mark.parametrize(("tier", "seconds", "free"), [(MINUTE, 60.0, 8), (MINUTE, 600.0, 80), (HOUR, 3600.0, 40)])
def test_while_nothing_is_spent_all_is_free_but_for_a_fifth(tier, seconds, free):
    assert RequestBudget(tier).available(seconds, 0.0) == pytest.approx(free)


def test_within_less_than_a_window_the_whole_limit_may_be_sent_but_for_that_times_reserve():
    assert RequestBudget(MINUTE).available(30.0, 0.0) == pytest.approx(10 - 1)


def test_the_window_with_less_room_decides():
    assert [RequestBudget(SMALL).available(seconds, 0.0) for seconds in (60.0, 3600.0)] == [
        pytest.approx(8),
        pytest.approx(40),
    ]


def test_what_was_spent_just_now_is_not_free_until_it_leaves_the_window():
    budget = RequestBudget(HOUR)
    spend(budget, 40, 0.0)
    assert [budget.available(900.0, now) for now in (0.0, 3605.0)] == [pytest.approx(10 - 2.5), pytest.approx(50 - 2.5)]


def test_no_more_is_free_than_there_is_room_for_until_something_leaves():
    budget = RequestBudget(HOUR)
    spend(budget, 20, 0.0)
    spend(budget, 20, 1500.0)
    # Room for 10 until the first 20 leave, one slot late at the most.
    earliest, latest = (900 * (10 / (3600 * 1.001 + late - 3000) - 10 / 3600) for late in (0.0, 14.4))
    assert latest < budget.available(900.0, 3000.0) < earliest


def test_a_minute_that_is_full_does_not_count_for_looks_over_a_quarter_of_an_hour():
    budget = RequestBudget(MINUTE)
    spend(budget, 10, 0.0)
    assert [budget.available(seconds, 0.0) for seconds in (300.0, 900.0)] == [pytest.approx(2.5), pytest.approx(120)]


def test_an_hour_that_is_full_counts_until_it_has_left():
    budget = RequestBudget(HOUR)
    spend(budget, 50, 0.0)
    free = [budget.available(3000.0, now) for now in (1000.0, 3610.0)]
    assert free == [pytest.approx(3000 * 2.5 / 3600), pytest.approx(50 - 3000 * 10 / 3600)]


def test_requests_under_way_are_not_free():
    budget = RequestBudget(MINUTE)
    for _ in range(5):
        budget.reserve("poll", 0.0)
    assert budget.available(30.0, 0.0) == pytest.approx(5 - 1)


def test_where_more_is_under_way_than_looks_may_have_a_twentieth_is_free():
    budget = RequestBudget(MINUTE)
    for _ in range(10):
        budget.reserve("trigger", 0.0)
    assert budget.available(30.0, 0.0) == pytest.approx(10 / 20 / 2)


# What the service says.


def refuse(budget, now, *, reserved_at=None, retry_after=None, tier=None):
    """Have a request answered with 429."""
    budget.reserve("poll", now if reserved_at is None else reserved_at)
    budget.observe_rejection(now, reserved_at=now if reserved_at is None else reserved_at, retry_after=retry_after, tier=tier)
    budget.spend("poll", now, rejected=True)


def test_a_tier_that_nobody_named_is_the_one_that_a_refusal_names():
    budget = RequestBudget(share=0.5)
    refuse(budget, 1.0, tier=RateTier.COMMUNITY)
    assert budget.use(1.0).tier == RateTier.COMMUNITY
    assert (budget.use(1.0).minute.limit, budget.use(1.0).hour.limit) == (250, 2500)


def test_what_was_spent_before_counts_against_the_tier_that_is_learned():
    budget = RequestBudget()
    spend(budget, 600, 0.0)
    refuse(budget, 1.0, tier=RateTier.COMMUNITY)
    assert budget.use(1.0).minute.left == 0
    assert 60.0 <= budget.available_at(1.0) <= 60.5


def test_a_tier_that_nobody_named_follows_the_service_upward_as_well():
    budget = RequestBudget()
    budget.observe_remaining(4000, 0.0, tier=RateTier.COMMUNITY)
    budget.observe_remaining(4000, 0.0, tier=RateTier.STANDARD)
    assert (budget.use(0.0).minute.limit, budget.use(0.0).hour.limit) == (5000, None)


def test_a_refusal_that_the_tier_explains_is_not_blamed_on_others():
    budget = RequestBudget()
    refuse(budget, 1.0, retry_after=20.0, tier=RateTier.COMMUNITY)
    assert budget.use(1.0).minute.spent == {"rejected": 1}
    refuse(budget, 2.0, retry_after=20.0, tier=RateTier.COMMUNITY)
    assert budget.use(2.0).minute.spent == {"rejected": 2, "others": 498}


def test_when_the_limit_falls_below_what_is_spent_as_many_as_it_takes_have_to_leave():
    budget = RequestBudget()
    for at in range(60):
        spend(budget, 20, float(at))
    refuse(budget, 59.5, tier=RateTier.COMMUNITY)
    assert 95.0 <= budget.available_at(59.5) <= 95.5


def test_when_the_limit_falls_below_what_is_under_way_nothing_passes():
    budget = RequestBudget()
    for _ in range(600):
        budget.reserve("poll", 0.0)
    refuse(budget, 1.0, tier=RateTier.COMMUNITY)
    assert not budget.reserve("poll", 2.0)
    assert budget.available_at(2.0) == math.inf


def test_a_refusal_for_a_whole_minute_means_the_quota_of_the_minute():
    budget = RequestBudget(SMALL)
    refuse(budget, 0.0, retry_after=60.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (0, 49)


def test_a_tier_that_was_given_gives_way_to_a_narrower_one_only():
    budget = RequestBudget(RateTier.STANDARD)
    budget.observe_remaining(4000, 0.0, tier=RateTier.COMMUNITY)
    assert budget.use(0.0).minute.limit == 500
    budget = RequestBudget(RateTier.COMMUNITY)
    budget.observe_remaining(4000, 0.0, tier=RateTier.STANDARD)
    assert (budget.use(0.0).minute.limit, budget.use(0.0).hour.limit) == (500, 5000)


def test_a_refusal_means_that_others_used_up_the_rest_of_the_minute():
    budget = RequestBudget(SMALL)
    spend(budget, 3, 0.0)
    refuse(budget, 1.0, retry_after=20.0)
    assert budget.use(1.0).minute.spent == {"poll": 3, "rejected": 1, "others": 6}
    assert 21.0 <= budget.available_at(1.0) <= 22.0


def test_the_calls_of_others_leave_evenly_from_retry_after_to_the_end_of_the_window():
    budget = RequestBudget(SMALL)
    refuse(budget, 0.0, retry_after=20.0)
    assert [budget.use(at).minute.spent.get("others", 0) for at in (0.0, 19.9, 20.2, 40.0, 60.5)] == [9, 9, 8, 4, 0]


def test_a_refusal_for_more_than_a_minute_means_the_quota_of_the_hour():
    budget = RequestBudget(SMALL)
    refuse(budget, 0.0, retry_after=1800.0)
    assert budget.use(0.0).hour.left == 0
    assert 1800.0 <= budget.available_at(0.0) <= 1880.0


@pytest.mark.parametrize("taken", [0.0, 1.0])
def test_requests_that_were_under_way_together_teach_one_lesson(taken):
    budget = RequestBudget(RateTier.STANDARD)
    refuse(budget, 1.0, reserved_at=0.0, retry_after=1.0)
    refuse(budget, 62.0, reserved_at=taken, retry_after=1.0)
    assert budget.use(62.0).minute.limit == 5000
    refuse(budget, 63.0, reserved_at=1.1, retry_after=1.0)
    assert budget.use(63.0).minute.limit == 50


def test_a_limit_that_refuses_again_and_again_is_taken_for_what_it_let_pass():
    budget = RequestBudget(RateTier.STANDARD)
    spend(budget, 600, 0.0)
    refuse(budget, 1.0, retry_after=59.0)
    spend(budget, 600, 61.0)
    refuse(budget, 62.0, retry_after=59.0)
    assert budget.use(62.0).minute.limit == 600
    assert budget.use(62.0 + 9 * 60).minute.limit == 600
    assert budget.use(62.0 + 11 * 60).minute.limit == 5000


def test_a_limit_that_was_found_out_is_forgotten_by_those_who_wait_for_it():
    budget = RequestBudget(RateTier.STANDARD)
    refuse(budget, 1.0)
    refuse(budget, 61.0)
    for _ in range(50):
        budget.reserve("poll", 200.0)
    assert budget.available_at(200.0) == 661.0


@pytest.mark.parametrize(("share", "minute", "hour"), [(1.0, 50, 500), (0.1, 5, 50), (0.001, 1, 1)])
def test_a_limit_that_is_found_out_is_no_less_than_the_strictest_that_was_published(share, minute, hour):
    budget = RequestBudget(RateTier.STANDARD, share=share)
    for at in (1.0, 3601.0):
        refuse(budget, at, retry_after=3000.0)
    for at in (3610.0, 3670.0):
        refuse(budget, at)
    assert (budget.use(3670.0).minute.limit, budget.use(3670.0).hour.limit) == (minute, hour)


def test_once_a_limit_is_found_out_nothing_is_held_against_others():
    budget = RequestBudget(RateTier.STANDARD)
    for at in (1.0, 30.0, 61.0):
        refuse(budget, at, retry_after=1.0)
    assert budget.use(61.0).minute.spent == {"rejected": 3}
    assert (budget.use(61.0).minute.used, budget.use(61.0).minute.left) == (3, 47)


def test_refusals_within_one_window_are_no_limit():
    budget = RequestBudget(RateTier.STANDARD)
    for at in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.9):
        refuse(budget, at)
    assert budget.use(60.9).minute.limit == 5000


@pytest.mark.parametrize("refusals", [1, 2, 5])
def test_while_the_service_refuses_without_a_word_one_request_at_a_time_may_try(refusals):
    budget = RequestBudget(SMALL)
    spend(budget, 3, 0.0)
    for n in range(refusals):
        refuse(budget, 1.0 + n)
    assert spend(budget, 100, 10.0) == 1
    assert 60.0 <= budget.available_at(10.0) <= 60.5


def test_when_the_service_takes_requests_again_nothing_is_held_against_others():
    budget = RequestBudget(SMALL)
    refuse(budget, 1.0)
    budget.observe_success(reserved_at=1.0)
    assert budget.use(2.0).minute.left == 1
    budget.observe_success(reserved_at=1.5)
    assert budget.use(2.0).minute.left == 9


def test_what_the_service_said_itself_holds_although_it_takes_requests_again():
    budget = RequestBudget(SMALL)
    refuse(budget, 1.0, retry_after=20.0)
    budget.observe_success(reserved_at=30.0)
    assert budget.use(30.0).minute.spent["others"] > 0


def test_a_limit_that_is_found_out_is_no_more_than_that_of_the_tier():
    budget = RequestBudget(SMALL)
    refuse(budget, 1.0)
    refuse(budget, 61.0)
    assert budget.use(61.0).minute.limit == 10


def test_two_refusals_far_apart_are_no_limit():
    budget = RequestBudget(RateTier.STANDARD)
    refuse(budget, 1.0)
    refuse(budget, 1000.0)
    assert budget.use(1000.0).minute.limit == 5000


def test_no_more_is_sent_than_the_service_says_is_left():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(3, 0.0)
    assert spend(budget, 100, 0.0) == 3
    assert budget.use(0.0).minute.spent == {"others": 7, "poll": 3}


def test_a_number_that_no_minute_can_have_left_is_of_the_hour():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(30, 0.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (10, 30)


def test_a_share_is_not_what_the_service_counts():
    budget = RequestBudget(SMALL, share=0.2)
    budget.observe_remaining(9, 0.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (2, 10)


def test_a_number_that_is_no_less_than_ours_teaches_nothing():
    budget = RequestBudget(SMALL)
    spend(budget, 4, 0.0)
    budget.observe_remaining(6, 0.0)
    assert budget.use(0.0).minute.used == 4


def test_the_whole_of_a_minute_can_be_left():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(10, 0.0)
    assert (budget.use(0.0).minute.left, budget.use(0.0).hour.left) == (10, 50)


def test_a_number_beyond_every_limit_teaches_nothing():
    budget = RequestBudget(SMALL)
    budget.observe_remaining(1000, 0.0)
    assert budget.use(0.0).hour.used == 0


def test_without_limits_a_number_teaches_nothing():
    budget = RequestBudget(RateTier.UNLIMITED)
    budget.observe_remaining(3, 0.0)
    assert budget.use(0.0).minute.used == 0


def test_what_goes_on_to_refuse_is_a_limit_where_there_was_none():
    budget = RequestBudget(RateTier.UNLIMITED)
    refuse(budget, 1.0)
    spend(budget, 70, 30.0)
    refuse(budget, 62.0)
    assert budget.use(62.0).minute.limit == 70


# Settings.


@pytest.mark.parametrize("name", ["Community", "TRIAL", " community "])
def test_a_tier_is_found_by_its_names(name):
    assert RateTier.named(name) is RateTier.COMMUNITY


def test_a_tier_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ConfigurationError, match="no rate tier 'gold'; there are: community, trial, standard, basic"):
        RateTier.named("gold")


@pytest.mark.parametrize("limits", [{"per_minute": 0}, {"per_hour": -1}, {"per_minute": "many"}])
def test_a_limit_must_be_more_than_nothing(limits):
    with pytest.raises(ConfigurationError, match="must be more than 0"):
        RateTier(name="none", **limits)


@pytest.mark.parametrize("share", [0, -0.5, 1.5, math.nan, "half"])
def test_a_share_must_be_a_part(share):
    with pytest.raises(ConfigurationError, match="share must be more than 0 and at most 1"):
        ClientConfig(share=share)
