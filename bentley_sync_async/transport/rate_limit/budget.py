"""The budget: how many requests a client may send in a minute and in an hour, and what it spent. Pure.

The platform counts the calls of an application by the minute and by the hour (page `overview/rate-limits`). A request
is under way for a while, and only the service knows when in that time it was counted. So a request counts from the
moment it may be sent until one window after its end: the service never finds more than the limit in a window, whether
its windows are sliding or fixed.
"""

import math
from collections import Counter
from typing import Literal

from attrs import evolve, frozen

from bentley_sync_async.config import RateTier
from bentley_sync_async.wire.codec import encode

from .windows import REJECTED, Window, WindowUse

RequestKind = Literal["trigger", "call", "poll"]
"""What a request is for: triggering a run, a single call, or polling a run that is watched."""

MINUTE, HOUR = 60.0, 3600.0

RESERVE = 0.2
"""The part of the quota that polls leave for triggers and single calls."""

_STRICTEST = (50, 500)  # per minute and hour, of APIs in preview: the lowest limits that were ever published


@frozen(kw_only=True)
class BudgetUse:
    """The quota of a client and what it has spent (`client.budget`).

    Attributes:
        tier: The tier whose limits count: the one that the caller gave, or that the service named.
        share: The part of the tier that this client may use.
        minute: What was spent in the last minute.
        hour: What was spent in the last hour.
        under_way: Requests that are under way.
        waiting: Requests that wait for a permit.
    """

    tier: RateTier
    share: float
    minute: WindowUse
    hour: WindowUse
    under_way: int
    waiting: int

    def to_json(self) -> str:
        """Return it as one JSON object, with the API's spelling of names; a limit that does not exist is left out."""
        return encode(self).decode()


class RequestBudget:
    """The requests of a client, counted against its share of a tier."""

    def __init__(self, tier: RateTier | None = None, *, share: float = 1.0) -> None:
        """Start with nothing spent.

        Args:
            tier: The application's tier; `None` if the caller did not say: `STANDARD` until the service names another.
            share: The part of it that this client may use, above 0 and at most 1.
        """
        self._given = tier is not None
        self._share = share
        self._under_way: Counter[str] = Counter()
        self._count = 0
        self._minute, self._hour = self._windows = (Window(MINUTE), Window(HOUR))
        self._apply_limits(tier or RateTier.STANDARD)

    def reserve(self, kind: str, now: float) -> bool:
        """Count a request that is about to be sent, if there is room for it; return whether there is."""
        if self._minute.room(now) <= self._count or self._hour.room(now) <= self._count:
            return False
        self._under_way[kind] += 1
        self._count += 1
        return True

    def cancel(self, kind: str) -> None:
        """Undo `reserve`, as the request was not sent."""
        self._under_way[kind] -= 1
        self._count -= 1

    def spend(self, kind: str, now: float, *, rejected: bool = False) -> None:
        """Count a request that has ended, answered or not.

        Args:
            kind: As it was reserved.
            now: The instant.
            rejected: Whether it was answered with 429.
        """
        self.cancel(kind)
        for window in self._windows:
            window.add(REJECTED if rejected else kind, now)

    def available_at(self, now: float) -> float:
        """Return when there will be room for a request: `now`, a later instant, or infinity if one has to end first."""
        return max(window.available_at(now, self._count) for window in self._windows)

    def observe_rejection(
        self, now: float, *, reserved_at: float, retry_after: float | None, tier: RateTier | None = None
    ) -> None:
        """Correct the budget after a 429 that it did not expect.

        If the service names another tier than was assumed, that explains it. Otherwise other clients of the application
        have used the rest of the quota, or an earlier process of ours has. If 429s continue for longer than the window,
        the limit must be lower than assumed, and what could be sent counts as the limit for a while.

        Args:
            now: The instant.
            reserved_at: When the rejected request was reserved: of those under way together only one counts.
            retry_after: Seconds that the service requests to wait (Retry-After).
            tier: The tier that the service named.
        """
        if tier is not None and self._set_tier(tier):
            return
        window = self._hour if exhausted_window(retry_after) == "hour" else self._minute
        window.observe_rejection(now, reserved_at=reserved_at, retry_after=retry_after, under_way=self._count)

    def observe_success(self, *, reserved_at: float) -> None:
        """Correct the budget after a good answer: an assumption that others have used up the quota was wrong.

        Args:
            reserved_at: When the request was reserved.
        """
        for window in self._windows:
            window.observe_success(reserved_at)

    def observe_remaining(self, calls: int, now: float, *, tier: RateTier | None = None) -> None:
        """Correct the budget by the calls that the application has left according to an answer.

        The answer does not name the window: it is taken as the shortest one whose limit is not lower. The missing calls
        count as those of other clients of the application.

        Args:
            calls: How many calls are left.
            now: The instant.
            tier: The tier that the service named.
        """
        if tier is not None:
            self._set_tier(tier)
        for window, limit in zip(self._windows, _limits(self._tier), strict=True):
            if limit is not None and calls <= limit:
                window.spent_by_others(window.room(now) - self._count - calls, now, now)
                return

    def available(self, seconds: float, now: float) -> float:
        """Return how many polls may be sent, evenly, within so many seconds, besides the reserve for triggers.

        It is never less than a twentieth of the quota, even if the rest is spent; see `Window.rate`.

        Args:
            seconds: How long they are sent for; above 0.
            now: The instant.
        """
        return seconds * min(window.rate(now, seconds, self._count, reserve=RESERVE) for window in self._windows)

    def use(self, now: float, *, waiting: int = 0) -> BudgetUse:
        """Return what was spent.

        Args:
            now: The instant.
            waiting: Requests that wait for a permit.
        """
        minute, hour = (window.use(now, self._under_way) for window in self._windows)
        return BudgetUse(
            tier=self._tier, share=self._share, minute=minute, hour=hour, under_way=self._count, waiting=waiting
        )

    def _set_tier(self, tier: RateTier) -> bool:
        """Use the tier that the service names, but no higher limits than the caller gave; return whether it is new."""
        if self._given:
            tier = evolve(
                tier,
                per_minute=_lower(tier.per_minute, self._tier.per_minute),
                per_hour=_lower(tier.per_hour, self._tier.per_hour),
            )
        if _limits(tier) == _limits(self._tier):
            return False
        self._apply_limits(tier)
        return True

    def _apply_limits(self, tier: RateTier) -> None:
        self._tier = tier
        for window, limit, strictest in zip(self._windows, _limits(tier), _STRICTEST, strict=True):
            window.limit = math.inf if limit is None else max(1, math.floor(limit * self._share))
            window.least = min(window.limit, max(1, math.floor(strictest * self._share)))


def exhausted_window(retry_after: float | None) -> Literal["minute", "hour"]:
    """Return which quota a 429 with this Retry-After says is used up: a wait of over a minute is for the hour's."""
    return "hour" if (retry_after or 0.0) > MINUTE else "minute"


def _limits(tier: RateTier) -> tuple[int | None, int | None]:
    return tier.per_minute, tier.per_hour


def _lower(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
