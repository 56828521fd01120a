"""Manifest connections, their source files and runs, over plain HTTP."""

import anyio
import pytest

from bentley_sync_async.emulator import FileRule

pytestmark = pytest.mark.looptime(start=0)
PATH = "/synchronization/imodels/manifestconnections"
ABSENT = "A" * 43
RUN_PROPERTIES = {"id", "connectionId", "startDateTime", "endDateTime", "phase", "state", "result", "error", "jobs"}
FILE = {"id": "a", "name": "a.dgn", "action": "bridge", "url": "https://dms.example/a", "connectorType": "MSTN"}


async def create(api, *ids, imodel=None, **others):
    files = [{"sourceFileId": one} for one in ids or ("a",)]
    body = {"iModelId": imodel or api.emulator.new_imodel_id(), "authenticationType": "Service", "sourceFiles": files}
    answer = await api.post(PATH, json={**body, **others})
    assert answer.status == 201
    return answer.json["connection"]


async def trigger(api, connection_id, *files):
    return await api.post(f"{PATH}/{connection_id}/runs", json={"sourceFiles": files or [FILE]})


async def ended(api, location):
    run = (await api.get(location)).json["run"]
    while run["state"] != "Completed":
        await anyio.sleep(60)
        run = (await api.get(location)).json["run"]
    return run


async def test_a_connection_is_created_with_its_links(serving):
    async with serving() as api:
        imodel = api.emulator.new_imodel_id()
        made = await create(api, "a", "b", imodel=imodel, displayName="Bridge")
        read = (await api.get(f"{PATH}/{made['id']}")).json["connection"]

    assert made == read
    assert set(made) == {"id", "displayName", "iModelId", "iTwinId", "authenticationType", "_links"}
    assert (made["displayName"], made["iModelId"], made["authenticationType"]) == ("Bridge", imodel, "Service")


async def test_a_connection_is_user_by_default(serving):
    async with serving() as api:
        assert (await create(api, authenticationType=None))["authenticationType"] == "User"


async def test_connections_of_the_two_kinds_are_listed_apart_and_together(serving, connections):
    async with serving() as api:
        imodel = api.emulator.new_imodel_id()
        manifest = (await create(api, imodel=imodel))["id"]
        storage = api.emulator.add_connection(imodel)
        lists = [
            (await api.get(f"{path}?imodelId={imodel}")).json["connections"]
            for path in (PATH, connections, "/synchronization/imodels/connections")
        ]

    assert [[one["id"] for one in listed] for listed in lists] == [[manifest], [storage], [manifest, storage]]


async def test_a_connection_of_one_kind_is_not_found_as_the_other(serving, connections):
    async with serving() as api:
        manifest = (await create(api))["id"]
        storage = api.emulator.add_connection()
        answers = [await api.get(f"{connections}/{manifest}"), await api.get(f"{PATH}/{storage}")]

    assert [answer.error["code"] for answer in answers] == ["StorageConnectionNotFound", "ManifestConnectionNotFound"]


async def test_a_connection_is_renamed_and_deleted(serving):
    async with serving() as api:
        path = f"{PATH}/{(await create(api))['id']}"
        renamed = await api.put(path, json={"displayName": "New", "authenticationType": "Service"})
        deleted = await api.delete(path)
        gone = await api.get(path)

    assert (renamed.status, renamed.json["connection"]["displayName"]) == (200, "New")
    assert (deleted.status, gone.status) == (204, 404)


async def test_a_connection_that_runs_cannot_be_deleted(serving):
    async with serving() as api:
        connection = (await create(api))["id"]
        await trigger(api, connection)
        answer = await api.delete(f"{PATH}/{connection}")

    assert (answer.status, answer.error["code"]) == (409, "ConnectionAlreadyInUse")


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, [("MissingRequiredProperty", "sourceFiles"), ("MissingRequiredProperty", "imodelId")]),
        (
            {"iModelId": "x", "sourceFiles": []},
            [("MissingRequiredProperty", "sourceFiles"), ("InvalidValue", "imodelId")],
        ),
        (
            {"iModelId": "x", "sourceFiles": [{}, {"sourceFileId": 7}, 3]},
            [
                ("MissingRequiredProperty", "sourceFileId"),
                ("InvalidValue", "sourceFileId"),
                ("InvalidValue", "imodelId"),
            ],
        ),
    ],
)
async def test_every_mistake_in_a_new_connection_is_a_detail(serving, body, details):
    async with serving() as api:
        answer = await api.post(PATH, json=body)

    assert (answer.status, answer.error["code"], answer.details) == (422, "InvalidManifestConnectionRequest", details)


