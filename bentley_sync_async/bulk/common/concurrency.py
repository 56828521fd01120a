"""Doing the same for many items, a few at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def for_each(items: Iterable[T], process: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Process all items, so many at a time; the first error ends it and is raised outside of an exception group."""
    rest = iter(items)
    errors: list[Exception] = []

    async def work() -> None:
        for item in rest:
            try:
                await process(item)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
                group.cancel_scope.cancel()
                return

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(work)
    if errors:
        raise errors.pop(0)
