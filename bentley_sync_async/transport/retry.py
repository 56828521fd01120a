"""When a failed attempt is worth another, and after how long. A pure policy: time and chance come in.

What may be repeated depends on whether the service can have carried the request out. A GET, PUT or DELETE may always be
repeated. A POST only if it certainly was not processed: it never left, it met the rate limit (429), or the service said
when to come back (503 with Retry-After).
"""

import math

from attrs import field, frozen
from attrs.validators import ge, gt, le

from bentley_sync_async.errors import (
    APIError,
    ConnectionLostError,
    RequestTimeoutError,
    SynchronizationError,
    TokenUnavailableError,
    TransportError,
)

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_PASSING = frozenset({429, 500, 502, 503, 504})
_TOO_MANY, _UNAVAILABLE = 429, 503


def not_processed(error: SynchronizationError) -> bool:
    """Return whether the service certainly did not carry out the request that failed like this."""
    match error:
        case TransportError():
            return not error.sent
        case APIError():
            return error.status == _TOO_MANY or (error.status == _UNAVAILABLE and error.retry_after is not None)
        case _:
            return isinstance(error, TokenUnavailableError)


def is_transient(error: SynchronizationError) -> bool:
    """Return whether the failure is of a kind that goes away by itself."""
    match error:
        case APIError():
            return error.status in _PASSING
        case _:
            return isinstance(error, (ConnectionLostError, RequestTimeoutError, TokenUnavailableError))


def requested_wait(error: SynchronizationError) -> float:
    """Return the seconds that the other side asks to wait; 0 if it asks nothing."""
    return (error.retry_after or 0.0) if isinstance(error, (APIError, TokenUnavailableError)) else 0.0


def backoff(n: int, *, shortest: float, factor: float, longest: float, jitter: float, chance: float) -> float:
    """Return the n-th (from 0) of a series of waits that grow from `shortest` to `longest`, less what chance takes off.

    Args:
        n: How many waits there were before.
        shortest: Seconds of the first.
        factor: What each grows by.
        longest: Seconds that none exceeds.
        jitter: The part of a wait that chance may take off, 0 to 1.
        chance: A random number from 0 to 1.
    """
    # By logarithms: after hours of growth the power itself is no float any more.
    reached = math.log(shortest) + n * math.log(factor) >= math.log(longest)
    grown = longest if reached else min(longest, shortest * factor**n)
    return grown * (1 - jitter * chance)


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a single call is retried.

    The n-th wait is `base * factor**(n - 1)`, at most `longest`, of which a random part up to `jitter` is taken off; or
    what Retry-After says, if that is more.

    Attributes:
        attempts: Attempts in all, the first included; 1 means no retry.
        base: Seconds of the first wait.
        factor: What each wait grows by.
        longest: Seconds that a wait of our own choice may last.
        jitter: The part of a wait that chance may take off, 0 to 1.
        retry_after_ceiling: Seconds of Retry-After beyond which a call gives up at once.
    """

    attempts: int = field(default=5, validator=ge(1))
    base: float = field(default=0.5, validator=gt(0))
    factor: float = field(default=2.0, validator=ge(1))
    longest: float = field(default=30.0, validator=gt(0))
    jitter: float = field(default=0.5, validator=[ge(0), le(1)])
    retry_after_ceiling: float = field(default=600.0, validator=ge(0))

    def wait(
        self, error: SynchronizationError, *, method: str, attempt: int, left: float, chance: float
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or `None` if the call ends with this error.

        Args:
            error: How the attempt failed.
            method: HTTP method of the request.
            attempt: Which attempt it was, from 1.
            left: Seconds that the call still has (`Timeouts.call`).
            chance: A random number from 0 to 1.
        """
        if attempt >= self.attempts or not is_transient(error):
            return None
        if method not in _IDEMPOTENT and not not_processed(error):
            return None
        asked = requested_wait(error)
        wait = max(asked, self.wait_after(attempt, chance=chance))
        return wait if asked <= self.retry_after_ceiling and wait < left else None

    def wait_after(self, attempt: int, *, chance: float) -> float:
        """Return the seconds of our own choice to wait after the n-th attempt."""
        return backoff(
            attempt - 1,
            shortest=self.base,
            factor=self.factor,
            longest=self.longest,
            jitter=self.jitter,
            chance=chance,
        )