async def test_a_file_belongs_to_one_connection_of_an_imodel(serving):
    async with serving() as api:
        imodel = api.emulator.new_imodel_id()
        await create(api, "a", imodel=imodel)
        body = {"iModelId": imodel, "sourceFiles": [{"sourceFileId": "a"}]}
        again = await api.post(PATH, json=body)
        twice = await api.post(PATH, json={**body, "sourceFiles": [{"sourceFileId": "z"}] * 2})
        elsewhere = await create(api, "a")

    assert [answer.error["code"] for answer in (again, twice)] == ["FileMappingToTheIModelAlreadyExists"] * 2
    assert elsewhere["id"]


async def test_source_files_are_added_changed_and_removed(serving):
    async with serving() as api:
        path = f"{PATH}/{(await create(api))['id']}/sourcefiles"
        added = await api.post(path, json={"sourceFileId": "b"})
        file = added.json["sourceFile"]
        changed = await api.put(f"{path}/{file['id']}", json={"sourceFileId": "c"})
        listed = (await api.get(path)).json["sourceFiles"]
        removed = await api.delete(f"{path}/{file['id']}")
        gone = await api.get(f"{path}/{file['id']}")

    assert (added.status, set(file), file["sourceFileId"]) == (201, {"id", "sourceFileId"}, "b")
    assert changed.json["sourceFile"] == {"id": file["id"], "sourceFileId": "c"}
    assert [one["sourceFileId"] for one in listed] == ["a", "c"]
    assert (removed.status, gone.status) == (204, 404)


async def test_the_errors_of_source_files_are_those_of_their_pages(serving):
    async with serving() as api:
        path = f"{PATH}/{(await create(api, 'a', 'b'))['id']}/sourcefiles"
        first = (await api.get(path)).json["sourceFiles"][0]["id"]
        absent = str(api.emulator.new_imodel_id())
        answers = {
            "conflict": await api.post(path, json={"sourceFileId": "b"}),
            "conflict of a change": await api.put(f"{path}/{first}", json={"sourceFileId": "b"}),
            "no connection": await api.post(f"{PATH}/{ABSENT}/sourcefiles", json={"sourceFileId": "b"}),
            "no file": await api.get(f"{path}/{absent}"),
            "no GUID": await api.get(f"{path}/x"),
            "no id": await api.post(path, json={}),
            "no connection id": await api.post(f"{PATH}/x/sourcefiles", json={"sourceFileId": "b"}),
        }

    mapped = "FileMappingToTheIModelAlreadyExists", "The SourceFile is already mapped to the iModel."
    invalid = "InvalidManifestConnectionSourceFileRequest", "Cannot perform operation."
    assert {name: (answer.error["code"], answer.error["message"]) for name, answer in answers.items()} == {
        "conflict": mapped,
        "conflict of a change": mapped,
        "no connection": ("ManifestConnectionSourceFileNotFound", "Requested ManifestConnection is not available."),
        "no file": (
            "ManifestConnectionSourceFileNotFound",
            "Requested ManifestConnection SourceFile is not available.",
        ),
        "no GUID": invalid,
        "no id": invalid,
        "no connection id": invalid,
    }


async def test_a_run_has_tasks_that_name_the_files_of_its_manifest(serving):
    async with serving() as api:
        connection = (await create(api, "a", "b"))["id"]
        other = {**FILE, "id": "b", "connectorType": "IFC"}
        triggered = await trigger(api, connection, FILE, other)
        run = await ended(api, triggered.headers["Location"])
        shown = (await api.get(f"{PATH}/{connection}")).json["connection"]

    assert (triggered.status, triggered.body) == (202, b"")
    assert f"{PATH}/{connection}/runs/" in triggered.headers["Location"]
    assert set(run) == RUN_PROPERTIES
    assert [(job["connectorType"], [task["sourceFileId"] for task in job["tasks"]]) for job in run["jobs"]] == [
        ("MSTN", ["a"]),
        ("IFC", ["b"]),
    ]
    assert "storageFileId" not in run["jobs"][0]["tasks"][0]
    assert shown["_links"]["lastRun"]["href"] == triggered.headers["Location"]


async def test_a_manifest_without_a_declared_file_is_skipped(serving):
    async with serving() as api:
        connection = (await create(api, "a"))["id"]
        triggered = await trigger(api, connection, {**FILE, "id": "stranger"})
        run = await ended(api, triggered.headers["Location"])

    assert (run["result"], run["jobs"]) == ("Skipped", [])


async def test_file_rules_apply_by_the_name_in_the_manifest(serving):
    async with serving() as api:
        api.emulator.add_file_rule(FileRule(file_name="*.dgn", error="SourceFileNotFound"))
        connection = (await create(api))["id"]
        run = await ended(api, (await trigger(api, connection)).headers["Location"])

    (task,) = run["jobs"][0]["tasks"]
    assert (run["result"], task["error"]["descriptionKey"]) == ("Error", "SourceFileNotFound")


