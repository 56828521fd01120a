"""Operations on connections, and paging."""

import json

import anyio
import pytest

from bentley_sync_async.emulator.platform.ids import decode_pair, is_guid, itwin_of

pytestmark = pytest.mark.looptime(start=0)
IMODEL = "7dbd531d-6967-47b2-8945-a722a437ad7a"
FILE = "t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA"
BODY = {
    "displayName": "30",
    "iModelId": IMODEL,
    "authenticationType": "User",
    "sourceFiles": [{"storageFileId": FILE, "connectorType": "MSTN"}],
}
UNKNOWN = "MWplZe9Uf0iR1IDMqyOMLqBN0_wHEVBGg_CzJmXdmE4"


async def test_a_created_connection_has_the_form_of_the_page_without_a_last_run(serving, connections):
    async with serving() as api:
        answer = await api.post(connections, json=BODY)
        created = answer.json["connection"]
        assert answer.status == 201
        assert answer.headers["Content-Type"].startswith("application/json")
        assert created == {
            "id": created["id"],
            "displayName": "30",
            "iModelId": IMODEL,
            "iTwinId": itwin_of(IMODEL),
            "authenticationType": "User",
            "_links": {
                "iModel": {"href": f"{api.emulator.url}/imodels/{IMODEL}"},
                "iTwin": {"href": f"{api.emulator.url}/itwins/{itwin_of(IMODEL)}"},
            },
        }
        assert len(created["id"]) == 43
        assert decode_pair(created["id"])[0] == IMODEL


async def test_authentication_type_and_name_are_optional(serving, connections):
    async with serving() as api:
        body = {"iModelId": IMODEL, "sourceFiles": BODY["sourceFiles"]}
        created = (await api.post(connections, json=body)).json["connection"]
        assert created["authenticationType"] == "User"
        assert "displayName" not in created


async def test_links_name_the_host_that_the_caller_used(serving, connections):
    async with serving() as api:
        answer = await api.post(connections, json=BODY, headers={"Host": "sync.example:99"})
        assert answer.json["connection"]["_links"]["iModel"]["href"] == f"http://sync.example:99/imodels/{IMODEL}"


async def test_paths_and_query_keys_are_case_insensitive(serving):
    async with serving() as api:
        connection_id = api.emulator.add_connection(IMODEL)
        old_spelling = f"/Synchronization/iModels/storageConnections/{connection_id}"
        assert (await api.get(old_spelling)).status == 200
        listed = await api.get(f"/SYNCHRONIZATION/imodels/storageConnections?IMODELID={IMODEL.upper()}&foo=1")
        assert [item["id"] for item in listed.json["connections"]] == [connection_id]


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"sourceFiles": None}, [("MissingRequiredProperty", "sourceFiles")]),
        ({"sourceFiles": []}, [("MissingRequiredProperty", "sourceFiles")]),
        (
            {"sourceFiles": ["x"]},
            [("MissingRequiredProperty", "storageFileId"), ("MissingRequiredProperty", "connectorType")],
        ),
        ({"sourceFiles": [{"connectorType": "MSTN"}]}, [("MissingRequiredProperty", "storageFileId")]),
        ({"sourceFiles": [{"storageFileId": FILE}]}, [("MissingRequiredProperty", "connectorType")]),
        ({"sourceFiles": [{"storageFileId": "short", "connectorType": "MSTN"}]}, [("InvalidValue", "storageFileId")]),
        ({"sourceFiles": [{"storageFileId": FILE, "connectorType": "mstn"}]}, [("InvalidValue", "connectorType")]),
        ({"sourceFiles": [{"storageFileId": FILE, "connectorType": "NotSet"}]}, [("InvalidValue", "connectorType")]),
        ({"sourceFiles": [{"storageFileId": FILE, "connectorType": 7}]}, [("InvalidValue", "connectorType")]),
        ({"iModelId": ""}, [("MissingRequiredProperty", "imodelId")]),
        ({"iModelId": "no-guid"}, [("InvalidValue", "imodelId")]),
        ({"iModelId": 5}, [("InvalidValue", "imodelId")]),
        ({"authenticationType": "Robot"}, [("InvalidValue", "authenticationType")]),
        ({"displayName": 30}, [("InvalidValue", "displayName")]),
    ],
)
async def test_an_invalid_body_is_refused_with_a_detail_for_each_error(serving, connections, change, details):
    async with serving() as api:
        answer = await api.post(connections, json=BODY | change)
        assert answer.status == 422
        assert (answer.error["code"], answer.error["message"]) == (
            "InvalidStorageConnectionRequest",
            "Cannot perform operation.",
        )
        assert answer.details == details


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
async def test_a_body_that_is_not_a_json_object_is_refused_without_a_target(serving, connections, text):
    async with serving() as api:
        answer = await api.post(connections, data=text)
        assert answer.error["details"] == [
            {"code": "InvalidRequestBody", "message": "Error parsing JSON, malformed JSON."}
        ]


