"""How many requests a client may send, and what it sent them for. Pure: the time comes in.

The platform counts the calls of an application by the minute and by the hour (page `overview/rate-limits`). A request
is on its way for a while, and only the service knows when in that while it was counted. So a request occupies its place
from the moment it may be sent until a window after its end: however the service counts, in windows that slide or in
fixed ones, it never finds more than the limit in one of them.

What a window holds is kept in slots of time, not one by one, so that neither memory nor time grows with the traffic: a
request leaves up to a slot late, which costs 0.2 % of the quota on average, and 0.1 % is kept for clocks that differ.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from attrs import evolve, field, frozen

from bentley_sync_async.config import RateTier

from .gate import CLOCK

Kind = Literal["trigger", "call", "poll"]
"""What a request is for: to trigger a run, anything that somebody waits for, or a look at a run that is watched."""

MINUTE, HOUR = 60.0, 3600.0

_SLOTS = 250
_CLOCKS = 1.001  # a window of ours against one of the service's
_AGAIN = 2  # windows within which a second refusal is no accident
_HELD = 10  # windows for which a limit that was found out counts
_STRICTEST = (50, 500)  # a minute and an hour: what APIs in preview take, the least that was ever published

_OTHERS, _REFUSED = "others", "refused"


@frozen(kw_only=True)
class WindowUse:
    """What was spent in the last minute or hour.

    Attributes:
        seconds: The length of the window, in seconds.
        limit: Requests that this client may send in it: its share of the tier's, or what the service was found to take;
            `None` for no limit.
        used: Requests in it, those that are under way included.
        left: How many more may be sent now; `None` for no limit.
        spent: What they were for: `trigger`, `poll` or `call` (anything else); `refused` were answered with 429, and
            `others` are those of other clients of the application, as far as the service told of them.
    """

    seconds: float
    limit: int | None
    used: int
    left: int | None
    spent: Mapping[str, int] = field(factory=dict)


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
    under_way: int = 0
    waiting: int = 0


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
        self._minute, self._hour = self._windows = (_Window(MINUTE), _Window(HOUR))
        self._adopt(tier or RateTier.STANDARD)

    @property
    def tier(self) -> RateTier:
        """The tier whose limits count."""
        return self._tier

    def take(self, kind: str, now: float) -> bool:
        """Count a request that is going to be sent, if there is room for it; return whether there is."""
        if any(window.room(now) <= self._count for window in self._windows):
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
            window.add(_REFUSED if refused else kind, now)

    def opens(self, now: float) -> float:
        """Return when there will be room for a request: `now`, a later instant, or infinity if one has to end first."""
        return max(window.opens(now, self._count) for window in self._windows)

    def refused(self, now: float, *, taken: float, retry_after: float | None, tier: RateTier | None = None) -> None:
        """Learn from a 429 that came before it should have.

        The tier explains it if the service names another one than was thought. Otherwise the rest of the quota went to
        others, or is still held against an earlier process of ours; and if that happens again and again, the limit must
        be lower than thought, and what we could send is taken for it for a while.

        Args:
            now: The instant.
            taken: When the refused request was taken: those that were under way together teach the same lesson once.
            retry_after: Seconds that the service asks to wait; more than a minute means the quota of the hour.
            tier: The tier that the service named.
        """
        if tier is not None and self._learned(tier):
            return
        window = self._hour if (retry_after or 0.0) > MINUTE else self._minute
        window.refuse(now, taken=taken, wait=retry_after or 0.0, under_way=self._count)

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


class _Window:
    """What was spent in the last minute or hour; the requests that are under way are the budget's."""

    def __init__(self, seconds: float) -> None:
        self.limit = math.inf
        self.least = 1.0  # what others use up for a while must not be taken for a limit
        self._seconds = seconds
        self._width = seconds / _SLOTS
        self._spent: Counter[str] = Counter()
        self._used = 0
        self._leaving: dict[int, Counter[str]] = {}  # by the slot of time with which they leave
        self._slot = -(10**18)
        self._found = math.inf  # the limit that the service was found to have
        self._found_until = -math.inf
        self._refused_at = -math.inf

    def room(self, now: float) -> float:
        """Return how many requests the window could hold besides those that it holds."""
        slot = math.floor((now + CLOCK) / self._width)
        if slot > self._slot:
            self._slot = slot
            for past in [leaving for leaving in self._leaving if leaving <= slot]:
                gone = self._leaving.pop(past)
                self._spent.subtract(gone)
                self._used -= gone.total()
        return self._bound(now) - self._used

    def opens(self, now: float, under_way: int) -> float:
        """Return when there will be room for one more than those under way; infinity if one of them has to end."""
        missing = under_way + 1 - self.room(now)
        if missing <= 0:
            return now
        for slot in sorted(self._leaving):
            missing -= self._leaving[slot].total()
            if missing <= 0:
                return min(slot * self._width, self._forgotten(now))
        return self._forgotten(now)

    def add(self, kind: str, now: float) -> None:
        """Count a request that has ended."""
        self._put(kind, 1, self._slot_of(now + self._seconds * _CLOCKS))

    def spent_by_others(self, calls: float, now: float, first: float) -> None:
        """Count calls that others have made, nobody knows when: they leave evenly from an instant to a window on."""
        if not 0 < calls < math.inf:
            return
        begin, end = self._slot_of(min(first, now + self._seconds)), self._slot_of(now + self._seconds * _CLOCKS)
        places, total = end - begin + 1, math.ceil(calls)
        for n in range(places):
            self._put(_OTHERS, -(-total * (n + 1) // places) + (-total * n // places), begin + n)

    def refuse(self, now: float, *, taken: float, wait: float, under_way: int) -> None:
        """Learn that the service finds this window full."""
        if taken <= self._refused_at:
            return
        again = now - self._refused_at <= _AGAIN * self._seconds
        self._refused_at = now
        room = self.room(now) - under_way
        if not again:
            self.spent_by_others(room, now, now + wait)
            return
        self._forget_others()
        ours = self._used - self._spent[_REFUSED]
        self._found, self._found_until = max(ours, self.least), now + _HELD * self._seconds

    def use(self, now: float, under_way: Counter[str]) -> WindowUse:
        """Return what was spent."""
        room, bound = self.room(now), self._bound(now)
        count = under_way.total()
        return WindowUse(
            seconds=self._seconds,
            limit=None if bound == math.inf else int(bound),
            used=self._used + count,
            left=None if bound == math.inf else max(0, int(room) - count),
            spent=dict(+(self._spent + under_way)),
        )

    def _bound(self, now: float) -> float:
        return min(self.limit, self._found) if now < self._found_until else self.limit

    def _forgotten(self, now: float) -> float:
        """Return when a limit that was found out no longer counts; infinity if there is none."""
        return self._found_until if now < self._found_until else math.inf

    def _forget_others(self) -> None:
        for leaving in self._leaving.values():
            self._used -= leaving.pop(_OTHERS, 0)
        del self._spent[_OTHERS]

    def _slot_of(self, instant: float) -> int:
        return max(self._slot + 1, math.ceil(instant / self._width))

    def _put(self, kind: str, calls: int, slot: int) -> None:
        if calls:
            self._leaving.setdefault(slot, Counter())[kind] += calls
            self._spent[kind] += calls
            self._used += calls


def _limits(tier: RateTier) -> tuple[int | None, int | None]:
    return tier.per_minute, tier.per_hour


def _lower(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
