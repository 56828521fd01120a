"""Through which every request of a client passes, one by one as its budget has room, the most urgent first."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from itertools import count
from types import TracebackType
from typing import Self

from attrs import frozen

from bentley_sync_async.config import RateTier
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.wire.headers import QUOTA, rate_tier, remaining_calls, retry_after

from .budget import BudgetUse, RequestBudget, RequestKind

_FIRST_ERROR, _TOO_MANY = 400, 429
_RANKS: Mapping[RequestKind, int] = {"trigger": 0, "call": 1, "poll": 2}


@frozen(kw_only=True)
class Priority:
    """What a request is for, and with it whose turn comes first: triggers, then calls, then polls by their worth.

    Attributes:
        kind: What it is for.
        worth: Says what a poll is worth, once it has to wait: the higher goes first; among equals, who came first.
    """

    kind: RequestKind
    value: Callable[[], float] = float


TRIGGER, CALL, POLL = Priority(kind="trigger"), Priority(kind="call"), Priority(kind="poll")


class RateLimiter:
    """Lets requests pass. It costs next to nothing while there is room, and needs no task when there is none."""

    def __init__(self, budget: RequestBudget | None = None, *, max_in_flight: int = 100) -> None:
        """Make a turnstile.

        Args:
            budget: What may be sent.
            at_once: How many requests may be under way at a time.
        """
        self._budget = budget or RequestBudget()
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._order = count()
        self._queue: list[tuple[int, float, int, RequestKind, asyncio.Future[Permit]]] = []
        self._waiting = 0  # the line may hold some more, who did not wait for their turn
        self._timer: asyncio.TimerHandle | None = None
        self._latest = 0.0

    def try_acquire(self, priority: Priority, now: float) -> Permit | None:
        """Return the passage of a request that need not wait; `None` if it has to."""
        return None if self._queue else self._pass(priority.kind, now)

    async def enter(self, priority: Priority) -> Permit:
        """Return when the request's turn has come; use the passage as a context manager around sending it.

        Whoever is cancelled before that leaves his turn to the next.
        """
        if (permit := self.try_acquire(priority, current_time())) is not None:
            return permit
        came: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        heappush(self._queue, (_RANKS[priority.kind], -priority.value(), next(self._order), priority.kind, came))
        self._waiting += 1
        if self._timer is None:  # else there is no room before that
            self._go_on()
        try:
            return await came
        except asyncio.CancelledError:
            if not came.cancelled():
                came.result().leave()
            raise
        finally:
            self._waiting -= 1
            if len(self._queue) > 2 * self._waiting:
                self._forget_who_left()

    def opens(self) -> float:
        """Return from when on the budget has room: now, a later instant, or infinity if a request has to end first."""
        return self._budget.opens(current_time())

    def free(self, seconds: float) -> float:
        """Return how many looks may be sent within so many seconds; see `RequestBudget.free`."""
        return self._budget.free(seconds, current_time())

    def use(self) -> BudgetUse:
        """Return what was spent, at the latest known instant if there is no event loop to tell the time."""
        try:
            now = current_time()
        except RuntimeError:
            now = self._latest
        return self._budget.use(now, waiting=self._waiting)

    def left(self, permit: Permit) -> None:
        """Count a request that has ended; or put it back, if it was not sent."""
        now = current_time()
        self._in_flight -= 1
        if permit.sent:
            self._budget.ended(permit.kind, now, refused=permit.refused)
        else:
            self._budget.put_back(permit.kind)
        if self._queue:
            self._go_on()

    def answered(self, permit: Permit, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer's status and headers."""
        if status < _FIRST_ERROR:
            self._budget.accepted(taken=permit.taken)
            if QUOTA.isdisjoint(headers):
                return
        tier, remaining = _preset(rate_tier(headers)), remaining_calls(headers)
        if status == _TOO_MANY:
            permit.refused = True
            asked = retry_after(headers)
            self._budget.refused(current_time(), taken=permit.taken, retry_after=asked, tier=tier)
            return
        if remaining is not None:
            self._budget.remaining(remaining, current_time(), tier=tier)

    def _pass(self, kind: RequestKind, now: float) -> Permit | None:
        self._latest = now
        if self._in_flight >= self._max_in_flight or not self._budget.take(kind, now):
            return None
        self._in_flight += 1
        return Permit(self, kind, now)

    def _go_on(self) -> None:
        """Let pass whoever may, and see to it that the rest is thought of when there is room again."""
        now = current_time()
        while self._queue:
            *_, kind, came = self._queue[0]
            if not came.done():
                permit = self._pass(kind, now)
                if permit is None:
                    break
                came.set_result(permit)
            heappop(self._queue)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        opens = self._budget.opens(now) if self._queue and self._in_flight < self._max_in_flight else math.inf
        if opens < math.inf:
            self._timer = asyncio.get_running_loop().call_at(opens, self._go_on)

    def _forget_who_left(self) -> None:
        self._queue = [waiting for waiting in self._queue if not waiting[-1].done()]
        heapify(self._queue)
        self._go_on()


class Permit:
    """A request's turn, from when it may be sent to its end.

    Attributes:
        kind: What the request is for.
        taken: When its turn came, by the event loop's clock.
        sent: Whether it was sent; set it right before.
        refused: Whether it was answered with 429.
    """

    __slots__ = ("_limiter", "kind", "refused", "sent", "taken")

    def __init__(self, limiter: RateLimiter, kind: RequestKind, taken: float) -> None:
        """Make the passage of a request through its turnstile."""
        self._limiter = limiter
        self.kind = kind
        self.taken = taken
        self.sent = False
        self.refused = False

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Let the budget learn from the answer; header names are in lower case."""
        self._limiter.answered(self, status, headers)

    def leave(self) -> None:
        """End it."""
        self._limiter.left(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.leave()


def _preset(name: str | None) -> RateTier | None:
    try:
        return RateTier.named(name) if name else None
    except ConfigurationError:
        return None
