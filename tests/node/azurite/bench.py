"""An emulator whose upload URLs lead to Azurite, through a proxy that breaks connections."""

from __future__ import annotations

import base64
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Unpack

import anyio
from anyio.abc import SocketAttribute, SocketStream
from attrs import define, field
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob.aio import ContainerClient

from bentley_sync_async import RateTier, SynchronizationClient
from bentley_sync_async.emulator import Emulator
from bentley_sync_async.emulator.settings import Options
from bentley_sync_async.resources.storage.files import Files

ACCOUNT, KEY = "emulated", base64.b64encode(os.urandom(32)).decode()


async def cut() -> None:
    """End a connection of the proxy."""
    raise anyio.BrokenResourceError


@define
class Proxy:
    """Passes bytes on, and breaks what a test wants.

    Attributes:
        target: The port behind it.
        passed: The bytes that have come from the client (`up`) and that go to it (`down`), on all connections.
        faults: What happens once, when so many bytes have passed: it may cut the connection, or take a while.
    """

    target: int
    passed: Counter[str] = field(factory=Counter)
    faults: list[tuple[str, int, Callable[[], Awaitable[None]]]] = field(factory=list)

    async def __call__(self, client: SocketStream) -> None:
        async with (
            client,
            await anyio.connect_tcp("127.0.0.1", self.target) as store,
            anyio.create_task_group() as both,
        ):
            both.start_soon(self._pass, client, store, "up", both.cancel_scope)
            both.start_soon(self._pass, store, client, "down", both.cancel_scope)

    async def _pass(self, source: SocketStream, sink: SocketStream, way: str, scope: anyio.CancelScope) -> None:
        try:
            async for chunk in source:
                self.passed[way] += len(chunk)
                for fault in [one for one in self.faults if one[0] == way and one[1] <= self.passed[way]]:
                    self.faults.remove(fault)
                    await fault[2]()
                await sink.send(chunk)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()


@define
class Bench:
    """What a test works with.

    Attributes:
        files: Files in Storage, by the package's client.
        folder_id: The root folder of an iTwin.
        container: Azurite's container, by its own key and not through the proxy.
        proxy: What is between the client and Azurite.
    """

    files: Files
    folder_id: str
    container: ContainerClient
    proxy: Proxy

    async def stored(self) -> list[int]:
        """Return the numbers of blocks of all blobs; 0 for a blob that was sent in one."""
        blobs = [self.container.get_blob_client(blob.name) async for blob in self.container.list_blobs()]
        return [len((await blob.get_block_list())[0]) for blob in blobs]


@asynccontextmanager
async def bench(port: int, **options: Unpack[Options]) -> AsyncGenerator[Bench]:
    """Serve an emulator whose upload URLs lead through a proxy to an empty container of Azurite."""
    name, proxy = f"c{time.monotonic_ns()}", Proxy(port)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    options["blob_url"] = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/{ACCOUNT}/{name}"
    store = f"http://127.0.0.1:{port}/{ACCOUNT}"
    async with (
        ContainerClient(store, name, credential=AzureNamedKeyCredential(ACCOUNT, KEY)) as container,
        Emulator(blob_key=KEY, tier="unlimited", **options) as emulator,
        SynchronizationClient(emulator.token(), base_url=emulator.url, rate_tier=RateTier.UNLIMITED) as client,
        listener,
        anyio.create_task_group() as group,
    ):
        await container.create_container()
        group.start_soon(listener.serve, proxy)
        folder_id = await client.storage.root_folder_id(emulator.add_itwin())
        yield Bench(client.storage.files, folder_id, container, proxy)
        group.cancel_scope.cancel()
