"""Hooks: the frozen records of what a client does, and how they reach the callers' functions."""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from attrs import frozen

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import ExecutionState, RunRef


@frozen(kw_only=True)
class Record:
    """Any record of a client. No record holds a secret."""


@frozen(kw_only=True)
class RequestRecord(Record):
    """A request was sent to the API, and was answered or failed.

    Attributes:
        method: HTTP method.
        url: URL, without secrets.
        status: HTTP status of the answer; `None` if no whole answer came.
        error: How it failed; `None` if it succeeded.
        duration: Seconds from sending to the end of the answer's body.
        size: Bytes of the answer's body, decompressed.
        resends: How often the same call had sent the request before.
        waited: Seconds that the call waited, before this, for the end of a throttle, for permits and for tokens.
    """

    method: str
    url: str
    status: int | None
    error: SynchronizationError | None
    duration: float
    size: int
    resends: int
    waited: float = 0.0


@frozen(kw_only=True)
class RetryRecord(Record):
    """A single call will be retried.

    Attributes:
        method: HTTP method.
        url: URL, without secrets.
        cause: How the attempt failed.
        attempt: Which attempt it was, from 1.
        delay: Seconds until the next.
    """

    method: str
    url: str
    cause: SynchronizationError
    attempt: int
    delay: float


@frozen(kw_only=True)
class ThrottleRecord(Record):
    """A throttle has paused every request of the client.

    Attributes:
        cause: The error of the throttled request.
        delay: Seconds until requests are sent again.
    """

    cause: SynchronizationError
    delay: float


@frozen(kw_only=True)
class TokenRecord(Record):
    """A token was requested.

    Attributes:
        duration: Seconds that it took.
        error: Why there is no token; `None` if there is one.
    """

    duration: float
    error: SynchronizationError | None


@frozen(kw_only=True)
class PollRecord(Record):
    """A watch has polled its run.

    Attributes:
        ref: The run.
        state: Its state.
        changes: How many events the poll brought.
        delay: Seconds until the next poll; `None` after the last.
    """

    ref: RunRef
    state: ExecutionState
    changes: int
    delay: float | None


class Hook(Protocol):
    """A function that gets each record of a client, at once and in the task that uses the client: it must not block.

    A hook may also have a method `wants(kind: type[Record]) -> bool`. A record that no hook wants is not made; a hook
    without that method wants all.
    """

    def __call__(self, record: Record, /) -> None:
        """Handle a record. An exception is logged, and has no other effect."""
        ...


class Hooks:
    """The hooks of a client."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        """Take the hooks in the order in which they are called."""
        self._hooks = tuple(hooks)
        self._wants: tuple[Callable[[type[Record]], bool], ...] = tuple(
            getattr(hook, "wants", _everything) for hook in self._hooks
        )

    def with_hook(self, hook: Hook) -> "Hooks":
        """Return the same hooks and one more."""
        return Hooks((*self._hooks, hook))

    def wants(self, kind: type[Record]) -> bool:
        """Return whether any hook wants records of that kind."""
        for wants in self._wants:
            try:
                if wants(kind):
                    return True
            except Exception:  # noqa: BLE001 - a hook must not end a watch
                return True
        return False

    def __call__(self, record: Record) -> None:
        """Call every hook."""
        for hook in self._hooks:
            try:
                hook(record)
            except Exception as exc:  # noqa: BLE001 - a hook must not end a watch
                # Without its text and traceback: they may quote anything.
                _LOGGER.error("A hook of the client failed: %s of %r.", type(exc).__name__, hook)  # noqa: TRY400


def _everything(_kind: type[Record]) -> bool:
    return True


_LOGGER = logging.getLogger("bentley_sync_async.hooks")
