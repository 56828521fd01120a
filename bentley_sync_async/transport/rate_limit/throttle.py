"""The gate that all requests of a client pass: one throttle pauses them all. Pure: the time comes in.

The quota belongs to the application, not to the request that happened to meet it. So a 429, and a 503 that says when to
come back, close the gate; a request that was under way then may close it for longer, and none opens it early.
"""

import math

from attrs import define

from bentley_sync_async.errors import APIError, SynchronizationError
from bentley_sync_async.transport.retry import backoff, not_processed, requested_wait

MAX_RETRY_AFTER = 3600.0
"""Seconds of Retry-After beyond which we ask again all the same; the longest quota counts by the hour."""

_SHORTEST = 1.0
CLOCK_RESOLUTION = 0.001
"""Seconds that two readings of a clock need not tell apart."""

_LONGEST = 60.0
_NOTICEABLE = 1.0


@define
class Throttle:
    """Whether requests may pass.

    Attributes:
        opens_at: When requests may pass again, by the event loop's clock.
        cause: What closed it last.
        unexplained: How many throttles in a row did not say how long to wait.
        told: The latest `opens_at` that was news.
    """

    ends_at: float = -math.inf
    cause: APIError | None = None
    unexplained: int = 0
    reported: float = -math.inf

    def note(self, error: SynchronizationError, now: float) -> bool:
        """Close the gate if the service asks to wait: for as long as it asks, or ever longer if it does not say.

        Returns:
            Whether this is news: the gate was open, or opens noticeably later now. Requests that were under way
            together meet one throttle, each a moment after the other.
        """
        if not isinstance(error, APIError) or not not_processed(error):
            return False
        wait = min(requested_wait(error), MAX_RETRY_AFTER)
        if error.retry_after is None:
            if now >= self.ends_at:  # requests that were under way together are one throttle
                self.unexplained += 1
            n = self.unexplained - 1
            wait = backoff(n, shortest=_SHORTEST, factor=2.0, longest=_LONGEST, jitter=0.0, chance=0.0)
        if now + wait <= self.ends_at:
            return False
        news = not self.wait(now) or now + wait > self.reported + _NOTICEABLE
        self.ends_at = now + wait
        self.cause = error
        if news:
            self.reported = self.ends_at
        return news

    def passed(self) -> None:
        """Note that the service took a request."""
        self.unexplained = 0

    def wait(self, now: float) -> float:
        """Return the seconds until requests may pass; 0 if they may now, or within what a clock can tell."""
        left = self.ends_at - now
        return left if left > CLOCK_RESOLUTION else 0.0
