"""Operations on source files."""

import anyio
import pytest

from bentley_sync_async.emulator.platform.ids import is_guid

pytestmark = pytest.mark.looptime(start=0)
UNKNOWN_FILE = "297c8ab9-53a3-4fe5-adf8-79b4c1a95cbb"


async def test_a_minimal_list_of_files_has_no_connector_types(serving, connections, full_items):
    async with serving() as api:
        path = f"{connections}/{api.emulator.add_connection(files=[('a.dgn', 'MSTN'), ('b.dwg', 'DWG')])}/sourcefiles"
        minimal = (await api.get(path)).json["sourceFiles"]
        assert [set(item) for item in minimal] == [{"id", "storageFileId", "_links"}] * 2
        full = (await api.get(path, **full_items)).json["sourceFiles"]
        assert [item["connectorType"] for item in full] == ["MSTN", "DWG"]
        assert all(is_guid(item["id"]) for item in full)
        assert full[0]["_links"]["file"]["href"] == f"{api.emulator.url}/files/{full[0]['storageFileId']}"


async def test_files_are_added_updated_and_removed(serving, connections):
    async with serving() as api:
        path = f"{connections}/{api.emulator.add_connection(files=[])}/sourcefiles"
        first, second = api.emulator.new_storage_file_id(), api.emulator.new_storage_file_id()
        added = await api.post(path, json={"storageFileId": first, "connectorType": "IFC"})
        file = added.json["sourceFile"]
        assert (added.status, file["storageFileId"], file["connectorType"]) == (201, first, "IFC")
        assert (await api.get(f"{path}/{file['id'].upper()}")).json == added.json
        updated = await api.put(f"{path}/{file['id']}", json={"storageFileId": second, "connectorType": "DWG"})
        assert updated.status == 200
        assert updated.json["sourceFile"] == file | {
            "storageFileId": second,
            "connectorType": "DWG",
            "_links": {"file": {"href": f"{api.emulator.url}/files/{second}"}},
        }
        removed = await api.delete(f"{path}/{file['id']}")
        assert (removed.status, removed.body) == (204, b"")
        assert (await api.get(path)).json["sourceFiles"] == []
        assert (await api.post(path, json={"storageFileId": second, "connectorType": "DWG"})).status == 201


async def test_a_file_that_is_mapped_to_the_imodel_cannot_be_added_or_set(serving, connections):
    async with serving() as api:
        imodel_id, taken = api.emulator.new_imodel_id(), api.emulator.new_storage_file_id()
        api.emulator.add_connection(imodel_id, [(taken, "MSTN")])
        path = f"{connections}/{api.emulator.add_connection(imodel_id)}/sourcefiles"
        [file] = (await api.get(path)).json["sourceFiles"]
        body = {"storageFileId": taken, "connectorType": "MSTN"}
        for answer in (await api.post(path, json=body), await api.put(f"{path}/{file['id']}", json=body)):
            assert (answer.status, answer.error["code"]) == (409, "FileMappingToTheIModelAlreadyExists")
        same = {"storageFileId": file["storageFileId"], "connectorType": "DWG"}
        assert (await api.put(f"{path}/{file['id']}", json=same)).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_file_is_not_found_and_a_malformed_id_is_unprocessable(serving, connections, method):
    async with serving() as api:
        path = f"{connections}/{api.emulator.add_connection()}/sourcefiles"
        unknown = await api.send(method, f"{path}/{UNKNOWN_FILE}", json={})
        assert (unknown.status, unknown.error["code"]) == (404, "StorageConnectionSourceFileNotFound")
        malformed = await api.send(method, f"{path}/x", json={})
        assert (malformed.status, malformed.details) == (422, [("InvalidValue", "sourceFileId")])
        assert malformed.error["code"] == "InvalidStorageConnectionSourceFileRequest"


async def test_a_body_without_the_required_properties_is_refused(serving, connections):
    async with serving() as api:
        answer = await api.post(f"{connections}/{api.emulator.add_connection()}/sourcefiles", json={"foo": 1})
        assert answer.error["code"] == "InvalidStorageConnectionSourceFileRequest"
        assert answer.details == [
            ("MissingRequiredProperty", "storageFileId"),
            ("MissingRequiredProperty", "connectorType"),
        ]


async def test_files_of_an_unknown_connection_are_not_found(serving, connections):
    async with serving() as api:
        unknown = "A" * 43
        assert (await api.get(f"{connections}/{unknown}/sourcefiles")).error["code"] == "StorageConnectionNotFound"
        malformed = await api.get(f"{connections}/AAAA/sourcefiles")
        assert malformed.error["code"] == "InvalidStorageConnectionSourceFilesRequest"


async def test_without_permission_files_and_runs_are_read_only(serving, connections):
    async with serving() as api:
        imodel_id = api.emulator.new_imodel_id()
        connection = f"{connections}/{api.emulator.add_connection(imodel_id)}"
        [file] = (await api.get(f"{connection}/sourcefiles")).json["sourceFiles"]
        api.emulator.forbidden_imodels.add(imodel_id.upper())
        refused = [
            await api.post(f"{connection}/run"),
            await api.post(f"{connection}/sourcefiles", json={}),
            await api.delete(f"{connection}/sourcefiles/{file['id']}"),
        ]
        assert [(answer.status, answer.error["code"]) for answer in refused] == [(403, "InsufficientPermissions")] * 3
        assert (await api.get(f"{connection}/sourcefiles")).status == 200


async def test_the_name_of_a_file_is_shown_after_its_first_run(serving, connections):
    async with serving() as api:
        connection_id = api.emulator.add_connection(files=[("Bridge.dgn", "MSTN")])
        path = f"{connections}/{connection_id}/sourcefiles"
        run = api.emulator.start_run(connection_id)
        assert "lastKnownFileName" not in (await api.get(path)).json["sourceFiles"][0]
        await anyio.sleep(run.plan.timeline.ended)
        assert (await api.get(path)).json["sourceFiles"][0]["lastKnownFileName"] == "Bridge.dgn"


async def test_an_unnamed_file_gets_a_name_with_the_extension_of_its_connector(serving, connections):
    async with serving() as api:
        files = [(api.emulator.new_storage_file_id(), "REVIT"), (api.emulator.new_storage_file_id(), "PSEXCEL")]
        connection_id = api.emulator.add_connection(files=files)
        await anyio.sleep(api.emulator.start_run(connection_id).plan.timeline.ended)
        listed = (await api.get(f"{connections}/{connection_id}/sourcefiles")).json["sourceFiles"]
        assert [item["lastKnownFileName"][-4:] for item in listed] == [".rvt", ".dat"]
