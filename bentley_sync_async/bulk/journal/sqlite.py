"""A journal in a SQLite file; each note is on the disk before the bulk goes on."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self, TypeVar

from anyio import AsyncContextManagerMixin

from bentley_sync_async.bulk.outcomes import Outcome
from bentley_sync_async.errors import DecodeError, JournalError
from bentley_sync_async.pacing.history import KEPT
from bentley_sync_async.wire.codec import decode, encode

from .base import Noted, Place
from .sqlite_file import JournalFile

CONTINUED_WITHIN = 12 * 3600.0
"""Seconds after its last note within which a bulk that did not finish is gone on with."""

# A new version of the schema is one more script. What an origin's ids belong to is told apart by that origin.
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
)

T = TypeVar("T")


class SQLiteJournal(AsyncContextManagerMixin):
    """A journal in a file, which one process at a time may use."""

    def __init__(self, path: str | os.PathLike[str], *, origin: str, now: Callable[[], float] = time.time) -> None:
        """Take the file; it is opened, or made, when the context is entered.

        Args:
            path: The file; see `JournalFile`.
            origin: The platform's root that the ids belong to.
            now: Returns seconds since 1970.

        Raises:
            InvalidArgumentError: The path cannot be one.
        """
        self._file = JournalFile(path, migrations=MIGRATIONS)
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
        async with self._file:
            yield self

    async def places(self, connection_ids: Iterable[str]) -> Mapping[str, Place]:
        """Return where connections belong, as far as that is known."""
        rows = await self._file.read(
            "SELECT connection_id, imodel_id, itwin_id FROM places WHERE origin = ?", (self._origin,)
        )
        known = {
            connection_id: Place(imodel_id=imodel_id, itwin_id=itwin_id) for connection_id, imodel_id, itwin_id in rows
        }
        return {one: known[one] for one in connection_ids if one in known}

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the seconds that the latest runs of connections took, as far as that is known."""
        rows = await self._file.read(
            "SELECT connection_id, seconds FROM durations WHERE origin = ? ORDER BY id", (self._origin,)
        )
        known: defaultdict[str, list[float]] = defaultdict(list)
        for connection_id, seconds in rows:
            known[connection_id].append(seconds)
        return {one: known[one] for one in connection_ids if one in known}

    async def learn(self, places: Mapping[str, Place], durations: Mapping[str, Sequence[float]]) -> None:
        """Remember where connections belong, and how long their runs took."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)",
                [(self._origin, connection_id, one.imodel_id, one.itwin_id) for connection_id, one in places.items()],
            )
            for connection_id, past in durations.items():
                self._add_durations(db, connection_id, past)

        await self._write(work)

    async def unfinished(self) -> Mapping[str, Noted]:
        """Return what an earlier process has noted of a bulk that it did not finish; empty if there is none."""
        rows = await self._file.read(*self._latest_unfinished())
        return await self._noted(rows[0][0]) if rows else {}

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, Noted]:
        """Begin with these connections, or go on with them; return what an earlier process has noted of them."""
        now = self._now()

        def work(db: sqlite3.Connection) -> int:
            unfinished = db.execute(*self._latest_unfinished()).fetchone()
            bulk_id: int = unfinished[0] if unfinished is not None else self._new_bulk(db, now)
            db.executemany(
                "INSERT OR IGNORE INTO items (bulk_id, connection_id) VALUES (?, ?)",
                [(bulk_id, connection_id) for connection_id in connection_ids],
            )
            return bulk_id

        self._bulk_id = await self._write(work)
        noted = await self._noted(self._bulk_id)
        return {connection_id: noted[connection_id] for connection_id in connection_ids}

    async def note(self, connection_id: str, note: Noted) -> None:
        """Note how a watch goes on, before it triggers and once its run is known."""
        await self._write(
            lambda db: db.execute(
                "UPDATE items SET attempt = ?, token = ?, joined = ? WHERE bulk_id = ? AND connection_id = ?",
                (note.attempt, note.token, note.joined, self._bulk_id, connection_id),
            )
        )

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Note what came of a connection, and how long its run took."""
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
        """Note that the bulk is done with all its connections."""
        await self._write(
            lambda db: db.execute("UPDATE bulks SET ended_at = ? WHERE id = ?", (self._now(), self._bulk_id))
        )

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work, and note that the bulk is alive."""

        def touching(db: sqlite3.Connection) -> T:
            done = work(db)
            db.execute("UPDATE bulks SET touched_at = ? WHERE id = ?", (self._now(), self._bulk_id))
            return done

        return await self._file.write(touching)

    async def _noted(self, bulk_id: int) -> dict[str, Noted]:
        rows = await self._file.read(
            "SELECT connection_id, attempt, token, joined, outcome FROM items WHERE bulk_id = ?", (bulk_id,)
        )
        try:
            return {
                connection_id: Noted(
                    attempt=attempt,
                    token=token,
                    joined=bool(joined),
                    outcome=None if outcome is None else decode(outcome, Outcome),
                )
                for connection_id, attempt, token, joined, outcome in rows
            }
        except DecodeError as exc:
            raise JournalError(
                f"The journal {self._file.path} holds an outcome that cannot be read: {exc} Name another file."
            ) from exc

    def _latest_unfinished(self) -> tuple[str, tuple[object, ...]]:
        """Return a query for the bulk to go on with."""
        return (
            "SELECT id FROM bulks WHERE origin = ? AND ended_at IS NULL AND touched_at > ? ORDER BY id DESC LIMIT 1",
            (self._origin, self._now() - CONTINUED_WITHIN),
        )

    def _new_bulk(self, db: sqlite3.Connection, now: float) -> int:
        """Forget the bulks that nobody goes on with, and return the id of a new one."""
        db.execute("DELETE FROM bulks WHERE ended_at IS NOT NULL OR touched_at <= ?", (now - CONTINUED_WITHIN,))
        db.execute("DELETE FROM items WHERE bulk_id NOT IN (SELECT id FROM bulks)")
        cursor = db.execute(
            "INSERT INTO bulks (origin, begun_at, touched_at) VALUES (?, ?, ?)", (self._origin, now, now)
        )
        assert cursor.lastrowid is not None  # noqa: S101 - a row was inserted
        return cursor.lastrowid

    def _add_durations(self, db: sqlite3.Connection, connection_id: str, durations: Sequence[float]) -> None:
        of = (self._origin, connection_id)
        db.executemany(
            "INSERT INTO durations (origin, connection_id, seconds) VALUES (?, ?, ?)",
            [(*of, seconds) for seconds in durations],
        )
        db.execute(
            "DELETE FROM durations WHERE origin = ? AND connection_id = ? AND id <= "
            "(SELECT id FROM durations WHERE origin = ? AND connection_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (*of, *of, KEPT),
        )
