"""The products share one state: runs find the files of Storage, and change iModels and source files."""

import io
import zipfile

import anyio
import pytest

from bentley_sync_async.emulator import FileRule
from bentley_sync_async.emulator.platform.ids import itwin_of

pytestmark = pytest.mark.looptime(start=0)
UNKNOWN = "22acf21e-0575-4faf-849b-bcd538718269"
CONNECTIONS = "/synchronization/imodels/storageconnections"


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("drawing.pid", "content")
    return file.getvalue()


class Job:
    """An iTwin, an iModel and a folder, and connections of their files."""

    def __init__(self, api, platform, itwin_id, imodel_id, root):
        self.api = api
        self.platform = platform
        self.itwin_id = itwin_id
        self.imodel_id = imodel_id
        self.root = root

    @classmethod
    async def begin(cls, api, platform):
        platform = platform(api)
        itwin_id = await platform.itwin()
        return cls(api, platform, itwin_id, await platform.imodel(itwin_id), await platform.root(itwin_id))

    async def connect(self, *files):
        return (await self.platform.connect(self.imodel_id, *files)).json["connection"]["id"]

    async def run(self, connection_id):
        """Run a connection to its end, and return the run."""
        location = (await self.api.trigger(connection_id)).headers["Location"]
        while True:
            run = (await self.api.get(location)).json["run"]
            if run["state"] == "Completed":
                return run
            await anyio.sleep(10)

    async def changesets(self):
        path = f"/imodels/{self.imodel_id}/changesets?$top=1000"
        return (await self.api.get(path)).json["changesets"]


@pytest.fixture(name="job")
def job_fixture(platform):
    return lambda api: Job.begin(api, platform)


def tasks(run):
    return [task for job in run["jobs"] for task in job["tasks"]]


def errors(run):
    return [task.get("error", {}).get("descriptionKey") for task in tasks(run)]


@pytest.mark.parametrize("strict", [True, False])
async def test_a_file_that_was_never_completed_or_was_deleted_is_not_found(serving, job, strict):
    async with serving(strict=strict) as api:
        job = await job(api)
        pending, _ = await job.platform.offer(job.root)
        deleted = await job.platform.file(job.root, "Deleted.dgn")
        fine = await job.platform.file(job.root, "Fine.dgn")
        connection_id = await job.connect((pending, "MSTN"), (deleted, "MSTN"), (fine, "MSTN"))
        assert (await api.delete(f"/storage/files/{deleted}")).status == 204
        run = await job.run(connection_id)
        assert run["result"] == "PartialSuccess"
        assert errors(run) == ["SourceFileNotFound", "SourceFileNotFound", None]
        error = tasks(run)[0]["error"]
        assert (error["system"], error["phase"]) == ("cloud_orchestrator", "file_download")
        listed = (await api.get(f"{CONNECTIONS}/{connection_id}/sourcefiles")).json["sourceFiles"]
        assert [file.get("lastKnownFileName") for file in listed] == [None, None, "Fine.dgn"]


async def test_an_empty_file_has_zero_bytes(serving, job):
    async with serving() as api:
        job = await job(api)
        connection_id = await job.connect((await job.platform.file(job.root, content=b""), "MSTN"))
        run = await job.run(connection_id)
        assert (run["result"], errors(run)) == ("Error", ["ZeroByte"])
        assert run["error"]["errorKey"] == "AllJobsFailed"
        assert await job.changesets() == []


@pytest.mark.parametrize(
    ("name", "kind", "content", "error"),
    [
        ("a.zip", "MSTN", b"no archive", "SourceFileCorrupted"),
        ("a.dat", "SPPID", b"no archive", "CannotOpenSPPIDSource"),
        ("a.zip", "SPPID", archive()[:-9], "CannotOpenSPPIDSource"),
        ("a.zip", "SPPID", archive(), None),
        ("a.zip", "MSTN", archive(), None),
        ("a.dgn", "MSTN", b"no archive", None),
    ],
)
async def test_a_broken_archive_ends_with_an_error(serving, job, name, kind, content, error):
    async with serving() as api:
        job = await job(api)
        run = await job.run(await job.connect((await job.platform.file(job.root, name, content), kind)))
        assert errors(run) == [error]
        assert run["result"] == ("Error" if error else "Success")


