"""The event loop, thread and process that a client belongs to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from bentley_sync_async.errors import UsageError

from .clock import running_loop


class LoopBinding:
    """Binds a client to the event loop in which it was opened, or used first, until it is left or that loop is closed.

    Futures, timers and sockets of one event loop do not work in another: whoever waits for them would never wake up.
    """

    def __init__(self) -> None:
        """Start unbound."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._left = False
        self._resets: list[Callable[[], None]] = []

    def on_new_loop(self, reset: Callable[[], None]) -> None:
        """Have a function called when another loop takes over, which forgets what belonged to the one before."""
        self._resets.append(reset)

    def check(self) -> None:
        """Check that the client may be used here; bind it to the running loop if it is unbound.

        Raises:
            UsageError: It belongs to another event loop, thread or process; or no event loop of asyncio is running.
        """
        loop = running_loop()
        if loop is not self._loop or loop is None or os.getpid() != self._pid:
            self._bind(loop)

    def open(self) -> None:
        """Bind the client to the running loop; as `check`."""
        self.check()
        self._left = False

    def close(self) -> None:
        """Unbind the client: the next loop in which it is used may be another one."""
        self._left = True

    def _bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._loop is not None and not self._left and not self._loop.is_closed():
            if os.getpid() != self._pid:
                raise UsageError(
                    f"The client is in use by process {self._pid}, from which this process {os.getpid()} was forked. "
                    "Make a client in each process, after the fork."
                )
            raise UsageError(
                "The client is in use in another event loop. Make a client for each event loop; from another thread, "
                "call asyncio.run_coroutine_threadsafe(..., loop) with the client's loop."
            )
        if loop is None:
            raise UsageError("No event loop of asyncio is running. Use the client in a task of asyncio.")
        if self._loop is not None:
            for reset in self._resets:
                reset()
        self._loop, self._pid, self._left = loop, os.getpid(), False
