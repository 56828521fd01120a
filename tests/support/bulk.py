"""What tests of a bulk ask of its events and of the emulator."""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from bentley_sync_async.bulk import BulkEvent, BulkRun, ConnectionFinished, ConnectionProgressed, Outcome
from bentley_sync_async.emulator import Emulator

T = TypeVar("T")


async def in_place(work: Callable[..., T], *args: Any, **_: Any) -> T:
    """Stand in for `anyio.to_thread.run_sync`, as a virtual clock runs on by minutes while a thread works.

    It is as little to be cancelled as a thread, and suspends its caller before and after as that does.
    """
    await anyio.lowlevel.checkpoint()
    with anyio.CancelScope(shield=True):
        await anyio.lowlevel.checkpoint()
        done = work(*args)
        await anyio.lowlevel.checkpoint()
    return done


async def outcomes_of(bulk: BulkRun) -> dict[str | None, Outcome]:
    """Follow a bulk to its end and return what its events tell of each connection."""
    async with bulk:
        return finished([event async for event in bulk])


def finished(events: list[BulkEvent]) -> dict[str | None, Outcome]:
    told = [event for event in events if isinstance(event, ConnectionFinished)]
    assert len({event.connection_id for event in told}) == len(told), "a connection was finished twice"
    return {event.connection_id: event.outcome for event in told}


def progressed(events: list[BulkEvent], connection_id: str) -> list[str]:
    """The names of the events of a connection's watch."""
    return [
        type(event.event).__name__
        for event in events
        if isinstance(event, ConnectionProgressed) and event.connection_id == connection_id
    ]


def runs_created(emulator: Emulator) -> Counter[str]:
    """How many runs each connection has had."""
    return Counter(run.connection_id for run in emulator.runs)
