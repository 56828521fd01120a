"""The neighbouring products: what a call makes of the service's answers."""

import anyio
import pytest
from support.quick import each
from support.transport import After, answer, refusal, scripted

from bentley_sync_async.errors import (
    AmbiguousNameError,
    ForeignOriginError,
    IModelNotInitializedError,
    InvalidArgumentError,
    NotFoundError,
    ProtocolError,
)
from bentley_sync_async.models.platform import (
    IModel,
    IModelSummary,
    ITwin,
    ITwinClass,
    ITwinSubClass,
    ITwinSummary,
    StorageFile,
    StorageFolder,
    Webhook,
    WebhookScope,
)

BASE = "https://api.example"


async def everything(listing):
    return [item async for item in listing]


def page(key, *items, **links):
    return answer(200, {key: list(items), "_links": {name: {"href": href} for name, href in links.items()}})


# Storage.


async def test_the_root_folder_is_the_one_that_the_top_level_links_to():
    transport, api = scripted(page("items", folder=f"{BASE}/storage/folders/root-1"))

    assert await api.storage.root_folder_id("t") == "root-1"
    assert transport.lines == [f"GET {BASE}/storage/?iTwinId=t&$top=1"]


@each(
    ("links", "error"),
    [
        ({}, ProtocolError),
        ({"folder": f"{BASE}/storage/files/f"}, ProtocolError),
        ({"folder": "https://attacker.example/storage/folders/root-1"}, ForeignOriginError),
    ],
)
async def test_a_root_folder_that_the_service_does_not_name_is_an_error(links, error):
    _, api = scripted(page("items", **links))

    with pytest.raises(error):
        await api.storage.root_folder_id("t")


async def test_a_list_of_storage_is_read_page_by_page():
    items = [{"type": "folder", "id": "d"}, {"type": "file", "id": "f", "size": 3}, {"type": "file", "id": "g"}]
    transport, api = scripted(page("items", *items[:2], next="x"), page("items", items[2], next="x"))

    found = await everything(api.storage.folders.list_items("root", page_size=2))

    assert [(type(item), item.id) for item in found] == [(StorageFolder, "d"), (StorageFile, "f"), (StorageFile, "g")]
    assert [line.partition("?")[2] for line in transport.lines] == ["$top=2", "$top=2&$skip=2"]


@each(
    "call",
    [
        lambda api: api.storage.folders.update("d"),
        lambda api: api.storage.files.update("f"),
        lambda api: api.imodels.update("i"),
        lambda api: api.itwins.update("t"),
    ],
)
async def test_an_update_of_nothing_is_refused(call):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match=r"^Nothing to change"):
        await call(api)

    assert transport.sent == []


async def test_an_update_may_empty_a_text():
    transport, api = scripted(answer(200, {"file": {"id": "f"}}))

    await api.storage.files.update("f", description="")

    assert transport.bodies == [{"description": ""}]


async def test_a_search_needs_a_name():
    _, api = scripted()

    with pytest.raises(InvalidArgumentError, match="name is empty"):
        api.storage.folders.search("d", "")


@each("size", [0, -1])
async def test_a_page_has_at_least_one_item(size):
    _, api = scripted()

    with pytest.raises(InvalidArgumentError, match="page_size"):
        api.storage.files.list("d", page_size=size)


async def test_the_name_for_new_content_is_sent_if_it_is_given():
    hrefs = {"completeUrl": f"{BASE}/storage/files/f/complete", "uploadUrl": "https://store.example/c/b?sig=s"}
    transport, api = scripted(answer(202, {"_links": {name: {"href": href} for name, href in hrefs.items()}}))

    upload = await api.storage.files.begin_update("f", display_name="n")

    assert transport.bodies == [{"displayName": "n"}]
    assert (upload.file_id, upload.upload_url) == ("f", "https://store.example/c/b?sig=s")


# iModels.


