"""How many requests a client may send, and what it sent them for. Pure: the time comes in.

The platform counts the calls of an application by the minute and by the hour (page `overview/rate-limits`). A request
is on its way for a while, and only the service knows when in that while it was counted. So a request occupies its place
from the moment it may be sent until a window after its end: however the service counts, in windows that slide or in
fixed ones, it never finds more than the limit in one of them.
"""

import math
from collections import Counter
from typing import Literal

from attrs import evolve, frozen

from bentley_sync_async.config import RateTier
from bentley_sync_async.wire.codec import encode

from .windows import REFUSED, Window, WindowUse

RequestKind = Literal["trigger", "call", "poll"]
"""What a request is for: to trigger a run, anything that somebody waits for, or a look at a run that is watched."""

MINUTE, HOUR = 60.0, 3600.0

RESERVE = 0.2
"""The part of the quota that looks leave for triggers and single calls."""

_STRICTEST = (50, 500)  # a minute and an hour: what APIs in preview take, the least that was ever published


@frozen(kw_only=True)
class BudgetUse:
    """The quota of a client and what became of it (`client.budget`).

    Attributes:
        tier: The tier whose limits count: the one that was given, or that the service named.
        share: The part of the tier that this client may use.
        minute: What was spent in the last minute.
        hour: What was spent in the last hour.
        under_way: Requests that are under way.
        waiting: Requests that wait for their turn.
    """

    tier: RateTier
    share: float
    minute: WindowUse
    hour: WindowUse
    under_way: int
    waiting: int

    def to_json(self) -> str:
        """Return it as one JSON object, with the API's spelling of names; what has no limit has none there either."""
        return encode(self).decode()


class RequestBudget:
    """The requests of a client, counted against its share of a tier."""

    def __init__(self, tier: RateTier | None = None, *, share: float = 1.0) -> None:
        """Begin with nothing spent.

        Args:
            tier: The application's tier; `None` if nobody said: `STANDARD` until the service names another.
            share: The part of it that this client may use, above 0 and at most 1.
        """
        self._given = tier is not None
        self._share = share
        self._under_way: Counter[str] = Counter()
        self._count = 0
        self._minute, self._hour = self._windows = (Window(MINUTE), Window(HOUR))
        self._adopt(tier or RateTier.STANDARD)

    def take(self, kind: str, now: float) -> bool:
        """Count a request that is going to be sent, if there is room for it; return whether there is."""
        if self._minute.room(now) <= self._count or self._hour.room(now) <= self._count:
            return False
        self._under_way[kind] += 1
        self._count += 1
        return True

    def put_back(self, kind: str) -> None:
        """Undo `take`: the request was not sent."""
        self._under_way[kind] -= 1
        self._count -= 1

    def ended(self, kind: str, now: float, *, refused: bool = False) -> None:
        """Note that a request has come to its end, answered or not.

        Args:
            kind: As it was taken.
            now: The instant.
            refused: Whether it was answered with 429.
        """
        self.put_back(kind)
        for window in self._windows:
            window.add(REFUSED if refused else kind, now)

    def opens(self, now: float) -> float:
        """Return when there will be room for a request: `now`, a later instant, or infinity if one has to end first."""
        return max(window.opens(now, self._count) for window in self._windows)

    def refused(self, now: float, *, taken: float, retry_after: float | None, tier: RateTier | None = None) -> None:
        """Learn from a 429 that came before it should have.

        The tier explains it if the service names another one than was thought. Otherwise the rest of the quota went to
        others, or is still held against an earlier process of ours; and if that goes on for longer than the window, the
        limit must be lower than thought, and what we could send is taken for it for a while.

        Args:
            now: The instant.
            taken: When the refused request was taken: those that were under way together teach the same lesson once.
            retry_after: Seconds that the service asks to wait; more than a minute means the quota of the hour.
            tier: The tier that the service named.
        """
        if tier is not None and self._learned(tier):
            return
        window = self._hour if (retry_after or 0.0) > MINUTE else self._minute
        window.refuse(now, taken=taken, wait=retry_after, under_way=self._count)

    def accepted(self, *, taken: float) -> None:
        """Learn from an answer that the service takes requests: a guess of what others have used up was wrong.

        Args:
            taken: When the request was taken.
        """
        for window in self._windows:
            window.accept(taken)

    def remaining(self, calls: int, now: float, *, tier: RateTier | None = None) -> None:
        """Learn from an answer how many calls the application has left.

        Nothing says of which window; the shortest that can hold so many is meant. What is missing went to others.

        Args:
            calls: How many.
            now: The instant.
            tier: The tier that the service named.
        """
        if tier is not None:
            self._learned(tier)
        for window, limit in zip(self._windows, _limits(self._tier), strict=True):
            if limit is not None and calls <= limit:
                window.spent_by_others(window.room(now) - self._count - calls, now, now)
                return

    def free(self, seconds: float, now: float) -> float:
        """Return how many requests may be sent, evenly, within so many seconds, beside what is kept for triggers.

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
            waiting: Requests that wait for their turn.
        """
        minute, hour = (window.use(now, self._under_way) for window in self._windows)
        return BudgetUse(
            tier=self._tier, share=self._share, minute=minute, hour=hour, under_way=self._count, waiting=waiting
        )

    def _learned(self, tier: RateTier) -> bool:
        """Go by the tier that the service names, but by none wider than the one given; return whether it is new."""
        if self._given:
            tier = evolve(
                tier,
                per_minute=_lower(tier.per_minute, self._tier.per_minute),
                per_hour=_lower(tier.per_hour, self._tier.per_hour),
            )
        if _limits(tier) == _limits(self._tier):
            return False
        self._adopt(tier)
        return True

    def _adopt(self, tier: RateTier) -> None:
        self._tier = tier
        for window, limit, strictest in zip(self._windows, _limits(tier), _STRICTEST, strict=True):
            window.limit = math.inf if limit is None else max(1, math.floor(limit * self._share))
            window.least = min(window.limit, max(1, math.floor(strictest * self._share)))


def _limits(tier: RateTier) -> tuple[int | None, int | None]:
    return tier.per_minute, tier.per_hour


def _lower(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