@pytest.mark.parametrize("body", [None, b" \n"])
async def test_a_missing_body_has_its_own_error_code(serving, connections, body):
    async with serving() as api:
        answer = await api.post(connections, data=body)
        assert (answer.status, answer.error["code"]) == (422, "MissingRequestBody")


async def test_a_file_can_be_mapped_to_an_imodel_once(serving, connections):
    async with serving() as api:
        assert (await api.post(connections, json=BODY)).status == 201
        again = await api.post(connections, json=BODY | {"displayName": "other"})
        assert again.status == 409
        assert again.error == {
            "code": "FileMappingToTheIModelAlreadyExists",
            "message": "One or more SourceFiles are already mapped to the iModel.",
        }
        elsewhere = BODY | {"iModelId": api.emulator.new_imodel_id()}
        assert (await api.post(connections, json=elsewhere)).status == 201


async def test_the_same_file_twice_in_one_body_is_a_conflict(serving, connections):
    async with serving() as api:
        answer = await api.post(connections, json=BODY | {"sourceFiles": BODY["sourceFiles"] * 2})
        assert answer.status == 409


async def test_a_file_can_be_mapped_again_once_its_connection_is_deleted(serving, connections):
    async with serving() as api:
        created = (await api.post(connections, json=BODY)).json["connection"]
        assert (await api.delete(f"{connections}/{created['id']}")).status == 204
        assert (await api.get(f"{connections}/{created['id']}")).status == 404
        assert (await api.post(connections, json=BODY)).status == 201


async def test_an_update_changes_the_name_and_keeps_the_id(serving, connections):
    async with serving() as api:
        created = (await api.post(connections, json=BODY)).json["connection"]
        answer = await api.put(
            f"{connections}/{created['id']}", json={"displayName": "31", "authenticationType": "Service"}
        )
        assert answer.status == 200
        assert answer.json["connection"] == created | {"displayName": "31", "authenticationType": "Service"}
        assert (await api.get(f"{connections}/{created['id']}")).json == answer.json


async def test_an_update_without_a_type_sets_user_and_keeps_the_name(serving, connections):
    async with serving() as api:
        created = (await api.post(connections, json=BODY | {"authenticationType": "Service"})).json["connection"]
        updated = (await api.put(f"{connections}/{created['id']}", json={})).json["connection"]
        assert (updated["authenticationType"], updated["displayName"]) == ("User", "30")


@pytest.mark.parametrize("body", [{"displayName": "31"}, {"authenticationType": None}])
async def test_an_update_without_a_type_can_keep_the_type(serving, connections, body):
    async with serving(put_resets_authentication_type=False) as api:
        created = (await api.post(connections, json=BODY | {"authenticationType": "Service"})).json["connection"]
        path = f"{connections}/{created['id']}"
        assert (await api.put(path, json=body)).json["connection"]["authenticationType"] == "Service"
        changed = await api.put(path, json={"authenticationType": "User"})
        assert changed.json["connection"]["authenticationType"] == "User"


