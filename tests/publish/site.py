"""A folder of files, an emulator to publish it to, and what came of that."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bentley_sync_async import ClientCredentials, FixedPacing, SynchronizationClient
from bentley_sync_async.emulator import Emulator

ITWIN = "Station West"
MANIFEST = """
[model]
itwin = "Station West"
imodel = "Combined"
folder = "Nightly"
create = true
files_per_connection = %d

[[files]]
path = "**/*.dgn"
"""
PACING = FixedPacing(interval=60, jitter=0)


class Site:
    """A folder of files on this machine, and the service that they are published to.

    Attributes:
        emulator: The service.
        client: A client of it.
        folder: The folder.
        manifest: Its manifest.
        journal: The journal; `None` for none.
    """

    def __init__(self, emulator: Emulator, client: SynchronizationClient, folder: Path, most: int) -> None:
        self.emulator = emulator
        self.client = client
        self.folder = folder
        self.manifest = folder / "publish.toml"
        self.manifest.write_text(MANIFEST % most)
        self.journal: Path | None = folder / "publish.db"

    def write(self, **contents: str) -> None:
        """Write files; `a__b="x"` is `a/b.dgn`."""
        for name, content in contents.items():
            place = self.place(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)

    def place(self, name: str) -> Path:
        return self.folder / f"{name.replace('__', '/')}.dgn"

    def publish(self, **options: Any):
        return self.client.publish(self.manifest, **{"journal": self.journal, "pacing": PACING} | options)

    async def result(self, **options: Any):
        async with self.publish(**options) as publish:
            return await publish.result()

    async def events(self, **options: Any):
        async with self.publish(**options) as publish:
            return [event async for event in publish], publish.report

    def requests(self, since: int = 0) -> Counter[str]:
        """How many requests of each operation there were."""
        return Counter(one.operation or "?" for one in self.emulator.requests[since:])

    async def stored(self) -> dict[str, list[str]]:
        """The contents in Storage of each path that a publish has put there."""
        root = await self.client.storage.root_folder_id((await self.client.itwins.find(display_name=ITWIN)).id)
        found: dict[str, list[str]] = {}
        async for folder in self.client.storage.folders.list(root):
            async for file in self.client.storage.files.list(folder.id):
                path = file.description.partition(" ")[2]
                found.setdefault(path, []).append(self.emulator.file_content(file.id).decode())
        return found

    def expected(self) -> dict[str, list[str]]:
        """The contents of the local files."""
        return {
            place.relative_to(self.folder).as_posix(): [place.read_text()] for place in self.folder.glob("**/*.dgn")
        }

    async def connections(self) -> list[str]:
        """The names of the connections of the iModel."""
        itwin = await self.client.itwins.find(display_name=ITWIN)
        imodel = await self.client.imodels.find(itwin.id, "Combined")
        return sorted([one.display_name async for one in self.client.storage_connections.list(imodel.id)])


@asynccontextmanager
async def site(folder: Path, *, most: int = 250, **options: Any) -> AsyncIterator[Site]:
    """An emulator with an iTwin and a client with the credentials of a service application."""
    plain = {"error_rate": 0.0, "retry_rate": 0.0, "accept_window": 0.0}
    async with Emulator(**plain | options) as emulator:
        emulator.add_itwin(ITWIN)
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=emulator.url) as client:
            yield Site(emulator, client, folder, most)