@pytest.mark.parametrize("entry", [{"id": "a", "action": "unmap", "connector": "MSTN"}])
async def test_an_unmapped_file_needs_an_id_and_a_connector_only_and_fails_by_no_chance(serving, entry):
    async with serving(error_rate=1) as api:
        connection = (await create(api))["id"]
        run = await ended(api, (await trigger(api, connection, entry)).headers["Location"])

    assert run["result"] == "Success"


async def test_unmapping_fails_by_a_rule(serving):
    async with serving() as api:
        api.emulator.add_file_rule(FileRule(storage_file_id="a", error="UnmapInputFile"))
        connection = (await create(api))["id"]
        entry = {"id": "a", "action": "unmap", "connectorType": "MSTN"}
        run = await ended(api, (await trigger(api, connection, entry)).headers["Location"])

    assert run["result"] == "Error"


@pytest.mark.parametrize(
    ("entry", "details"),
    [
        (3, [("MissingRequiredProperty", name) for name in ("id", "url", "connectorType")]),
        ({**FILE, "id": 7}, [("InvalidValue", "id")]),
        ({**FILE, "url": "file:///etc/passwd"}, [("InvalidValue", "url")]),
        ({**FILE, "url": "http://["}, [("InvalidValue", "url")]),
        ({**FILE, "action": "burn"}, [("InvalidValue", "action")]),
        ({**FILE, "connectorType": "MSTM"}, [("InvalidValue", "connectorType")]),
        ({**FILE, "name": 7}, [("InvalidValue", "name")]),
        ({**FILE, "children": {}}, [("InvalidValue", "children")]),
        (
            {**FILE, "children": [{**FILE, "url": None}, 3]},
            [("MissingRequiredProperty", n) for n in ("url", "id", "connectorType")],
        ),
    ],
)
async def test_every_mistake_in_a_manifest_is_a_detail(serving, entry, details):
    async with serving() as api:
        connection = (await create(api))["id"]
        answer = await trigger(api, connection, entry)

    assert (answer.status, answer.error["code"]) == (422, "InvalidManifestConnectionRunRequest")
    assert answer.details == details
    assert api.emulator.runs == ()


@pytest.mark.parametrize(
    ("body", "target"),
    [({"sourceFiles": {}}, "sourceFiles"), ({"documentAttributeSchemaUrl": "x"}, "documentAttributeSchemaUrl")],
)
async def test_mistakes_of_the_manifest_itself_are_details(serving, body, target):
    async with serving() as api:
        connection = (await create(api))["id"]
        answer = await api.post(f"{PATH}/{connection}/runs", json=body)

    assert answer.details == [("InvalidValue", target)]


async def test_one_run_of_an_imodel_is_active_whatever_the_kind_of_its_connection(serving):
    async with serving(accept_window=1) as api:
        imodel = api.emulator.new_imodel_id()
        manifest = (await create(api, imodel=imodel))["id"]
        storage = api.emulator.add_connection(imodel)
        first = await trigger(api, manifest)
        conflict = await api.trigger(storage)
        await anyio.sleep(2)
        second = await api.trigger(storage)
        third = await trigger(api, manifest)

    assert (conflict.status, conflict.error["code"]) == (409, "ConflictWithAnotherIModelRequest")
    assert (second.status, third.status) == (303, 303)
    assert second.headers["Location"] == third.headers["Location"] == first.headers["Location"]


async def test_a_forbidden_imodel_refuses_a_trigger_and_changes_of_files(serving):
    async with serving() as api:
        imodel = api.emulator.new_imodel_id()
        connection = (await create(api, imodel=imodel))["id"]
        file = (await api.get(f"{PATH}/{connection}/sourcefiles")).json["sourceFiles"][0]["id"]
        api.emulator.forbidden_imodels.add(imodel)
        answers = [
            await trigger(api, connection),
            await api.post(f"{PATH}/{connection}/sourcefiles", json={"sourceFileId": "z"}),
            await api.delete(f"{PATH}/{connection}/sourcefiles/{file}"),
        ]

    assert [answer.error["code"] for answer in answers] == ["InsufficientPermissions"] * 3


async def test_runs_are_listed_by_the_pages_path(serving, full_items):
    async with serving() as api:
        connection = (await create(api))["id"]
        await trigger(api, connection)
        minimal = (await api.get(f"{PATH}/{connection}/runs")).json
        full = (await api.get(f"{PATH}/{connection}/runs", **full_items)).json

    assert set(minimal["runs"][0]) == {"id", "state", "result"}
    assert f"{PATH}/{connection}/runs?$skip=0" in minimal["_links"]["self"]["href"]
    assert full["runs"][0]["connectionId"] == connection


async def test_paths_of_early_clients_work(serving):
    async with serving() as api:
        connection = (await create(api))["id"]
        answer = await api.get(f"/synchronization/imodels/manifestConnections/{connection}")

    assert answer.status == 200