@pytest.mark.parametrize(
    ("name", "kind", "counts"),
    [("a.dgn", "MSTN", {14, 15, 16}), ("a.zip", "SPPID", {4}), ("a.ifc", "IFC", range(2, 7))],
)
async def test_a_successful_run_adds_changesets(serving, job, name, kind, counts):
    async with serving() as api:
        job = await job(api)
        connection_id = await job.connect((await job.platform.file(job.root, name, archive()), kind))
        location = (await api.trigger(connection_id)).headers["Location"]
        assert await job.changesets() == []
        while (await api.get(location)).json["run"]["state"] != "Completed":
            assert await job.changesets() == []
            await anyio.sleep(10)
        found = await job.changesets()
        assert len(found) in counts
        run = (await api.get(location)).json["run"]
        assert all(run["startDateTime"] < one["pushDateTime"] <= run["endDateTime"] for one in found)
        task_id = tasks(run)[0]["id"]
        shown = (await api.get(f"/imodels/{job.imodel_id}/changesets/1")).json["changeset"]
        assert shown["synchronizationInfo"] == {"taskId": task_id, "changedFiles": [name]}


async def test_a_run_adds_changesets_for_changed_files_only(serving, job):
    async with serving() as api:
        job = await job(api)
        first, second = [await job.platform.file(job.root, f"{name}.dgn") for name in "ab"]
        connection_id = await job.connect((first, "MSTN"), (second, "DWG"))
        await job.run(connection_id)
        before = await job.changesets()
        assert (await job.run(connection_id))["result"] == "Success"
        assert await job.changesets() == before
        await job.platform.update(second, b"new content")
        await job.run(connection_id)
        added = (await job.changesets())[len(before) :]
        assert {one["description"].partition(",")[0] for one in added} == {"DWG: b.dgn"}


async def test_a_run_without_changed_files_succeeds_whatever_the_error_rate(serving, job):
    async with serving(error_rate=1) as api:
        job = await job(api)
        connection_id = await job.connect((await job.platform.file(job.root), "MSTN"))
        assert (await job.run(connection_id))["result"] == "Error"
        api.emulator.add_file_rule(FileRule(result="Success", times=1))
        assert (await job.run(connection_id))["result"] == "Success"
        assert (await job.run(connection_id))["result"] == "Success"
        await job.platform.update(next(iter(api.emulator.runs[0].found)), b"new")
        assert (await job.run(connection_id))["result"] == "Error"


async def test_a_failed_file_is_synchronized_by_the_next_run(serving, job):
    async with serving() as api:
        job = await job(api)
        connection_id = await job.connect((await job.platform.file(job.root), "MSTN"))
        api.emulator.add_file_rule(FileRule(error="OutOfMemory", times=1))
        await job.run(connection_id)
        assert await job.changesets() == []
        await job.run(connection_id)
        assert len(await job.changesets()) >= 14


async def test_a_rule_takes_precedence_over_what_a_run_finds(serving, job):
    async with serving() as api:
        job = await job(api)
        api.emulator.add_file_rule(FileRule(result="Success", file_name="Empty.dgn"))
        run = await job.run(await job.connect((await job.platform.file(job.root, "Empty.dgn", b""), "MSTN")))
        assert (run["result"], errors(run)) == ("Success", [None])


async def test_the_last_known_name_is_that_of_the_last_run(serving, job):
    async with serving() as api:
        job = await job(api)
        file_id = await job.platform.file(job.root, "Old.dgn")
        connection_id = await job.connect((file_id, "MSTN"))
        path = f"{CONNECTIONS}/{connection_id}/sourcefiles"
        await job.run(connection_id)
        await api.patch(f"/storage/files/{file_id}", json={"displayName": "New.dgn"})
        assert (await api.get(path)).json["sourceFiles"][0]["lastKnownFileName"] == "Old.dgn"
        await job.run(connection_id)
        assert (await api.get(path)).json["sourceFiles"][0]["lastKnownFileName"] == "New.dgn"


async def test_deleting_an_imodel_ends_its_connections_even_during_a_run(serving, job):
    async with serving() as api:
        job = await job(api)
        file_id = await job.platform.file(job.root)
        connection_id = await job.connect((file_id, "MSTN"))
        location = (await api.trigger(connection_id)).headers["Location"]
        assert (await api.delete(f"/imodels/{job.imodel_id}")).status == 204
        for path in (f"{CONNECTIONS}/{connection_id}", f"{CONNECTIONS}/{connection_id}/runs", location):
            assert (await api.get(path)).error["code"] == "StorageConnectionNotFound"
        assert (await api.get(f"{CONNECTIONS}?imodelId={job.imodel_id}")).json["connections"] == []
        refused = await job.platform.connect(job.imodel_id, (file_id, "MSTN"))
        assert (refused.status, refused.details) == (422, [("InvalidValue", "imodelId")])


async def test_a_connection_is_in_the_itwin_of_its_imodel(serving, job):
    async with serving() as api:
        job = await job(api)
        connection_id = await job.connect((await job.platform.file(job.root), "MSTN"))
        shown = (await api.get(f"{CONNECTIONS}/{connection_id}")).json["connection"]
        assert shown["iTwinId"] == job.itwin_id
        assert shown["_links"]["iTwin"]["href"].endswith(f"/itwins/{job.itwin_id}")


