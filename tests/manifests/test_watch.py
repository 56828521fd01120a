"""Watches of manifest connections: the same watcher, events and recovery as for storage connections."""

import pytest
from support.manifests.connections import manifest_files, new_manifest_connection
from support.transport import answer, scripted
from support.watch import emulated, events_of, names

from bentley_sync_async import IModelBusyError, InvalidArgumentError, ManifestFile, RunFailedError, RunTriggered
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule
from bentley_sync_async.models.manifests import ManifestChildFile

BASE = "https://api.example/synchronization/imodels/manifestconnections"
MANIFEST_TRIGGER = "/manifestconnections/[^/]+/runs$"


def triggers_of(emulator):
    return [request for request in emulator.requests if request.operation == "create-manifest-connection-run"]


async def test_a_manifest_is_watched_to_the_end_of_its_run():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        watcher = client.watch_manifest(connection, manifest_files("a", "b"))
        events = await events_of(watcher)

    assert (names(events)[0], names(events)[-1]) == ("RunTriggered", "RunCompleted")
    assert watcher.ref.kind == "manifest"
    assert [task.source_file_id for task in watcher.run.tasks] == ["a", "b"]
    assert {task.storage_file_id for task in watcher.run.tasks} == {None}
    assert watcher.run.succeeded


async def test_only_the_declared_files_of_a_manifest_have_tasks():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client, "a")
        run = await client.watch_manifest(connection, manifest_files("a", "stranger")).result()

    assert [task.source_file_id for task in run.tasks] == ["a"]


async def test_the_error_of_a_failed_run_names_its_files_by_their_ids_in_the_manifest():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(file_name="b.dgn", error="SourceFileNotFound"))
        connection = await new_manifest_connection(emulator, client)
        run = await client.watch_manifest(connection, manifest_files("a", "b")).result()

    with pytest.raises(RunFailedError, match=r"file b: SourceFileNotFound"):
        run.raise_for_result()


async def test_an_unmapped_file_needs_no_url():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client, "a")
        run = await client.watch_manifest(connection, [ManifestFile.unmap("a", "MSTN")]).result()

    assert run.succeeded


async def test_an_active_run_of_the_connection_is_waited_for_as_its_manifest_is_another():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        watcher = client.watch_manifest(connection, manifest_files("b"))
        events = await events_of(watcher)

    assert names(events)[0] == "WaitingForIModel"
    assert [task.source_file_id for task in watcher.run.tasks] == ["b"]
    assert len(emulator.runs) == 2


async def test_an_active_run_of_the_connection_is_joined_on_request():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        events = await events_of(client.watch_manifest(connection, manifest_files("b"), when_active="join"))

    assert names(events)[0] == "RunJoined"
    assert len(emulator.runs) == 1


async def test_a_storage_connection_of_the_imodel_is_waited_for():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel))
        connection = await new_manifest_connection(emulator, client, imodel_id=imodel)
        events = await events_of(client.watch_manifest(connection, manifest_files("a")))

    assert (names(events)[0], events[0].ref.kind) == ("WaitingForIModel", "storage")
    assert events[-1].run.succeeded


async def test_a_manifest_connection_makes_the_imodel_busy_for_a_storage_connection():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connection = await new_manifest_connection(emulator, client, imodel_id=imodel)
        await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        with pytest.raises(IModelBusyError) as caught:
            await client.watch(emulator.add_connection(imodel), when_busy="fail").result()

    assert caught.value.ref.kind == "manifest"


@pytest.mark.parametrize(
    "lost",
    [
        FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, performed=True, method="POST", path=MANIFEST_TRIGGER, nth=1),
        FaultRule(action=FaultAction.NO_LOCATION, method="POST", path=MANIFEST_TRIGGER, nth=1),
        FaultRule(status=504, performed=True, method="POST", path=MANIFEST_TRIGGER, nth=1),
    ],
    ids=["reset", "no Location", "504"],
)
async def test_the_run_of_a_lost_answer_is_found_and_no_second_one_is_created(lost):
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        emulator.add_fault(lost)
        events = await events_of(client.watch_manifest(connection, manifest_files("a")))

    assert lost.fired == 1
    assert len(emulator.runs) == 1
    assert isinstance(events[1], RunTriggered)
    assert events[1].recovered


async def test_a_run_of_a_lost_answer_is_found_in_the_list_if_the_connection_does_not_show_it():
    run = {"id": "r", "connectionId": "c", "state": "Executing", "startDateTime": "2020-01-01T00:00:00Z"}
    transport, client = scripted(
        answer(504),
        answer(200, {"connection": {"id": "c"}}),
        answer(200, {"runs": [run]}),
        answer(200, {"run": run}, date="Wed, 01 Jan 2020 00:00:00 GMT"),
        answer(200, {"run": {**run, "state": "Completed", "result": "Success"}}),
    )
    watcher = client.watch_manifest("c", manifest_files("a"))

    assert names([await anext(watcher) for _ in range(2)]) == ["TriggerDelayed", "RunTriggered"]
    assert transport.lines[:4] == [
        f"POST {BASE}/c/runs",
        f"GET {BASE}/c",
        f"GET {BASE}/c/runs",
        f"GET {BASE}/c/runs/r",
    ]


async def test_a_conflict_of_triggers_is_tried_again():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        emulator.add_fault(FaultRule(status=409, code="x", method="POST", path=MANIFEST_TRIGGER, nth=1))
        events = await events_of(client.watch_manifest(connection, manifest_files("a")))

    assert names(events)[:2] == ["TriggerDelayed", "RunTriggered"]


async def test_the_past_runs_of_a_manifest_connection_pace_its_watch():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        await client.watch_manifest(connection, manifest_files("a")).result()

    assert [request.operation for request in emulator.requests].count("get-manifest-connection-runs") == 1


async def test_a_run_is_attached_to_by_its_url():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        triggered = await client.manifest_connections.runs.trigger(connection, manifest_files("a"))
        url = client.run_url(triggered.ref)
        run = await client.attach(url).result()

    assert "/manifestconnections/" in url
    assert run.id == triggered.ref.run_id


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ([], "at least one file"),
        (["a"], "is a ManifestFile, not str"),
        ([ManifestFile(id="a", connector_type="MSTN")], "File a of the manifest has no url"),
        ([ManifestFile(id="", url="https://h/", connector_type="MSTN")], "is empty"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused_at_once(files, problem):
    _, client = scripted()

    with pytest.raises(InvalidArgumentError, match=problem):
        client.watch_manifest("c", files)


async def test_a_child_names_its_parent_if_it_does_not_say():
    transport, client = scripted(answer(303, location=f"{BASE}/c/runs/r"))
    children = [
        ManifestChildFile(id="k", url="https://h/k"),
        ManifestChildFile(id="m", url="https://h/m", parent_id="k"),
    ]
    file = ManifestFile(id="a", url="https://h/a", connector_type="MSTN", children=children)
    await client.manifest_connections.runs.trigger("c", [file])

    (sent,) = transport.bodies[0]["sourceFiles"]
    assert [child["parentId"] for child in sent["children"]] == ["a", "k"]
