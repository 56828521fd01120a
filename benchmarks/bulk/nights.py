"""The ways to run many connections that `benchmarks.bulk` compares."""

import asyncio
import gc
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import looptime

from bentley_sync_async import BackoffPacing, RateTier, SynchronizationClient
from bentley_sync_async.bulk import ConnectionFinished, ConnectionStarted
from bentley_sync_async.bulk.journal.sqlite_file import JournalFile
from bentley_sync_async.pacing import Pacing

from .measuring import Figures, Memory, Size, cpu_of, most_resident, resident, seconds_to_sync
from .service import BASE_URL, Service

TOKEN = "benchmark." * 120  # as long as tokens are
RARELY = BackoffPacing(shortest=120, factor=1, longest=120)  # Python takes its account of memory slowly

Way = Callable[[SynchronizationClient, Service, Size, Memory], Coroutine[Any, Any, dict[str, float]]]


async def bulk(
    client: SynchronizationClient,
    service: Service,
    size: Size,
    memory: Memory,
    *,
    journal: Path | None = None,
    pacing: Pacing | None = None,
) -> dict[str, float]:
    """Run them in one bulk, and see what it costs to ask how far it is, and what came of it."""
    costs: dict[str, float] = {}
    running = client.run_many(service.connection_ids, concurrency=size.concurrency, journal=journal, pacing=pacing)
    async with running:
        async for event in running:
            if isinstance(event, ConnectionStarted):
                memory.begin()
            elif isinstance(event, ConnectionFinished):
                memory.end()
                if memory.ended == (size.connections + 1) // 2:
                    costs["bulk.progress"] = cpu_of(lambda: running.progress)
        report = running.report
        asked: list[Callable[[], object]] = [report.__str__, report.to_json, report.to_junit]
        costs |= {f"report.{one.__name__}": cpu_of(one) for one in asked}
    return costs


async def journaled(client: SynchronizationClient, service: Service, size: Size, memory: Memory) -> dict[str, float]:
    """Run them with a journal, then plan the next night with what it knows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nightly.db"
        with _journals_in_place() as counted:
            await bulk(client, service, size, memory, journal=path)
            night, asked, began = dict(counted), service.asked.total(), time.process_time()
            await client.run_many(service.connection_ids, concurrency=size.concurrency, journal=path).plan()
        return {
            **night,
            "bytes on the disk": path.stat().st_size,
            "seconds to sync a page": seconds_to_sync(Path(folder)),
            "requests of the next plan": service.asked.total() - asked,
            "seconds of CPU of the next plan": time.process_time() - began,
        }


async def watches(client: SynchronizationClient, service: Service, size: Size, memory: Memory) -> dict[str, float]:
    """Start a watch of each, as many at a time: the loop that one writes without a bulk."""
    places = anyio.Semaphore(size.concurrency)

    async def watch(connection_id: str) -> None:
        async with places:
            memory.begin()
            await client.watch(connection_id).result()
            memory.end()

    async with anyio.create_task_group() as group:
        for connection_id in service.connection_ids:
            group.start_soon(watch, connection_id)
    return {}


MEASUREMENTS: dict[str, tuple[Way, bool]] = {
    "bulk": (bulk, False),
    "bulk with a journal": (journaled, False),
    "watches": (watches, False),
    "bulk, traced": (partial(bulk, pacing=RARELY), True),
}
"""What is measured, and whether Python's own account of memory is taken."""


def measure(name: str, size: Size) -> Figures:
    """Return the figures of a measurement, made in this process."""
    way, traced = MEASUREMENTS[name]
    few = Size(connections=20, imodels=10, concurrency=5)
    # Nothing here comes from a socket or a thread, so there is nothing to wait for before the clock jumps.
    with asyncio.Runner(loop_factory=partial(looptime.new_event_loop, start=0, noop_cycles=0)) as runner:
        runner.run(_measure(way, few, used=resident))  # what is made once and for all is there then
        if not traced:
            return runner.run(_measure(way, size, used=resident))
        tracemalloc.start()
        try:
            return runner.run(_measure(way, size, used=lambda: tracemalloc.get_traced_memory()[0]))
        finally:
            tracemalloc.stop()


async def _measure(way: Way, size: Size, *, used: Callable[[], int]) -> Figures:
    service, least = size.service()
    memory = Memory(size.connections, used)
    async with SynchronizationClient(
        TOKEN, base_url=BASE_URL, transport=service, rate_tier=RateTier.UNLIMITED
    ) as client:
        gc.collect()
        memory.before, before = used(), resident()
        began, cpu = anyio.current_time(), time.process_time()
        more = await way(client, service, size, memory)
        cpu = time.process_time() - cpu - service.seconds - memory.seconds
        took = anyio.current_time() - began
    return Figures(
        makespan=took / least,
        cpu=cpu,
        asked=dict(service.asked),
        runs=(min(service.runs), max(service.runs)),
        memory=memory.each(),
        peak=(most_resident() - before) / size.connections,
        more=more,
    )


@contextmanager
def _journals_in_place() -> Iterator[dict[str, float]]:
    """Let journals work where they are called, as the clock would run on beside a thread, and count what they do."""
    counted = {"notes": 0.0, "transactions": 0.0, "seconds in SQLite": 0.0, "seconds of CPU in SQLite": 0.0}
    run_sync, write, commit = anyio.to_thread.run_sync, JournalFile.write, JournalFile._commit

    async def in_place(work: Callable[[], Any]) -> Any:
        return work()

    async def noted(file: JournalFile, work: Callable[[Any], Any]) -> Any:
        counted["notes"] += 1
        return await write(file, work)

    def committed(file: JournalFile) -> None:
        began, cpu = time.perf_counter(), time.thread_time()
        commit(file)
        counted["transactions"] += 1
        counted["seconds in SQLite"] += time.perf_counter() - began
        counted["seconds of CPU in SQLite"] += time.thread_time() - cpu

    anyio.to_thread.run_sync, JournalFile.write, JournalFile._commit = in_place, noted, committed  # type: ignore[assignment, method-assign]
    try:
        yield counted
    finally:
        anyio.to_thread.run_sync, JournalFile.write, JournalFile._commit = run_sync, write, commit  # type: ignore[method-assign]
