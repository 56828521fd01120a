"""What a publish remembers on this machine: hashes of local files, and what it has put into Storage and into runs.

With a journal it is a part of the journal's file, and a change is on the disk when its call returns. Without one it is
kept as long as the publish lasts; the next one then asks the service for more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from bentley_sync_async.bulk.journal.sqlite_file import JournalFile

from .sources import FileVersion


@frozen(kw_only=True)
class Target:
    """Where a publish goes.

    Attributes:
        itwin_id: The iTwin.
        imodel_id: The iModel.
        folder_id: The folder in the iTwin's Storage.
    """

    itwin_id: str
    imodel_id: str
    folder_id: str


@frozen(kw_only=True)
class StoredFile:
    """A file that a publish has put into Storage.

    Attributes:
        file_id: Its id in Storage.
        path: Its path relative to the manifest.
        sha256: The SHA-256 of what was uploaded.
        size: Bytes.
        modified_at: When it was last changed in Storage, as the service said after the upload.
        connection_id: The connection that it belongs to; `None` if that is not known.
        in_run: The hash with which the latest run of its connection began; `None` if none did.
        synchronized: The hash with which the latest run that succeeded began; `None` if none did.
    """

    file_id: str
    path: str
    sha256: str
    size: int
    modified_at: datetime | None = None
    connection_id: str | None = None
    in_run: str | None = None
    synchronized: str | None = None


class PublishState:
    """The memory of a publish.

    Attributes:
        files: The files of the target, by their ids in Storage.
        connections: The names of the target's connections, by their ids.
    """

    def __init__(self, file: JournalFile | None, *, origin: str) -> None:
        """Make an empty memory; `open` fills it.

        Args:
            file: The journal's file, which is open; `None` to keep nothing beyond the publish.
            origin: The platform's root that the ids belong to.
        """
        self._file = file
        self._origin = origin
        self._target = ""
        self._hashes: dict[str, tuple[FileVersion, str]] = {}
        self._new_hashes: dict[str, tuple[FileVersion, str]] = {}
        self.files: dict[str, StoredFile] = {}
        self.connections: dict[str, str] = {}

    # Hashes of local files.

    async def load_hashes(self) -> None:
        """Read the hashes that earlier publishes have computed."""
        for path, size, stamp, sha256 in await self._read("SELECT path, size, stamp, sha256 FROM publish_hashes"):
            self._hashes[path] = (FileVersion(size=size, stamp=stamp), sha256)

    def cached_hash(self, path: str, version: FileVersion) -> str | None:
        """Return the hash that this version of a path had; `None` if it is not known."""
        known, sha256 = self._hashes.get(path, (None, None))
        return sha256 if known == version else None

    def keep_hash(self, path: str, version: FileVersion, sha256: str) -> None:
        """Keep a hash; `save_hashes` writes it."""
        if self.cached_hash(path, version) is None:
            self._hashes[path] = self._new_hashes[path] = (version, sha256)

    async def save_hashes(self) -> None:
        """Write the hashes that are new."""
        rows = [(path, version.size, version.stamp, sha256) for path, (version, sha256) in self._new_hashes.items()]
        self._new_hashes = {}
        if rows:
            await self._write(
                lambda db: db.executemany("INSERT OR REPLACE INTO publish_hashes VALUES (?, ?, ?, ?)", rows)
            )

    # Where to.

    async def target(self, names: tuple[str, str, str]) -> Target | None:
        """Return the ids of iTwin, iModel and folder of these names; `None` if they are not known."""
        rows = await self._read(
            "SELECT itwin_id, imodel_id, folder_id FROM publish_targets "
            "WHERE origin = ? AND itwin = ? AND imodel = ? AND folder = ?",
            (self._origin, *names),
        )
        return Target(itwin_id=rows[0][0], imodel_id=rows[0][1], folder_id=rows[0][2]) if rows else None

    async def save_target(self, names: tuple[str, str, str], target: Target) -> None:
        """Remember the ids of iTwin, iModel and folder."""
        row = (self._origin, *names, target.itwin_id, target.imodel_id, target.folder_id)
        await self._write(
            lambda db: db.execute("INSERT OR REPLACE INTO publish_targets VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        )

    # What is there.

    async def load_files(self, target: Target) -> None:
        """Read what earlier publishes have put into a folder and an iModel."""
        self._target = f"{self._origin} {target.imodel_id} {target.folder_id}"
        rows = await self._read(
            "SELECT file_id, path, sha256, size, modified_at, connection_id, in_run, synchronized FROM publish_files "
            "WHERE target = ?",
            (self._target,),
        )
        self.files = {
            row[0]: StoredFile(
                file_id=row[0],
                path=row[1],
                sha256=row[2],
                size=row[3],
                modified_at=None if row[4] is None else datetime.fromisoformat(row[4]),
                connection_id=row[5],
                in_run=row[6],
                synchronized=row[7],
            )
            for row in rows
        }
        names = await self._read(
            "SELECT connection_id, display_name FROM publish_connections WHERE target = ?", (self._target,)
        )
        self.connections = dict(names)

    async def save_connections(self, names: Mapping[str, str]) -> None:
        """Remember connections and their names."""
        if new := {one: name for one, name in names.items() if self.connections.get(one) != name}:
            self.connections |= new
            rows = [(self._target, one, name) for one, name in new.items()]
            await self._write(
                lambda db: db.executemany("INSERT OR REPLACE INTO publish_connections VALUES (?, ?, ?)", rows)
            )

    async def forget_connection(self, connection_id: str) -> None:
        """Forget a connection that was deleted, and that its files belong to it."""
        self.connections.pop(connection_id, None)
        mine = [one for one in self.files.values() if one.connection_id == connection_id]
        await self.save([evolve(one, connection_id=None, synchronized=None) for one in mine])
        row = (self._target, connection_id)
        await self._write(
            lambda db: db.execute("DELETE FROM publish_connections WHERE target = ? AND connection_id = ?", row)
        )

    async def save(self, files: Iterable[StoredFile]) -> None:
        """Remember files; what was remembered of them is replaced."""
        changed = {one.file_id: one for one in files if self.files.get(one.file_id) != one}
        if not changed:
            return
        self.files |= changed
        rows = [
            (
                self._target,
                one.file_id,
                one.path,
                one.sha256,
                one.size,
                None if one.modified_at is None else one.modified_at.isoformat(),
                one.connection_id,
                one.in_run,
                one.synchronized,
            )
            for one in changed.values()
        ]
        await self._write(
            lambda db: db.executemany("INSERT OR REPLACE INTO publish_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        )

    async def forget(self, file_ids: Iterable[str]) -> None:
        """Forget files that are in Storage no more."""
        gone = [one for one in file_ids if self.files.pop(one, None) is not None]
        if gone:
            rows = [(self._target, one) for one in gone]
            await self._write(
                lambda db: db.executemany("DELETE FROM publish_files WHERE target = ? AND file_id = ?", rows)
            )

    async def begin_runs(self, connection_ids: Iterable[str]) -> None:
        """Remember that runs of connections begin, with the files as they are in Storage now."""
        ids = set(connection_ids)
        await self.save([evolve(one, in_run=one.sha256) for one in self.files.values() if one.connection_id in ids])

    async def finish_run(self, connection_id: str) -> None:
        """Remember that a run has succeeded with the files as they were when it began."""
        mine = [one for one in self.files.values() if one.connection_id == connection_id]
        await self.save([evolve(one, synchronized=one.in_run) for one in mine])

    async def _read(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        return [] if self._file is None else await self._file.read(query, values)

    async def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        if self._file is not None:
            await self._file.write(work)
