"""The real aiohttp transport, with the network taken away right below it.

The released aioresponses does not know an argument that today's aiohttp demands of every response. `MendedResponse`
gives it; `test_shim.py` fails on the day that it is no longer needed.
"""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiohttp import ClientResponse
from aioresponses import aioresponses, core
from yarl import URL

from bentley_sync_async import RetryPolicy, SynchronizationClient

ROOT = "https://api.bentley.com"
TOKEN = "t0k3n"


class MendedResponse(ClientResponse):
    def __init__(self, *args, **kwargs):
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


class Service:
    """Answers by method and path, and remembers what was asked."""

    def __init__(self, network):
        self._network = network

    def answers(self, method, where, *, status=200, body=b"", headers=None, content_type="application/json"):
        self._network.add(
            where if "://" in where else f"{ROOT}/synchronization/{where}",
            method,
            status=status,
            body=body,
            headers=headers,
            content_type=content_type,
        )

    @property
    def requests(self):
        """Method, URL and arguments of each request, in the order of the first of each kind."""
        return [
            (method, str(url), call.kwargs) for (method, url), calls in self._network.requests.items() for call in calls
        ]

    @property
    def only_request(self):
        (request,) = self.requests
        return request

    def sent_to(self, method, path):
        (call,) = self._network.requests[method, URL(f"{ROOT}/synchronization/{path}")]
        return call.kwargs


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setattr(core, "ClientResponse", MendedResponse)
    with aioresponses() as network:
        yield Service(network)


@pytest.fixture
def opened():
    @asynccontextmanager
    async def opened(token=TOKEN, **options):
        async with SynchronizationClient(token, retry=RetryPolicy(attempts=1), **options) as client:
            yield client

    return opened
