"""Many watches for a long time, in virtual time: `SOAK_WATCHES=200 SOAK_HOURS=48` for the full length."""

import asyncio
import gc
import logging
import os
import tracemalloc
from pathlib import Path

import anyio
from aiohttp import ClientSession

from bentley_sync_async import (
    BackoffPacing,
    ClientCredentials,
    RunCompleted,
    RunTriggered,
    SynchronizationClient,
    TaskCompleted,
    WatchEvent,
)
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, RunRule

WATCHES = int(os.environ.get("SOAK_WATCHES", "2"))
HOURS = float(os.environ.get("SOAK_HOURS", "2"))
FILES = 3
FAULTS = 0.02
SLACK = 64 * 1024
PACING = BackoffPacing(shortest=60, factor=2, longest=300)

BREAKING = [
    {"status": 502},
    {"status": 503, "retry_after": 2},
    {"status": 500, "body": "<html>"},
    {"action": FaultAction.RESET_BEFORE_HEADERS},
    {"action": FaultAction.RESET_AFTER_HEADERS},
    {"action": FaultAction.TRUNCATED_BODY},
    {"action": FaultAction.HTML_BODY},
    {"action": FaultAction.EMPTY_BODY},
    {"action": FaultAction.DELAY, "delay": 90},
]


class Watched:
    """What one watch told, without keeping it."""

    def __init__(self) -> None:
        self.seq = 0
        self.tasks: list[str] = []
        self.triggered = 0
        self.last: type[WatchEvent] | None = None
        self.succeeded = False
        self.result_id = ""
        self.ended_at = 0.0

    async def follow(self, client: SynchronizationClient, connection_id: str) -> None:
        watcher = client.watch(connection_id, timeout=2 * HOURS * 3600, pacing=PACING)
        async for event in watcher:
            assert event.seq == self.seq + 1
            assert self.last is not RunCompleted
            self.seq, self.last = event.seq, type(event)
            self.triggered += isinstance(event, RunTriggered)
            if isinstance(event, TaskCompleted):
                self.tasks.append(event.task.id)
        assert watcher.run is not None
        self.succeeded, self.result_id = watcher.run.succeeded, watcher.run.id
        self.ended_at = anyio.current_time()


class Sampler:
    """Measures memory forty times, and counts requests that the emulator need not keep."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.sizes: list[int] = []
        self.requests = self.tokens = 0

    async def measure(self) -> None:
        for step in range(1, 41):
            await anyio.sleep_until(HOURS * 3600 * step / 40)
            self.count()
            gc.collect()
            self.sizes.append(tracemalloc.get_traced_memory()[0])
            if step == 25:
                self.emulator.revoke_tokens()

    def count(self) -> None:
        self.requests += len(self.emulator.requests)
        self.tokens += sum(request.operation == "token" for request in self.emulator.requests)
        self.emulator.requests.clear()


def sockets() -> int:
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += str(link.readlink()).startswith("socket:")
        except OSError:  # the descriptor of this very listing
            continue
    return found


def open_sessions() -> int:
    gc.collect()
    return sum(isinstance(thing, ClientSession) and not thing.closed for thing in gc.get_objects())


async def test_many_watches_for_hours_complete_with_constant_memory_and_leave_nothing_open(record_property, caplog):
    caplog.set_level(logging.CRITICAL, "bentley_sync_async")  # pytest keeps what is logged
    tasks_before, sockets_before = asyncio.all_tasks(), sockets()
    watched = [Watched() for _ in range(WATCHES)]
    tracemalloc.start()
    try:
        async with Emulator(error_rate=0, retry_rate=0, token_lifetime=3600) as emulator:
            emulator.add_run_rule(RunRule(queued=30, waiting=300, preprocessing=30, references=30, parallel=1))
            # All files but the last are done soon: from then on a watch has nothing more to keep.
            emulator.add_file_rule(FileRule(queued=5, duration=120, retries=1, retry_delay=60))
            last_file = f"{FILES - 1}.dgn"
            emulator.add_file_rule(FileRule(file_name=last_file, duration=HOURS * 3600, retries=1, retry_delay=60))
            connections = [emulator.add_connection(files=[(f"{n}.dgn", "MSTN") for n in range(FILES)]) for _ in watched]
            rules = [emulator.add_fault(FaultRule(probability=FAULTS / len(BREAKING), **rule)) for rule in BREAKING]
            credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
            sampler = Sampler(emulator)
            async with (
                SynchronizationClient(credentials, base_url=emulator.url) as client,
                anyio.create_task_group() as group,
            ):
                group.start_soon(sampler.measure)
                for watch, connection_id in zip(watched, connections, strict=True):
                    group.start_soon(watch.follow, client, connection_id)
            sampler.count()
            runs = {run.connection_id: run for run in emulator.runs}
            created = len(emulator.runs)
    finally:
        tracemalloc.stop()
    await asyncio.sleep(1)

    fired = sum(rule.fired for rule in rules)
    record_property("requests", sampler.requests)
    record_property("faults", fired)
    record_property("tokens", sampler.tokens)
    # The least of each quarter: what differs from one instant to the next are the connections that are open.
    quarters = [min(sampler.sizes[n : n + 10]) for n in (0, 10, 20, 30)]
    record_property("memory of the quarters in KiB", [size // 1024 for size in quarters])

    assert created == len(runs) == WATCHES
    for watch, connection_id in zip(watched, connections, strict=True):
        assert watch.succeeded
        assert watch.result_id == runs[connection_id].id
        assert watch.last is RunCompleted
        assert watch.triggered == 1
        assert len(watch.tasks) == len(set(watch.tasks)) == FILES
        assert watch.ended_at >= HOURS * 3600

    due = FAULTS * sampler.requests
    assert abs(fired - due) < 4 * due**0.5
    # One token an hour, one for those revoked, and those whose answer a fault broke.
    assert HOURS <= sampler.tokens <= 2 * HOURS + 6

    first, *_, last = quarters
    assert last - first < SLACK, f"{(last - first) / 1024:.0f} KiB more in the last quarter than in the first"

    assert asyncio.all_tasks() == tasks_before
    assert sockets() == sockets_before
    assert open_sessions() == 0
