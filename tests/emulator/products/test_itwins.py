"""Operations on iTwins."""

import pytest

from tests.emulator import schemas

pytestmark = pytest.mark.looptime(start=0)
BODY = {"displayName": "Valley", "class": "Endeavor", "subClass": "Project"}
UNKNOWN = "22acf21e-0575-4faf-849b-bcd538718269"
FULL = {"headers": {"Prefer": "return=representation"}}


async def test_an_itwin_is_created_with_the_properties_that_were_sent(serving):
    async with serving() as api:
        account = (await api.get("/itwins/myprimaryaccount")).json["iTwin"]
        more = {"number": "17", "type": "Road", "status": "Trial", "ianaTimeZone": "Europe/Riga"}
        more |= {"geographicLocation": "Riga", "dataCenterLocation": "North Europe", "parentId": account["id"]}
        answer = await api.post("/itwins/", json=BODY | more)
        assert answer.status == 201
        created = answer.json["iTwin"]
        schemas.validate(created, schemas.ITWIN)
        assert created | BODY | more == created
        assert created["iTwinAccountId"] == account["id"]
        path = f"/itwins/{created['id'].upper()}"
        assert (await api.get(path, **FULL)).json == {"iTwin": created}
        schemas.validate((await api.get(path)).json["iTwin"], schemas.ITWIN_SUMMARY)


async def test_the_number_is_the_id_and_the_parent_the_account_by_default(serving):
    async with serving() as api:
        created = (await api.post("/itwins", json=BODY)).json["iTwin"]
        assert (created["number"], created["parentId"]) == (created["id"], created["iTwinAccountId"])
        again = (await api.post("/itwins", json=BODY)).json["iTwin"]  # names need not be unique
        assert again["id"] != created["id"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"displayName": None}, ("MissingRequiredProperty", "displayName")),
        ({"displayName": "x" * 256}, ("InvalidValue", "displayName")),
        ({"class": None}, ("MissingRequiredProperty", "class")),
        ({"class": "Project"}, ("InvalidValue", "class")),
        ({"subClass": "Road"}, ("InvalidValue", "subClass")),
        ({"status": "Sleeping"}, ("InvalidValue", "status")),
        ({"number": 17}, ("InvalidValue", "number")),
        ({"parentId": UNKNOWN}, ("InvalidValue", "parentId")),
    ],
)
async def test_an_invalid_itwin_is_unprocessable(serving, body, detail):
    async with serving() as api:
        answer = await api.post("/itwins", json=BODY | body)
        assert (answer.status, answer.error["code"]) == (422, "InvalidiTwinsRequest")
        assert answer.details == [detail]
        schemas.validate(answer.json, schemas.ERROR)


@pytest.mark.parametrize(("body", "code"), [(b"", "MissingRequestBody"), (b"[1", "InvalidiTwinsRequest")])
async def test_a_body_that_is_no_json_object_is_unprocessable(serving, body, code):
    async with serving() as api:
        answer = await api.post("/itwins", data=body)
        assert (answer.status, answer.error["code"]) == (422, code)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("itwin_id", [UNKNOWN, "toto"])
async def test_an_unknown_itwin_is_not_found(serving, method, itwin_id):
    async with serving() as api:
        answer = await api.send(method, f"/itwins/{itwin_id}", json={})
        assert (answer.status, answer.error["code"]) == (404, "iTwinNotFound")
        assert answer.error["message"] == "Requested iTwin is not available."


async def test_an_itwin_is_updated_and_an_inactive_one_is_listed_only_on_request(serving, platform):
    async with serving() as api:
        itwin_id = await platform(api).itwin()
        changes = {"displayName": "Hill", "status": "Inactive", "geographicLocation": "Exton, PA"}
        updated = await api.patch(f"/itwins/{itwin_id}", json=changes)
        assert (updated.status, updated.json["iTwin"] | changes) == (200, updated.json["iTwin"])
        assert (await api.get("/itwins?status=Inactive")).json["iTwins"] == []
        found = (await api.get("/itwins?includeInactive=true")).json["iTwins"]
        assert [itwin["displayName"] for itwin in found] == ["Hill"]
        assert (await api.patch(f"/itwins/{itwin_id}", json={"status": 1})).details == [("InvalidValue", "status")]


async def test_itwins_are_found_by_their_properties(serving):
    async with serving() as api:
        for name, sub_class, number in (("North valley", "Project", "1"), ("South hill", "Program", "2")):
            await api.post("/itwins", json={**BODY, "displayName": name, "subClass": sub_class, "number": number})
        queries = {
            "displayName=South hill": ["South hill"],
            "number=1": ["North valley"],
            "subClass=Program": ["South hill"],
            "$search=VALL": ["North valley"],
            "$search=2": ["South hill"],
            "%24top=1&%24skip=1": ["South hill"],
            f"parentId={UNKNOWN}": [],
        }
        for query, names in queries.items():
            listed = await api.get(f"/itwins?{query}", **FULL)
            assert [itwin["displayName"] for itwin in listed.json["iTwins"]] == names, query
            schemas.validate(listed.json["_links"], schemas.PAGING)
        assert (await api.get("/itwins?subClass=Invalid")).details == [("InvalidValue", "subClass")]
        assert (await api.get("/itwins?$top=0")).error["code"] == "InvalidiTwinsRequest"


async def test_favorites_and_recents_have_the_latest_first(serving, platform):
    async with serving() as api:
        first, second = await platform(api).itwin("first"), await platform(api).itwin("second")
        for kind in ("favorites", "recents"):
            for itwin_id in (first, second, first):
                assert (await api.post(f"/itwins/{kind}/{itwin_id}")).status == 204
            assert [one["id"] for one in (await api.get(f"/itwins/{kind}")).json["iTwins"]] == [first, second]
        assert (await api.delete(f"/itwins/favorites/{first}")).status == 204
        await api.delete(f"/itwins/{second}")
        assert (await api.get("/itwins/favorites")).json["iTwins"] == []
        assert len((await api.get("/itwins/recents")).json["iTwins"]) == 1
        assert (await api.post(f"/itwins/favorites/{UNKNOWN}")).status == 404


async def test_deleting_an_itwin_ends_all_that_is_in_it(serving, platform):
    async with serving() as api:
        platform = platform(api)
        itwin_id = await platform.itwin()
        imodel_id, root = await platform.imodel(itwin_id), await platform.root(itwin_id)
        folder_id = await platform.folder(root)
        file_id = await platform.file(folder_id)
        connection_id = (await platform.connect(imodel_id, (file_id, "MSTN"))).json["connection"]["id"]
        hook = {"callbackUrl": "https://a.example/", "scope": "iTwin", "scopeId": itwin_id, "eventTypes": ["x"]}
        webhook_id = (await api.post("/webhooks", json=hook)).json["webhook"]["id"]
        assert (await api.delete(f"/itwins/{itwin_id}")).status == 204
        for path in (
            f"/imodels/{imodel_id}",
            f"/storage/?iTwinId={itwin_id}",
            f"/storage/folders/{root}",
            f"/storage/folders/{folder_id}",
            f"/storage/files/{file_id}",
            f"/synchronization/imodels/storageconnections/{connection_id}",
            f"/webhooks/{webhook_id}",
        ):
            assert (await api.get(path)).status == 404, path
