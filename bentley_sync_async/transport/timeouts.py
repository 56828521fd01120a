"""Until when requests may take, with one timer for all: a timer for each would be set, and cancelled a moment later."""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Self

from .clock import current_time
from .rate_limit.throttle import CLOCK_RESOLUTION


class RequestTimeouts:
    """Ends what takes too long."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._under_way: set[RequestTimeout] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings = math.inf

    def within(self, seconds: float) -> RequestTimeout:
        """Return a context manager for what the current task may do for so long.

        It raises `TimeoutError` then, as `asyncio.timeout` does.
        """
        return RequestTimeout(self, seconds)

    def enter(self, deadline: RequestTimeout) -> None:
        """Watch over a deadline."""
        self._under_way.add(deadline)
        if deadline.at < self._rings:
            self._set_timer(deadline.at)

    def leave(self, deadline: RequestTimeout) -> None:
        """Watch over it no longer. The timer stays: it is soon the next one's."""
        self._under_way.remove(deadline)

    def close(self) -> None:
        """Cancel the timer, unless something is under way that it has to end."""
        if not self._under_way:
            self._forget_timer()

    def _set_timer(self, at: float) -> None:
        self._forget_timer()
        self._timer, self._rings = asyncio.get_running_loop().call_at(at, self._ring), at

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._rings = None, math.inf

    def _ring(self) -> None:
        self._forget_timer()
        now = current_time() + CLOCK_RESOLUTION
        for deadline in self._under_way:
            if not deadline.passed and deadline.at <= now:
                deadline.end()
        following = min((deadline.at for deadline in self._under_way if not deadline.passed), default=math.inf)
        if following < math.inf:
            self._set_timer(following)


class RequestTimeout:
    """The deadline of one task.

    Attributes:
        at: When it is, by the event loop's clock.
        passed: Whether it is over, and the task was cancelled.
    """

    __slots__ = ("_all", "_cancelling", "_task", "at", "passed")

    def __init__(self, deadlines: RequestTimeouts, seconds: float) -> None:
        """Make a deadline of the current task."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever awaits is in one
        self._all = deadlines
        self._task = task
        self._cancelling = task.cancelling()
        self.at = current_time() + seconds
        self.passed = False

    def end(self) -> None:
        """Cancel the task."""
        self.passed = True
        self._task.cancel()

    def __enter__(self) -> Self:
        self._all.enter(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._all.leave(self)
        # As asyncio.timeout has it: whoever cancelled the task as well is not kept from it.
        if self.passed and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
