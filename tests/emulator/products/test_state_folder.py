"""The state of an emulator in a folder, over restarts."""

import json
import stat
from datetime import UTC, datetime

import anyio
import pytest

from bentley_sync_async import ConfigurationError
from bentley_sync_async.emulator import Emulator

pytestmark = pytest.mark.looptime(start=0)
START = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)
CONNECTIONS = "/synchronization/imodels/storageconnections"


async def shown(api, *paths):
    """Return the answers to GET requests without the emulator's own address, which changes."""
    answers = [await api.get(path, headers={"Prefer": "return=representation"}) for path in paths]
    assert {answer.status for answer in answers} == {200}
    return [answer.body.decode().replace(api.emulator.url, "") for answer in answers]


async def fill(api, platform):
    """Create one of everything, run a connection, and return the paths of all of it."""
    platform = platform(api)
    itwin_id = await platform.itwin()
    imodel_id, root = await platform.imodel(itwin_id), await platform.root(itwin_id)
    folder_id = await platform.folder(root)
    file_id = await platform.file(folder_id, content=b"kept content")
    connection = (await platform.connect(imodel_id, (file_id, "MSTN"))).json["connection"]["id"]
    manifest = {"iModelId": imodel_id, "displayName": "M", "sourceFiles": [{"sourceFileId": "f"}]}
    manifests = "/synchronization/imodels/manifestconnections"
    by_manifest = (await api.post(manifests, json=manifest)).json["connection"]["id"]
    settings = {
        "clampZExtent": True,
        "overrideRvtReprojectionDistance": 2.5,
        "unknown": "x",
        "ignoreIfcGlobalIds": False,
    }
    await api.post(f"/synchronization/configurations/imodels/{imodel_id}", json=settings)
    run = api.emulator.start_run(connection)
    await anyio.sleep(run.plan.timeline.ended)
    await api.post(f"/imodels/{imodel_id}/namedversions", json={"name": "A", "changesetId": "1"})
    hook = {"callbackUrl": "https://a.example/", "scope": "Account", "eventTypes": ["x"]}
    webhook = (await api.post("/webhooks", json=hook)).json["webhook"]["id"]
    return (
        file_id,
        connection,
        (
            f"/itwins/{itwin_id}",
            f"/imodels/{imodel_id}",
            f"/imodels/{imodel_id}/changesets",
            f"/imodels/{imodel_id}/namedversions",
            f"/storage/folders/{folder_id}/list",
            f"/storage/files/{file_id}",
            f"{CONNECTIONS}/{connection}",
            f"{CONNECTIONS}/{connection}/sourcefiles",
            f"{manifests}/{by_manifest}",
            f"{manifests}/{by_manifest}/sourcefiles",
            f"/synchronization/configurations/imodels/{imodel_id}",
            run.path,
            f"/webhooks/{webhook}",
            "/users/me",
        ),
    )


async def test_everything_is_there_after_a_restart(serving, platform, tmp_path):
    async with serving(state=tmp_path, start=START) as api:
        file_id, connection_id, paths = await fill(api, platform)
        before = await shown(api, *paths)
        runs = list(api.emulator.runs)
    async with serving(state=tmp_path, start=START) as api:
        assert await shown(api, *paths) == before
        assert api.emulator.file_content(file_id) == b"kept content"
        assert list(api.emulator.runs) == runs
        assert api.emulator._store.connections[connection_id].last_run is api.emulator.runs[-1]


async def test_new_ids_differ_from_those_before_the_restart(tmp_path):
    ids = []
    for _ in range(3):
        async with Emulator(state=tmp_path, seed=3) as emulator:
            ids += [emulator.new_imodel_id(), emulator.add_itwin(), emulator.new_storage_file_id()]
    assert len(set(ids)) == 9


async def test_a_run_goes_on(serving, platform, tmp_path):
    async with serving(state=tmp_path, start=START) as api:
        _, connection_id, _ = await fill(api, platform)
        run = api.emulator.start_run(connection_id)
        await anyio.sleep(20)
        state = api.emulator.state(run)
    async with serving(state=tmp_path, start=START) as api:
        [_, again] = api.emulator.runs
        assert (again, api.emulator.state(again)) == (run, state)
        triggered = await api.trigger(connection_id)
        assert (triggered.status, triggered.headers["Location"]) == (303, api.emulator.url + run.path)
        await anyio.sleep(run.plan.timeline.ended)
        assert (await api.trigger(connection_id)).status == 202


async def test_an_interrupted_run_adds_its_changesets_after_the_restart(serving, platform, tmp_path):
    async with serving(state=tmp_path, start=START) as api:
        file_id, connection_id, paths = await fill(api, platform)
        before = len((await api.get(paths[2])).json["changesets"])
        await platform(api).update(file_id, b"new")
        run = api.emulator.start_run(connection_id)
    async with serving(state=tmp_path, start=START) as api:
        await anyio.sleep(run.plan.timeline.ended)
        assert len((await api.get(paths[2])).json["changesets"]) > before