async def test_an_imodel_is_found_by_its_name():
    transport, api = scripted(
        page("iModels", {"id": "i", "displayName": "Plant"}, {"id": "j", "displayName": "Plant 2"}),
        answer(200, {"iModel": {"id": "i", "displayName": "Plant", "iTwinId": "t"}}),
    )

    imodel = await api.imodels.find("t", "Plant")

    assert imodel == IModel(id="i", display_name="Plant", itwin_id="t")
    assert transport.lines == [f"GET {BASE}/imodels/?iTwinId=t&name=Plant", f"GET {BASE}/imodels/i"]


@each(
    "script",
    [
        [page("iModels")],
        [page("iModels", {"id": "j", "displayName": "plant"})],
        [page("iModels", {"id": "i", "displayName": "Plant"}), refusal(404, "iModelNotFound")],
    ],
)
async def test_an_imodel_that_is_not_there_is_none(script):
    _, api = scripted(*script)

    assert await api.imodels.find("t", "Plant") is None


async def test_two_imodels_of_a_name_are_an_error_that_names_them():
    _, api = scripted(page("iModels", {"id": "i", "displayName": "Plant"}, {"id": "j", "displayName": "Plant"}))

    with pytest.raises(AmbiguousNameError, match=r"2 iModels have the name 'Plant'.*i, j") as caught:
        await api.imodels.find("t", "Plant")

    assert caught.value.ids == ("i", "j")


@each("call", [lambda api: api.imodels.find("t", ""), lambda api: api.itwins.find(display_name="")])
async def test_an_empty_name_finds_nothing_by_mistake(call):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError):
        await call(api)

    assert transport.sent == []


async def test_a_list_of_whole_imodels_gets_those_that_the_service_shows_minimally():
    whole = {"id": "j", "displayName": "b", "iTwinId": "t"}
    transport, api = scripted(
        page("iModels", {"id": "i", "iTwinId": "t"}, {"id": "j"}, {"id": "k"}),
        answer(200, {"iModel": whole}),
        refusal(404, "iModelNotFound"),
    )

    imodels = await everything(api.imodels.list("t", prefer="representation"))

    assert [imodel.id for imodel in imodels] == ["i", "j"]
    assert all(isinstance(imodel, IModel) and imodel.itwin_id == "t" for imodel in imodels)
    assert transport.requests[0].headers["Prefer"] == "return=representation"


async def test_a_list_of_imodels_is_minimal_unless_asked():
    _, api = scripted(page("iModels", {"id": "i", "displayName": "a"}))

    assert await everything(api.imodels.list("t")) == [IModelSummary(id="i", display_name="a")]


NEW = answer(201, {"iModel": {"id": "i", "state": "notInitialized"}})
READY = answer(200, {"iModel": {"id": "i", "state": "initialized"}})


def creation(state):
    return answer(200, {"createOperation": {"state": state}})


async def test_an_imodel_that_can_be_used_at_once_needs_no_other_request():
    transport, api = scripted(answer(201, {"iModel": {"id": "i", "state": "initialized"}}))

    assert (await api.imodels.create("t", "n")).id == "i"
    assert len(transport.sent) == 1


async def test_create_waits_until_the_imodel_can_be_used():
    states = [creation("scheduled"), creation("waitingForFile"), creation("somethingNew"), creation("successful")]
    transport, api = scripted(NEW, *states, READY)

    imodel = await api.imodels.create("t", "n")

    assert imodel.state == "initialized"
    assert transport.lines[1:] == [*[f"GET {BASE}/imodels/i/operations/create"] * 4, f"GET {BASE}/imodels/i"]
    began = transport.instants[1]
    assert [at - began for at in transport.instants[1:5]] == pytest.approx([0.0, 1.0, 2.5, 4.75])


async def test_create_does_not_wait_if_it_need_not():
    transport, api = scripted(NEW)

    assert (await api.imodels.create("t", "n", timeout=0)).state == "notInitialized"
    assert len(transport.sent) == 1


