"""What a client does, told to whoever wants to know: frozen records, and how they reach the hooks."""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from attrs import frozen

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import ExecutionState, RunRef


@frozen(kw_only=True)
class Record:
    """Something that a client did. No record holds a secret."""


@frozen(kw_only=True)
class RequestRecord(Record):
    """A request was sent to the API, and answered or not.

    Attributes:
        method: HTTP method.
        url: URL, without secrets.
        status: HTTP status of the answer; `None` if no whole answer came.
        error: What came of it, if it was no success.
        duration: Seconds from sending to the end of the answer's body.
        size: Bytes of the answer's body, decompressed.
        resends: How often the same call had sent it before.
    """

    method: str
    url: str
    status: int | None
    error: SynchronizationError | None
    duration: float
    size: int
    resends: int


@frozen(kw_only=True)
class RetryRecord(Record):
    """A single call is going to be tried again.

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
        cause: The throttle.
        delay: Seconds until requests go on.
    """

    cause: SynchronizationError
    delay: float


@frozen(kw_only=True)
class TokenRecord(Record):
    """A token was asked for.

    Attributes:
        duration: Seconds that it took.
        error: Why there is none; `None` if there is one.
    """

    duration: float
    error: SynchronizationError | None


@frozen(kw_only=True)
class PollRecord(Record):
    """A watch has looked at its run.

    Attributes:
        ref: The run.
        state: Its state.
        changes: How many events the look brought.
        delay: Seconds until the next look; `None` if there is none.
    """

    ref: RunRef
    state: ExecutionState
    changes: int
    delay: float | None


class Hook(Protocol):
    """Is told what a client does, at once and in the client's own task: it must be quick, and must not block.

    A hook may also have a method `wants(kind: type[Record]) -> bool`. A request or a look that no hook wants to be told
    of costs nothing; a hook without that method wants them all.
    """

    def __call__(self, record: Record, /) -> None:
        """Take a record. What it raises is logged, and disturbs nothing."""
        ...


class Hooks:
    """All hooks of a client."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        """Take the hooks, in the order in which they are called."""
        self._hooks = tuple(hooks)
        self._wants: tuple[Callable[[type[Record]], bool], ...] = tuple(
            getattr(hook, "wants", _everything) for hook in self._hooks
        )

    def with_hook(self, hook: Hook) -> "Hooks":
        """Return the same hooks and another one."""
        return Hooks((*self._hooks, hook))

    def wants(self, kind: type[Record]) -> bool:
        """Return whether a record of that kind need be made at all."""
        for wants in self._wants:
            try:
                if wants(kind):
                    return True
            except Exception:  # noqa: BLE001 - as below
                return True
        return False

    def __call__(self, record: Record) -> None:
        """Tell every hook."""
        for hook in self._hooks:
            try:
                hook(record)
            except Exception as exc:  # noqa: BLE001 - a watch must not die of its observer
                # Neither its text nor its traceback: they are not ours, and may quote anything.
                _LOGGER.error("A hook of the client failed: %s of %r.", type(exc).__name__, hook)  # noqa: TRY400


def _everything(_kind: type[Record]) -> bool:
    return True


_LOGGER = logging.getLogger("bentley_sync_async.hooks")