async def test_an_update_accepts_the_complete_body_that_old_clients_send(serving, connections):
    async with serving() as api:
        created = (await api.post(connections, json=BODY)).json["connection"]
        assert (await api.put(f"{connections}/{created['id']}", json=BODY | {"more": 1})).status == 200


async def test_an_update_with_a_wrong_type_is_refused(serving, connections):
    async with serving() as api:
        connection_id = api.emulator.add_connection()
        answer = await api.put(f"{connections}/{connection_id}", json={"authenticationType": 1})
        assert answer.details == [("InvalidValue", "authenticationType")]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_connection_is_not_found(serving, connections, method):
    async with serving() as api:
        answer = await api.send(method, f"{connections}/{UNKNOWN}", json={})
        assert answer.status == 404
        assert answer.error == {
            "code": "StorageConnectionNotFound",
            "message": "Requested StorageConnection is not available.",
        }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_malformed_connection_id_is_unprocessable(serving, connections, method):
    async with serving() as api:
        answer = await api.send(method, f"{connections}/not-an-id", json={})
        assert answer.status == 422
        assert answer.error["details"] == [
            {"code": "InvalidValue", "message": "Provided connectionId value is not valid.", "target": "connectionId"}
        ]


async def test_a_connection_with_an_active_run_cannot_be_deleted(serving, connections):
    async with serving() as api:
        connection_id = api.emulator.add_connection()
        run = api.emulator.start_run(connection_id)
        answer = await api.delete(f"{connections}/{connection_id}")
        assert (answer.status, answer.error["code"]) == (409, "ConnectionAlreadyInUse")
        await anyio.sleep(run.plan.timeline.ended)
        assert (await api.delete(f"{connections}/{connection_id}")).status == 204


async def test_lists_are_minimal_unless_the_caller_prefers_full_items(serving, connections, full_items):
    async with serving() as api:
        created = (await api.post(connections, json=BODY)).json["connection"]
        minimal = await api.get(f"{connections}?imodelId={IMODEL}")
        assert minimal.json["connections"] == [{"id": created["id"], "displayName": "30"}]
        full = await api.get(f"{connections}?imodelId={IMODEL}", **full_items)
        assert full.json["connections"] == [created]


@pytest.mark.parametrize("prefer", ["Return=Representation", "wait=10, return = representation"])
async def test_the_prefer_header_is_parsed_as_http_defines_it(serving, connections, prefer):
    async with serving() as api:
        api.emulator.add_connection(IMODEL)
        [item] = (await api.get(f"{connections}?imodelId={IMODEL}", headers={"Prefer": prefer})).json["connections"]
        assert "_links" in item


async def test_the_prefer_header_can_be_ignored(serving, connections, full_items):
    async with serving(honour_prefer=False) as api:
        connection_id = api.emulator.add_connection(IMODEL)
        assert (await api.get(f"{connections}?imodelId={IMODEL}", **full_items)).json["connections"] == [
            {"id": connection_id}
        ]


async def test_the_list_of_all_kinds_shows_no_authentication_type(serving, full_items):
    async with serving() as api:
        connection_id = api.emulator.add_connection(IMODEL, display_name="a")
        run = api.emulator.start_run(connection_id)
        path = f"/synchronization/imodels/connections?imodelId={IMODEL}"
        assert (await api.get(path)).json["connections"] == [{"id": connection_id, "displayName": "a"}]
        [item] = (await api.get(path, **full_items)).json["connections"]
        assert set(item) == {"id", "displayName", "iModelId", "_links"}
        assert item["_links"]["lastRun"]["href"] == api.emulator.url + run.path


