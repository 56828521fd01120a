"""No id of the neighbouring products can change the path or the host of a request."""

from urllib.parse import unquote, urlsplit

import pytest
from support.neighbours.odd_ids import REFUSED, SEGMENTS
from support.quick import each
from support.transport import answer, refusal, scripted

from bentley_sync_async.errors import APIError, InvalidArgumentError


async def everything(listing):
    return [item async for item in listing]


IN_PATHS = {
    "list folders": lambda api, x: everything(api.storage.folders.list(x)),
    "list items": lambda api, x: everything(api.storage.folders.list_items(x)),
    "search": lambda api, x: everything(api.storage.folders.search(x, "n")),
    "create folder": lambda api, x: api.storage.folders.create(x, "n"),
    "get folder": lambda api, x: api.storage.folders.get(x),
    "update folder": lambda api, x: api.storage.folders.update(x, display_name="n"),
    "delete folder": lambda api, x: api.storage.folders.delete(x),
    "list files of a folder": lambda api, x: everything(api.storage.files.list(x)),
    "upload": lambda api, x: api.storage.files.upload(x, b"", display_name="n"),
    "create stored file": lambda api, x: api.storage.files.create(x, "n"),
    "update content": lambda api, x: api.storage.files.update_content(x, b""),
    "begin update": lambda api, x: api.storage.files.begin_update(x),
    "complete": lambda api, x: api.storage.files.complete(x),
    "download": lambda api, x: api.storage.files.download(x, "target"),
    "get stored file": lambda api, x: api.storage.files.get(x),
    "update stored file": lambda api, x: api.storage.files.update(x, display_name="n"),
    "delete stored file": lambda api, x: api.storage.files.delete(x),
    "restore file": lambda api, x: api.storage.recycle_bin.restore_file(x),
    "restore folder": lambda api, x: api.storage.recycle_bin.restore_folder(x),
    "delete file for good": lambda api, x: api.storage.recycle_bin.delete_file(x),
    "delete folder for good": lambda api, x: api.storage.recycle_bin.delete_folder(x),
    "get imodel": lambda api, x: api.imodels.get(x),
    "creation": lambda api, x: api.imodels.creation(x),
    "update imodel": lambda api, x: api.imodels.update(x, name="n"),
    "delete imodel": lambda api, x: api.imodels.delete(x),
    "list changesets": lambda api, x: everything(api.imodels.changesets.list(x)),
    "get changeset of": lambda api, x: api.imodels.changesets.get(x, 1),
    "get changeset": lambda api, x: api.imodels.changesets.get("i", x if x != 7 else None),
    "list named versions": lambda api, x: everything(api.imodels.named_versions.list(x)),
    "get named version of": lambda api, x: api.imodels.named_versions.get(x, "v"),
    "get named version": lambda api, x: api.imodels.named_versions.get("i", x),
    "create named version": lambda api, x: api.imodels.named_versions.create(x, "n"),
    "get itwin": lambda api, x: api.itwins.get(x),
    "update itwin": lambda api, x: api.itwins.update(x, number="n"),
    "delete itwin": lambda api, x: api.itwins.delete(x),
    "get webhook": lambda api, x: api.webhooks.get(x),
    "activate": lambda api, x: api.webhooks.activate(x),
    "deactivate": lambda api, x: api.webhooks.deactivate(x),
    "delete webhook": lambda api, x: api.webhooks.delete(x),
}
OF_ITWINS = {
    "top level": (lambda api, x: everything(api.storage.list(x)), "items"),
    "recycle bin": (lambda api, x: everything(api.storage.recycle_bin.list(x)), "items"),
    "list imodels": (lambda api, x: everything(api.imodels.list(x)), "iModels"),
    "list whole imodels": (lambda api, x: everything(api.imodels.list(x, prefer="representation")), "iModels"),
}
ELSEWHERE = {
    "create imodel": lambda api, x: api.imodels.create(x, "n"),
    "name changeset": lambda api, x: api.imodels.named_versions.create("i", "n", changeset_id=x or ""),
    "create itwin": lambda api, x: api.itwins.create("n", parent_id=x or ""),
    "create webhook": lambda api, x: api.webhooks.create("https://callback.example/", itwin_id=x or ""),
    "find imodel": lambda api, x: api.imodels.find(x, "n"),
    "root folder": lambda api, x: api.storage.root_folder_id(x),
    "list itwins": lambda api, x: everything(api.itwins.list(parent_id=x or "")),
}


CALLS = {**IN_PATHS, **ELSEWHERE, **{name: call for name, (call, _) in OF_ITWINS.items()}}


@each("name", CALLS)
async def test_what_can_be_no_id_is_refused_and_nothing_is_sent(name):
    transport, api = scripted()

    for bad in REFUSED:
        with pytest.raises(InvalidArgumentError):
            await CALLS[name](api, bad)

    assert transport.sent == []


@each("name", IN_PATHS)
async def test_an_odd_id_takes_the_place_of_a_plain_one_and_changes_nothing_else(name):
    transport, api = scripted(always=refusal(422))
    for text in ("PLAIN", *SEGMENTS):
        with pytest.raises(APIError):
            await IN_PATHS[name](api, text)

    plain, *strange = (request.url.partition("?")[0].split("/") for request in transport.requests)
    for odd, segments in zip(SEGMENTS, strange, strict=True):
        assert [unquote(segment) for segment in segments] == [odd if part == "PLAIN" else part for part in plain]
        assert "#" not in "".join(segments)


@each("name", OF_ITWINS)
async def test_an_odd_id_of_an_itwin_is_one_value(name):
    call, key = OF_ITWINS[name]
    transport, api = scripted(always=answer(200, {key: []}))
    for odd in SEGMENTS:
        await call(api, odd)

    for odd, request in zip(SEGMENTS, transport.requests, strict=True):
        parts = urlsplit(request.url)
        name_of_it, _, value = parts.query.partition("=")
        assert (parts.netloc, parts.fragment, name_of_it, unquote(value)) == ("api.example", "", "iTwinId", odd)
        assert not set("&+#?") & set(value)


@each(
    ("name", "call"),
    [
        ("folder_id", lambda api: api.storage.folders.get("")),
        ("parent_id", lambda api: api.storage.folders.create("", "n")),
        ("file_id", lambda api: api.storage.files.get("")),
        ("itwin_id", lambda api: api.itwins.get("")),
        ("imodel_id", lambda api: api.imodels.get("")),
        ("id_or_index", lambda api: api.imodels.changesets.get("i", "")),
        ("named_version_id", lambda api: api.imodels.named_versions.get("i", "")),
        ("webhook_id", lambda api: api.webhooks.get("")),
    ],
)
async def test_a_refusal_names_the_argument(name, call):
    _, api = scripted()

    with pytest.raises(InvalidArgumentError, match=f"^{name} is empty"):
        await call(api)


@each("index", [0, -1, True - 1])
async def test_a_changeset_has_no_index_below_1(index):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match="at least 1"):
        await api.imodels.changesets.get("i", index)

    assert transport.sent == []
