"""What this package and its tests use of aiohttp without a promise that it stays: each fails here when it changes."""

import inspect

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from support.transport import raw_server

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.transport.http import _Connector

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{"connection": {"id": "c"}} '


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("connect", ["self", "req", "traces", "timeout"]),
        ("_get", ["self", "key", "traces"]),
        ("_create_connection", ["self", "req", "traces", "timeout"]),  # of tests only
    ],
)
def test_the_methods_of_a_connector_are_called_as_before(method, parameters):
    theirs = getattr(aiohttp.TCPConnector, method)
    assert inspect.iscoroutinefunction(theirs)
    assert list(inspect.signature(theirs).parameters) == parameters
    assert list(inspect.signature(getattr(_Connector, method)).parameters) == parameters


def test_a_connection_says_whether_it_should_be_closed():
    assert isinstance(inspect.getattr_static(ResponseHandler, "should_close"), property)
    assert isinstance(inspect.getattr_static(aiohttp.connector.Connection, "protocol"), property)


def test_a_body_says_how_many_bytes_were_sent_of_it():
    assert isinstance(inspect.getattr_static(aiohttp.StreamReader, "total_raw_bytes"), property)


async def test_aiohttp_calls_what_is_replaced(monkeypatch):
    called = []

    def noting(method):
        plain = getattr(_Connector, method)

        async def noted(self, *arguments, **named):
            called.append(method)
            return await plain(self, *arguments, **named)

        return noted

    for method in ("connect", "_get", "_create_connection"):
        monkeypatch.setattr(_Connector, method, noting(method))
    async with raw_server(ANSWER, ANSWER) as server, SynchronizationClient("t", base_url=server.url) as client:
        await client.storage_connections.get("c")
        await client.storage_connections.get("c")
    assert called == ["connect", "_get", "_create_connection", "connect", "_get"]