async def test_an_upload_goes_on_after_a_restart(serving, platform, tmp_path):
    async with serving(state=tmp_path, start=START) as api:
        root = await platform(api).root(await platform(api).itwin())
        file_id, url = await platform(api).offer(root)
        address = api.emulator.url
        await api.blob("PUT", f"{url}&comp=block&blockid=MDAw", data=b"first ")
    async with serving(state=tmp_path, start=START) as api:
        url = url.replace(address, api.emulator.url)
        await api.blob("PUT", f"{url}&comp=block&blockid=MDAx", data=b"second")
        items = "<Latest>MDAw</Latest><Latest>MDAx</Latest>"
        put = await api.blob("PUT", f"{url}&comp=blocklist", data=f"<BlockList>{items}</BlockList>")
        assert put.status == 201
        await api.post(f"/storage/files/{file_id}/complete")
        assert api.emulator.file_content(file_id) == b"first second"


async def test_time_goes_on_while_no_emulator_runs(serving, tmp_path):
    async with serving(state=tmp_path) as api:
        connection_id = api.emulator.add_connection()
        api.emulator.start_run(connection_id)
    document = tmp_path / "state.json"
    kept = json.loads(document.read_text("utf-8"))
    kept["start"] = "2020-01-01T00:00:00+00:00"
    document.write_text(json.dumps(kept), "utf-8")
    async with serving(state=tmp_path) as api:
        [run] = api.emulator.runs
        assert api.emulator.state(run) == "Completed"


async def test_the_state_is_written_soon_after_a_change_and_only_for_its_owner(serving, tmp_path, platform):
    folder = tmp_path / "deep" / "state"
    async with serving(state=str(folder)) as api:
        itwin_id = await platform(api).itwin()
        await anyio.sleep(1)
        document = folder / "state.json"
        kept = json.loads(document.read_text("utf-8"))
        assert list(kept["itwins"]["itwins"]) == [itwin_id]
        assert stat.S_IMODE(document.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        await platform(api).file(await platform(api).root(itwin_id))
        assert stat.S_IMODE((folder / "blobs").stat().st_mode) == 0o700
        document.unlink()
        await api.get("/itwins")
        await anyio.sleep(1)
        await anyio.sleep(1)
        await api.get("/itwins")
        written = document.exists()  # by the upload
        document.unlink(missing_ok=True)
        await anyio.sleep(1)
        assert (written, document.exists()) == (True, False)  # reading writes nothing


async def test_after_a_crash_missing_content_is_no_content_and_the_rest_is_removed(serving, platform, tmp_path):
    async with serving(state=tmp_path) as api:
        root = await platform(api).root(await platform(api).itwin())
        lost, kept = [await platform(api).file(root, content=content) for content in (b"lost", b"kept")]
        _, url = await platform(api).offer(root)
        await api.blob("PUT", f"{url}&comp=block&blockid=MDAw", data=b"block")
    [path] = [path for path in (tmp_path / "blobs").iterdir() if path.read_bytes() == b"lost"]
    path.rename(path.with_name("99999999"))
    async with serving(state=tmp_path) as api:
        assert {path.read_bytes() for path in (tmp_path / "blobs").iterdir()} == {b"kept", b"block"}
        assert api.emulator.file_content(kept) == b"kept"
        with pytest.raises(LookupError):
            api.emulator.file_content(lost)


async def test_an_emulator_can_be_started_again(tmp_path):
    emulator = Emulator(state=tmp_path)
    for _ in range(2):
        async with emulator:
            emulator.start_run(emulator.add_connection())
    assert len(emulator.runs) == 2


async def test_consent_and_deletions_are_kept(serving, platform, tmp_path):
    async with serving(state=tmp_path) as api:
        imodel_id = await platform(api).imodel()
        await api.delete(f"/imodels/{imodel_id}")
        api.emulator.consent = True
    async with serving(state=tmp_path) as api:
        assert api.emulator.consent
        refused = await platform(api).connect(imodel_id, (api.emulator.new_storage_file_id(), "MSTN"))
        assert refused.details == [("InvalidValue", "imodelId")]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"start": 1, "elapsed": 0}', '{"format": 1'])
async def test_a_folder_with_something_else_is_refused_and_left_as_it_is(tmp_path, text):
    (tmp_path / "state.json").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=r"state\.json is not the state of an emulator"):
        async with Emulator(state=tmp_path):
            pass
    assert (tmp_path / "state.json").read_text("utf-8") == text


async def test_a_folder_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot keep the state"):
        async with Emulator(state=tmp_path / "file"):
            pass
