"""The throttle: pauses all requests of a client after a 429, or a 503 with Retry-After. Pure.

The quota is that of the application, not of the request that was rejected. A request that was under way when the pause
began may extend it by its own answer, but nothing shortens it.
"""

import math

from attrs import define

from bentley_sync_async.errors import APIError, SynchronizationError
from bentley_sync_async.transport.retry import backoff, not_processed, requested_wait

MAX_RETRY_AFTER = 3600.0
"""The longest pause in seconds, whatever Retry-After says; the longest quota is that of the hour."""

CLOCK_RESOLUTION = 0.001
"""Seconds below which two readings of the clock count as the same instant."""

_SHORTEST, _LONGEST = 1.0, 60.0  # seconds of a pause without Retry-After
_NOTICEABLE = 1.0  # seconds by which a pause has to grow to be reported again


@define
class Throttle:
    """The pause of a client's requests.

    Attributes:
        ends_at: When requests may be sent again, by the event loop's clock.
        cause: The error that began the pause, or extended it last.
        unexplained: How many throttles in a row came without Retry-After.
        reported: The latest `ends_at` that was reported.
    """

    ends_at: float = -math.inf
    cause: APIError | None = None
    unexplained: int = 0
    reported: float = -math.inf

    def observe(self, error: SynchronizationError, now: float) -> bool:
        """Pause if the service throttles: for as long as Retry-After says, or at growing lengths without it.

        Returns:
            Whether to report it: the pause is new, or ends noticeably later now. Requests that were under way together
            are rejected by one throttle, each a moment after the other.
        """
        if not isinstance(error, APIError) or not not_processed(error):
            return False
        wait = min(requested_wait(error), MAX_RETRY_AFTER)
        if error.retry_after is None:
            if now >= self.ends_at:  # requests that were under way together are rejected by one throttle
                self.unexplained += 1
            n = self.unexplained - 1
            wait = backoff(n, shortest=_SHORTEST, factor=2.0, longest=_LONGEST, jitter=0.0, chance=0.0)
        if now + wait <= self.ends_at:
            return False
        is_new = not self.remaining(now) or now + wait > self.reported + _NOTICEABLE
        self.ends_at = now + wait
        self.cause = error
        if is_new:
            self.reported = self.ends_at
        return is_new

    def observe_success(self) -> None:
        """Take note that the service answered a request."""
        self.unexplained = 0

    def remaining(self, now: float) -> float:
        """Return the seconds until requests may be sent; 0 if they may now."""
        left = self.ends_at - now
        return left if left > CLOCK_RESOLUTION else 0.0
