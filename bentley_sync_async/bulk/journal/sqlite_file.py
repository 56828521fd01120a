"""The SQLite file of a journal: locked for one process, used in a worker thread, changes grouped into transactions.

A change is on the disk when its call returns. A disk takes a few milliseconds for a transaction, however large it is,
so the changes that arrive during a transaction go into the next one together.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread
from anyio import AsyncContextManagerMixin
from attrs import define

from bentley_sync_async.errors import InvalidArgumentError, JournalError, JournalInUseError

_APPLICATION_ID = 0x62737962
_BUSY_TIMEOUT = 5.0  # seconds that a change waits for another program's lock
_PRIMARY_CODE = 0xFF  # masks SQLite's extended result codes

# What the user can do, by SQLite's primary result code.
_START_AGAIN = "then start again: its records are kept."
_ADVICE = {
    sqlite3.SQLITE_BUSY: f"Another program has locked it: close that program, {_START_AGAIN}",
    sqlite3.SQLITE_CANTOPEN: "It must be a file in a directory that exists and that this process may write to.",
    sqlite3.SQLITE_CORRUPT: "It is damaged: name another file. Runs that were triggered go on.",
    sqlite3.SQLITE_FULL: f"Make room on its disk, {_START_AGAIN}",
    sqlite3.SQLITE_IOERR: f"Check its disk, and quotas on it, {_START_AGAIN}",
    sqlite3.SQLITE_NOTADB: "It is not a journal, or damaged: name another file.",
    sqlite3.SQLITE_READONLY: f"Let this process write to it and to its directory, {_START_AGAIN}",
}

_OWNER = "CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL, host TEXT NOT NULL)"

T = TypeVar("T")


@define(eq=False)
class _Change:
    """A change that waits for its transaction, then its result or failure."""

    work: Callable[[sqlite3.Connection], Any]
    done: bool = False
    result: Any = None
    failure: Exception | None = None


class JournalFile(AsyncContextManagerMixin):
    """A file with a versioned schema."""

    def __init__(self, path: str | os.PathLike[str], *, migrations: Sequence[str]) -> None:
        """Set the file; it is opened, or created, when the context is entered.

        Args:
            path: The file. While it is open, SQLite keeps two files beside it, and there is an empty lock file.
            migrations: One script for each version of the schema, applied to the version before.

        Raises:
            InvalidArgumentError: The path is invalid.
        """
        try:
            self.path = Path(path).expanduser().absolute()
        except (OSError, RuntimeError) as exc:
            raise InvalidArgumentError(f"journal cannot be {os.fspath(path)!r}: {exc}") from exc
        self._migrations = migrations
        self._lock = anyio.Lock()
        self._waiting: deque[_Change] = deque()
        self._db: sqlite3.Connection
        self._opened: ExitStack

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        """Open the file.

        Raises:
            JournalInUseError: Another process, or another bulk of this process, uses it.
            JournalError: It cannot be written, is not a journal, is damaged, or is of a later version.
        """
        await self._in_thread(self._open)
        try:
            yield self
        finally:
            with anyio.CancelScope(shield=True):
                await self._in_thread(self._close)

    async def read(self, sql: str, arguments: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query.

        Raises:
            JournalError: The file cannot be read.
        """
        return await self._in_thread(lambda: self._db.execute(sql, arguments).fetchall())

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change; it is on the disk when this returns. A call that is cancelled may have made its change or not.

        Raises:
            JournalError: The file cannot be written; it is unchanged.
        """
        change = _Change(work)
        self._waiting.append(change)
        async with self._lock:
            if not change.done:  # else the transaction of another call included it
                await anyio.to_thread.run_sync(self._commit)
        if change.failure is not None:
            raise self._unusable(change.failure) from change.failure
        result: T = change.result
        return result

    async def _in_thread(self, work: Callable[[], T]) -> T:
        async with self._lock:
            try:
                return await anyio.to_thread.run_sync(work)
            except sqlite3.Error as exc:
                raise self._unusable(exc) from exc

    # The methods below run in the worker thread.

    def _open(self) -> None:
        self._waiting.clear()
        try:
            path = self.path.resolve()  # so that all links to a file share one lock
            if path.exists() and not path.is_file():
                raise JournalError(f"The journal {path} is not a file. Name another one.")
        except (OSError, RuntimeError, ValueError) as exc:
            raise self._unusable(exc) from exc
        with ExitStack() as opened:
            lock = opened.enter_context(closing(_connect(path.with_name(f"{path.name}.lock"), timeout=0)))
            try:
                lock.execute("BEGIN EXCLUSIVE")  # the system releases it when the process ends, even by a kill
            except sqlite3.OperationalError as exc:
                if _kind(exc) == sqlite3.SQLITE_BUSY:
                    raise self._in_use() from exc
                raise
            self._db = opened.enter_context(closing(_connect(path, timeout=_BUSY_TIMEOUT)))
            self._prepare(self._db)
            self._opened = opened.pop_all()

    def _prepare(self, db: sqlite3.Connection) -> None:
        version = self._version(db)
        (problem,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise JournalError(
                f"The journal {self.path} is damaged ({problem}). Name another file; runs that were triggered go on."
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for number, script in enumerate(self._migrations[version:], version + 1):
            settings = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {number};"
            db.executescript(f"BEGIN IMMEDIATE; {script}; {settings} COMMIT;")
        for sql in ("BEGIN IMMEDIATE", _OWNER, "DELETE FROM owner"):
            db.execute(sql)
        db.execute("INSERT INTO owner VALUES (?, ?)", (os.getpid(), socket.gethostname()))
        db.execute("COMMIT")

    def _version(self, db: sqlite3.Connection) -> int:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION_ID and (application or tables):
            raise JournalError(f"{self.path} is a database of another program. Name another file as journal.")
        version: int
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > len(self._migrations):
            raise JournalError(
                f"{self.path} is a journal of a later version of this package ({version}; this one knows up to "
                f"{len(self._migrations)}). Update the package, or name another file."
            )
        return version

    def _close(self) -> None:
        with suppress(sqlite3.Error):  # all changes are on the disk already
            self._opened.close()

    def _commit(self) -> None:
        """Make all waiting changes in one transaction."""
        changes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for change in changes:
                change.result = change.work(self._db)
            self._db.execute("COMMIT")
        except Exception as exc:  # noqa: BLE001 - raised by each call of `write` that waits
            for change in changes:
                change.failure = exc
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
        for change in changes:
            change.done = True

    def _unusable(self, exc: Exception) -> JournalError:
        advice = _ADVICE.get(_kind(exc), "Name another file.")
        return JournalError(
            f"The journal {self.path} cannot be used: {exc}. {advice} Nothing is triggered that it has not recorded."
        )

    def _in_use(self) -> JournalInUseError:
        pid, user = None, "another process"
        address = f"{self.path.as_uri()}?mode=ro"
        with suppress(sqlite3.Error, TypeError), closing(sqlite3.connect(address, uri=True)) as db:
            pid, host = db.execute("SELECT pid, host FROM owner").fetchone()
            user = f"process {pid} on {host}"
        return JournalInUseError(
            f"The journal {self.path} is in use by {user}. Wait until it ends, or name another file.", pid=pid
        )


def _connect(path: Path, *, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)


def _kind(exc: Exception) -> int:
    code: int = getattr(exc, "sqlite_errorcode", 0)
    return code & _PRIMARY_CODE