async def test_an_imodel_that_nobody_created_is_created_with_its_connection(serving):
    async with serving() as api:
        connection_id = api.emulator.add_connection(UNKNOWN)
        imodel = (await api.get(f"/imodels/{UNKNOWN}")).json["iModel"]
        assert imodel["iTwinId"] == itwin_of(UNKNOWN)
        assert (await api.get(f"/itwins/{itwin_of(UNKNOWN)}")).status == 200
        api.emulator.add_connection(UNKNOWN)
        run = api.emulator.start_run(connection_id)
        await anyio.sleep(run.plan.timeline.ended)
        assert len((await api.get(f"/imodels/{UNKNOWN}/changesets")).json["changesets"]) >= 14


async def test_a_strict_emulator_refuses_imodels_and_files_that_do_not_exist(serving, job):
    async with serving(strict=True) as api:
        job = await job(api)
        file_id = await job.platform.file(job.root)
        nobodys = file_id[:-6] + "AAAAAA"
        answer = await job.platform.connect(UNKNOWN, (file_id, "MSTN"))
        assert (answer.status, answer.error["code"]) == (422, "InvalidStorageConnectionRequest")
        assert answer.details == [("InvalidValue", "imodelId")]
        answer = await job.platform.connect(job.imodel_id, (nobodys, "MSTN"))
        assert answer.details == [("InvalidValue", "storageFileId")]
        connection_id = await job.connect((file_id, "MSTN"))
        path = f"{CONNECTIONS}/{connection_id}/sourcefiles"
        [file] = (await api.get(path)).json["sourceFiles"]
        body = {"storageFileId": nobodys, "connectorType": "MSTN"}
        for answer in (await api.post(path, json=body), await api.put(f"{path}/{file['id']}", json=body)):
            assert (answer.status, answer.error["code"]) == (422, "InvalidStorageConnectionSourceFileRequest")
        await api.delete(f"/storage/files/{file_id}")
        deleted = await api.post(path, json={"storageFileId": file_id, "connectorType": "MSTN"})
        assert deleted.details == [("InvalidValue", "storageFileId")]


async def test_the_python_interface_creates_what_a_strict_emulator_needs(serving):
    async with serving(strict=True) as api:
        emulator = api.emulator
        imodel_id = emulator.new_imodel_id()
        connection_id = emulator.add_connection(
            imodel_id, [("Bridge.dgn", "MSTN"), (emulator.new_storage_file_id(), "DWG")]
        )
        run = emulator.start_run(connection_id)
        await anyio.sleep(run.plan.timeline.ended)
        assert (await api.run(run))["result"] == "Success"
        assert (await api.get(f"/imodels/{imodel_id}")).status == 200


async def test_files_of_the_python_interface_are_in_storage(serving):
    async with serving() as api:
        emulator = api.emulator
        itwin_id = emulator.add_itwin("Valley", class_="Thing", sub_class="Asset")
        imodel_id = emulator.add_imodel(itwin_id, "Bridge")
        file_id = emulator.add_file(itwin_id, "Bridge.dgn", b"old")
        connection_id = emulator.add_connection(imodel_id, [(file_id, "MSTN")])
        shown = (await api.get(f"/storage/files/{file_id}")).json["file"]
        assert (shown["displayName"], shown["size"]) == ("Bridge.dgn", 3)
        for _ in range(2):
            run = emulator.start_run(connection_id)
            await anyio.sleep(run.plan.timeline.ended)
            count = len((await api.get(f"/imodels/{imodel_id}/changesets")).json["changesets"])
            emulator.set_file_content(file_id, b"new!")
        assert count >= 28
        assert emulator.file_content(file_id) == b"new!"
        folder = (await api.get(f"/storage/?iTwinId={itwin_id}")).json["_links"]["folder"]["href"].split("/")[-1]
        assert (
            emulator.add_file(itwin_id, "b.zip", archive(), folder_id=folder)
            in (await api.get(f"/storage/folders/{folder}/files")).body.decode()
        )
        for wrong in ((UNKNOWN, None), (itwin_id, "A" * 43)):
            with pytest.raises(LookupError):
                emulator.add_file(wrong[0], "a.dgn", folder_id=wrong[1])


async def test_the_same_seed_gives_the_same_changesets(serving, job):
    found = []
    for _ in range(2):
        async with serving(seed=5) as api:
            work = await job(api)
            await work.run(await work.connect((await work.platform.file(work.root), "MSTN")))
            found.append([(one["id"], one["fileSize"]) for one in await work.changesets()])
    assert found[0] == found[1]
