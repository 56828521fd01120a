"""One window of the budget: the requests of the last minute or hour, and the limit of the service. Pure.

Requests are counted in slots of time, not one by one, so that neither memory nor time grows with the traffic: a request
leaves the window up to a slot late, which costs 0.2 % of the quota on average, and 0.1 % is for clocks that differ.
"""

import math
from collections import Counter
from collections.abc import Mapping

from attrs import field, frozen

from .throttle import CLOCK_RESOLUTION

OTHERS, REJECTED = "others", "rejected"

_SLOTS = 250
_CLOCKS = 1.001  # the length of our windows, in windows of the service, whose clock may differ
_CONSECUTIVE = 2  # windows within which a rejection counts as a continuation of the last one
_IGNORED = 1 / 8  # of the time for which requests are sent: a shortage shorter than that does not count
_SAME = 0.02  # relative change of the inputs within which a computed rate is kept, for a slot of time
_OBSERVED_FOR = 10  # windows for which an observed limit counts


@frozen(kw_only=True)
class WindowUse:
    """What was spent in the last minute or hour.

    Attributes:
        seconds: The length of the window, in seconds.
        limit: Requests that this client may send in it: its share of the tier's, or a lower limit that was observed;
            `None` for no limit.
        used: Requests in it, those that are under way included.
        left: How many more may be sent now; `None` for no limit.
        spent: What they were for: `trigger`, `poll` or `call` (anything else); `rejected` were answered with 429, and
            `others` are those of other clients of the application, as far as answers showed them.
    """

    seconds: float
    limit: int | None
    used: int
    left: int | None
    spent: Mapping[str, int] = field(factory=dict)


