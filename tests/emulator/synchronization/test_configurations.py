"""Configurations of iTwins, iModels and connections, over plain HTTP."""

import pytest

from bentley_sync_async.emulator.platform.ids import itwin_of

pytestmark = pytest.mark.looptime(start=0)
PATH = "/synchronization/configurations"
SCOPES = ("itwins", "imodels", "connections")


class Places:
    """An iTwin, its iModel, and a connection to it."""

    def __init__(self, api):
        self.imodel = api.emulator.new_imodel_id()
        ids = (itwin_of(self.imodel), self.imodel, api.emulator.add_connection(self.imodel))
        self.paths = {scope: f"{PATH}/{scope}/{id_}" for scope, id_ in zip(SCOPES, ids, strict=True)}


async def test_an_imodel_inherits_from_the_itwin_that_it_is_in(serving):
    async with serving() as api:
        itwin = api.emulator.add_itwin("Station")
        imodel = (await api.post("/imodels", json={"iTwinId": itwin, "name": "Combined"})).json["iModel"]["id"]
        await api.post(f"{PATH}/itwins/{itwin}", json={"skipRvtReprojection": True})
        await api.post(f"{PATH}/imodels/{imodel}", json={})
        assert (await resolved(api, f"{PATH}/imodels/{imodel}"))["skipRvtReprojection"] is True


async def set_all(api, paths, **settings):
    for scope, path in paths.items():
        answer = await api.post(path, json=settings.get(scope, {}))
        assert answer.status == 201


async def resolved(api, path):
    return (await api.get(path)).json["configuration"]["resolvedSettings"]


@pytest.mark.parametrize(
    ("scope", "defaults"),
    [
        (
            "itwins",
            {
                "uploadDgnRealityData": True,
                "convertDgnTerrainModels": False,
                "squashIntermediateRevisions": False,
                "convertDgnHyperModelingSections": True,
                "skipRvtReprojection": False,
                "allowRevitIgnoreGcs": False,
            },
        ),
        ("imodels", {"clampZExtent": False, "overrideRvtReprojectionDistance": 0, "ignoreIfcGlobalIds": False}),
        (
            "connections",
            {
                "reclassifyDgnElements": False,
                "ignoreDgnAttachments": False,
                "enableSheetsAndDrawings": False,
                "enableC3dGraphsIn2dModel": False,
                "enableSheetIndex": False,
                "filterBySheetIndex": False,
            },
        ),
    ],
)
async def test_the_defaults_are_those_of_the_pages_and_wider_scopes_are_included(serving, scope, defaults):
    async with serving() as api:
        places = Places(api)
        await set_all(api, places.paths)
        shown = {one: await resolved(api, places.paths[one]) for one in SCOPES}

    assert shown[scope].items() >= defaults.items()
    assert shown["itwins"].items() < shown["imodels"].items() < shown["connections"].items()


async def test_a_narrower_scope_inherits_and_overrides(serving):
    async with serving() as api:
        places = Places(api)
        await set_all(
            api,
            places.paths,
            itwins={"uploadDgnRealityData": False, "skipRvtReprojection": True},
            imodels={"skipRvtReprojection": False, "clampZExtent": True},
        )
        connection = await resolved(api, places.paths["connections"])
        itwin = await resolved(api, places.paths["itwins"])

    names = ("uploadDgnRealityData", "skipRvtReprojection", "clampZExtent")
    assert [connection[name] for name in names] == [False, False, True]
    assert "clampZExtent" not in itwin


async def test_what_is_set_is_told_from_what_is_in_force(serving):
    async with serving() as api:
        places = Places(api)
        made = await api.post(places.paths["imodels"], json={"clampZExtent": True})

    configuration = made.json["configuration"]
    assert set(configuration) == {"scopeId", "settings", "resolvedSettings"}
    assert (configuration["scopeId"], configuration["settings"]) == (places.imodel, {"clampZExtent": True})


async def test_a_patch_keeps_the_other_settings_and_a_post_does_not(serving):
    async with serving() as api:
        path = Places(api).paths["imodels"]
        await api.post(path, json={"clampZExtent": True})
        patched = await api.send("PATCH", path, json={"overrideRvtReprojectionDistance": 12.5})
        replaced = await api.post(path, json={})

    settings = [answer.json["configuration"]["settings"] for answer in (patched, replaced)]
    assert settings == [{"clampZExtent": True, "overrideRvtReprojectionDistance": 12.5}, {}]


async def test_a_deleted_configuration_is_not_found_and_no_longer_inherited(serving):
    async with serving() as api:
        paths = Places(api).paths
        await set_all(api, paths, itwins={"skipRvtReprojection": True})
        deleted = await api.delete(paths["itwins"])
        answers = [await api.send(method, paths["itwins"], json={}) for method in ("GET", "PATCH", "DELETE")]
        connection = await resolved(api, paths["connections"])

    assert (deleted.status, deleted.body) == (204, b"")
    assert {(answer.status, answer.error["code"]) for answer in answers} == {(404, "ConfigurationNotFound")}
    assert connection["skipRvtReprojection"] is False


@pytest.mark.parametrize("scope", SCOPES)
async def test_what_has_no_configuration_is_not_found(serving, scope):
    async with serving() as api:
        answer = await api.get(Places(api).paths[scope])

    assert (answer.status, answer.error["code"]) == (404, "ConfigurationNotFound")


async def test_a_connection_that_does_not_exist_has_none(serving):
    async with serving() as api:
        answer = await api.post(f"{PATH}/connections/{'A' * 43}", json={})

    assert (answer.status, answer.error["message"]) == (404, "Requested Configuration is not available.")


@pytest.mark.parametrize(("scope", "target"), [*zip(SCOPES, ("itwinid", "imodelid", "connectionid"), strict=True)])
async def test_a_malformed_id_is_named_as_on_the_page(serving, scope, target):
    async with serving() as api:
        answer = await api.get(f"{PATH}/{scope}/x")

    assert (answer.status, answer.error["code"]) == (422, "InvalidConfigurationRequest")
    assert answer.error["details"] == [
        {"code": "InvalidValue", "message": f"Provided {target} value is not valid.", "target": target}
    ]


@pytest.mark.parametrize(
    ("settings", "targets"),
    [
        (
            {"clampZExtent": 1, "overrideRvtReprojectionDistance": True},
            ["clampZExtent", "overrideRvtReprojectionDistance"],
        ),
        ({"someNewSetting": {"deep": 1}}, ["someNewSetting"]),
        ({"someNewSetting": None}, ["someNewSetting"]),
    ],
)
async def test_a_setting_of_another_type_is_refused(serving, settings, targets):
    async with serving() as api:
        answer = await api.post(Places(api).paths["imodels"], json=settings)

    assert answer.details == [("InvalidValue", target) for target in targets]


async def test_a_setting_that_no_page_names_is_taken(serving):
    async with serving() as api:
        answer = await api.post(Places(api).paths["connections"], json={"revitLevelOfDetail": 3})

    assert answer.json["configuration"]["resolvedSettings"]["revitLevelOfDetail"] == 3


async def test_ids_are_the_same_in_upper_case(serving):
    async with serving() as api:
        path = Places(api).paths["imodels"]
        await api.post(path, json={"clampZExtent": True})
        answer = await api.get(f"{PATH}/iModels/{path.rpartition('/')[2].upper()}")

    assert answer.json["configuration"]["settings"] == {"clampZExtent": True}
