"""Work that goes on in the background while its context is open, and that a consumer follows by its events."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar, Generic, Self, TypeVar

import anyio
from anyio import AsyncContextManagerMixin

from bentley_sync_async.errors import UsageError
from bentley_sync_async.transport.binding import LoopBinding

E = TypeVar("E")

_MAX_PENDING = 1000


class BackgroundWork(AsyncContextManagerMixin, Generic[E]):
    """Works while its context is open; entered once, by one consumer.

    A thousand events wait for their consumer; when there are more, the work pauses until it takes them.
    """

    _name: ClassVar[str]  # such as "bulk"
    _made_by: ClassVar[str]  # such as "client.run_many(...)"

    def __init__(self, binding: LoopBinding) -> None:
        """Make it for a client's event loop; nothing happens before it is entered."""
        self._binding = binding
        self._events: deque[E] = deque()
        self._changed = anyio.Event()
        self._has_room = anyio.Event()
        self._exited = anyio.Event()
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # in which it was entered
        self._began_at: datetime | None = None
        self._started_at = 0.0
        self._ended_at: float | None = None

    @abstractmethod
    async def _work(self) -> None:
        """Do the work, `_emit` its events, and call `_finished` when nothing but the end of the block is left."""

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        if self._loop is not None:
            raise UsageError(f"A {self._name} is entered once. Call {self._made_by} for another one.")
        self._binding.check()
        self._loop = asyncio.get_running_loop()
        self._began_at, self._started_at = datetime.now(UTC), anyio.current_time()
        failure: BaseException | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._supervise)
            try:
                yield self
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as exc:  # noqa: BLE001 - raised below, outside of an exception group
                failure = exc
            if failure is None and self._ended_at is not None:
                self._exited.set()
            else:
                group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        self._raise_failure()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        """Return the next event. A call may be cancelled at any time: nothing is lost.

        Raises:
            StopAsyncIteration: All is done.
            UsageError: It was not entered, or in another event loop.
            JournalError: The journal cannot be used (any more); nothing is triggered that it has not recorded.
            AuthenticationError: The service refuses the token, so every request would fail.
            CredentialsError: The issuer refuses the credentials.
            ConfigurationError: The client is not open, or has no token.
        """
        while not self._events:
            if self._ended_at is not None:
                self._raise_failure()
                raise StopAsyncIteration
            self._check_entered()
            self._changed = anyio.Event()
            await self._changed.wait()
        if len(self._events) == _MAX_PENDING:  # the work may wait for room
            self._has_room.set()
            self._has_room = anyio.Event()
        return self._events.popleft()

    async def _supervise(self) -> None:
        try:
            await self._work()
        except Exception as exc:  # noqa: BLE001 - raised to the consumer, outside of an exception group
            self._failure = exc
        finally:
            self._end()

    async def _finished(self) -> None:
        """Report the end to the consumer, and wait until it has left the block without an exception.

        The block may write a report: a process that is killed before it has can be started again.
        """
        self._end()
        await self._exited.wait()

    async def _emit(self, event: E) -> None:
        while len(self._events) >= _MAX_PENDING:
            await self._has_room.wait()
        self._events.append(event)
        self._changed.set()

    def _end(self) -> None:
        if self._ended_at is None:
            self._ended_at = anyio.current_time()
            self._changed.set()

    def _check_entered(self) -> None:
        if self._loop is None:
            raise UsageError(
                f"The {self._name} does nothing before it is entered: `async with {self._made_by} as {self._name}`."
            )
        if self._loop is not asyncio.get_running_loop():
            raise UsageError(
                f"The {self._name} was entered in another event loop. Iterate over it, or await its result, there."
            )

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _elapsed(self) -> float:
        if self._loop is None:
            return 0.0
        return (self._ended_at if self._ended_at is not None else self._loop.time()) - self._started_at
