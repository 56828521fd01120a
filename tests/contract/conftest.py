"""The real aiohttp transport with a mocked network.

The released aioresponses omits an argument that the current aiohttp requires for every response. `PatchedResponse` adds
the argument; `test_shim.py` fails as soon as this is no longer necessary.
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


class PatchedResponse(ClientResponse):
    def __init__(self, *args, **kwargs):
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


class Service:
    """Answers by method and path, and records the requests."""

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
        """Method, URL and arguments of each request, grouped by method and URL."""
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
    monkeypatch.setattr(core, "ClientResponse", PatchedResponse)
    with aioresponses() as network:
        yield Service(network)


@pytest.fixture
def opened():
    @asynccontextmanager
    async def opened(token=TOKEN, **options):
        async with SynchronizationClient(token, retry=RetryPolicy(attempts=1), **options) as client:
            yield client

    return opened
