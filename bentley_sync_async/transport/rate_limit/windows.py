"""What was spent in the last minute or hour, and what the service was found to take. Pure: the time comes in.

What a window holds is kept in slots of time, not one by one, so that neither memory nor time grows with the traffic: a
request leaves up to a slot late, which costs 0.2 % of the quota on average, and 0.1 % is kept for clocks that differ.
"""

import math
from collections import Counter
from collections.abc import Mapping

from attrs import field, frozen

from .throttle import CLOCK_RESOLUTION

OTHERS, REFUSED = "others", "refused"

_SLOTS = 250
_CLOCKS = 1.001  # a window of ours against one of the service's
_AGAIN = 2  # windows within which a refusal goes on where the last one ended
_SHORT = 1 / 8  # of the time for which requests are sent
_ALIKE = 0.02  # of what a rate was reckoned by: it is the same then, and for a slot of time
_HELD = 10  # windows for which a limit that was found out counts


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


class Window:
    """What was spent in the last minute or hour; the requests that are under way are the budget's."""

    def __init__(self, seconds: float) -> None:
        self.limit = math.inf
        self.least = 1.0  # of a limit that is found out: what others use up for a while is none
        self._seconds = seconds
        self._stay = seconds * _CLOCKS
        self._width = seconds / _SLOTS
        self._used = 0
        self._leaving: dict[int, Counter[str]] = {}  # by the slot of time with which they leave
        self._slot = 0
        self._found, self._found_until = math.inf, 0.0  # the limit that the service was found to have
        self._refused_at = self._refused_since = -math.inf
        # The latest rate that was reckoned: when, for how long, by which limit and room.
        self._rate = (-1, 0.0, 0.0, 0.0, 0.0)
        self._guessed = False  # that the others have used up the rest

    def room(self, now: float) -> float:
        """Return how many requests the window could hold besides those that it holds."""
        slot = math.floor((now + CLOCK_RESOLUTION) / self._width)
        if slot > self._slot:
            self._slot = slot
            for past in [leaving for leaving in self._leaving if leaving <= slot]:
                self._used -= self._leaving.pop(past).total()
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

    def rate(self, now: float, seconds: float, under_way: int, *, reserve: float) -> float:
        """Return how many requests a second may be sent, evenly, so that there is room for them within so many seconds.

        What is short for less than an eighth of that time, such as the minute after a burst, does not count. A quarter
        of what is kept may always be sent: a few watches need no more, and would wait for hours for a price without it.

        Args:
            now: The instant.
            seconds: How long they are sent for.
            under_way: Requests that are.
            reserve: The part of the limit that is kept for others.
        """
        room, limit = self.room(now), self._bound(now)
        if limit == math.inf:
            return math.inf
        room -= under_way
        slot, its_seconds, its_limit, its_room, rate = self._rate
        alike = abs(seconds - its_seconds) <= _ALIKE * seconds and abs(room - its_room) <= _ALIKE * room
        if not alike or (slot, its_limit) != (self._slot, limit):
            rate = self._even_rate(now, seconds, limit, room)
            self._rate = (self._slot, seconds, limit, room, rate)
        kept = reserve * limit / self._seconds
        return max(rate - kept, kept / 4)

    def _even_rate(self, now: float, seconds: float, limit: float, room: float) -> float:
        rate = math.inf
        for slot in sorted(self._leaving):
            after = slot * self._width - now
            if after >= seconds:
                break
            if after >= seconds * _SHORT:
                rate = min(rate, room / after)
            room += self._leaving[slot].total()
        all_left = seconds >= self._stay + self._width
        return min(rate, limit / self._seconds if all_left else room / seconds)

    def add(self, kind: str, now: float) -> None:
        """Count a request that has ended."""
        self._put(kind, 1, math.ceil((now + self._stay) / self._width))

    def spent_by_others(self, calls: float, now: float, first: float) -> None:
        """Count calls that others have made, nobody knows when: they leave evenly from an instant to a window on."""
        if not 0 < calls < math.inf:
            return
        begin, end = self._slot_of(min(first, now + self._seconds)), self._slot_of(now + self._stay)
        places, total = end - begin + 1, math.ceil(calls)
        for n in range(places):
            self._put(OTHERS, -(-total * (n + 1) // places) + (-total * n // places), begin + n)

    def refuse(self, now: float, *, taken: float, wait: float | None, under_way: int) -> None:
        """Learn that the service finds this window full."""
        if taken <= self._refused_at:
            return
        if now - self._refused_at > _AGAIN * self._seconds:
            self._refused_since = now
        self._refused_at = now
        room = self.room(now) - under_way + self._forget_others()
        if now - self._refused_since >= self._seconds:
            ours = self._used - sum(leaving[REFUSED] for leaving in self._leaving.values())
            self._found, self._found_until = max(ours, self.least), now + _HELD * self._seconds
        elif wait is not None:
            self.spent_by_others(room, now, now + wait)
        else:  # nobody said how long: one request at a time may try
            self._guessed = True
            self.spent_by_others(room - 1, now, math.inf)

    def accept(self, taken: float) -> None:
        """Learn that the service does not find this window full."""
        if self._guessed and taken > self._refused_at:
            self._forget_others()

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
        return min(self.limit, self._found) if now < self._found_until else self.limit

    def _forgotten(self, now: float) -> float:
        """Return when a limit that was found out no longer counts; infinity if there is none."""
        return self._found_until if now < self._found_until else math.inf

    def _forget_others(self) -> int:
        calls = sum(leaving.pop(OTHERS, 0) for leaving in self._leaving.values())
        self._used -= calls
        self._guessed = False
        return calls

    def _slot_of(self, instant: float) -> int:
        return max(self._slot + 1, math.ceil(instant / self._width))

    def _put(self, kind: str, calls: int, slot: int) -> None:
        if calls:
            if slot not in self._leaving:
                self._leaving[slot] = Counter()
            self._leaving[slot][kind] += calls
            self._used += calls
