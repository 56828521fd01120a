"""The emulated platform: the products, each with its own store, and what they share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import attrs

from .background import Background
from .blobs.containers import Content, LocalContainer, container_of
from .blobs.operations import operations as blob_operations
from .blobs.store import BlobStore
from .context import Context
from .imodels.routes import operations as imodel_operations
from .imodels.store import IModels
from .itwins.routes import operations as itwin_operations
from .itwins.store import ITwins
from .platform.accounts import Accounts
from .platform.clock import Clock
from .platform.routing import Operation
from .scenario import Scenario
from .settings import Settings
from .storage.items import root_folder_id
from .storage.routes import operations as storage_operations
from .storage.store import Storage
from .synchronization.routes import operations as synchronization_operations
from .synchronization.store import Store
from .users.operations import Users
from .users.operations import operations as user_operations
from .webhooks.operations import operations as webhook_operations
from .webhooks.store import Webhooks


class World:
    """All state of an emulator that requests can change.

    Attributes:
        context: Options, clock and ids.
        background: What works between requests.
        itwins: The iTwins.
        imodels: The iModels.
        blobs: The content of files.
        storage: Folders and files.
        synchronization: Connections, runs, and the rules that script runs.
        accounts: The people and applications that have had a token.
        webhooks: The webhooks that requests have created.
    """

    def __init__(self, settings: Settings, scenario: Scenario, blob_folder: Path | None = None) -> None:
        self.context = Context(settings)
        self.background = Background()
        self.itwins = ITwins(self.context)
        self.imodels = IModels(self.context, self.itwins)
        self.blobs = BlobStore(blob_folder)
        self._container = container_of(self.context, self.blobs)
        self.storage = Storage(self.context, self.itwins, self._container)
        self.synchronization = Store(
            self.context,
            self.imodels,
            self.storage,
            map(attrs.evolve, scenario.run_rules),
            map(attrs.evolve, scenario.file_rules),
            scenario.file_names,
        )
        self.accounts = Accounts()
        self.webhooks = Webhooks(self.context, self.itwins, self.synchronization, self.background)

    def start(self, *, start: datetime | None = None, elapsed: float = 0.0) -> None:
        """Start the clock, on request as the one of a kept state."""
        settings = self.context.settings
        self.context.clock = Clock(settings.speed, start or settings.start, elapsed)

    async def close(self) -> None:
        """Stop what works between requests, and delete the temporary blobs."""
        await self.background.close()
        self.blobs.close()

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of all products."""
        own_blobs = blob_operations(self._container) if isinstance(self._container, LocalContainer) else ()
        return (
            *synchronization_operations(
                self.synchronization
            ),  # first, as its paths begin with /synchronization/imodels
            *itwin_operations(self.itwins),
            *imodel_operations(self.imodels, self.accounts),
            *storage_operations(self.storage),
            *user_operations(Users(context=self.context, accounts=self.accounts)),
            *webhook_operations(self.webhooks),
            *own_blobs,
        )

    def add_file(self, itwin_id: str, name: str, content: bytes, folder_id: str | None) -> str:
        """Create a file with content in the emulator's own blob store, and return its id.

        Raises:
            LookupError: There is no such folder.
        """
        folder = self.storage.folder(folder_id or root_folder_id(itwin_id))
        if folder is None:
            raise LookupError(f"There is no folder {folder_id}." if folder_id else f"There is no iTwin {itwin_id}.")
        file = self.storage.create("file", folder, name)
        self.set_content(file.id, content)
        return file.id

    def set_content(self, file_id: str, content: bytes) -> None:
        """Give a file other content, as an upload does."""
        file = self.storage.state.items[file_id]
        file.uploads += 1
        blob = self.blobs.put_bytes(file.pending_blob, content, self.context.running_clock.http_date())
        self.storage.complete(file, Content(size=blob.size, etag=blob.etag, is_zip=self.blobs.is_zip(blob)))

    def content(self, file_id: str) -> bytes:
        """Return the content of a file.

        Raises:
            LookupError: There is no such file, it has no content, or another blob store has it.
        """
        file = self.storage.file(file_id)
        blob = self.blobs.state.blobs.get(file.blob or "") if file is not None else None
        if blob is None:
            raise LookupError(f"There is no content of file {file_id} here.")
        return b"".join(self.blobs.read(blob))
