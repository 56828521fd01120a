"""Every fault at every kind of request: the watch ends with the true result, and tells everything once."""

import asyncio
import os
import random
from contextlib import asynccontextmanager

import anyio
import pytest
from support.chaos import FAULTS, chaos_proxy
from support.runs import normal
from support.watch import TRIGGER_PATH, completed_tasks, events_of

from bentley_sync_async import ClientCredentials, DecodeError, SynchronizationClient, fold
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, RunRule

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "1")))
TARGETS = {
    "trigger": ("POST", TRIGGER_PATH),
    "poll": ("GET", "/runs/"),
    "token": ("POST", "/connect/token$"),
    "list": ("GET", "/storageconnections$"),
}
WATCHED = ["trigger", "poll", "token"]
FILES = [("Good.dgn", "MSTN"), ("Also good.rvt", "REVIT"), ("Bad.dgn", "MSTN"), ("Slow.ifc", "IFC")]

ACT = FaultAction
EMULATED = {
    "500": {"status": 500},
    "500 though carried out": {"status": 500, "performed": True},
    "502 in HTML": {"action": ACT.HTML_BODY, "status": 502, "performed": False},
    "503": {"status": 503},
    "503 with Retry-After": {"status": 503, "retry_after": 40},
    "504 though carried out": {"status": 504, "performed": True},
    "429": {"status": 429, "code": "RateLimitExceeded", "retry_after": 45},
    "429 until an instant": {"status": 429, "retry_after": 45, "retry_after_date": True},
    "delay": {"action": ACT.DELAY, "delay": 7},
    "delay beyond the timeout": {"action": ACT.DELAY, "delay": 90},
    "reset before the headers": {"action": ACT.RESET_BEFORE_HEADERS},
    "reset before the headers though carried out": {"action": ACT.RESET_BEFORE_HEADERS, "performed": True},
    "reset after the headers": {"action": ACT.RESET_AFTER_HEADERS},
    "truncated": {"action": ACT.TRUNCATED_BODY},
    "wrong content type": {"action": ACT.WRONG_CONTENT_TYPE},
    "HTML": {"action": ACT.HTML_BODY},
    "empty": {"action": ACT.EMPTY_BODY},
}
WHOLE_BUT_NO_ANSWER = {"HTML", "empty", "without a length and cut"}


@asynccontextmanager
async def chaos(seed):
    """An emulator, a proxy before it, and a client of the proxy whose tokens live for 40 seconds."""
    plain = {"error_rate": 0.0, "retry_rate": 0.0, "accept_window": 0.0, "token_lifetime": 40.0}
    async with Emulator(seed=seed, **plain) as emulator, chaos_proxy(emulator.url, seed) as proxy:
        emulator.add_run_rule(RunRule(queued=5, waiting=20, preprocessing=10, references=10, finalizing=5))
        emulator.add_file_rule(FileRule(queued=5, duration=40))
        emulator.add_file_rule(FileRule(file_name="Bad*", error="SourceFileCorrupted"))
        emulator.add_file_rule(FileRule(file_name="Slow*", duration=60, retries=1, retry_delay=10))
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=proxy.url) as client:
            yield emulator, proxy, client
        await anyio.sleep(0.1)
        assert proxy.held_open == 0
    assert running() == []


def running():
    """The names of the coroutines of all other tasks."""
    return [task.get_coro().__qualname__ for task in asyncio.all_tasks() - {asyncio.current_task()}]


def add_fault(emulator, proxy, target, name, due):
    """A fault that fires at those of the target's requests, counted from 1."""
    method, path = TARGETS[target]
    if name in FAULTS:
        return proxy.add(FAULTS[name], method, path, due)
    first, last = min(due), max(due)
    return emulator.add_fault(FaultRule(method=method, path=path, first=first, last=last, **EMULATED[name]))


