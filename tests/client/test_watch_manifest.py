"""A watch of a manifest run is a watch like any other; its files come with the trigger, and stay out of its token."""

import anyio
import pytest
from support.transport import ScriptedTransport, answer, lost
from support.watch import names

from bentley_sync_async import (
    ConnectorType,
    FixedPacing,
    InvalidArgumentError,
    ManifestFile,
    ManifestRun,
    SynchronizationClient,
)

BASE = "https://api.example"
CONNECTION = f"{BASE}/synchronization/imodels/manifestconnections/c"
RUN = f"{CONNECTION}/runs/r"
FILE = ManifestFile(
    id="dms-7", name="a.dgn", url="https://blobs.example/a.dgn?sig=secret", connector_type=ConnectorType.MSTN
)
MANIFEST = ManifestRun(connection_id="c", files=[FILE])
PACING = FixedPacing(interval=10, jitter=0)


def run(state, *, result="Undetermined"):
    task = {"id": "t", "sourceFileId": "dms-7", "state": state, "result": result}
    job = {"id": "j", "state": state, "result": result, "phase": "MasterFile", "tasks": [task]}
    return answer(200, {"run": {"id": "r", "state": state, "result": result, "jobs": [job]}})


ENDED = run("Completed", result="Success")


def client_of(transport):
    return SynchronizationClient("token", base_url=BASE, transport=transport)


async def test_it_is_triggered_with_its_files_and_followed_to_its_end():
    transport = ScriptedTransport(answer(202, location=RUN), run("Executing"), ENDED)
    async with client_of(transport) as client:
        watcher = client.watch_manifest(MANIFEST, pacing=PACING)
        events = [event async for event in watcher]
    assert names(events)[0] == "RunTriggered"
    assert names(events)[-1] == "RunCompleted"
    assert watcher.run.jobs[0].tasks[0].source_file_id == "dms-7"
    assert transport.lines == [f"POST {CONNECTION}/runs", f"GET {RUN}", f"GET {RUN}"]
    assert transport.bodies[0]["sourceFiles"][0]["url"] == FILE.url


async def test_a_run_of_the_connection_that_is_active_already_is_waited_for():
    other = f"{CONNECTION}/runs/other"
    transport = ScriptedTransport(answer(303, location=other), ENDED, answer(202, location=RUN), ENDED)
    async with client_of(transport) as client:
        await client.watch_manifest(MANIFEST, pacing=PACING).result()
    assert [line.partition(" ")[0] for line in transport.lines] == ["POST", "GET", "POST", "GET"]


async def test_a_resume_token_follows_the_run_without_the_files():
    transport = ScriptedTransport(answer(202, location=RUN), ENDED)
    async with client_of(transport) as client:
        watcher = client.watch_manifest(MANIFEST, pacing=PACING)
        await anext(watcher)
        token = watcher.resume_token()
        assert "secret" not in token
        result = await client.resume(token, pacing=PACING).result()
    assert result.succeeded
    assert transport.lines == [f"POST {CONNECTION}/runs", f"GET {RUN}"]


async def test_a_trigger_whose_answer_was_lost_is_searched_for_among_the_runs_of_the_manifest_connection():
    connection = {"connection": {"id": "c", "_links": {"lastRun": {"href": RUN}}}}
    transport = ScriptedTransport(lost(), answer(200, connection), run("Executing"), ENDED)
    async with client_of(transport) as client:
        watcher = client.watch_manifest(MANIFEST, pacing=PACING)
        with anyio.fail_after(3600):
            await watcher.result()
    assert watcher.ref.kind == "manifest"
    assert transport.lines[:3] == [f"POST {CONNECTION}/runs", f"GET {CONNECTION}", f"GET {RUN}"]


async def test_a_token_whose_run_is_still_to_be_triggered_asks_for_the_files():
    transport = ScriptedTransport(answer(202, location=RUN), ENDED)
    async with client_of(transport) as client:
        token = client.watch_manifest(MANIFEST).resume_token()
        with pytest.raises(InvalidArgumentError, match="its files are not in the resume token"):
            await client.resume(token).result()
        assert transport.sent == []
        await client.resume(token, manifest=MANIFEST, pacing=PACING).result()
        with pytest.raises(InvalidArgumentError, match="of manifest connection other"):
            client.resume(token, manifest=ManifestRun(connection_id="other", files=[FILE]))
    assert transport.lines[0] == f"POST {CONNECTION}/runs"


async def test_a_run_is_attached_to_by_its_url():
    transport = ScriptedTransport(ENDED)
    async with client_of(transport) as client:
        assert (await client.attach(RUN, pacing=PACING).result()).succeeded
    assert transport.lines == [f"GET {RUN}"]


async def test_a_bulk_runs_manifests_beside_storage_connections():
    def respond(request):
        if request.method == "POST":
            return answer(202, location=request.url.removesuffix("/run").removesuffix("/runs") + "/runs/r")
        if request.url.endswith("/runs/r"):
            return ENDED
        if request.url.endswith("/runs"):
            return answer(200, {"runs": []})
        return answer(200, {"connection": {"id": request.url.rpartition("/")[2], "iModelId": "m", "iTwinId": "t"}})

    transport = ScriptedTransport(always=respond)
    async with client_of(transport) as client, client.run_many([MANIFEST, "stored"], pacing=PACING) as bulk:
        report = await bulk.result()
    assert report.good
    assert {outcome.connection_id: outcome.ref.kind for outcome in report.outcomes} == {
        "c": "manifest",
        "stored": "storage",
    }
    assert [line for line in transport.lines if line.startswith("POST")] == [
        f"POST {CONNECTION}/runs",
        f"POST {BASE}/synchronization/imodels/storageconnections/stored/run",
    ]
