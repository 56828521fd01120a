"""The failures of a watch: how long it waits after each, and when it gives up. Pure."""

from __future__ import annotations

from copy import copy
from math import inf
from typing import cast

from attrs import define

from bentley_sync_async.errors import (
    APIError,
    ConfigurationError,
    DecodeError,
    ForeignOriginError,
    InvalidArgumentError,
    ProtocolError,
    ResponseTooLargeError,
    SynchronizationError,
    TokenError,
)
from bentley_sync_async.pacing.strategies import Pacing, PollContext
from bentley_sync_async.transport.retry import RetryPolicy, is_transient, not_processed

GRACE = 15.0
"""Seconds after a trigger in which the service may not know the run yet (404)."""

FAILURE_BUDGET = 1800.0
"""Seconds of failures, without one good answer among them, after which a watch gives up."""

_FIRST_SERVER_ERROR = 500

# Ten attempts over about a minute.
_CONFLICTS = RetryPolicy(attempts=10, base=1.0, factor=1.5, longest=15.0, jitter=0.2)


@define
class RetryState:
    """The failures and unchanged polls of a watch.

    Attributes:
        pacing: The strategy between two polls.
        failing_since: When the first of the failures in a row came, by the event loop's clock, moved on by the time
            since then that does not count towards the failure budget.
        unchanged_polls: How many polls in a row have brought no change.
        failures: How many polls or triggers in a row have failed.
        conflicts: How many triggers in a row were in conflict with another one (409).
    """

    pacing: Pacing
    failing_since: float | None = None
    unchanged_polls: int = 0
    failures: int = 0
    conflicts: int = 0

    def reset(self) -> None:
        """Forget the failures, after a good answer."""
        self.failures = self.conflicts = 0
        self.failing_since = None

    def delay_until_next_poll(self, context: PollContext) -> float:
        """Return the seconds until the next poll."""
        delay = self._pacing_delay(context)
        self.unchanged_polls += 1
        return delay

    def _pacing_delay(self, context: PollContext) -> float:
        delay: object = self.pacing.delay(context)
        if not isinstance(delay, int | float) or not 0 <= delay < inf:
            raise InvalidArgumentError(
                f"{type(self.pacing).__name__}.delay must return a number of seconds of at least 0, not {delay!r}."
            )
        return delay

    def budget_exhausted(self, now: float) -> bool:
        """Note a failure at this instant, and return whether failures have lasted for the whole failure budget.

        If they have, the budget starts over for a caller that awaits the watch again.
        """
        if self.failing_since is None:
            self.failing_since = now
        if now - self.failing_since < FAILURE_BUDGET:
            return False
        self.failing_since = None
        return True

    def exclude(self, seconds: float) -> None:
        """Take so many seconds out of the failure budget: waiting, for the service or for the consumer, is no failure.

        That is the time that the service requested to wait, that requests waited for the throttle, a permit or a token,
        and that nobody awaited the watch.
        """
        if self.failing_since is not None and seconds > 0:
            self.failing_since += seconds

    def delay_after_failure(self, *, chance: float) -> float:
        """Count a failure and return the seconds until the next attempt."""
        self.failures += 1
        return self._pacing_delay(PollContext(unchanged_polls=self.failures - 1, failed=True, chance=chance))

    def delay_after_conflict(self, *, chance: float) -> float | None:
        """Count a conflict and return the seconds until the next trigger; `None` after the last tolerated one."""
        self.conflicts += 1
        if self.conflicts < _CONFLICTS.attempts:
            return _CONFLICTS.wait_after(self.conflicts, chance=chance)
        self.conflicts = 0
        return None


def may_retry(error: SynchronizationError, *also: type[SynchronizationError]) -> bool:
    """Return whether a watch tries again after the failure.

    Args:
        error: The failure.
        *also: Errors that count as transient here, besides those that always do.
    """
    # A maintenance page, or a redirect to one, is a ProtocolError or a DecodeError.
    retryable = isinstance(error, (DecodeError, ProtocolError, ResponseTooLargeError, *also))
    return is_transient(error) or (retryable and not isinstance(error, ForeignOriginError))


def certainly_created_no_run(error: SynchronizationError) -> bool:
    """Return whether a trigger that failed like this certainly created no run."""
    never_sent = isinstance(error, (TokenError, ConfigurationError))
    client_error = isinstance(error, APIError) and error.status < _FIRST_SERVER_ERROR
    return never_sent or client_error or not_processed(error)


def without_frames(error: SynchronizationError) -> SynchronizationError:
    """Return a copy of an error and of its causes without tracebacks, for an event.

    The frames of a traceback hold whole responses, and a consumer may keep an event. The originals stay unchanged: some
    belong to the caller.
    """
    copies: dict[int, BaseException] = {}
    originals: list[BaseException] = [error]
    for original in originals:  # grows by the causes of each; two errors may be causes of each other
        if id(original) not in copies:
            copies[id(original)] = _copy(original)
            originals += [link for link in (original.__cause__, original.__context__) if link is not None]
    for original in originals:
        copied = copies[id(original)]
        copied.__cause__ = copies.get(id(original.__cause__))
        copied.__context__ = copies.get(id(original.__context__))
        copied.__suppress_context__ = original.__suppress_context__
    return cast("SynchronizationError", copies[id(error)])


def _copy(error: BaseException) -> BaseException:
    try:
        return copy(error)
    except Exception:  # noqa: BLE001 - a class of the caller's whose constructor does not accept its own args
        return Exception(type(error).__qualname__, *error.args)