@pytest.mark.parametrize("kind", ["connections", "storageconnections"])
@pytest.mark.parametrize(
    ("query", "detail"),
    [("", ("MissingRequiredProperty", "imodelId")), ("?imodelId=x", ("InvalidValue", "imodelId"))],
)
async def test_lists_require_an_imodel_id(serving, kind, query, detail):
    async with serving() as api:
        answer = await api.get(f"/synchronization/imodels/{kind}{query}")
        assert (answer.status, answer.details) == (422, [detail])


async def test_pages_are_linked_and_in_a_stable_order(serving, connections):
    async with serving() as api:
        ids = [api.emulator.add_connection(IMODEL, display_name="same") for _ in range(5)]
        url, seen = f"{connections}?imodelId={IMODEL}&%24top=2", []
        pages = 0
        while url:
            body = (await api.get(url)).json
            seen += [item["id"] for item in body["connections"]]
            url = body["_links"].get("next", {}).get("href")
            pages += 1
        assert (seen, pages) == (ids, 3)
        assert body["_links"]["prev"]["href"].endswith(f"/storageconnections?imodelId={IMODEL}&$skip=2&$top=2")
        assert body["_links"]["self"]["href"].endswith("$skip=4&$top=2")


async def test_the_last_page_can_have_a_next_link_to_an_empty_page(serving, connections):
    async with serving(always_next=True) as api:
        api.emulator.add_connection(IMODEL)
        body = (await api.get(f"{connections}?imodelId={IMODEL}")).json
        beyond = (await api.get(body["_links"]["next"]["href"])).json
        assert beyond["connections"] == []


async def test_the_page_size_has_a_default_and_a_limit(serving, connections):
    async with serving(page_size=3, max_page_size=4) as api:
        for _ in range(5):
            api.emulator.add_connection(IMODEL)
        lengths = [
            len((await api.get(f"{connections}?imodelId={IMODEL}{top}")).json["connections"]) for top in ("", "&$top=4")
        ]
        assert lengths == [3, 4]


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("$top=0", [("InvalidValue", "$top")]),
        ("$top=1001", [("InvalidValue", "$top")]),
        ("$top=ten", [("InvalidValue", "$top")]),
        ("$skip=-1", [("InvalidValue", "$skip")]),
        ("$skip=x&$top=-1", [("InvalidValue", "$skip"), ("InvalidValue", "$top")]),
    ],
)
async def test_invalid_skip_and_top_are_refused(serving, connections, query, details):
    async with serving() as api:
        answer = await api.get(f"{connections}?imodelId={IMODEL}&{query}")
        assert (answer.status, answer.details) == (422, details)


async def test_the_error_of_a_large_page_has_the_documented_text(serving, connections):
    async with serving() as api:
        answer = await api.get(f"{connections}?imodelId={IMODEL}&$top=5000")
        assert answer.error["details"][0]["message"] == "Page size is out of limits."


async def test_an_unknown_path_is_a_404_in_the_form_of_the_api(serving):
    async with serving() as api:
        answer = await api.get("/synchronization/imodels/nothing")
        assert (answer.status, answer.error["code"]) == (404, "NotFound")


async def test_an_unknown_method_is_a_405_with_the_allowed_methods(serving, connections):
    async with serving() as api:
        answer = await api.send("PATCH", connections)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
        assert json.loads(answer.body)["error"]["code"] == "MethodNotAllowed"
        assert (await api.send("HEAD", connections)).status == 405


async def test_the_same_seed_gives_the_same_ids_and_runs(serving):
    made = []
    for seed in (1, 1, 2):
        async with serving(seed=seed) as api:
            run = api.emulator.start_run(api.emulator.add_connection())
            made.append((run.id, run.plan))
    assert made[0] == made[1]
    assert made[0] != made[2]
    assert is_guid(made[0][0])


async def test_any_accept_header_is_accepted(serving, connections):
    async with serving() as api:
        answer = await api.get(f"{connections}?imodelId={IMODEL}", headers={"Accept": "text/html"})
        assert answer.status == 200