async def check_watch(emulator, proxy, client):
    watcher = client.watch(emulator.add_connection(files=FILES))
    with anyio.fail_after(24 * 3600):
        events = await events_of(watcher)
    assert len(emulator.runs) == 1
    assert watcher.ref == emulator.runs[0].ref
    proxy.rules.clear()
    truth = await client.storage_connections.runs.get(watcher.ref.connection_id, watcher.ref.run_id)
    assert truth.completed
    assert watcher.run == truth
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert normal(fold(events)) == normal(truth)
    assert sorted(completed_tasks(events)) == sorted(task.id for job in truth.jobs for task in job.tasks)
    assert len(completed_tasks(events)) == len(FILES)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("target", WATCHED)
@pytest.mark.parametrize("name", [*FAULTS, *EMULATED])
async def test_a_watch_ends_with_the_true_result_whatever_happens_to_its_requests(name, target, seed):
    chance = random.Random(f"{name}/{target}/{seed}")
    first = 1 if target == "trigger" else chance.randint(1, 3)
    async with chaos(seed) as (emulator, proxy, client):
        fault = add_fault(emulator, proxy, target, name, {first, first + 1} if target == "poll" else {first})
        await check_watch(emulator, proxy, client)
    assert fault.fired >= 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*FAULTS, *EMULATED])
async def test_a_run_that_ends_before_anyone_looks_is_not_triggered_again(name, seed):
    async with chaos(seed) as (emulator, proxy, client):
        emulator.add_run_rule(RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0))
        emulator.add_file_rule(FileRule(queued=0, duration=1, retries=0))
        fault = add_fault(emulator, proxy, "trigger", name, {1})
        await check_watch(emulator, proxy, client)
    assert fault.fired == 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*FAULTS, *EMULATED])
async def test_a_list_is_whole_whatever_happens_to_one_of_its_pages(name, seed):
    page = random.Random(f"{name}/list/{seed}").randint(1, 3)
    async with chaos(seed) as (emulator, proxy, client):
        imodel_id = emulator.new_imodel_id()
        ids = [emulator.add_connection(imodel_id) for _ in range(10)]
        fault = add_fault(emulator, proxy, "list", name, {page})

        async def listed():
            return [connection.id async for connection in client.storage_connections.list(imodel_id, page_size=3)]

        if name in WHOLE_BUT_NO_ANSWER:
            with pytest.raises(DecodeError):
                await listed()
        assert await listed() == ids
    assert fault.fired == 1


@pytest.mark.parametrize("seed", range(4 * len(SEEDS)))
async def test_a_watch_in_a_storm_of_faults_ends_with_the_true_result(seed):
    """Forty faults at random requests of a watch; it may end before it meets them all."""
    chance = random.Random(f"storm/{seed}")
    names = chance.choices(sorted(FAULTS), k=40)
    async with chaos(seed) as (emulator, proxy, client):
        faults = [proxy.add(FAULTS[name], *TARGETS[chance.choice(WATCHED)], {chance.randint(1, 12)}) for name in names]
        await check_watch(emulator, proxy, client)
    assert sum(fault.fired for fault in faults) >= 3


async def test_a_trigger_that_gets_the_answer_of_the_request_before_is_looked_up():
    async with chaos(0) as (emulator, proxy, client):
        late = add_fault(emulator, proxy, "list", "answered again in place of the next", {1})
        [_ async for _ in client.storage_connections.list(emulator.new_imodel_id())]
        await check_watch(emulator, proxy, client)
    assert late.fired == 1


async def test_a_stall_after_an_answer_that_came_again_ends_with_the_timeout():
    async with chaos(0) as (emulator, proxy, client):
        add_fault(emulator, proxy, "poll", "answered again in place of the next", {2})
        stalled = add_fault(emulator, proxy, "poll", "stalled in the body", {4})
        await check_watch(emulator, proxy, client)
    assert stalled.fired == 1


async def test_an_answer_that_the_emulator_delays_does_not_outlive_the_emulator():
    async with Emulator() as emulator:
        emulator.add_fault(FaultRule(action=ACT.DELAY, delay=1000))
        writer = (await asyncio.open_connection("127.0.0.1", int(emulator.url.rpartition(":")[2])))[1]
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await anyio.sleep(1)
        writer.close()
        await anyio.sleep(1)
    assert running() == []
