"""The texts of the budget: the quota of an application and what was spent. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bentley_sync_async import RateLimitedError, RateTier
from bentley_sync_async.transport import BudgetUse, WindowUse, exhausted_window

from .events import duration_text

_LEAST_SHOWN = 0.01

WHOSE = (
    "This counts the requests of this process only, which has just started. The requests of other processes are known "
    "only as far as the service reports them, which may be not before it answers 429."
)
"""What the figures include, for people."""


def budget_text(use: BudgetUse, *, given: RateTier | None) -> str:
    """Return the tier and a table of both windows.

    Args:
        use: The quota and what was spent.
        given: The tier that was set; `None` if none was.
    """
    rows = [("", "limit", "used", "left", "spent on"), _row("minute", use.minute), _row("hour", use.hour)]
    table = [
        f"{name:<6}  {limit:>6}  {used:>6}  {left:>6}  {spent}".rstrip() for name, limit, used, left, spent in rows
    ]
    return "\n".join([f"Tier {use.tier.name}, {_source(use, given)}; share {use.share:g}.", *table])


def _source(use: BudgetUse, given: RateTier | None) -> str:
    if use.tier == given:
        return "as configured"
    if given is None and use.tier == RateTier.STANDARD:
        return "assumed until BENTLEY_SYNC_RATE_TIER or the service names another"
    return "as the service names it"


def _row(name: str, window: WindowUse) -> tuple[str, ...]:
    spent = ", ".join(f"{count:,} {kind}" for kind, count in window.spent.items())
    return name, _number(window.limit), _number(window.used), _number(window.left), spent or "-"


def _number(number: int | None) -> str:
    return f"{number:,}" if number is not None else "-"


def throttle_text(error: RateLimitedError, *, now: datetime) -> str:
    """Return when requests may be sent again after a 429, and which quota is used up.

    Args:
        error: The 429.
        now: The instant, in the time zone of the user.
    """
    head = "The service accepts no requests of this application now (429)"
    wait = error.retry_after
    if wait is None:
        return f"{head}, and does not say until when; the quota of the minute is available again after a minute."
    until = f"{now + timedelta(seconds=wait):%H:%M:%S}"
    return (
        f"{head}: the quota of the {exhausted_window(wait)} is used up. "
        f"Send again in {duration_text(timedelta(seconds=wait))}, at {until}."
    )


def left_text(use: BudgetUse) -> str:
    """Return how many requests are left this hour; an empty text if the hour has no limit."""
    return f"{use.hour.left:,} left this hour" if use.hour.left is not None else ""


def hour_text(use: BudgetUse) -> str:
    """Return what was used of the quota of the hour; an empty text if it has no limit."""
    if use.hour.limit is None:
        return ""
    return f"Budget of the hour (tier {use.tier.name}): used {use.hour.used:,} of {use.hour.limit:,}, {left_text(use)}."


def quota_text(requests: int, use: BudgetUse) -> str:
    """Return the share of the hour's quota that so many requests are; an empty text if it has no limit."""
    if use.hour.limit is None:
        return ""
    hours = requests / use.hour.limit
    share = f"{hours:.0%}" if hours >= _LEAST_SHOWN else "less than 1%"
    amount = f"{hours:.1f} hours" if hours >= 1 else f"{share} of an hour"
    return (
        f"These requests are {amount} of the quota ({use.hour.limit:,} an hour, tier {use.tier.name}). "
        "When it is short, polls are rarer."
    )
