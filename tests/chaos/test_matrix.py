"""Every fault at every kind of request: the watch ends with the true result and reports everything once.

`CHAOS_SEEDS=20 FULL_LENGTH=1` for the full length; otherwise each fault hits one kind of request.
"""

import asyncio
import os
import random

import anyio
import pytest
from support.faults import PROXY_FAULTS, WATCH_FAULTS, add_fault, chaos, hits, other_tasks
from support.quick import length
from support.runs import normal
from support.watch import TRIGGER_PATH, completed_tasks, events_of

from bentley_sync_async import DecodeError, fold
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

COMPLETE_BUT_NOT_DECODABLE = {"HTML", "empty", "without a length and cut"}


def slow_rule():
    return FileRule(file_name="Slow*", duration=60, retries=1, retry_delay=10)


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
@pytest.mark.parametrize(("name", "target"), hits(WATCHED))
async def test_a_watch_ends_with_the_true_result_whatever_happens_to_its_requests(name, target, seed):
    rng = random.Random(f"{name}/{target}/{seed}")
    first = 1 if target == "trigger" else rng.randint(1, 3)
    async with chaos(seed, slow_rule()) as (emulator, proxy, client):
        fault = add_fault(emulator, proxy, TARGETS[target], name, {first, first + 1} if target == "poll" else {first})
        await check_watch(emulator, proxy, client)
    assert fault.fired >= 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", WATCH_FAULTS[:: length(5, 1)])
async def test_a_run_that_ends_before_the_first_poll_is_not_triggered_again(name, seed):
    async with chaos(seed, slow_rule()) as (emulator, proxy, client):
        emulator.add_run_rule(RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0))
        emulator.add_file_rule(FileRule(queued=0, duration=1, retries=0))
        fault = add_fault(emulator, proxy, TARGETS["trigger"], name, {1})
        await check_watch(emulator, proxy, client)
    assert fault.fired == 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", WATCH_FAULTS[:: length(4, 1)])
async def test_a_list_is_complete_whatever_happens_to_one_of_its_pages(name, seed):
    page = random.Random(f"{name}/list/{seed}").randint(1, 3)
    async with chaos(seed, slow_rule()) as (emulator, proxy, client):
        imodel_id = emulator.new_imodel_id()
        ids = [emulator.add_connection(imodel_id) for _ in range(10)]
        fault = add_fault(emulator, proxy, TARGETS["list"], name, {page})

        async def listed():
            return [connection.id async for connection in client.storage_connections.list(imodel_id, page_size=3)]

        if name in COMPLETE_BUT_NOT_DECODABLE:
            with pytest.raises(DecodeError):
                await listed()
        assert await listed() == ids
    assert fault.fired == 1


@pytest.mark.parametrize("seed", range(4 * len(SEEDS)))
async def test_a_watch_in_a_storm_of_faults_ends_with_the_true_result(seed):
    """Forty faults at random requests of a watch; the watch may end before all of them fire."""
    rng = random.Random(f"storm/{seed}")
    names = rng.choices(sorted(PROXY_FAULTS), k=40)
    async with chaos(seed, slow_rule()) as (emulator, proxy, client):
        faults = [proxy.add(PROXY_FAULTS[name], *TARGETS[rng.choice(WATCHED)], {rng.randint(1, 12)}) for name in names]
        await check_watch(emulator, proxy, client)
    assert sum(fault.fired for fault in faults) >= 3


async def test_a_trigger_that_gets_the_answer_to_the_previous_request_is_recovered():
    async with chaos(0, slow_rule()) as (emulator, proxy, client):
        repeated = add_fault(emulator, proxy, TARGETS["list"], "answered again in place of the next", {1})
        [_ async for _ in client.storage_connections.list(emulator.new_imodel_id())]
        await check_watch(emulator, proxy, client)
    assert repeated.fired == 1


async def test_a_stall_after_a_repeated_answer_ends_with_the_timeout():
    async with chaos(0, slow_rule()) as (emulator, proxy, client):
        add_fault(emulator, proxy, TARGETS["poll"], "answered again in place of the next", {2})
        stalled = add_fault(emulator, proxy, TARGETS["poll"], "stalled in the body", {4})
        await check_watch(emulator, proxy, client)
    assert stalled.fired == 1


async def test_an_answer_that_the_emulator_delays_does_not_outlive_the_emulator():
    async with Emulator() as emulator:
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=1000))
        writer = (await asyncio.open_connection("127.0.0.1", int(emulator.url.rpartition(":")[2])))[1]
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await anyio.sleep(1)
        writer.close()
        await anyio.sleep(1)
    assert other_tasks() == []
