"""What tests of a bulk ask of its events and of the emulator."""

from collections import Counter

from bentley_sync_async import BulkEvent, BulkRun, ConnectionFinished, ConnectionProgressed, Outcome
from bentley_sync_async.emulator import Emulator


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
