"""Names for completion, from the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from bentley_sync_async.cli.clients import make_client
from bentley_sync_async.cli.lookup import Lookup, Named


def fetched_within(
    seconds: float, fetch: Callable[[Lookup], Awaitable[list[Named]]], *, itwin: str | None, imodel: str | None
) -> list[Named] | None:
    """Return what a look-up finds; `None` if it takes longer.

    Raises:
        SynchronizationError: The look-up failed.
    """

    async def work() -> list[Named] | None:
        with anyio.move_on_after(seconds):
            async with make_client(hooks=()) as client:
                return await fetch(Lookup(client, itwin, imodel))
        return None

    return anyio.run(work)
