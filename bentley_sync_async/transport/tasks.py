"""The tasks of a client: their requests outlive those who wait for them.

A watch takes each step in such a task. A consumer that stops waiting, at a timeout of its own or for good, leaves the
request under way, and the answer is there when it waits again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import anyio

from .binding import LoopBinding
from .clock import current_time
from .messages import Request
from .rate_limit.throttle import MAX_RETRY_AFTER


class ClientTask:
    """A task that belongs to a client.

    Attributes:
        sending: The request that is on the wire; `None` if none is.
        not_before: Until when the answers so far request to wait (Retry-After), by the event loop's clock.
        waited: Seconds that requests of the task have waited for the throttle, a permit or a token.
    """

    __slots__ = ("_abandoned", "_task", "not_before", "sending", "waited")

    def __init__(self) -> None:
        """Make it before its task."""
        self.sending: Request | None = None
        self.not_before = -math.inf
        self.waited = 0.0
        self._task: asyncio.Task[None] | None = None
        self._abandoned = False

    def requested_wait(self) -> float:
        """Return the seconds for which the service still requests to wait."""
        return max(0.0, self.not_before - current_time())

    def request_wait(self, seconds: float) -> None:
        """Note that the service, or the issuer of tokens, requests to wait; an hour at the most."""
        self.not_before = max(self.not_before, current_time() + min(seconds, MAX_RETRY_AFTER))

    def begin(self, request: Request) -> None:
        """Note that a request is on the wire."""
        self.sending = request

    def end(self) -> None:
        """Note that it has ended. An abandoned task sends no other one."""
        self.sending = None
        if self._abandoned and self._task is not None:
            self._task.cancel()

    def is_lost(self) -> bool:
        """Return whether its event loop was closed before it ended: it never will."""
        return self._task is not None and not self._task.done() and self._task.get_loop().is_closed()

    async def wait(self) -> None:
        """Wait until the task has ended; a caller that is cancelled does not affect it."""
        task = self._task
        if task is None or task.done():
            return
        ended = asyncio.get_running_loop().create_future()

        def wake(_: object) -> None:
            if not ended.done():
                ended.set_result(None)

        task.add_done_callback(wake)
        try:
            await ended
        finally:
            task.remove_done_callback(wake)

    def raise_failure(self) -> None:
        """Raise what the task, which has ended, raised; once, as it then belongs to the caller."""
        task, self._task = self._task, None
        try:
            if task is not None and not task.cancelled():
                task.result()
        finally:
            del task  # otherwise it and its exception would hold each other, by this frame

    def abandon(self) -> None:
        """End the task when the request that is on the wire has ended; at once if none is."""
        self._abandoned = True
        if self.sending is None and self._task is not None:
            with suppress(RuntimeError):  # its event loop is closed
                self._task.cancel()


class ClientTasks:
    """The tasks of one client.

    Attributes:
        binding: The event loop in which they, and the client, work.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._tasks: dict[asyncio.Task[Any], ClientTask] = {}
        self.binding = LoopBinding()
        self.binding.on_new_loop(self._tasks.clear)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> ClientTask:
        """Run a coroutine in a task of the client."""
        client_task = ClientTask()
        task = asyncio.get_running_loop().create_task(self._run(coroutine, [client_task]))
        client_task._task = task
        if not task.done():  # an eager one may be
            self._tasks[task] = client_task
        task.add_done_callback(self._forget)
        return client_task

    def current(self) -> ClientTask | None:
        """Return the client's task that is running; `None` in a task of the caller's."""
        return self._tasks.get(asyncio.current_task()) if self._tasks else None  # type: ignore[arg-type]

    async def close(self, seconds: float) -> None:
        """End all tasks. A trigger that is on the wire has so many seconds until its answer is lost."""
        tasks = list(self._tasks.items())
        for task, client_task in tasks:
            if client_task.sending is not None and client_task.sending.method != "GET":
                client_task.abandon()
            else:
                task.cancel()
        try:
            with anyio.CancelScope(shield=True, deadline=current_time() + seconds):
                await _ended(tasks)
        finally:
            for task, _ in tasks:
                task.cancel()
            with anyio.CancelScope(shield=True):
                await _ended(tasks)

    async def _run(self, coroutine: Coroutine[Any, Any, None], client_task: list[ClientTask]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is one
        # Taken out of the list, so that no traceback of the coroutine leads to the task that holds it.
        self._tasks[task] = client_task.pop()
        del task
        await coroutine

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # whoever waits for it gets it; if nobody does, it is no error of the event loop


async def _ended(tasks: list[tuple[asyncio.Task[Any], ClientTask]]) -> None:
    pending = [task for task, _ in tasks if not task.done()]
    if pending:
        await asyncio.wait(pending)
