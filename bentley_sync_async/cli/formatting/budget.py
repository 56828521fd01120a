"""What the quota of an application and its use are in words. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bentley_sync_async import RateLimitedError, RateTier
from bentley_sync_async.transport import BudgetUse, WindowUse

from .events import duration_words

_MINUTE = 60.0
_LEAST_SHOWN = 0.01

WHOSE = (
    "This counts the requests of this process alone, which has just begun. Of what other processes send, only what the "
    "service tells is known; it may tell nothing before it refuses."
)
"""What such figures are worth, for people."""


def budget_text(use: BudgetUse, *, given: RateTier | None) -> str:
    """Return the tier and a table of both windows.

    Args:
        use: The quota, and what became of it.
        given: The tier that was set; `None` if none was.
    """
    rows = [("", "limit", "used", "left", "spent on"), _row("minute", use.minute), _row("hour", use.hour)]
    table = [
        f"{name:<6}  {limit:>6}  {used:>6}  {left:>6}  {spent}".rstrip() for name, limit, used, left, spent in rows
    ]
    return "\n".join([f"Tier {use.tier.name}, {_source(use, given)}; share {use.share:g}.", *table])


def _source(use: BudgetUse, given: RateTier | None) -> str:
    if use.tier == given:
        return "as it was set"
    if given is None and use.tier == RateTier.STANDARD:
        return "taken for granted until BENTLEY_SYNC_RATE_TIER or the service names another"
    return "as the service names it"


def _row(name: str, window: WindowUse) -> tuple[str, ...]:
    spent = ", ".join(f"{count:,} {kind}" for kind, count in window.spent.items())
    return name, _number(window.limit), _number(window.used), _number(window.left), spent or "-"


def _number(number: int | None) -> str:
    return f"{number:,}" if number is not None else "-"


def exhausted(refusal: RateLimitedError) -> str:
    """Return which quota a 429 says is used up: `hour` if it asks to wait for longer than a minute, else `minute`."""
    return "hour" if (refusal.retry_after or 0.0) > _MINUTE else "minute"


def refusal_words(refusal: RateLimitedError, *, now: datetime) -> str:
    """Return when requests may be sent again after a 429, and why not before.

    Args:
        refusal: The 429.
        now: The instant, in the zone in which people want to read it.
    """
    head = "The service takes no requests of this application now (429)"
    wait = refusal.retry_after
    if wait is None:
        return f"{head}, and does not say until when; the quota of a minute is there again after a minute."
    until = f"{now + timedelta(seconds=wait):%H:%M:%S}"
    return (
        f"{head}: the quota of the {exhausted(refusal)} is used up. "
        f"Send again in {duration_words(timedelta(seconds=wait))}, at {until}."
    )


def left_words(use: BudgetUse) -> str:
    """Return how many requests are left this hour, or nothing if the hour has no limit."""
    return f"{use.hour.left:,} left this hour" if use.hour.left is not None else ""


def hour_words(use: BudgetUse) -> str:
    """Return what was used of the quota of the hour, or nothing if it has no limit."""
    if use.hour.limit is None:
        return ""
    return (
        f"Budget of the hour (tier {use.tier.name}): used {use.hour.used:,} of {use.hour.limit:,}, {left_words(use)}."
    )


def quota_words(requests: int, use: BudgetUse) -> str:
    """Return what so many requests are beside the quota of the hour, or nothing if it has no limit."""
    if use.hour.limit is None:
        return ""
    hours = requests / use.hour.limit
    share = f"{hours:.0%}" if hours >= _LEAST_SHOWN else "less than 1%"
    amount = f"{hours:.1f} hours" if hours >= 1 else f"{share} of an hour"
    return (
        f"So many requests are {amount} of the quota ({use.hour.limit:,} an hour, tier {use.tier.name}). "
        "When it is short, looks are rarer."
    )
