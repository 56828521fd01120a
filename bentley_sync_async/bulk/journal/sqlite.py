"""The journal in a SQLite file; each record is on the disk before the bulk continues."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Self, TypeVar

from anyio import AsyncContextManagerMixin

from bentley_sync_async.bulk.outcomes import Outcome
from bentley_sync_async.errors import JournalError, SynchronizationError
from bentley_sync_async.pacing.history import KEPT
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.codec import encode

from . import rows
from .base import IModelOfConnection, JournalEntry
from .sqlite_file import JournalFile

CONTINUED_WITHIN = 12 * 3600.0
"""Seconds after its last record within which a bulk that did not finish is continued."""

# A new version of the schema is one more script. Ids are kept by origin, as two origins may have the same ones.
MIGRATIONS = (
    """
    CREATE TABLE bulks (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL, begun_at REAL NOT NULL, touched_at REAL NOT NULL, ended_at REAL
    );
    CREATE TABLE items (
        bulk_id INTEGER NOT NULL REFERENCES bulks (id), connection_id TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0, token TEXT,
        joined INTEGER NOT NULL DEFAULT 0, outcome BLOB, PRIMARY KEY (bulk_id, connection_id)
    ) WITHOUT ROWID;
    CREATE TABLE places (
        origin TEXT NOT NULL, connection_id TEXT NOT NULL, imodel_id TEXT NOT NULL, itwin_id TEXT,
        PRIMARY KEY (origin, connection_id)
    ) WITHOUT ROWID;
    CREATE TABLE durations (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL, connection_id TEXT NOT NULL, seconds REAL NOT NULL
    );
    CREATE INDEX durations_of ON durations (origin, connection_id, id);
    """,
    """
    CREATE TABLE publish_hashes (
        path TEXT PRIMARY KEY, size INTEGER NOT NULL, stamp INTEGER NOT NULL, sha256 TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE publish_targets (
        origin TEXT NOT NULL, itwin TEXT NOT NULL, imodel TEXT NOT NULL, folder TEXT NOT NULL,
        itwin_id TEXT NOT NULL, imodel_id TEXT NOT NULL, folder_id TEXT NOT NULL,
        PRIMARY KEY (origin, itwin, imodel, folder)
    ) WITHOUT ROWID;
    CREATE TABLE publish_connections (
        target TEXT NOT NULL, connection_id TEXT NOT NULL, display_name TEXT NOT NULL,
        PRIMARY KEY (target, connection_id)
    ) WITHOUT ROWID;
    CREATE TABLE publish_files (
        target TEXT NOT NULL, file_id TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
        modified_at TEXT, connection_id TEXT, in_run TEXT, synchronized TEXT, PRIMARY KEY (target, file_id)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE places ADD COLUMN display_name TEXT;",
)

T = TypeVar("T")


class SQLiteJournal(AsyncContextManagerMixin):
    """A journal in a file, which one process at a time may use."""

    def __init__(
        self, path: str | os.PathLike[str] | JournalFile, *, origin: str, now: Callable[[], float] = time.time
    ) -> None:
        """Set the file; it is opened, or created, when the context is entered.

        Args:
            path: The file, see `JournalFile`; or one that is open already, and stays open.
            origin: The platform's root that the ids belong to.
            now: Returns seconds since 1970.

        Raises:
            InvalidArgumentError: The path is invalid.
        """
        self._file = path if isinstance(path, JournalFile) else JournalFile(path, migrations=MIGRATIONS)
        self._is_open = isinstance(path, JournalFile)
        self._origin = origin
        self._now = now
        self._bulk_id: int | None = None

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        """Open the file.

        Raises:
            JournalError: As for `JournalFile`.
        """
        self._bulk_id = None
        async with nullcontext() if self._is_open else self._file:
            yield self

    async def imodels(self, connection_ids: Iterable[str]) -> Mapping[str, IModelOfConnection]:
        """Return the iModels of connections, as far as they are known."""
        found = await self._file.read(
            "SELECT connection_id, imodel_id, itwin_id, display_name FROM places WHERE origin = ?", (self._origin,)
        )
        known = dict(self._checked("places", found, rows.imodel))
        return {one: known[one] for one in connection_ids if one in known}

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the durations of connections' latest runs in seconds, as far as they are known."""
        found = await self._file.read(
            "SELECT connection_id, seconds FROM durations WHERE origin = ? ORDER BY id", (self._origin,)
        )
        known: defaultdict[str, list[float]] = defaultdict(list)
        for connection_id, seconds in self._checked("durations", found, rows.duration):
            known[connection_id].append(seconds)
        return {one: known[one] for one in connection_ids if one in known}

    async def save_resolved(
        self, imodels: Mapping[str, IModelOfConnection], durations: Mapping[str, Sequence[float]]
    ) -> None:
        """Store the iModels of connections, and the durations of their runs."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)",
                [(self._origin, own, one.imodel_id, one.itwin_id, one.display_name) for own, one in imodels.items()],
            )
            for connection_id, past in durations.items():
                self._add_durations(db, connection_id, past)

        await self._write(work)

    async def unfinished(self) -> Mapping[str, JournalEntry]:
        """Return the entries of a bulk that an earlier process did not finish; empty if there is none."""
        bulk_id = await self._latest_unfinished()
        return await self._entries(bulk_id) if bulk_id is not None else {}

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, JournalEntry]:
        """Start or continue a bulk of these connections; return what an earlier process has recorded of them."""
        unfinished = await self._latest_unfinished()
        entries = await self._entries(unfinished) if unfinished is not None else {}  # checked before a change
        now = self._now()

        def work(db: sqlite3.Connection) -> int:
            bulk_id = unfinished if unfinished is not None else self._new_bulk(db, now)
            db.executemany(
                "INSERT OR IGNORE INTO items (bulk_id, connection_id) VALUES (?, ?)",
                [(bulk_id, connection_id) for connection_id in connection_ids],
            )
            return bulk_id

        self._bulk_id = await self._write(work)
        return {connection_id: entries.get(connection_id, JournalEntry()) for connection_id in connection_ids}

    async def record(self, connection_id: str, entry: JournalEntry) -> None:
        """Record how far a connection is, before it is triggered and once its run is known."""
        await self._write(
            lambda db: db.execute(
                "UPDATE items SET attempt = ?, token = ?, joined = ? WHERE bulk_id = ? AND connection_id = ?",
                (entry.attempt, entry.token, entry.joined, self._bulk_id, connection_id),
            )
        )

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Record the outcome of a connection, and the duration of its run."""
        encoded = encode(outcome)

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE items SET outcome = ?, token = NULL WHERE bulk_id = ? AND connection_id = ?",
                (encoded, self._bulk_id, connection_id),
            )
            if outcome.duration is not None:
                self._add_durations(db, connection_id, [outcome.duration])

        await self._write(work)

    async def end(self) -> None:
        """Record that the bulk has finished all its connections."""
        await self._write(
            lambda db: db.execute("UPDATE bulks SET ended_at = ? WHERE id = ?", (self._now(), self._bulk_id))
        )

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change, and record its instant."""

        def work_and_touch(db: sqlite3.Connection) -> T:
            result = work(db)
            db.execute("UPDATE bulks SET touched_at = ? WHERE id = ?", (self._now(), self._bulk_id))
            return result

        return await self._file.write(work_and_touch)

    async def _entries(self, bulk_id: int) -> dict[str, JournalEntry]:
        found = await self._file.read(
            "SELECT connection_id, attempt, token, joined, outcome FROM items WHERE bulk_id = ?", (bulk_id,)
        )
        return dict(self._checked("items", found, partial(rows.entry, origin=self._origin)))

    async def _latest_unfinished(self) -> int | None:
        """Return the id of the bulk that is to be continued."""
        found = await self._file.read("SELECT id, origin, begun_at, touched_at, ended_at FROM bulks ORDER BY id DESC")
        earliest = self._now() - CONTINUED_WITHIN
        return next(
            (
                bulk.id
                for bulk in self._checked("bulks", found, rows.Bulk.of)
                if bulk.origin == self._origin and not bulk.ended and bulk.touched_at > earliest
            ),
            None,
        )

    def _checked(self, table: str, found: Iterable[Sequence[Any]], convert: Callable[..., T]) -> list[T]:
        """Return rows as values.

        Raises:
            JournalError: One of them is not as this package writes it.
        """
        values: list[T] = []
        for row in found:
            try:
                values.append(convert(*row))
            except SynchronizationError as exc:
                where = f"row {excerpt(repr(row[0]))} of its table {table}"
                raise JournalError(
                    f"The journal {self._file.path} was edited or is damaged, in {where}: {exc} Name another file: "
                    "this one is left as it is, and runs that were triggered go on."
                ) from exc
        return values

    def _new_bulk(self, db: sqlite3.Connection, now: float) -> int:
        """Delete the bulks that are not continued any more, and return the id of a new one."""
        db.execute("DELETE FROM bulks WHERE ended_at IS NOT NULL OR touched_at <= ?", (now - CONTINUED_WITHIN,))
        db.execute("DELETE FROM items WHERE bulk_id NOT IN (SELECT id FROM bulks)")
        cursor = db.execute(
            "INSERT INTO bulks (origin, begun_at, touched_at) VALUES (?, ?, ?)", (self._origin, now, now)
        )
        assert cursor.lastrowid is not None  # noqa: S101 - a row was inserted
        return cursor.lastrowid

    def _add_durations(self, db: sqlite3.Connection, connection_id: str, durations: Sequence[float]) -> None:
        key = (self._origin, connection_id)
        db.executemany(
            "INSERT INTO durations (origin, connection_id, seconds) VALUES (?, ?, ?)",
            [(*key, seconds) for seconds in durations],
        )
        db.execute(
            "DELETE FROM durations WHERE origin = ? AND connection_id = ? AND id <= "
            "(SELECT id FROM durations WHERE origin = ? AND connection_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (*key, *key, KEPT),
        )
