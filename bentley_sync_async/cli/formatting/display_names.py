"""Display names: how ids are shown to people, by the names that are known, otherwise shortened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import anyio
from attrs import define, field

from bentley_sync_async import RunRef, StorageTask, SynchronizationClient, SynchronizationError

_TIMEOUT = 5.0  # seconds; names are a convenience and must not delay the output
_SHOWN = 8
_MOST_LOOKED_UP = 10  # files, with a request each


@define
class DisplayNames:
    """The names that are known so far.

    Attributes:
        connections: The names of connections, by id.
        files: The names of files, by their ids in Storage.
        url: Returns the URL of a run; `None` if URLs are not shown.
    """

    connections: dict[str, str] = field(factory=dict)
    files: dict[str, str] = field(factory=dict)
    url: Callable[[RunRef], str] | None = None
    _taken: set[str] = field(init=False, factory=set)

    def learn(self, connection_id: str, name: str | None) -> None:
        """Learn the name of a connection; one that another has, too, is shown with the end of the id.

        Args:
            connection_id: The connection.
            name: Its name; `None` if it has none.
        """
        if name is None or connection_id in self.connections:
            return
        taken = name in self._taken
        self._taken.add(name)
        self.connections[connection_id] = f"{name} (...{connection_id[-_SHOWN:]})" if taken else name

    def connection(self, connection_id: str) -> str:
        """Return the name of a connection, or the end of its id: the beginning is its iModel's."""
        return self.connections.get(connection_id) or f"connection ...{connection_id[-_SHOWN:]}"

    def where(self, ref: RunRef) -> str:
        """Return the URL of a run after a space; an empty text if URLs are not shown."""
        return f" {self.url(ref)}" if self.url is not None else ""

    def run(self, ref: RunRef) -> str:
        """Return a short name of a run."""
        return f"run {ref.run_id[:_SHOWN]} of {self.connection(ref.connection_id)}"

    def file(self, task: StorageTask) -> str:
        """Return the name of a task's file, or the end of an id."""
        if task.storage_file_id is None and task.source_file_id is not None:
            return f"file {task.source_file_id}"
        if task.storage_file_id is None:
            return f"task ...{task.id[-_SHOWN:]}"
        return self.files.get(task.storage_file_id) or f"file ...{task.storage_file_id[-_SHOWN:]}"

    async def fetch(self, client: SynchronizationClient, connection_id: str) -> None:
        """Fetch the names of a connection and of its files, within a few seconds.

        The service knows the name of a file after its first run.
        """
        with anyio.move_on_after(_TIMEOUT):
            async with anyio.create_task_group() as group:
                group.start_soon(self._fetch_connection, client, connection_id)
                group.start_soon(self._fetch_files, client, connection_id)

    # An error here is ignored: the requests of the run itself report what is wrong.

    async def _fetch_connection(self, client: SynchronizationClient, connection_id: str) -> None:
        with suppress(SynchronizationError):
            if name := (await client.storage_connections.get(connection_id)).display_name:
                self.connections[connection_id] = name

    async def _fetch_files(self, client: SynchronizationClient, connection_id: str) -> None:
        new: list[str] = []
        with suppress(SynchronizationError):
            async for file in client.storage_connections.source_files.list(connection_id):
                if file.storage_file_id and file.last_known_file_name:
                    self.files[file.storage_file_id] = file.last_known_file_name
                elif file.storage_file_id:
                    new.append(file.storage_file_id)
            for file_id in new[:_MOST_LOOKED_UP]:  # no run has read them yet, so only Storage knows their names
                if name := (await client.storage.files.get(file_id)).display_name:
                    self.files[file_id] = name
