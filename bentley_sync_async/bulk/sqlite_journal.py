"""A journal in a SQLite file, written off the event loop; each note is on the disk before the bulk goes on."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread
from anyio import AsyncContextManagerMixin

from bentley_sync_async.errors import DecodeError, JournalError, JournalInUseError
from bentley_sync_async.wire.codec import decode, encode

from .journal import Noted, Place
from .outcomes import Outcome

CONTINUED_WITHIN = 12 * 3600.0
"""Seconds after its last note within which a bulk that did not finish is gone on with."""

_APPLICATION_ID = 0x62737962
_VERSION = 1
_DURATIONS_KEPT = 5
_BULKS_KEPT = 30 * 24 * 3600.0
_LATE = 5.0  # seconds that a reader of the journal may hold up a note

# One script for each version of the schema, which leads on from the one before.
_MIGRATIONS = (
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
        origin TEXT NOT NULL, connection_id TEXT NOT NULL, imodel_id TEXT, itwin_id TEXT,
        PRIMARY KEY (origin, connection_id)
    ) WITHOUT ROWID;
    CREATE TABLE durations (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL, connection_id TEXT NOT NULL, seconds REAL NOT NULL
    );
    CREATE INDEX durations_of ON durations (origin, connection_id, id);
    CREATE TABLE owner (pid INTEGER NOT NULL, host TEXT NOT NULL);
    """,
)

T = TypeVar("T")


