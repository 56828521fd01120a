"""A folder that keeps the state of an emulator over restarts: a JSON document, and the content of files.

The document is written to another name and renamed, so that a crash leaves the one before. Its parts are the stores'
own classes. Time goes on while no emulator runs, as that of the service does: a run that was going on has ended when
the emulator starts again late enough. Tokens are not kept, as they expire within the hour.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from attrs import define, field
from cattrs import Converter
from cattrs.errors import BaseValidationError
from cattrs.strategies import configure_union_passthrough

from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import OpenEnum
from bentley_sync_async.models.configurations import SettingValue

from .blobs.store import BlobState
from .imodels.store import IModelState
from .itwins.store import ITwinState
from .platform.accounts import Account
from .storage.store import StorageState
from .synchronization.kept import SynchronizationState, kept, restore
from .webhooks.store import Subscription
from .world import World

_INTERVAL = 0.5  # seconds of the event loop between two writes


@define(kw_only=True)
class Document:
    """The state of an emulator.

    Attributes:
        format: Version of this document.
        generation: How often the state was loaded, so that new ids differ from earlier ones.
        start: The start of the emulator's clock.
        elapsed: Seconds that the clock had measured when the document was written.
        accounts: The people and applications that have had a token, by their id.
    """

    format: int = 1
    generation: int = 0
    start: datetime
    elapsed: float
    itwins: ITwinState = field(factory=ITwinState)
    imodels: IModelState = field(factory=IModelState)
    storage: StorageState = field(factory=StorageState)
    blobs: BlobState = field(factory=BlobState)
    webhooks: dict[str, Subscription] = field(factory=dict)
    accounts: dict[str, Account] = field(factory=dict)
    synchronization: SynchronizationState = field(factory=SynchronizationState)


class StateFolder:
    """A folder with the state of an emulator.

    Attributes:
        blobs: The folder with the content of files.
    """

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs"
        self._document = folder / "state.json"
        self._generation = 0
        self._loaded = False
        self._saving = False

    def load(self, world: World) -> None:
        """Start the emulator's clock and restore what is kept.

        Raises:
            ConfigurationError: The folder cannot be used, or holds something else.
        """
        document = self._read()
        self._loaded = True
        if document is None:
            world.start()
            return
        elapsed = document.elapsed
        if world.context.settings.start is None:
            elapsed = max(elapsed, (datetime.now(UTC) - document.start).total_seconds())
        world.start(start=document.start, elapsed=elapsed)
        self._generation = document.generation + 1
        world.context.renew_ids(self._generation)
        world.itwins.state, world.imodels.state = document.itwins, document.imodels
        world.storage.state = document.storage
        world.blobs.restore(document.blobs)
        world.webhooks.subscriptions, world.accounts.by_subject = document.webhooks, document.accounts
        restore(world.synchronization, document.synchronization)
        world.webhooks.activated()

    def changed(self, world: World) -> None:
        """Write the document soon."""
        if not self._saving:
            self._saving = True

            async def save() -> None:
                await anyio.sleep(_INTERVAL)
                self._saving = False
                self.save(world)

            world.background.start(save)

    def save(self, world: World) -> None:
        """Write the document now; nothing is written before the state was loaded."""
        if not self._loaded:
            return
        document = Document(
            generation=self._generation,
            start=world.context.running_clock.start,
            elapsed=world.context.elapsed(),
            itwins=world.itwins.state,
            imodels=world.imodels.state,
            storage=world.storage.state,
            blobs=world.blobs.state,
            webhooks=world.webhooks.subscriptions,
            accounts=world.accounts.by_subject,
            synchronization=kept(world.synchronization),
        )
        text = json.dumps(_CONVERTER.unstructure(document), separators=(",", ":"))
        part = self._document.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(self._document)

    def _read(self) -> Document | None:
        folder = self._document.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = self._document.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise ConfigurationError(f"{folder} cannot keep the state: {exc.strerror}.") from exc
        try:
            return _CONVERTER.structure(json.loads(text), Document)
        except (ValueError, TypeError, KeyError, BaseValidationError) as exc:
            raise ConfigurationError(
                f"{self._document} is not the state of an emulator of this version; use another folder, or delete it."
            ) from exc


def _converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook_func(_is_open_enum, lambda value, kind: kind(value))
    converter.register_unstructure_hook_func(_is_open_enum, str)
    configure_union_passthrough(SettingValue, converter)
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    return converter


def _is_open_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, OpenEnum)


_CONVERTER = _converter()
