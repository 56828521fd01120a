"""Configurations through the client."""

import pytest
from support.quick import each
from support.transport import answer, scripted
from support.watch import emulated

from bentley_sync_async import InvalidArgumentError, NotFoundError, UnprocessableError
from bentley_sync_async.emulator.platform.ids import itwin_of
from bentley_sync_async.models.configurations import KNOWN_SETTINGS, Configuration

ENTITY = {"configuration": {"scopeId": "i", "settings": {"clampZExtent": True}}}


async def test_a_connection_inherits_what_its_imodel_and_itwin_set():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connection = emulator.add_connection(imodel)
        await client.configurations.itwins.create(itwin_of(imodel), {"skipRvtReprojection": True})
        await client.configurations.imodels.create(imodel, {"overrideRvtReprojectionDistance": 2.5})
        made = await client.configurations.connections.create(connection, {"enableSheetsAndDrawings": True})
        read = await client.configurations.connections.get(connection)

    assert made == read
    assert (made.scope_id, made.settings) == (connection, {"enableSheetsAndDrawings": True})
    expected = {"skipRvtReprojection": True, "overrideRvtReprojectionDistance": 2.5, "enableSheetsAndDrawings": True}
    assert made.resolved_settings.items() >= expected.items()


async def test_an_update_keeps_the_other_settings():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        await client.configurations.imodels.create(imodel, {"clampZExtent": True})
        changed = await client.configurations.imodels.update(imodel, {"ignoreIfcGlobalIds": True})

    assert changed.settings == {"clampZExtent": True, "ignoreIfcGlobalIds": True}


async def test_a_deleted_configuration_is_gone():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        await client.configurations.imodels.create(imodel, {})
        await client.configurations.imodels.delete(imodel)
        with pytest.raises(NotFoundError) as caught:
            await client.configurations.imodels.get(imodel)

    assert caught.value.code == "ConfigurationNotFound"


async def test_a_wrong_setting_is_named():
    async with emulated() as (emulator, client):
        with pytest.raises(UnprocessableError) as caught:
            await client.configurations.imodels.create(emulator.new_imodel_id(), {"clampZExtent": "yes"})

    assert [detail.target for detail in caught.value.details] == ["clampZExtent"]


@each("status", [200, 201])
@each("name", ["create", "update"])
async def test_either_status_of_a_creation_or_an_update_is_success(status, name):
    _, client = scripted(answer(status, ENTITY))

    written = await getattr(client.configurations.imodels, name)("i", {"clampZExtent": True})
    assert written.settings == {"clampZExtent": True}


async def test_an_update_of_nothing_is_refused():
    transport, client = scripted()

    with pytest.raises(InvalidArgumentError, match=r"^Nothing to change"):
        await client.configurations.imodels.update("i", {})
    assert transport.sent == []


async def test_settings_are_open_and_a_null_is_the_same_as_none():
    settings = {"flag": True, "number": 2.5, "text": "x", "list": [1], "none": None}
    _, client = scripted(answer(200, {"configuration": {"scopeId": "i", "settings": settings}}))

    read = await client.configurations.imodels.get("i")
    assert read.settings == {"flag": True, "number": 2.5, "text": "x", "list": [1]}


@each(
    ("settings", "problem"),
    [
        (None, "must map names to values, not NoneType"),
        ([("a", True)], "must map names to values, not list"),
        ({"a": None}, "a must be a boolean, a number or a text, not NoneType"),
        ({"a": [1]}, "a must be a boolean, a number or a text, not list"),
        ({"a": float("nan")}, "a must be a finite number, not nan"),
        ({"a": float("-inf")}, "a must be a finite number, not -inf"),
        ({7: True}, "name of a setting must be a text"),
        ({"": True}, "name of a setting must be a text"),
    ],
)
async def test_what_can_be_no_setting_is_refused_and_nothing_is_sent(settings, problem):
    transport, client = scripted()

    for send in (client.configurations.itwins.create, client.configurations.connections.update):
        with pytest.raises(InvalidArgumentError, match=problem):
            await send("x", settings)
    assert transport.sent == []


async def test_a_refused_id_is_named_by_its_scope():
    _, client = scripted()

    for scope, name in (("itwins", "itwin_id"), ("imodels", "imodel_id"), ("connections", "connection_id")):
        with pytest.raises(InvalidArgumentError, match=f"^{name} is empty"):
            await getattr(client.configurations, scope).get("")


def test_every_known_setting_has_a_default_and_a_meaning():
    assert {known.scope for known in KNOWN_SETTINGS.values()} == {"itwins", "imodels", "connections"}
    assert all(known.meaning.endswith((".", ")")) for known in KNOWN_SETTINGS.values())


def test_a_configuration_is_a_value():
    one, other = (Configuration(scope_id="i", settings={"a": 1}) for _ in range(2))
    assert (one, hash(one)) == (other, hash(other))
