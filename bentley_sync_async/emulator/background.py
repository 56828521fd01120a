"""The one task of an emulator that works between requests: it sends messages to webhooks and saves the state.

A task group in the emulator's own context would belong to whichever task enters it, but a test fixture enters and
leaves an emulator in two different tasks. So the group has a task of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

import anyio

_Function: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Background:
    """Runs functions until it is closed. It has no task before it is used."""

    def __init__(self) -> None:
        self._group: anyio.abc.TaskGroup | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[_Function] = []

    def start(self, function: _Function) -> None:
        """Run a function in the background; it has to handle its own failures."""
        if self._group is not None:
            self._group.start_soon(function)
            return
        self._waiting.append(function)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Cancel what is still running, and wait for its end; another start may follow."""
        task, self._task, self._group = self._task, None, None
        self._waiting.clear()
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        async with anyio.create_task_group() as group:
            self._group = group
            for function in self._waiting:
                group.start_soon(function)
            await anyio.sleep_forever()
