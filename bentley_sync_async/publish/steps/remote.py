"""What Storage and the iModel's connections hold of earlier publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, frozen

from bentley_sync_async.errors import NotFoundError, ProtocolError
from bentley_sync_async.models import SourceFile
from bentley_sync_async.models.platform import StorageFile
from bentley_sync_async.publish.plan import PublishedConnection, PublishedFile
from bentley_sync_async.publish.state import PublishState, StoredFile, Target
from bentley_sync_async.resources.storage.storage import Storage
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.wire.locations import run_ref

from .descriptions import read_description, short_path
from .planning import is_connection_name

_PAGE = 1000  # the most that Storage returns at a time


@frozen(kw_only=True)
class Remote:
    """What is there.

    Attributes:
        files: The files of earlier publishes in the folder.
        connections: The connections of earlier publishes.
        other_connections: How many other connections the iModel has; `None` if they were not listed.
    """

    files: tuple[PublishedFile, ...]
    connections: tuple[PublishedConnection, ...]
    other_connections: int | None = None


@frozen(kw_only=True)
class _Connection:
    """A connection of a publish, with its source files by the file in Storage."""

    connection_id: str
    display_name: str
    source_files: Mapping[str, SourceFile]
    last_run: str | None = None


class RemoteReader:
    """Reads what is there, with as few requests as possible.

    What this machine remembers costs a request for each thousand files, and one for each connection. What it does not
    remember costs a list of the iModel's connections, and one more request for each connection.
    """

    def __init__(
        self, storage: Storage, connections: StorageConnections, state: PublishState, target: Target, folder: str
    ) -> None:
        """Set where to read; nothing is sent."""
        self._storage = storage
        self._connections = connections
        self._state = state
        self._target = target
        self._folder = folder

    async def read(self, paths: Iterable[str], *, list_connections: bool = False) -> Remote:
        """Read everything.

        Args:
            paths: The paths of the local files; long ones are recognized by their hashes.
            list_connections: Whether to list the iModel's connections though some are remembered.
        """
        files = await self._files({short_path(path): path for path in paths})
        connections, others = await self._remembered_connections(), None
        if list_connections or not connections:
            connections, others = await self._listed_connections()
        await self._remember(files, connections)
        return Remote(
            files=tuple(_published(one, connections) for one in files.values()),
            connections=tuple(
                PublishedConnection(
                    connection_id=one.connection_id, display_name=one.display_name, files=len(one.source_files)
                )
                for one in connections
            ),
            other_connections=others,
        )

    async def _files(self, long_paths: Mapping[str, str]) -> dict[str, StoredFile]:
        """Return the files of the folder that a publish has put there, by path."""
        found: dict[str, StoredFile] = {}
        ids = set()
        async for file in self._storage.files.list(self._target.folder_id, page_size=_PAGE):
            ids.add(file.id)
            one = _stored_file(file, self._state.files.get(file.id), long_paths)
            if one is not None and (one.path not in found or one.connection_id is not None):
                found[one.path] = one
        await self._state.forget(self._state.files.keys() - ids)
        return found

    async def _remembered_connections(self) -> list[_Connection]:
        """Return the connections that this machine remembers and that are still there."""
        connections = []
        for connection_id, display_name in sorted(self._state.connections.items()):
            try:
                source_files = await self._source_files(connection_id)
            except NotFoundError:
                await self._state.forget_connection(connection_id)
                continue
            connections.append(
                _Connection(connection_id=connection_id, display_name=display_name, source_files=source_files)
            )
        return connections

    async def _listed_connections(self) -> tuple[list[_Connection], int]:
        """Return the connections of the iModel that this folder's publishes have made, and how many others it has."""
        mine, others = [], 0
        async for one in self._connections.list(self._target.imodel_id, prefer="representation", page_size=_PAGE):
            name = one.display_name or ""
            if one.id not in self._state.connections and not is_connection_name(name, self._folder):
                others += 1
                continue
            last_run = one.links.last_run.href if one.links.last_run is not None else None
            mine.append(
                _Connection(
                    connection_id=one.id,
                    display_name=name,
                    source_files=await self._source_files(one.id),
                    last_run=last_run,
                )
            )
        return mine, others

    async def _source_files(self, connection_id: str) -> dict[str, SourceFile]:
        listing = self._connections.source_files.list(connection_id, prefer="representation", page_size=_PAGE)
        return {one.storage_file_id: one async for one in listing if one.storage_file_id is not None}

    async def _remember(self, files: dict[str, StoredFile], connections: Iterable[_Connection]) -> None:
        """Remember what was found, and of which files the latest run of a connection has succeeded."""
        await self._state.save_connections({one.connection_id: one.display_name for one in connections})
        changed = []
        for connection in connections:
            mine = [one for one in files.values() if one.file_id in connection.source_files]
            unknown = [one for one in mine if one.connection_id is None]
            began_at = await self._last_success(connection) if unknown else None
            for one in mine:
                done = began_at is not None and one.modified_at is not None and one.modified_at < began_at
                synchronized = one.sha256 if one in unknown and done else one.synchronized
                changed.append(evolve(one, connection_id=connection.connection_id, synchronized=synchronized))
        for one in changed:
            files[one.path] = one
        await self._state.save(files.values())

    async def _last_success(self, connection: _Connection) -> datetime | None:
        """Return when the latest run of a connection began, if it has succeeded."""
        if connection.last_run is None:
            return None
        try:
            ref = run_ref(connection.last_run, base_url=self._connections.base_url)
            run = await self._connections.runs.get(ref.connection_id, ref.run_id)
        except (NotFoundError, ProtocolError):
            return None
        return run.start_date_time if run.succeeded else None


def _stored_file(file: StorageFile, seen: StoredFile | None, long_paths: Mapping[str, str]) -> StoredFile | None:
    """Return what a publish has put into a file; `None` if it is not a publish's."""
    size, modified_at = file.size or 0, file.last_modified_date_time
    if seen is not None:
        # Between an upload and the end of its description's change, the instant of the last change is not known.
        unchanged = seen.size == size and seen.modified_at in (None, modified_at)
        return evolve(seen, sha256=seen.sha256 if unchanged else "", size=size, modified_at=modified_at)
    described = read_description(file.description)
    if described is None:
        return None
    path, sha256 = described
    return StoredFile(
        file_id=file.id, path=long_paths.get(path, path), sha256=sha256, size=size, modified_at=modified_at
    )


def _published(file: StoredFile, connections: Iterable[_Connection]) -> PublishedFile:
    home = next((one for one in connections if file.file_id in one.source_files), None)
    source_file = home.source_files[file.file_id] if home is not None else None
    return PublishedFile(
        path=file.path,
        file_id=file.file_id,
        size=file.size,
        sha256=file.sha256 or None,
        connection_id=home.connection_id if home is not None else None,
        source_file_id=source_file.id if source_file is not None else None,
        connector=source_file.connector_type if source_file is not None else None,
        synchronized=file.synchronized == file.sha256,
    )