@each("state", ["failed", "mainIModelIsMissingFederationGuids"])
async def test_an_imodel_that_cannot_be_made_is_an_error(state):
    _, api = scripted(NEW, creation(state))

    with pytest.raises(IModelNotInitializedError, match=rf"never be used \(state {state}\)") as caught:
        await api.imodels.create("t", "n")

    assert (caught.value.imodel_id, caught.value.state) == ("i", state)


async def test_the_wait_for_an_imodel_ends():
    began = anyio.current_time()
    transport, api = scripted(NEW, always=creation("scheduled"))

    with pytest.raises(IModelNotInitializedError, match=r"after 60 s: it is still being made \(state scheduled\)"):
        await api.imodels.create("t", "n", timeout=60)

    assert anyio.current_time() - began <= 60
    assert len(transport.sent) < 15


async def test_an_imodel_that_is_deleted_meanwhile_is_not_found():
    _, api = scripted(NEW, refusal(404, "iModelNotFound"))

    with pytest.raises(NotFoundError):
        await api.imodels.create("t", "n")


async def test_a_caller_may_stop_waiting_for_an_imodel():
    _, api = scripted(NEW, always=After(1.0, creation("scheduled")))

    with anyio.move_on_after(7) as scope:
        await api.imodels.create("t", "n")

    assert scope.cancelled_caught


async def test_a_changeset_may_be_asked_for_by_its_id():
    transport, api = scripted(answer(200, {"changeset": {"id": "abc", "index": 7}}))

    assert (await api.imodels.changesets.get("i", "abc")).index == 7
    assert transport.lines == [f"GET {BASE}/imodels/i/changesets/abc"]


async def test_a_named_version_of_the_beginning_has_no_changeset():
    transport, api = scripted(answer(201, {"namedVersion": {"id": "v", "changesetId": None, "changesetIndex": 0}}))

    version = await api.imodels.named_versions.create("i", "n")

    assert transport.bodies == [{"name": "n"}]
    assert (version.changeset_id, version.changeset_index) == (None, 0)


# iTwins.


@each(
    ("sub_class", "class_"),
    [
        (ITwinSubClass.ACCOUNT, "Account"),
        (ITwinSubClass.ASSET, "Thing"),
        (ITwinSubClass.PORTFOLIO, "Endeavor"),
        (ITwinSubClass.PROGRAM, "Endeavor"),
        (ITwinSubClass.PROJECT, "Endeavor"),
        (ITwinSubClass.WORK_PACKAGE, "Endeavor"),
    ],
)
async def test_the_class_of_an_itwin_follows_from_its_sub_class(sub_class, class_):
    transport, api = scripted(answer(201, {"iTwin": {"id": "t"}}))

    await api.itwins.create("n", sub_class=sub_class)

    assert transport.bodies == [{"displayName": "n", "class": class_, "subClass": sub_class.value}]


async def test_the_class_of_an_itwin_may_be_given():
    transport, api = scripted(answer(201, {"iTwin": {"id": "t"}}))

    await api.itwins.create("n", sub_class=ITwinSubClass("Island"), class_=ITwinClass.THING)

    assert transport.bodies == [{"displayName": "n", "class": "Thing", "subClass": "Island"}]


@each(
    ("wanted", "query"),
    [
        ({"display_name": "White River"}, "displayName=White%20River"),
        ({"number": "7"}, "number=7"),
        ({"display_name": "White River", "number": "7"}, "displayName=White%20River&number=7"),
    ],
)
async def test_an_itwin_is_found_by_name_or_number(wanted, query):
    river = {"id": "t", "displayName": "White River", "number": "7"}
    transport, api = scripted(page("iTwins", river, {"id": "u", "displayName": "White", "number": "77"}))

    assert await api.itwins.find(**wanted) == ITwin(id="t", display_name="White River", number="7")
    assert transport.lines == [f"GET {BASE}/itwins/?{query}"]
    assert transport.requests[0].headers["Prefer"] == "return=representation"


