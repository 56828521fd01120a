"""No id can change the path or the host of a request."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.neighbours.odd_ids import REFUSED, SEGMENTS
from support.quick import each
from support.transport import answer, client_of, emulated, http, raw_server, refusal, scripted

from bentley_sync_async import ManifestFile
from bentley_sync_async.errors import APIError, InvalidArgumentError
from bentley_sync_async.models import AuthenticationType, ConnectorType, RunRef, SourceFileCreate
from bentley_sync_async.wire.ids import path_segment

FILE = SourceFileCreate("f", ConnectorType.MSTN)


async def everything(listing):
    return [item async for item in listing]


IN_PATHS = {
    "get": lambda api, x: api.storage_connections.get(x),
    "update": lambda api, x: api.storage_connections.update(x, display_name="n"),
    "delete": lambda api, x: api.storage_connections.delete(x),
    "list files": lambda api, x: everything(api.storage_connections.source_files.list(x)),
    "list whole files": lambda api, x: everything(
        api.storage_connections.source_files.list(x, prefer="representation")
    ),
    "add file": lambda api, x: api.storage_connections.source_files.add(x, FILE),
    "get file of": lambda api, x: api.storage_connections.source_files.get(x, "s"),
    "get file": lambda api, x: api.storage_connections.source_files.get("c", x),
    "update file": lambda api, x: api.storage_connections.source_files.update("c", x, connector_type=ConnectorType.IFC),
    "remove file": lambda api, x: api.storage_connections.source_files.remove("c", x),
    "trigger": lambda api, x: api.storage_connections.runs.trigger(x),
    "list runs": lambda api, x: everything(api.storage_connections.runs.list(x)),
    "list whole runs": lambda api, x: everything(api.storage_connections.runs.list(x, prefer="representation")),
    "get run of": lambda api, x: api.storage_connections.runs.get(x, "r"),
    "get run": lambda api, x: api.storage_connections.runs.get("c", x),
    "look": lambda api, x: api.storage_connections.runs.reader(RunRef(connection_id="c", run_id=x)).read(),
}
IN_QUERIES = {
    "list": lambda api, x: everything(api.storage_connections.list(x)),
    "list whole": lambda api, x: everything(api.storage_connections.list(x, prefer="representation")),
    "list of all kinds": lambda api, x: everything(api.connections.list(x)),
}
IN_BODIES = {
    "create on": lambda api, x: api.storage_connections.create(x, [FILE]),
    "create of": lambda api, x: api.storage_connections.create("i", [SourceFileCreate(x, ConnectorType.MSTN)]),
    "add": lambda api, x: api.storage_connections.source_files.add("c", SourceFileCreate(x, ConnectorType.MSTN)),
}

MANIFEST = (ManifestFile(id="f", name="a.dgn", url="https://blobs.example/a", connector_type=ConnectorType.MSTN),)
IN_PATHS |= {
    "get manifest": lambda api, x: api.manifest_connections.get(x),
    "update manifest": lambda api, x: api.manifest_connections.update(
        x, display_name="n", authentication_type=AuthenticationType.SERVICE
    ),
    "delete manifest": lambda api, x: api.manifest_connections.delete(x),
    "list manifest files": lambda api, x: everything(api.manifest_connections.source_files.list(x)),
    "add manifest file": lambda api, x: api.manifest_connections.source_files.add(x, "f"),
    "get manifest file": lambda api, x: api.manifest_connections.source_files.get("c", x),
    "update manifest file": lambda api, x: api.manifest_connections.source_files.update("c", x, "f"),
    "remove manifest file": lambda api, x: api.manifest_connections.source_files.remove("c", x),
    "trigger manifest": lambda api, x: api.manifest_connections.runs.trigger(x, MANIFEST),
    "list manifest runs": lambda api, x: everything(api.manifest_connections.runs.list(x)),
    "get manifest run": lambda api, x: api.manifest_connections.runs.get("c", x),
}
IN_QUERIES |= {"list manifest": lambda api, x: everything(api.manifest_connections.list(x))}
IN_BODIES |= {
    "create manifest on": lambda api, x: api.manifest_connections.create(x, ["f"]),
    "create manifest of": lambda api, x: api.manifest_connections.create("i", [x]),
    "add to manifest": lambda api, x: api.manifest_connections.source_files.add("c", x),
}

CALLS = {**IN_PATHS, **IN_QUERIES, **IN_BODIES}


@pytest.mark.parametrize("name", CALLS)
@each("bad", REFUSED)
async def test_what_can_be_no_id_is_refused_and_nothing_is_sent(name, bad):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError):
        await CALLS[name](api, bad)

    assert transport.sent == []


@pytest.mark.parametrize("name", IN_PATHS)
@each("odd", SEGMENTS)
async def test_an_odd_id_takes_the_place_of_a_plain_one_and_changes_nothing_else(name, odd):
    urls = []
    for text in ("PLAIN", odd):
        transport, api = scripted(refusal(422))
        with pytest.raises(APIError):
            await IN_PATHS[name](api, text)
        urls.append(transport.requests[0].url)

    plain, strange = (url.split("/") for url in urls)
    assert [unquote(segment) for segment in strange] == [odd if segment == "PLAIN" else segment for segment in plain]
    assert not set("?#") & set(urls[1])


@pytest.mark.parametrize("name", IN_QUERIES)
@each("odd", SEGMENTS)
async def test_an_odd_id_in_a_query_is_one_value(name, odd):
    transport, api = scripted(answer(200, {"connections": []}))

    await IN_QUERIES[name](api, odd)

    parts = urlsplit(transport.requests[0].url)
    name_of_it, _, value = parts.query.partition("=")
    assert (parts.netloc, parts.fragment, name_of_it, unquote(value)) == ("api.example", "", "imodelId", odd)
    assert not set("&+#?") & set(value)


@each("odd", SEGMENTS)
async def test_an_odd_id_is_one_segment_on_the_wire(odd):
    async with raw_server(http("404 Not Found")) as server, client_of(server) as api:
        with pytest.raises(APIError):
            await api.storage_connections.get(odd)

    prefix, _, last = server.targets[0].rpartition("/")
    assert (prefix, unquote(last)) == ("/synchronization/imodels/storageconnections", odd)


@each("odd", ["../x", "a/b", "%2e%2e", "%2F..%2F.."])
async def test_an_odd_id_reaches_no_other_operation_of_the_emulator(odd):
    async with emulated() as (emulator, api):
        with pytest.raises(APIError):
            await api.storage_connections.get(odd)

        assert emulator.requests[0].operation in {None, "get-storage-connection"}


@given(st.text(min_size=1, max_size=40))
def test_every_text_is_refused_or_one_segment(text):
    try:
        segment = path_segment(text, "id")
    except InvalidArgumentError:
        return

    parts = urlsplit(f"https://api.example/x/{segment}/y")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "x", text, "y"]


@each("name", ["connection_id", "imodel_id", "source_file_id", "run_id", "storage_file_id"])
async def test_a_refusal_names_the_argument(name):
    _, api = scripted()
    call = {
        "connection_id": lambda: api.storage_connections.get(""),
        "imodel_id": lambda: everything(api.connections.list("")),
        "source_file_id": lambda: api.storage_connections.source_files.get("c", ""),
        "run_id": lambda: api.storage_connections.runs.get("c", ""),
        "storage_file_id": lambda: api.storage_connections.create("i", [SourceFileCreate("", "MSTN")]),
    }[name]

    with pytest.raises(InvalidArgumentError, match=f"^{name} is empty"):
        await call()
