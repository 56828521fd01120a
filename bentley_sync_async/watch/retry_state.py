"""How long a watch waits for what, and when it gives up. Pure: instants, errors and chance come in."""

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
    ResponseTooLargeError,
    SynchronizationError,
    TokenError,
)
from bentley_sync_async.pacing.strategies import Pacing, PollContext
from bentley_sync_async.transport.rate_limit.throttle import MAX_RETRY_AFTER
from bentley_sync_async.transport.retry import RetryPolicy, is_transient, not_processed, requested_wait

GRACE = 15.0
"""Seconds after a trigger in which the service may not know the run yet (404)."""

FAILURE_BUDGET = 1800.0
"""Seconds of failures without one good answer between them after which a watch gives up."""

_FIRST_SERVER_ERROR = 500

# Ten attempts over about a minute.
_CONFLICTS = RetryPolicy(attempts=10, base=1.0, factor=1.5, longest=15.0, jitter=0.2)


@define
class RetryState:
    """What a watch remembers of its looks and triggers.

    Attributes:
        pacing: How often to look.
        failing_since: When the first of the failures in a row came, later by what the service asked to wait since.
        quiet: How many looks in a row have brought no change.
        failures: How many looks or triggers in a row have failed.
        conflicts: How many triggers in a row were in conflict with another one.
    """

    pacing: Pacing
    failing_since: float | None = None
    unchanged_polls: int = 0
    failures: int = 0
    conflicts: int = 0

    def good_answer(self) -> None:
        """Note a good answer."""
        self.failures = self.conflicts = 0
        self.failing_since = None

    def until_next_poll(self, read: PollContext, *, asked: float = 0.0) -> float:
        """Return the seconds until the next look, which are at least what the service asked for."""
        wait = self._delay(read)
        self.unchanged_polls += 1
        return max(wait, min(asked, MAX_RETRY_AFTER))

    def _delay(self, read: PollContext) -> float:
        wait: object = self.pacing.delay(read)
        if not isinstance(wait, int | float) or not 0 <= wait < inf:
            raise InvalidArgumentError(
                f"{type(self.pacing).__name__}.delay must return a number of seconds of at least 0, not {wait!r}."
            )
        return wait

    def is_transient(self, error: SynchronizationError, *also: type[SynchronizationError]) -> bool:
        """Return whether it is worth waiting for the failure to pass."""
        garbled = isinstance(error, (DecodeError, ResponseTooLargeError, *also))
        return is_transient(error) or (garbled and not isinstance(error, ForeignOriginError))

    def exhausted(self, now: float) -> bool:
        """Return whether failures have gone on for too long; if so, begin anew for whoever asks again."""
        if self.failing_since is None:
            self.failing_since = now
        if now - self.failing_since < FAILURE_BUDGET:
            return False
        self.failing_since = None
        return True

    def until_next_attempt(self, error: SynchronizationError, *, chance: float) -> float:
        """Count a failure and return the seconds until the next attempt."""
        self.failures += 1
        own = self._delay(PollContext(unchanged_polls=self.failures - 1, failed=True, chance=chance))
        asked = min(requested_wait(error), MAX_RETRY_AFTER)
        if self.failing_since is not None:
            self.failing_since += asked
        return max(own, asked)

    def until_next_trigger(self, conflict: SynchronizationError, *, chance: float) -> float | None:
        """Count a conflict and return the seconds until the next trigger, `None` if it was one too many."""
        self.conflicts += 1
        if self.conflicts < _CONFLICTS.attempts:
            own = _CONFLICTS.wait_after(self.conflicts, chance=chance)
            return max(own, min(requested_wait(conflict), MAX_RETRY_AFTER))
        self.conflicts = 0
        return None


def refused(error: SynchronizationError) -> bool:
    """Return whether a trigger that failed like this certainly created no run."""
    never_sent = isinstance(error, (TokenError, ConfigurationError))
    client_error = isinstance(error, APIError) and error.status < _FIRST_SERVER_ERROR
    return never_sent or client_error or not_processed(error)


def as_data(error: SynchronizationError) -> SynchronizationError:
    """Return a copy of an error, and of all that led to it, without the frames that they came through.

    Frames hold whole answers, and an event may be kept. The originals stay as they are: some are the caller's.
    """
    copies: dict[int, BaseException] = {}
    originals: list[BaseException] = [error]
    for original in originals:  # grows by what led to each; two may have led to each other
        if id(original) not in copies:
            copies[id(original)] = _bare(original)
            originals += [link for link in (original.__cause__, original.__context__) if link is not None]
    for original in originals:
        bare = copies[id(original)]
        bare.__cause__ = copies.get(id(original.__cause__))
        bare.__context__ = copies.get(id(original.__context__))
        bare.__suppress_context__ = original.__suppress_context__
    return cast("SynchronizationError", copies[id(error)])


def _bare(error: BaseException) -> BaseException:
    try:
        return copy(error)
    except Exception:  # noqa: BLE001 - a class of the caller's that cannot be made of what it keeps
        return Exception(type(error).__qualname__, *error.args)