async def test_an_itwin_that_is_not_there_is_none():
    _, api = scripted(page("iTwins"))

    assert await api.itwins.find(number="7") is None


async def test_two_itwins_of_a_name_are_an_error_that_names_them():
    _, api = scripted(page("iTwins", {"id": "t", "displayName": "n"}, {"id": "u", "displayName": "n"}))

    with pytest.raises(AmbiguousNameError, match="2 iTwins have the display_name 'n'") as caught:
        await api.itwins.find(display_name="n")

    assert caught.value.ids == ("t", "u")


async def test_what_is_looked_for_must_be_given():
    _, api = scripted()

    with pytest.raises(InvalidArgumentError, match="display_name or the number"):
        await api.itwins.find()


@each(("prefer", "cls"), [("minimal", ITwinSummary), ("representation", ITwin)])
async def test_a_list_of_itwins_is_as_asked(prefer, cls):
    transport, api = scripted(page("iTwins", {"id": "t", "class": "Endeavor"}))

    (itwin,) = await everything(api.itwins.list(prefer=prefer))

    assert (type(itwin), itwin.class_) == (cls, ITwinClass.ENDEAVOR)
    assert transport.lines == [f"GET {BASE}/itwins/"]


# Webhooks.


async def test_a_webhook_is_of_the_account_unless_an_itwin_is_given():
    made = {"id": "w", "scope": "Account", "active": False, "secret": "s3cret" * 6, "eventTypes": ["e"]}
    transport, api = scripted(answer(201, {"webhook": made}))

    webhook = await api.webhooks.create("https://callback.example/", event_types="e")

    assert transport.bodies == [{"callbackUrl": "https://callback.example/", "scope": "Account", "eventTypes": ["e"]}]
    assert (webhook.scope, webhook.active, webhook.secret) == (WebhookScope.ACCOUNT, False, "s3cret" * 6)
    assert "s3cret" not in repr(webhook)


@each(("call", "active"), [("activate", True), ("deactivate", False)])
async def test_a_webhook_is_switched_on_and_off(call, active):
    transport, api = scripted(answer(200, {"webhook": {"id": "w", "active": active}}))

    assert await getattr(api.webhooks, call)("w") == Webhook(id="w", active=active)
    assert transport.lines == [f"PATCH {BASE}/webhooks/w"]
    assert transport.bodies == [{"active": active}]


@each(
    ("url", "options", "problem"),
    [
        ("http://callback.example/", {}, "https"),
        ("ftp://127.0.0.1/", {}, "https"),
        ("callback.example", {}, "https"),
        ("https://", {}, "https"),
        ("https://[callback/", {}, "https"),
        (None, {}, "https"),
        ("https://callback.example/", {"event_types": []}, "at least one event type"),
        ("https://callback.example/", {"secret": "s3cret"}, "at least 32 characters"),
    ],
)
async def test_a_webhook_that_cannot_be_is_refused_and_nothing_is_sent(url, options, problem):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match=problem) as caught:
        await api.webhooks.create(url, **options)

    assert transport.sent == []
    assert "s3cret" not in str(caught.value)


async def test_an_emulator_may_call_back_on_loopback():
    transport, api = scripted(answer(201, {"webhook": {"id": "w"}}))

    await api.webhooks.create("http://127.0.0.1:8080/")

    assert transport.bodies[0]["callbackUrl"] == "http://127.0.0.1:8080/"


async def test_the_secret_of_a_webhook_is_in_no_error():
    _, api = scripted(answer(201, {"webhook": {"id": 7, "secret": "s3cret" * 6}}))

    with pytest.raises(Exception) as caught:  # noqa: PT011
        await api.webhooks.create("https://callback.example/")

    assert "s3cret" not in str(caught.value)