class SQLiteJournal(AsyncContextManagerMixin):
    """A journal in a file, which one process at a time may use."""

    def __init__(self, path: str | os.PathLike[str], *, origin: str, now: Callable[[], float] = time.time) -> None:
        """Take the file; it is opened, or made, when the context is entered.

        Args:
            path: The file. Two more lie beside it while it is used, and one that tells that it is used.
            origin: The platform's root that the ids belong to.
            now: Returns seconds since 1970.
        """
        self._path = Path(path)
        self._origin = origin
        self._now = now
        self._bulk_id: int | None = None
        self._one_at_a_time = anyio.CapacityLimiter(1)
        self._lock: sqlite3.Connection
        self._db: sqlite3.Connection

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        """Open the file.

        Raises:
            JournalInUseError: Another process uses it.
            JournalError: It cannot be written, is no journal, damaged, or of a later version.
        """
        await self._in_thread(self._open)
        try:
            yield self
        finally:
            with anyio.CancelScope(shield=True):
                await self._in_thread(self._close)

    async def places(self, connection_ids: Iterable[str]) -> Mapping[str, Place]:
        """Return where connections belong, as far as that is known."""
        rows = await self._query(
            "SELECT connection_id, imodel_id, itwin_id FROM places WHERE origin = ?", (self._origin,)
        )
        wanted = set(connection_ids)
        return {
            connection_id: Place(imodel_id=imodel_id, itwin_id=itwin_id)
            for connection_id, imodel_id, itwin_id in rows
            if connection_id in wanted
        }

    async def durations(self, connection_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the seconds that the latest runs of connections took, as far as that is known."""
        rows = await self._query(
            "SELECT connection_id, seconds FROM durations WHERE origin = ? ORDER BY id", (self._origin,)
        )
        known: dict[str, list[float]] = {connection_id: [] for connection_id in connection_ids}
        for connection_id, seconds in rows:
            if connection_id in known:
                known[connection_id].append(seconds)
        return {connection_id: past for connection_id, past in known.items() if past}

    async def learn(self, places: Mapping[str, Place], durations: Mapping[str, Sequence[float]]) -> None:
        """Remember where connections belong and how long their runs took, in place of what was known."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)",
                [(self._origin, connection_id, one.imodel_id, one.itwin_id) for connection_id, one in places.items()],
            )
            for connection_id, past in durations.items():
                db.execute(
                    "DELETE FROM durations WHERE origin = ? AND connection_id = ?", (self._origin, connection_id)
                )
                for seconds in past:
                    self._add_duration(db, connection_id, seconds)

        await self._write(work)

    async def unfinished(self) -> Mapping[str, Noted]:
        """Return what an earlier process has noted of a bulk that it did not finish; empty if there is none."""
        bulk_id = await self._in_thread(self._latest_unfinished)
        return await self._noted(bulk_id) if bulk_id is not None else {}

    async def begin(self, connection_ids: Sequence[str]) -> Mapping[str, Noted]:
        """Begin with these connections, or go on with them; return what an earlier process has noted of them."""
        now = self._now()

        def work(db: sqlite3.Connection) -> int:
            bulk_id = self._latest_unfinished()
            if bulk_id is None:
                db.execute("DELETE FROM bulks WHERE touched_at < ?", (now - _BULKS_KEPT,))
                db.execute("DELETE FROM items WHERE bulk_id NOT IN (SELECT id FROM bulks)")
                cursor = db.execute(
                    "INSERT INTO bulks (origin, begun_at, touched_at) VALUES (?, ?, ?)", (self._origin, now, now)
                )
                bulk_id = int(cursor.lastrowid or 0)
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

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE items SET attempt = ?, token = ?, joined = ? WHERE bulk_id = ? AND connection_id = ?",
                (note.attempt, note.token, note.joined, self._bulk_id, connection_id),
            )

        await self._write(work)

    async def finish(self, connection_id: str, outcome: Outcome) -> None:
        """Note what came of a connection, and how long its run took."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE items SET outcome = ?, token = NULL WHERE bulk_id = ? AND connection_id = ?",
                (encode(outcome), self._bulk_id, connection_id),
            )
            if outcome.duration is not None:
                self._add_duration(db, connection_id, outcome.duration)

        await self._write(work)

    async def end(self) -> None:
        """Note that the bulk is done with all its connections."""
        await self._write(
            lambda db: db.execute("UPDATE bulks SET ended_at = ? WHERE id = ?", (self._now(), self._bulk_id))
        )

    # In the thread of its own.

    def _open(self) -> None:
        path = self._path
        try:
            self._lock = _locked(path.with_name(path.name + ".lock"))
        except sqlite3.OperationalError as exc:
            if getattr(exc, "sqlite_errorname", "") == "SQLITE_BUSY":
                raise self._in_use() from exc
            raise self._broken(exc) from exc
        try:
            self._db = sqlite3.connect(path, timeout=_LATE, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(self._db)
            except BaseException:
                self._db.close()
                raise
        except BaseException as exc:
            self._lock.close()
            if isinstance(exc, sqlite3.Error):
                raise self._broken(exc) from exc
            raise

    def _prepare(self, db: sqlite3.Connection) -> None:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        application = int(db.execute("PRAGMA application_id").fetchone()[0])
        tables = int(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        if tables and application != _APPLICATION_ID:
            raise JournalError(f"{self._path} is a database of another program. Name another file as journal.")
        if version > _VERSION:
            raise JournalError(
                f"{self._path} is a journal of a later version of this package ({version}; this one knows up to "
                f"{_VERSION}). Update the package, or name another file."
            )
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise JournalError(f"{self._path} is damaged ({found}). Name another file; runs that were triggered go on.")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for number in range(version, _VERSION):
            settings = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {number + 1};"
            db.executescript(f"BEGIN IMMEDIATE; {_MIGRATIONS[number]} {settings} COMMIT;")
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM owner")
        db.execute("INSERT INTO owner VALUES (?, ?)", (os.getpid(), socket.gethostname()))
        db.execute("COMMIT")

    def _close(self) -> None:
        with suppress(sqlite3.Error):  # what was noted is on the disk already
            self._db.close()
        self._lock.close()

    def _latest_unfinished(self) -> int | None:
        row = self._db.execute(
            "SELECT id FROM bulks WHERE origin = ? AND ended_at IS NULL AND touched_at > ? ORDER BY id DESC LIMIT 1",
            (self._origin, self._now() - CONTINUED_WITHIN),
        ).fetchone()
        return int(row[0]) if row is not None else None

    def _add_duration(self, db: sqlite3.Connection, connection_id: str, seconds: float) -> None:
        of = (self._origin, connection_id)
        db.execute("INSERT INTO durations (origin, connection_id, seconds) VALUES (?, ?, ?)", (*of, seconds))
        db.execute(
            "DELETE FROM durations WHERE origin = ? AND connection_id = ? AND id NOT IN "
            "(SELECT id FROM durations WHERE origin = ? AND connection_id = ? ORDER BY id DESC LIMIT ?)",
            (*of, *of, _DURATIONS_KEPT),
        )

    # From the event loop.

    async def _noted(self, bulk_id: int) -> dict[str, Noted]:
        rows = await self._query(
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
            raise JournalError(f"{self._path} holds an outcome that cannot be read: {exc}. Name another file.") from exc

    async def _query(self, sql: str, arguments: tuple[object, ...]) -> list[Any]:
        return await self._in_thread(lambda: self._db.execute(sql, arguments).fetchall())

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in one transaction, which is on the disk when this returns."""

        def transaction() -> T:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                done = work(self._db)
                if self._bulk_id is not None:
                    self._db.execute("UPDATE bulks SET touched_at = ? WHERE id = ?", (self._now(), self._bulk_id))
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
            return done

        return await self._in_thread(transaction)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Return what the work returns. It is finished even if the caller is cancelled meanwhile."""
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time)
        except sqlite3.Error as exc:
            raise self._broken(exc) from exc

    def _broken(self, exc: sqlite3.Error) -> JournalError:
        return JournalError(
            f"The journal {self._path} cannot be used: {exc}. Nothing is triggered that it does not know of. "
            "Make room, mend its permissions or name another file, then start again: what it holds is kept."
        )

    def _in_use(self) -> JournalInUseError:
        pid: int | None = None
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        with suppress(sqlite3.Error, TypeError), closing(sqlite3.connect(address, uri=True)) as db:
            pid = int(db.execute("SELECT pid FROM owner").fetchone()[0])
        who = f"process {pid}" if pid is not None else "another process"
        return JournalInUseError(
            f"The journal {self._path} is in use by {who}. Wait for its end, or name another file.", pid=pid
        )


def _locked(path: Path) -> sqlite3.Connection:
    """Return a connection that holds a lock on a file; the system frees it when the process ends, however it ends.

    Raises:
        sqlite3.OperationalError: Somebody else holds it, or the file cannot be made.
    """
    lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except BaseException:
        lock.close()
        raise
    return lock
