"""Operations on iModels, changesets and named versions."""

import anyio
import pytest

from tests.emulator import schemas

pytestmark = pytest.mark.looptime(start=0)
UNKNOWN = "22acf21e-0575-4faf-849b-bcd538718269"
FULL = {"headers": {"Prefer": "return=representation"}}
EXTENT = {"southWest": {"latitude": 46.1, "longitude": 7.6}, "northEast": {"latitude": 46.3, "longitude": 7.7}}


async def test_an_imodel_is_created_shown_updated_and_deleted(serving, platform):
    async with serving() as api:
        itwin_id = await platform(api).itwin()
        body = {"iTwinId": itwin_id.upper(), "name": "Bridge", "description": "Old", "extent": EXTENT}
        answer = await api.post("/imodels", json=body)
        assert answer.status == 201
        created = answer.json["iModel"]
        schemas.validate(created, schemas.IMODEL)
        assert created | body | {"iTwinId": itwin_id, "state": "initialized"} == created
        path = f"/imodels/{created['id']}"
        assert (await api.get(path)).json == answer.json
        assert (await api.get(f"{path}/operations/create")).json == {"createOperation": {"state": "successful"}}
        updated = await api.patch(path, json={"name": "Tunnel", "description": "New"})
        assert updated.status == 200
        assert updated.json["iModel"] == created | {"name": "Tunnel", "displayName": "Tunnel", "description": "New"}
        deleted = await api.delete(path)
        assert (deleted.status, deleted.body) == (204, b"")
        assert (await api.get(path)).status == 404


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"name": ""}, ("MissingRequiredProperty", "name")),
        ({"name": "x" * 256}, ("InvalidValue", "name")),
        ({"iTwinId": None}, ("MissingRequiredProperty", "iTwinId")),
        ({"iTwinId": "toto"}, ("InvalidValue", "iTwinId")),
        ({"description": 1}, ("InvalidValue", "description")),
        ({"extent": {"southWest": {"latitude": 91, "longitude": 0}}}, ("InvalidValue", "extent")),
        ({"extent": {"southWest": {"latitude": "a", "longitude": 0}}}, ("InvalidValue", "extent")),
        ({"extent": "everywhere"}, ("InvalidValue", "extent")),
    ],
)
async def test_an_invalid_imodel_is_unprocessable(serving, platform, body, detail):
    async with serving() as api:
        answer = await api.post("/imodels", json={"iTwinId": await platform(api).itwin(), "name": "Bridge"} | body)
        assert (answer.status, answer.error["code"], answer.details) == (422, "InvalidiModelsRequest", [detail])


async def test_an_imodel_of_an_unknown_itwin_is_not_found(serving):
    async with serving() as api:
        answer = await api.post("/imodels", json={"iTwinId": UNKNOWN, "name": "Bridge"})
        assert (answer.status, answer.error["code"]) == (404, "iTwinNotFound")


async def test_names_are_unique_in_an_itwin_but_not_in_the_account(serving, platform):
    async with serving() as api:
        platform = platform(api)
        itwin_id = await platform.itwin()
        other = await platform.imodel(itwin_id, "Tunnel")
        await platform.imodel(itwin_id, "Bridge")
        await platform.imodel(name="Bridge")
        for answer in (
            await api.post("/imodels", json={"iTwinId": itwin_id, "name": "Bridge"}),
            await api.patch(f"/imodels/{other}", json={"name": "Bridge"}),
        ):
            assert (answer.status, answer.error["code"]) == (409, "iModelExists")
        assert (await api.patch(f"/imodels/{other}", json={"name": "Tunnel", "extent": EXTENT})).status == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_imodel_is_not_found(serving, method):
    async with serving() as api:
        answer = await api.send(method, f"/imodels/{UNKNOWN}", json={})
        assert (answer.status, answer.error["code"]) == (404, "iModelNotFound")
        assert answer.error["message"] == "Requested iModel is not available."