class Window:
    """The requests of the last minute or hour that have ended; the budget counts those that are under way."""

    def __init__(self, seconds: float) -> None:
        self.limit = math.inf
        self.least = 1.0  # the lowest observed limit: others may use up the quota for a while
        self._seconds = seconds
        self._stay = seconds * _CLOCKS
        self._width = seconds / _SLOTS
        self._used = 0
        self._leaving: dict[int, Counter[str]] = {}  # by the slot of time in which they leave the window
        self._slot = 0
        self._observed_limit, self._observed_until = math.inf, 0.0
        self._rejected_at = self._rejected_since = -math.inf
        # The latest rate that was computed: its slot, for how many seconds, by which limit and room.
        self._rate = (-1, 0.0, 0.0, 0.0, 0.0)
        self._assumed_full = False  # by others, as a 429 did not say for how long

    def room(self, now: float) -> float:
        """Return how many requests the window could hold besides those that it holds."""
        slot = math.floor((now + CLOCK_RESOLUTION) / self._width)
        if slot > self._slot:
            self._slot = slot
            for past in [leaving for leaving in self._leaving if leaving <= slot]:
                self._used -= self._leaving.pop(past).total()
        return self._bound(now) - self._used

    def available_at(self, now: float, under_way: int) -> float:
        """Return when there will be room for one more request than those under way; infinity if one must end first."""
        missing = under_way + 1 - self.room(now)
        if missing <= 0:
            return now
        for slot in sorted(self._leaving):
            missing -= self._leaving[slot].total()
            if missing <= 0:
                return min(slot * self._width, self._observed_limit_ends(now))
        return self._observed_limit_ends(now)

    def rate(self, now: float, seconds: float, under_way: int, *, reserve: float) -> float:
        """Return how many requests a second may be sent, evenly, so that there is room for them within so many seconds.

        A shortage for less than an eighth of that time, such as the minute after a burst, does not count. A quarter of
        the reserve may always be sent: a few watches need no more, and would otherwise wait for hours.

        Args:
            now: The instant.
            seconds: For how long they are sent.
            under_way: How many requests are under way.
            reserve: The part of the limit that is reserved for other kinds of requests.
        """
        room, limit = self.room(now), self._bound(now)
        if limit == math.inf:
            return math.inf
        room -= under_way
        slot, last_seconds, last_limit, last_room, rate = self._rate
        same = abs(seconds - last_seconds) <= _SAME * seconds and abs(room - last_room) <= _SAME * room
        if not same or (slot, last_limit) != (self._slot, limit):
            rate = self._even_rate(now, seconds, limit, room)
            self._rate = (self._slot, seconds, limit, room, rate)
        reserved = reserve * limit / self._seconds
        return max(rate - reserved, reserved / 4)

    def _even_rate(self, now: float, seconds: float, limit: float, room: float) -> float:
        rate = math.inf
        for slot in sorted(self._leaving):
            after = slot * self._width - now
            if after >= seconds:
                break
            if after >= seconds * _IGNORED:
                rate = min(rate, room / after)
            room += self._leaving[slot].total()
        all_left = seconds >= self._stay + self._width
        return min(rate, limit / self._seconds if all_left else room / seconds)

    def add(self, kind: str, now: float) -> None:
        """Count a request that has ended."""
        self._put(kind, 1, math.ceil((now + self._stay) / self._width))

    def spent_by_others(self, calls: float, now: float, first: float) -> None:
        """Count calls of others at unknown instants: they leave evenly from an instant until a window after now."""
        if not 0 < calls < math.inf:
            return
        begin, end = self._slot_of(min(first, now + self._seconds)), self._slot_of(now + self._stay)
        places, total = end - begin + 1, math.ceil(calls)
        for n in range(places):
            self._put(OTHERS, -(-total * (n + 1) // places) + (-total * n // places), begin + n)

    def observe_rejection(self, now: float, *, reserved_at: float, retry_after: float | None, under_way: int) -> None:
        """Correct the window, which the service found full."""
        if reserved_at <= self._rejected_at:
            return
        if now - self._rejected_at > _CONSECUTIVE * self._seconds:
            self._rejected_since = now
        self._rejected_at = now
        room = self.room(now) - under_way + self._remove_others()
        if now - self._rejected_since >= self._seconds:
            ours = self._used - sum(leaving[REJECTED] for leaving in self._leaving.values())
            self._observed_limit, self._observed_until = max(ours, self.least), now + _OBSERVED_FOR * self._seconds
        elif retry_after is not None:
            self.spent_by_others(room, now, now + retry_after)
        else:  # without Retry-After, one request at a time may try
            self._assumed_full = True
            self.spent_by_others(room - 1, now, math.inf)

    def observe_success(self, reserved_at: float) -> None:
        """Correct the window, which the service did not find full."""
        if self._assumed_full and reserved_at > self._rejected_at:
            self._remove_others()

    def use(self, now: float, under_way: Counter[str]) -> WindowUse:
        """Return what was spent."""
        room, bound = self.room(now), self._bound(now)
        count = under_way.total()
        return WindowUse(
            seconds=self._seconds,
            limit=None if bound == math.inf else int(bound),
            used=self._used + count,
            left=None if bound == math.inf else max(0, int(room) - count),
            spent=dict(sum(self._leaving.values(), +under_way)),
        )

    def _bound(self, now: float) -> float:
        return min(self.limit, self._observed_limit) if now < self._observed_until else self.limit

    def _observed_limit_ends(self, now: float) -> float:
        """Return when the observed limit no longer counts; infinity if there is none."""
        return self._observed_until if now < self._observed_until else math.inf

    def _remove_others(self) -> int:
        calls = sum(leaving.pop(OTHERS, 0) for leaving in self._leaving.values())
        self._used -= calls
        self._assumed_full = False
        return calls

    def _slot_of(self, instant: float) -> int:
        return max(self._slot + 1, math.ceil(instant / self._width))

    def _put(self, kind: str, calls: int, slot: int) -> None:
        if calls:
            if slot not in self._leaving:
                self._leaving[slot] = Counter()
            self._leaving[slot][kind] += calls
            self._used += calls
