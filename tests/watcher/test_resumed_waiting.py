"""A watch that is resumed while it waits for a blocking run on the iModel."""

from itertools import pairwise

import anyio
import pytest
from attrs import define
from support.transport import answer, lost, refusal, scripted
from support.watch import emulated, events_of, names, triggers

from bentley_sync_async import (
    BackoffPacing,
    RunCompleted,
    RunTriggered,
    StorageJob,
    StorageRun,
    StorageTask,
    TriggerDelayed,
    WaitingForIModel,
)
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule
from bentley_sync_async.wire.codec import to_builtins

BASE = "https://api.example"
ROOT = f"{BASE}/synchronization/imodels/storageconnections"
BUSY = answer(303, location=f"{ROOT}/other/runs/theirs")
CREATED = answer(202, location=f"{ROOT}/connection/runs/ours")
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)


@define
class Scene:
    """An iModel with a blocking run, and a watch that waits for it."""

    emulator: object
    client: object
    watcher: object
    theirs: object


def their_run(state, **fields):
    run = StorageRun(id="theirs", connection_id="other", state=state, **fields)
    return answer(200, {"run": to_builtins(run)})


def scene(emulator, client, **options):
    imodel_id = emulator.new_imodel_id()
    theirs = emulator.start_run(emulator.add_connection(imodel_id))
    return Scene(emulator, client, client.watch(emulator.add_connection(imodel_id), pacing=PACING, **options), theirs)


async def left_after(*script, events):
    """Return the token of a watch of a scripted service after some events."""
    transport, client = scripted(*script)
    watcher = client.watch("connection", pacing=PACING)
    for _ in range(events):
        await anext(watcher)
    assert len(transport.sent) == len(script)
    return watcher.resume_token()


def posts(transport):
    return [request.method for request in transport.requests].count("POST")


async def test_a_waiting_watch_resumed_after_every_event_reports_each_once_and_triggers():
    events = []
    async with emulated() as (emulator, client):
        watching = scene(emulator, client)
        watcher = watching.watcher
        while not events or not isinstance(events[-1], RunTriggered):
            events.append(await anext(watcher))
            watcher = client.resume(watcher.resume_token(), pacing=PACING)
        at = triggers(emulator)
    waited = [event.run for event in events[:-1]]
    assert set(names(events[:-1])) == {"WaitingForIModel"}
    assert all(earlier != later for earlier, later in pairwise(waited))
    assert waited[-1].completed
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert len(at) == 2


async def test_a_watch_resumed_ten_times_does_not_trigger_before_the_blocking_run_has_ended():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(duration=7200))
        watching = scene(emulator, client)
        token = watching.watcher.resume_token()
        for _ in range(10):
            watcher = client.resume(token, pacing=PACING)
            with anyio.move_on_after(600):
                await events_of(watcher)
            token = watcher.resume_token()
        assert len(triggers(emulator)) == 1


async def test_the_reported_state_of_the_blocking_run_is_not_reported_again():
    token = await left_after(BUSY, their_run("Executing"), events=2)
    _, client = scripted(their_run("Executing"), their_run("Finalizing"))
    event = await anext(client.resume(token, pacing=PACING))
    assert isinstance(event, WaitingForIModel)
    assert (event.seq, event.run.state) == (3, "Finalizing")


async def test_the_first_snapshot_of_the_blocking_run_is_reported_after_a_resume():
    token = await left_after(BUSY, events=1)
    transport, client = scripted(their_run("Executing"))
    event = await anext(client.resume(token, pacing=PACING))
    assert (event.seq, event.run.state) == (2, "Executing")
    assert posts(transport) == 0


async def test_the_end_of_the_blocking_run_between_two_watches_is_reported():
    token = await left_after(BUSY, their_run("Executing"), events=2)
    transport, client = scripted(their_run("Completed"), CREATED)
    watcher = client.resume(token, pacing=PACING)
    ended, triggered = await anext(watcher), await anext(watcher)
    assert ended.run.completed
    assert isinstance(triggered, RunTriggered)
    assert posts(transport) == 1


async def test_after_a_reported_end_of_the_blocking_run_the_watch_triggers():
    token = await left_after(BUSY, their_run("Completed"), events=2)
    _, client = scripted(their_run("Completed"), CREATED)
    assert isinstance(await anext(client.resume(token, pacing=PACING)), RunTriggered)


async def test_polls_of_the_blocking_run_keep_their_interval_after_a_resume():
    token = await left_after(BUSY, their_run("Executing"), events=2)
    transport, client = scripted(always=their_run("Executing"))
    began = anyio.current_time()
    with anyio.move_on_after(200):
        await anext(client.resume(token, pacing=PACING))
    assert [at - began for at in transport.instants] == pytest.approx([0, 20, 50, 95, 155])


@pytest.mark.parametrize("status", [403, 404])
async def test_an_invisible_blocking_run_is_reported_once_and_triggers_keep_their_pace(status):
    token = await left_after(BUSY, events=1)
    transport, client = scripted(refusal(status), BUSY, refusal(status), BUSY, refusal(status), CREATED)
    began = anyio.current_time()
    event = await anext(client.resume(token, pacing=PACING))
    assert isinstance(event, RunTriggered)
    assert event.seq == 2
    methods = [request.method for request in transport.requests]
    at = [at - began for at, method in zip(transport.instants, methods, strict=True) if method == "POST"]
    assert at == sorted(at)
    assert at[0] >= 20
    assert all(later - earlier >= 20 for earlier, later in pairwise(at))


async def test_the_next_blocking_run_is_reported_before_its_first_snapshot():
    token = await left_after(BUSY, their_run("Completed"), events=2)
    _, client = scripted(their_run("Completed"), answer(303, location=f"{ROOT}/third/runs/more"))
    event = await anext(client.resume(token, pacing=PACING))
    assert (event.ref.run_id, event.run) == ("more", None)


async def test_the_run_of_a_trigger_lost_after_the_wait_is_found():
    async with emulated() as (emulator, client):
        emulator.add_fault(
            FaultRule(method="POST", path="/run$", action=FaultAction.RESET_BEFORE_HEADERS, performed=True, nth=2)
        )
        watcher = scene(emulator, client).watcher
        event = None
        while not isinstance(event, TriggerDelayed):
            event = await anext(watcher)
        after = await events_of(client.resume(watcher.resume_token(), pacing=PACING))
    assert isinstance(after[0], RunTriggered)
    assert after[0].recovered
    assert isinstance(after[-1], RunCompleted)
    assert len(emulator.runs) == 2


async def test_the_blocking_run_is_forgotten_once_there_is_a_run_of_ours():
    token = await left_after(BUSY, their_run("Completed"), CREATED, events=3)
    transport, client = scripted(lost())
    await anext(client.resume(token, pacing=PACING))
    assert transport.requests[0].url.endswith("/ours")


async def test_the_token_of_a_waiting_watch_is_short_for_a_large_blocking_run():
    tasks = tuple(StorageTask(id=f"task {number}") for number in range(1000))
    token = await left_after(BUSY, their_run("Executing", jobs=(StorageJob(id="j", tasks=tasks),)), events=2)
    assert len(token) < 400
