"""A run of another connection is never reported as ours, whatever a trigger or a link names."""

import json

import anyio
import pytest
from support.transport import answer, lost, scripted
from support.watch import TRIGGER_PATH, emulated, events_of, names, triggers

from bentley_sync_async import LocationError, RunTriggered, TriggerDelayed
from bentley_sync_async.emulator import FaultAction, FaultRule

ROOT = "https://api.example/synchronization/imodels"
OTHERS = [f"{ROOT}/storageconnections/other/runs/theirs", f"{ROOT}/manifestconnections/connection/runs/theirs"]


@pytest.mark.parametrize("location", OTHERS)
async def test_a_202_with_another_connections_run_counts_as_lost(location):
    own = {"href": f"{ROOT}/storageconnections/connection/runs/ours"}
    transport, client = scripted(
        answer(202, location=location),
        answer(200, {"connection": {"id": "connection", "_links": {"lastRun": own}}}),
        answer(200, {"run": {"id": "ours", "state": "Queued"}}),
    )
    watcher = client.watch("connection")
    delayed, triggered = await anext(watcher), await anext(watcher)
    assert isinstance(delayed, TriggerDelayed)
    assert isinstance(delayed.cause, LocationError)
    assert isinstance(triggered, RunTriggered)
    assert (triggered.ref.connection_id, triggered.ref.run_id) == ("connection", "ours")
    assert [request.method for request in transport.requests] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("location", OTHERS)
async def test_a_trigger_call_answered_with_another_connections_run_raises(location):
    _, client = scripted(answer(202, location=location))
    with pytest.raises(LocationError, match=r"run theirs of connection .* A run may exist"):
        await client.storage_connections.runs.trigger("connection")


@pytest.mark.parametrize("link", OTHERS)
async def test_a_last_run_link_to_another_connections_run_is_ignored(link):
    transport, client = scripted(
        lost("POST"),
        answer(200, {"connection": {"id": "connection", "_links": {"lastRun": {"href": link}}}}),
        answer(200, {"runs": [{"id": "ours", "connectionId": "connection", "state": "Queued"}]}),
        answer(200, {"run": {"id": "ours", "state": "Queued"}}),
    )
    watcher = client.watch("connection")
    await anext(watcher)
    triggered = await anext(watcher)
    assert isinstance(triggered, RunTriggered)
    assert (triggered.ref.connection_id, triggered.ref.run_id) == ("connection", "ours")
    assert "theirs" not in "".join(request.url for request in transport.requests)


async def test_a_lost_trigger_is_repeated_although_the_link_shows_another_connections_run():
    async with emulated() as (emulator, client):
        theirs = emulator.start_run(emulator.add_connection())
        connection_id = emulator.add_connection()
        href = f"{emulator.url}/synchronization/imodels/storageconnections/{theirs.connection_id}/runs/{theirs.id}"
        shown = {"connection": {"id": connection_id, "_links": {"lastRun": {"href": href}}}}
        emulator.add_fault(
            FaultRule(
                method="GET",
                path=f"storageconnections/{connection_id}$",
                status=200,
                body=json.dumps(shown),
            )
        )
        emulator.add_fault(FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, method="POST", path=TRIGGER_PATH, nth=1))
        await anyio.sleep(30)
        events = await events_of(client.watch(connection_id))
    assert names(events)[:2] == ["TriggerDelayed", "RunTriggered"]
    assert events[1].ref.connection_id == connection_id
    assert len(triggers(emulator)) == 2
