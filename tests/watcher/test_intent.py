"""The token that is kept before a step that may trigger: a watch that is resumed from it triggers nothing twice."""

import anyio
from support.transport import answer, refusal, scripted
from support.watch import emulated, events_of, triggers

from bentley_sync_async import BackoffPacing, RunCompleted, RunTriggered
from bentley_sync_async.watch.resume_state import ResumeState

LOCATION = "https://api.example/synchronization/imodels/storageconnections/connection/runs/run"
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)


def attempted_at(token, client):
    return ResumeState.from_token(token, origin=client.config.base_url).attempted_at


async def test_a_run_that_started_since_the_token_is_recovered():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        token = watcher.intent_token()
        await anext(watcher)  # and then the process was killed
        await anyio.sleep(60)
        events = await events_of(client.resume(token))
    assert isinstance(events[0], RunTriggered)
    assert events[0].recovered
    assert isinstance(events[-1], RunCompleted)
    assert len(triggers(emulator)) == len(emulator.runs) == 1


async def test_a_run_that_started_and_ended_since_the_token_is_recovered():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        token = watcher.intent_token()
        await anext(watcher)
        await anyio.sleep(3600)
        await client.resume(token).result()
    assert len(emulator.runs) == 1


async def test_an_older_run_is_not_recovered_and_one_is_triggered():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        await client.watch(connection_id).result()
        await anyio.sleep(60)
        token = client.watch(connection_id).intent_token()
        run = await client.resume(token).result()
    assert len(emulator.runs) == 2
    assert run.id == emulator.runs[1].id


async def test_the_search_comes_before_the_trigger():
    _, client = scripted()
    token = client.watch("connection").intent_token()
    transport, other = scripted(
        answer(200, {"connection": {"id": "connection"}}), answer(200, {"runs": []}), answer(202, location=LOCATION)
    )
    await anext(other.resume(token))
    assert [request.method for request in transport.requests] == ["GET", "GET", "POST"]


async def test_a_blocking_run_is_waited_for_first():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel_id))
        watcher = client.watch(emulator.add_connection(imodel_id))
        await anext(watcher)
        token = watcher.intent_token()
        while not isinstance(await anext(watcher), RunTriggered):
            pass
        events = await events_of(client.resume(token))
    (triggered,) = [event for event in events if isinstance(event, RunTriggered)]
    assert triggered.recovered
    assert len(emulator.runs) == 2


async def test_an_intent_token_keeps_the_instant_of_an_earlier_trigger():
    _, client = scripted(refusal(502))
    watcher = client.watch("connection", pacing=PACING)
    await anext(watcher)
    await anyio.sleep(100)
    assert attempted_at(watcher.intent_token(), client) == attempted_at(watcher.resume_token(), client)


async def test_an_intent_token_has_the_instant_at_which_it_was_taken():
    _, client = scripted()
    watcher = client.watch("connection")
    first = attempted_at(watcher.intent_token(), client)
    await anyio.sleep(100)
    assert attempted_at(watcher.intent_token(), client) - first == 100


async def test_a_resumed_watch_has_intent_tokens_before_its_first_step():
    _, client = scripted(refusal(429, retry_after="7"))
    watcher = client.watch("connection", pacing=PACING)
    await anext(watcher)
    resumed = client.resume(watcher.resume_token())
    assert attempted_at(resumed.resume_token(), client) is None
    assert attempted_at(resumed.intent_token(), client) is not None
