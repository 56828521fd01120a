"""A plain HTTP client of the emulator, which shares no code with the package's own."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bentley_sync_async.emulator import Emulator

# Before its first test, pytest-asyncio gets the current loop. Python below 3.14 then creates one that is never closed,
# which is a ResourceWarning in some later test. Python creates none if a current loop was set before, even to None.
asyncio.set_event_loop(None)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def details(self):
        return [(detail["code"], detail.get("target")) for detail in self.error["details"]]


class Api:
    def __init__(self, emulator, session):
        self.emulator = emulator
        self.token = emulator.token()
        self._session = session

    async def send(self, method, path, *, headers=None, **options):
        if "authorization" not in {name.lower() for name in headers or {}}:
            headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        url = path if path.startswith("http") else self.emulator.url + path
        sending = self._session.request(method, url, headers=headers, allow_redirects=False, **options)
        async with sending as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path, **options):
        return await self.send("GET", path, **options)

    async def post(self, path, **options):
        return await self.send("POST", path, **options)

    async def put(self, path, **options):
        return await self.send("PUT", path, **options)

    async def delete(self, path, **options):
        return await self.send("DELETE", path, **options)

    async def patch(self, path, **options):
        return await self.send("PATCH", path, **options)

    async def blob(self, method, url, **options):
        """Send a request to a signed URL, without the token."""
        async with self._session.request(method, url, **options) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def trigger(self, connection_id):
        return await self.post(f"{CONNECTIONS}/{connection_id}/run")

    async def run(self, run):
        return (await self.get(run.path)).json["run"]


CONNECTIONS = "/synchronization/imodels/storageconnections"


@asynccontextmanager
async def serving(**options):
    async with (
        Emulator(**{"error_rate": 0, "retry_rate": 0, **options}) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield Api(emulator, session)


@pytest.fixture(name="serving")
def serving_fixture():
    return serving


@pytest.fixture
def connections():
    return CONNECTIONS


@pytest.fixture
def full_items():
    return {"headers": {"Prefer": "return=representation"}}
