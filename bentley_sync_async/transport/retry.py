"""The retry policy of single calls: whether a failed attempt is repeated, and after how long. Pure.

What may be repeated depends on whether the service may have carried the request out. A GET, PUT or DELETE may always be
repeated, a POST only if it certainly was not processed: it was never sent, it met the rate limit (429), or the service
answered 503 with Retry-After.
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
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_TOO_MANY, _UNAVAILABLE = 429, 503


def not_processed(error: SynchronizationError) -> bool:
    """Return whether the service certainly did not carry out a request that failed like this."""
    match error:
        case TransportError():
            return not error.sent
        case APIError():
            return error.status == _TOO_MANY or (error.status == _UNAVAILABLE and error.retry_after is not None)
        case _:
            return isinstance(error, TokenUnavailableError)


def is_transient(error: SynchronizationError) -> bool:
    """Return whether a failure is of a kind that passes by itself."""
    match error:
        case APIError():
            return error.status in _TRANSIENT
        case _:
            return isinstance(error, (ConnectionLostError, RequestTimeoutError, TokenUnavailableError))


def requested_wait(error: SynchronizationError) -> float:
    """Return the seconds that the service or the token issuer requests to wait; 0 if it does not say."""
    return (error.retry_after or 0.0) if isinstance(error, (APIError, TokenUnavailableError)) else 0.0


def backoff(n: int, *, shortest: float, factor: float, longest: float, jitter: float, chance: float) -> float:
    """Return the n-th (from 0) of a series of waits that grow from `shortest` to `longest`, shortened at random.

    Args:
        n: How many waits there were before.
        shortest: The first wait, in seconds.
        factor: The factor by which each wait grows.
        longest: The longest wait, in seconds.
        jitter: The part by which a wait may be shortened at random, 0 to 1.
        chance: A random number from 0 to 1.
    """
    # By logarithms: after hours of growth the power itself exceeds a float.
    reached = math.log(shortest) + n * math.log(factor) >= math.log(longest)
    grown = longest if reached else min(longest, shortest * factor**n)
    return grown * (1 - jitter * chance)


@frozen(kw_only=True)
class RetryPolicy:
    """How often and after which waits a single call is retried.

    The n-th wait is `base * factor**(n - 1)`, at most `longest`, shortened by a random part up to `jitter`; or what
    Retry-After says, if that is longer.

    Attributes:
        attempts: Attempts in all, the first included; 1 means no retry.
        base: Seconds of the first wait.
        factor: The factor by which each wait grows.
        longest: The longest wait without Retry-After, in seconds.
        jitter: The part by which a wait may be shortened at random, 0 to 1.
        retry_after_ceiling: Seconds of Retry-After above which a call gives up at once.
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
        requested = requested_wait(error)
        wait = max(requested, self.wait_after(attempt, chance=chance))
        return wait if requested <= self.retry_after_ceiling and wait < left else None

    def wait_after(self, attempt: int, *, chance: float) -> float:
        """Return the seconds to wait after the n-th attempt, without a Retry-After."""
        return backoff(
            attempt - 1,
            shortest=self.base,
            factor=self.factor,
            longest=self.longest,
            jitter=self.jitter,
            chance=chance,
        )