async def test_imodels_are_listed_found_and_ordered(serving, platform):
    async with serving() as api:
        itwin_id = await platform(api).itwin()
        for name in ("Bridge", "Tunnel", "Airport"):
            await platform(api).imodel(itwin_id, name)
            await anyio.sleep(1)
        queries = {
            "": ["Bridge", "Tunnel", "Airport"],
            "&name=Tunnel": ["Tunnel"],
            "&$search=port": ["Airport"],
            "&$orderBy=name asc": ["Airport", "Bridge", "Tunnel"],
            "&$orderBy=createdDateTime desc": ["Airport", "Tunnel", "Bridge"],
            "&$top=1&$skip=1": ["Tunnel"],
        }
        for query, names in queries.items():
            listed = (await api.get(f"/imodels?iTwinId={itwin_id}{query}")).json
            assert [imodel["displayName"] for imodel in listed["iModels"]] == names, query
            for imodel in listed["iModels"]:
                schemas.validate(imodel, schemas.IMODEL_SUMMARY)
        full = (await api.get(f"/imodels/?iTwinId={itwin_id}", **FULL)).json["iModels"]
        schemas.validate(full, schemas.listed(schemas.IMODEL))
        links = (await api.get(f"/imodels?iTwinId={itwin_id}&$top=1&name=Bridge&$orderBy=name")).json["_links"]
        assert links["self"]["href"].endswith(f"iTwinId={itwin_id}&name=Bridge&$orderBy=name&$skip=0&$top=1")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 422, "InvalidiModelsRequest"),
        ("?iTwinId=toto", 422, "InvalidiModelsRequest"),
        (f"?iTwinId={UNKNOWN}", 404, "iTwinNotFound"),
    ],
)
async def test_a_list_needs_an_itwin(serving, query, status, code):
    async with serving() as api:
        answer = await api.get(f"/imodels{query}")
        assert (answer.status, answer.error["code"]) == (status, code)


@pytest.mark.parametrize("order", ["size", "name sideways"])
async def test_an_unknown_order_is_unprocessable(serving, platform, order):
    async with serving() as api:
        answer = await api.get(f"/imodels?iTwinId={await platform(api).itwin()}&$orderBy={order}")
        assert (answer.status, answer.details) == (422, [("InvalidValue", "$orderBy")])


async def with_changesets(api):
    """Return the id of an iModel with changesets."""
    connection_id = api.emulator.add_connection(imodel_id := api.emulator.add_imodel())
    run = api.emulator.start_run(connection_id)
    await anyio.sleep(run.plan.timeline.ended)
    return imodel_id


async def test_changesets_form_a_line_that_can_be_read_in_parts(serving):
    async with serving() as api:
        path = f"/imodels/{await with_changesets(api)}/changesets"
        listed = (await api.get(path)).json["changesets"]
        schemas.validate(listed, schemas.listed(schemas.CHANGESET_SUMMARY))
        full = (await api.get(path, **FULL)).json["changesets"]
        schemas.validate(full, schemas.listed(schemas.CHANGESET))
        assert full[0]["synchronizationInfo"]["changedFiles"] == ["Model.dgn"]
        pushed = [changeset["pushDateTime"] for changeset in listed]
        assert pushed == sorted(pushed)
        indexes = {
            "?$orderBy=index desc&$top=2": [len(listed), len(listed) - 1],
            "?afterIndex=2&lastIndex=4": [3, 4],
            "?afterIndex=1000": [],
        }
        for query, expected in indexes.items():
            assert [one["index"] for one in (await api.get(path + query)).json["changesets"]] == expected
        for name in ("3", listed[2]["id"], listed[2]["id"].upper()):
            assert (await api.get(f"{path}/{name}")).json == {"changeset": full[2]}
        for name in ("0", str(len(listed) + 1), "f" * 40, "latest"):
            answer = await api.get(f"{path}/{name}")
            assert (answer.status, answer.error["code"]) == (404, "ChangesetNotFound")
        for query in ("?afterIndex=x", "?lastIndex=-1", "?$orderBy=id", "?$top=0"):
            assert (await api.get(path + query)).error["code"] == "InvalidiModelsRequest"


