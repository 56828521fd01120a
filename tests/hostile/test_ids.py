"""Ids with control characters, path characters or foreign links never change the requested path or host."""

import re

import pytest
from support.hostile import CONNECTION, ROOT, hostile_server, ok
from support.transport import raw_server

from bentley_sync_async import (
    ConnectorType,
    InvalidArgumentError,
    RunRef,
    SourceFileCreate,
    SynchronizationClient,
    SynchronizationError,
)

CONTROL_CHARACTERS = [
    "c\r\nX-Injected: 1",
    "c\nX-Injected: 1",
    "c HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "c\x00",
    "c\u2028d",
    "..",
]
ODD = [
    "../../admin",
    "a/b",
    "a?b=c",
    "a#b",
    "%0d%0aX-Injected:%201",
    "a%2fb",
    "ü",
    "\U0001f600",
    "a;b",
    "a\\b",
    "@evil",
]

OPERATIONS = {
    "watch": lambda client, id_: client.watch(id_).result(),
    "attach": lambda client, id_: client.attach(RunRef(connection_id="c", run_id=id_)).result(),
    "trigger": lambda client, id_: client.storage_connections.runs.trigger(id_),
    "get a run": lambda client, id_: client.storage_connections.runs.get("c", id_),
    "list runs": lambda client, id_: first(client.storage_connections.runs.list(id_)),
    "list connections": lambda client, id_: first(client.storage_connections.list(id_)),
    "get a connection": lambda client, id_: client.storage_connections.get(id_),
    "update": lambda client, id_: client.storage_connections.update(id_, display_name="x", authentication_type="User"),
    "delete": lambda client, id_: client.storage_connections.delete(id_),
    "create": lambda client, id_: client.storage_connections.create(
        id_, [SourceFileCreate("file", ConnectorType.MSTN)], display_name="x\r\nX-Injected: 1"
    ),
    "get a file": lambda client, id_: client.storage_connections.source_files.get("c", id_),
    "remove a file": lambda client, id_: client.storage_connections.source_files.remove(id_, "f"),
    "connections": lambda client, id_: first(client.connections.list(id_)),
}


async def first(listing):
    return [item async for item in listing]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_id_with_control_characters_is_refused_before_any_request(operation):
    async with raw_server() as server, SynchronizationClient("secret-token", base_url=server.url) as client:
        for id_ in CONTROL_CHARACTERS:
            with pytest.raises(InvalidArgumentError):
                await OPERATIONS[operation](client, id_)
        assert server.connections == 0


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_odd_id_is_percent_encoded_and_adds_neither_a_header_nor_a_segment(operation):
    for id_ in ODD:
        refused = b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"
        async with raw_server(refused) as server, SynchronizationClient("secret-token", base_url=server.url) as client:
            with pytest.raises(SynchronizationError):
                await OPERATIONS[operation](client, id_)
            head = server.requests[0].partition(b"\r\n\r\n")[0]
            assert not re.search(rb"(?im)^x-injected", head)
            assert len(re.findall(rb"(?im)^(?:host|authorization):", head)) == 2
            path, _, query = server.targets[0].partition("?")
            assert re.fullmatch(r"[\w\-.~%/$]*", path)
            assert ".." not in path.split("/")
            assert path.count("/") <= 7
            assert query.count("=") <= 1 + query.count("%24") + query.count("$")


@pytest.mark.parametrize("id_", ["x\r\nX-Injected: 1", "..", "", "http://evil.example/", "x" * 5000])
async def test_an_invalid_id_in_an_answer_is_refused(id_):
    async with hostile_server() as server, SynchronizationClient("secret-token", base_url=server.url) as client:
        server.set("runs", ok({"runs": [{"id": id_, "state": "Completed"}]}))
        with pytest.raises(SynchronizationError):
            await first(client.storage_connections.runs.list(CONNECTION, prefer="representation"))
        assert server.targets == [f"{ROOT}/{CONNECTION}/runs"]


async def test_an_odd_id_in_an_answer_stays_one_segment():
    async with hostile_server() as server, SynchronizationClient("secret-token", base_url=server.url) as client:
        server.set("runs", ok({"runs": [{"id": "../../../admin?x#y", "state": "Completed"}]}))
        await first(client.storage_connections.runs.list(CONNECTION, prefer="representation"))
        assert server.targets[1] == f"{ROOT}/{CONNECTION}/runs/..%2F..%2F..%2Fadmin%3Fx%23y"


async def test_foreign_paging_links_are_never_requested():
    async with hostile_server() as server, SynchronizationClient("secret-token", base_url=server.url) as client:
        evil = {"href": f"{server.attacker.url}/x?$top=1&$skip=1"}
        pages = [
            ok(
                {
                    "runs": [{"id": f"r{n}", "state": "Completed"}],
                    "_links": dict.fromkeys(["self", "next", "prev"], evil),
                }
            )
            for n in range(3)
        ]
        server.set("runs", *pages, ok({"runs": []}))
        runs = await first(client.storage_connections.runs.list(CONNECTION))
        assert [run.id for run in runs] == ["r0", "r1", "r2"]
        assert server.strays() == []
