"""How ids are shown to people: by the names that are known, else shortened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import anyio
from attrs import define, field

from bentley_sync_async import RunRef, StorageTask, SynchronizationClient, SynchronizationError

_PATIENCE = 5.0  # seconds; names are a comfort, and nobody waits long for one
_SHOWN = 8


@define
class DisplayNames:
    """The names that are known so far.

    Attributes:
        connections: Names of connections, by id.
        files: Names of files, by their ids in Storage.
        url: Returns the URL of a run, if such is to be shown.
    """

    connections: dict[str, str] = field(factory=dict)
    files: dict[str, str] = field(factory=dict)
    url: Callable[[RunRef], str] | None = None

    def connection(self, connection_id: str) -> str:
        """Return the name of a connection, or the end of its id: the beginning is its iModel's."""
        return self.connections.get(connection_id) or f"connection ...{connection_id[-_SHOWN:]}"

    def where(self, ref: RunRef) -> str:
        """Return the URL of a run with a space before it, or nothing if none is to be shown."""
        return f" {self.url(ref)}" if self.url is not None else ""

    def run(self, ref: RunRef) -> str:
        """Return what a run is called."""
        return f"run {ref.run_id[:_SHOWN]} of {self.connection(ref.connection_id)}"

    def file(self, task: StorageTask) -> str:
        """Return the name of a task's file, or the end of an id."""
        if task.storage_file_id is None:
            return f"task ...{task.id[-_SHOWN:]}"
        return self.files.get(task.storage_file_id) or f"file ...{task.storage_file_id[-_SHOWN:]}"

    async def learn(self, client: SynchronizationClient, connection_id: str) -> None:
        """Ask for the names of a connection and of its files, as far as they can be had quickly.

        The service knows the name of a file since the first run that had it.
        """
        with anyio.move_on_after(_PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(self._learn_connection, client, connection_id)
                group.start_soon(self._learn_files, client, connection_id)

    # The run matters, and its own requests say what is wrong: an error here does not.

    async def _learn_connection(self, client: SynchronizationClient, connection_id: str) -> None:
        with suppress(SynchronizationError):
            if name := (await client.storage_connections.get(connection_id)).display_name:
                self.connections[connection_id] = name

    async def _learn_files(self, client: SynchronizationClient, connection_id: str) -> None:
        with suppress(SynchronizationError):
            async for file in client.storage_connections.source_files.list(connection_id):
                if file.storage_file_id and file.last_known_file_name:
                    self.files[file.storage_file_id] = file.last_known_file_name