async def test_links_to_creators_lead_to_users_of_the_imodel(serving, platform):
    async with serving() as api:
        imodel_id = await platform(api).imodel()
        links = (await api.get(f"/imodels/{imodel_id}")).json["iModel"]["_links"]
        me = (await api.get(links["creator"]["href"])).json["user"]
        schemas.validate(me, schemas.IMODEL_USER)
        assert (me["id"], me["_links"]["self"]) == ((await api.get("/users/me")).json["user"]["id"], links["creator"])
        path = f"/imodels/{await with_changesets(api)}"
        changesets = (await api.get(f"{path}/changesets")).json["changesets"]
        service = (await api.get(changesets[-1]["_links"]["creator"]["href"])).json["user"]
        schemas.validate(service, schemas.IMODEL_USER)
        assert service["id"] == changesets[-1]["creatorId"]
        pushed = {"pushedChangesetsCount": len(changesets), "lastChangesetPushDate": changesets[-1]["pushDateTime"]}
        assert service["statistics"] | pushed == service["statistics"]
        answer = await api.get(f"{path}/users/{UNKNOWN}")
        assert (answer.status, answer.error["code"]) == (404, "UserNotFound")


async def test_named_versions_name_a_changeset_or_the_beginning(serving):
    async with serving() as api:
        imodel = f"/imodels/{await with_changesets(api)}"
        path = f"{imodel}/namedversions"
        last = (await api.get(f"{imodel}/changesets?$orderBy=index desc&$top=1")).json["changesets"][0]
        first = (await api.post(path, json={"name": "Begin"})).json["namedVersion"]
        assert (first["changesetId"], first["changesetIndex"]) == (None, 0)
        answer = await api.post(path, json={"name": "Handover", "description": "For B", "changesetId": last["id"]})
        assert answer.status == 201
        version = answer.json["namedVersion"]
        schemas.validate(version, schemas.NAMED_VERSION)
        assert (version["changesetId"], version["changesetIndex"]) == (last["id"], last["index"])
        assert (await api.get(f"{path}/{version['id']}")).json == answer.json
        shown = (await api.get(f"{imodel}/changesets/{last['index']}")).json["changeset"]
        assert shown["_links"]["namedVersion"]["href"].endswith(version["id"])
        queries = {
            "": ["Begin", "Handover"],
            "?name=Handover": ["Handover"],
            "?$search=for b": ["Handover"],
            "?$orderBy=changesetIndex desc": ["Handover", "Begin"],
            "?$top=1": ["Begin"],
        }
        for query, names in queries.items():
            listed = (await api.get(path + query)).json["namedVersions"]
            assert [one["displayName"] for one in listed] == names
            schemas.validate(listed, schemas.listed(schemas.NAMED_VERSION_SUMMARY))
        schemas.validate((await api.get(path, **FULL)).json["namedVersions"], schemas.listed(schemas.NAMED_VERSION))
        updated = await api.patch(f"{path}/{version['id']}", json={"name": "A", "description": "B", "state": "hidden"})
        assert updated.json["namedVersion"] == version | {
            "name": "A",
            "displayName": "A",
            "description": "B",
            "state": "hidden",
        }


async def test_a_named_version_that_cannot_be_made_is_refused(serving):
    async with serving() as api:
        imodel = f"/imodels/{await with_changesets(api)}"
        path = f"{imodel}/namedversions"
        changeset = (await api.get(f"{imodel}/changesets/1")).json["changeset"]["id"]
        version = (await api.post(path, json={"name": "A", "changesetId": changeset})).json["namedVersion"]
        await api.post(path, json={"name": "Begin"})
        refusals = [
            (await api.post(path, json={}), 422, "InvalidiModelsRequest"),
            (await api.post(path, json={"name": "B", "changesetId": "f" * 40}), 404, "ChangesetNotFound"),
            (await api.post(path, json={"name": "B", "changesetId": changeset}), 409, "NamedVersionOnChangesetExists"),
            (await api.post(path, json={"name": "A", "changesetId": "2"}), 409, "NamedVersionExists"),
            (await api.patch(f"{path}/{version['id']}", json={"name": "Begin"}), 409, "NamedVersionExists"),
            (await api.patch(f"{path}/{version['id']}", json={"state": "x"}), 422, "InvalidiModelsRequest"),
            (await api.get(f"{path}/{UNKNOWN}"), 404, "NamedVersionNotFound"),
            (await api.get(f"/imodels/{UNKNOWN}/namedversions"), 404, "iModelNotFound"),
            (await api.post(f"/imodels/{UNKNOWN}/namedversions", json={"name": "A"}), 404, "iModelNotFound"),
        ]
        assert [(answer.status, answer.error["code"]) for answer, _, _ in refusals] == [
            (status, code) for _, status, code in refusals
        ]
