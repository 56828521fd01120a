"""The rate limiter: grants each request of a client a permit when its budget has room, the most urgent first."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from heapq import heapify, heappop, heappush
from itertools import count
from types import TracebackType
from typing import Self

from attrs import frozen

from bentley_sync_async.config import RateTier
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.transport.clock import current_time, running_loop
from bentley_sync_async.wire.headers import QUOTA, rate_tier, remaining_calls, retry_after

from .budget import BudgetUse, RequestBudget, RequestKind

_FIRST_ERROR, _TOO_MANY = 400, 429
_RANKS: Mapping[RequestKind, int] = {"trigger": 0, "call": 1, "poll": 2}


@frozen(kw_only=True)
class Priority:
    """The priority of a request: triggers first, then single calls, then polls by their value.

    Attributes:
        kind: What the request is for.
        value: Returns the value of a poll when it has to wait: the highest goes first, and of equals the earliest.
    """

    kind: RequestKind
    value: Callable[[], float] = float


TRIGGER, CALL, POLL = Priority(kind="trigger"), Priority(kind="call"), Priority(kind="poll")


class RateLimiter:
    """Grants permits to requests. It costs next to nothing while there is room, and never needs a task of its own."""

    def __init__(self, budget: RequestBudget | None = None, *, max_in_flight: int = 100) -> None:
        """Make a rate limiter.

        Args:
            budget: How many requests may be sent.
            max_in_flight: How many requests may be under way at a time.
        """
        self._budget = budget or RequestBudget()
        self._max_in_flight = max_in_flight
        self._in_flight: set[Permit] = set()
        self._order = count()
        self._queue: list[tuple[int, float, int, RequestKind, asyncio.Future[Permit]]] = []
        self._waiting: set[asyncio.Future[Permit]] = set()  # the queue may hold more: those that were cancelled
        self._timer: asyncio.TimerHandle | None = None
        self._latest = 0.0

    def try_acquire(self, priority: Priority, now: float) -> Permit | None:
        """Return a permit for a request that need not wait; `None` if it has to."""
        return None if self._queue else self._grant(priority.kind, now)

    async def acquire(self, priority: Priority) -> Permit:
        """Wait for a permit and return it; use it as a context manager around sending the request.

        A waiter that ends without it, cancelled or closed, leaves its place to the next.
        """
        if (permit := self.try_acquire(priority, current_time())) is not None:
            return permit
        granted: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        heappush(self._queue, (_RANKS[priority.kind], -priority.value(), next(self._order), priority.kind, granted))
        self._waiting.add(granted)
        if self._timer is None:  # otherwise there is no room before the timer
            self._grant_waiting()
        try:
            return await granted
        except BaseException:  # also GeneratorExit, when the waiting coroutine is closed
            if granted.done() and not granted.cancelled():
                granted.result().release()
            with suppress(RuntimeError):  # its event loop is closed
                granted.cancel()
            raise
        finally:
            self._waiting.discard(granted)
            if len(self._queue) > 2 * len(self._waiting):
                self._remove_cancelled()

    def available_at(self) -> float:
        """Return when the budget has room: now, a later instant, or infinity if a request has to end first."""
        return self._budget.available_at(current_time())

    def available(self, seconds: float) -> float:
        """Return how many polls may be sent within so many seconds; see `RequestBudget.available`."""
        return self._budget.available(seconds, current_time())

    def use(self) -> BudgetUse:
        """Return what was spent, at the latest known instant if no event loop is running."""
        return self._budget.use(self._now(), waiting=len(self._waiting))

    def release(self, permit: Permit) -> None:
        """Count the request of a permit, which has ended; or do not, if it was not sent."""
        if permit not in self._in_flight:  # the event loop of its request is gone
            return
        self._in_flight.remove(permit)
        now = self._now()
        if permit.sent:
            self._budget.spend(permit.kind, now, rejected=permit.rejected)
        else:
            self._budget.cancel(permit.kind)
        if self._queue:
            self._grant_waiting_in_loop()

    def reset(self) -> None:
        """Forget the requests of an event loop that is gone: nobody there waits for a permit or gives one back."""
        self._queue.clear()
        self._waiting.clear()
        self._cancel_timer()
        for permit in tuple(self._in_flight):
            permit.release()

    def observe(self, permit: Permit, status: int, headers: Mapping[str, str]) -> None:
        """Correct the budget by the status and headers of an answer."""
        if status < _FIRST_ERROR:
            self._budget.observe_success(reserved_at=permit.granted_at)
            if QUOTA.isdisjoint(headers):
                return
        tier, remaining = _preset(rate_tier(headers)), remaining_calls(headers)
        if status == _TOO_MANY:
            permit.rejected = True
            self._budget.observe_rejection(
                current_time(), reserved_at=permit.granted_at, retry_after=retry_after(headers), tier=tier
            )
            return
        if remaining is not None:
            self._budget.observe_remaining(remaining, current_time(), tier=tier)

    def _grant(self, kind: RequestKind, now: float) -> Permit | None:
        self._latest = now
        if len(self._in_flight) >= self._max_in_flight or not self._budget.reserve(kind, now):
            return None
        permit = Permit(self, kind, now)
        self._in_flight.add(permit)
        return permit

    def _now(self) -> float:
        """Return the time; the latest known one where no event loop is running, as when a closed one is freed."""
        try:
            return current_time()
        except RuntimeError:
            return self._latest

    def _grant_waiting_in_loop(self) -> None:
        """Grant permits in the event loop of those who wait; a permit may be given back outside of it."""
        loop = self._queue[0][-1].get_loop()
        if loop is running_loop():
            self._grant_waiting()
        else:
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._grant_waiting)

    def _grant_waiting(self) -> None:
        """Grant permits to waiting requests while there is room, and set a timer for when there is again."""
        now = current_time()
        while self._queue:
            *_, kind, granted = self._queue[0]
            if not granted.done():
                permit = self._grant(kind, now)
                if permit is None:
                    break
                granted.set_result(permit)
            heappop(self._queue)
        self._cancel_timer()
        at = self._budget.available_at(now) if self._queue and len(self._in_flight) < self._max_in_flight else math.inf
        if at < math.inf:
            self._timer = asyncio.get_running_loop().call_at(at, self._grant_waiting)

    def _remove_cancelled(self) -> None:
        self._queue = [waiting for waiting in self._queue if not waiting[-1].done()]
        heapify(self._queue)
        if self._queue:
            self._grant_waiting_in_loop()
        else:
            self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Permit:
    """The permission to send one request, from when it is granted until the request has ended.

    Attributes:
        kind: What the request is for.
        granted_at: When it was granted, by the event loop's clock.
        sent: Whether the request was sent; set it right before.
        rejected: Whether it was answered with 429.
    """

    __slots__ = ("_limiter", "granted_at", "kind", "rejected", "sent")

    def __init__(self, limiter: RateLimiter, kind: RequestKind, granted_at: float) -> None:
        """Make a permit of a limiter."""
        self._limiter = limiter
        self.kind = kind
        self.granted_at = granted_at
        self.sent = False
        self.rejected = False

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Correct the budget by the answer; header names are in lower case."""
        self._limiter.observe(self, status, headers)

    def release(self) -> None:
        """Give it back: the request has ended, or is not sent."""
        self._limiter.release(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()


def _preset(name: str | None) -> RateTier | None:
    try:
        return RateTier.named(name) if name else None
    except ConfigurationError:
        return None
