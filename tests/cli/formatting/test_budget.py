from support.quick import each

from bentley_sync_async import RateTier
from bentley_sync_async.cli.formatting.budget import budget_text, hour_text, left_text, quota_text
from bentley_sync_async.transport.rate_limit.budget import RequestBudget


def used(tier=RateTier.COMMUNITY, *, given=None):
    """What a client tells that sent a trigger and two looks, after a service that named a tier."""
    budget = RequestBudget(given)
    budget.observe_remaining(10**6, 0.0, tier=tier)
    for kind in ("trigger", "poll", "poll"):
        budget.reserve(kind, 0.0)
        budget.spend(kind, 0.0)
    return budget.use(0.0)


def test_the_table_says_what_requests_were_spent_on():
    assert budget_text(used(), given=None).splitlines()[1:] == [
        "         limit    used    left  spent on",
        "minute     500       3     497  1 trigger, 2 poll",
        "hour     5,000       3   4,997  1 trigger, 2 poll",
    ]


def test_where_nothing_was_sent_nothing_was_spent():
    assert budget_text(RequestBudget().use(0.0), given=None).splitlines()[-1] == "hour         -       0       -  -"


@each(
    ("given", "named", "source"),
    [
        (RateTier.COMMUNITY, RateTier.COMMUNITY, "Tier Community, as configured; share 1."),
        (RateTier.STANDARD, RateTier.COMMUNITY, "Tier Community, as the service names it; share 1."),
        (None, RateTier.COMMUNITY, "Tier Community, as the service names it; share 1."),
    ],
)
def test_it_is_said_where_the_tier_comes_from(given, named, source):
    assert budget_text(used(named, given=given), given=given).splitlines()[0] == source


def test_what_is_left_is_that_of_the_hour():
    assert (left_text(used()), left_text(used(RateTier.STANDARD))) == ("4,997 left this hour", "")


def test_what_was_used_is_that_of_the_hour():
    words = [hour_text(used(tier)) for tier in (RateTier.COMMUNITY, RateTier.STANDARD)]
    assert words == ["Budget of the hour (tier Community): used 3 of 5,000, 4,997 left this hour.", ""]


@each(("requests", "amount"), [(12_000, "2.4 hours"), (5000, "1.0 hours"), (250, "5% of an hour")])
def test_a_plan_is_described_in_hours_of_the_quota(requests, amount):
    assert quota_text(requests, used()).startswith(f"These requests are {amount} of the quota (5,000 an hour, ")


def test_a_plan_is_nothing_beside_an_hour_without_a_limit():
    assert quota_text(12_000, used(RateTier.STANDARD)) == ""
