"""Timeouts of requests, with one timer for all: a timer for each would be set, and cancelled a moment later."""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Self

from .clock import current_time
from .rate_limit.throttle import CLOCK_RESOLUTION


class RequestTimeouts:
    """Cancels requests that take too long."""

    def __init__(self) -> None:
        """Start with no request."""
        self._under_way: set[RequestTimeout] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    def within(self, seconds: float) -> RequestTimeout:
        """Return a context manager that raises `TimeoutError` after so many seconds, as `asyncio.timeout` does."""
        return RequestTimeout(self, seconds)

    def start(self, timeout: RequestTimeout) -> None:
        """Start a timeout."""
        self._under_way.add(timeout)
        if timeout.at < self._timer_at:
            self._set_timer(timeout.at)

    def stop(self, timeout: RequestTimeout) -> None:
        """End a timeout. The timer stays: the next request needs it soon."""
        self._under_way.remove(timeout)

    def close(self) -> None:
        """Cancel the timer, unless a request is under way."""
        if not self._under_way:
            self._cancel_timer()

    def _set_timer(self, at: float) -> None:
        self._cancel_timer()
        self._timer, self._timer_at = asyncio.get_running_loop().call_at(at, self._on_timer), at

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _on_timer(self) -> None:
        self._cancel_timer()
        now = current_time() + CLOCK_RESOLUTION
        for timeout in self._under_way:
            if not timeout.expired and timeout.at <= now:
                timeout.expire()
        following = min((timeout.at for timeout in self._under_way if not timeout.expired), default=math.inf)
        if following < math.inf:
            self._set_timer(following)


class RequestTimeout:
    """The timeout of one request.

    Attributes:
        at: When it runs out, by the event loop's clock.
        expired: Whether it has run out and cancelled the task.
    """

    __slots__ = ("_cancelling", "_task", "_timeouts", "at", "expired")

    def __init__(self, timeouts: RequestTimeouts, seconds: float) -> None:
        """Make a timeout of the current task."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - requests are sent in tasks
        self._timeouts = timeouts
        self._task = task
        self._cancelling = task.cancelling()
        self.at = current_time() + seconds
        self.expired = False

    def expire(self) -> None:
        """Cancel the task."""
        self.expired = True
        self._task.cancel()

    def __enter__(self) -> Self:
        self._timeouts.start(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._timeouts.stop(self)
        # As in asyncio.timeout: a cancellation from elsewhere at the same time is not swallowed.
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
