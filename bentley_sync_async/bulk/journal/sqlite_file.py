"""The SQLite file of a journal: locked for one process, used in a worker thread, changes grouped into transactions.

A change is on the disk when its call returns. A disk takes a few milliseconds for a transaction, however large it is,
so the changes that arrive during a transaction go into the next one together.

The lock is SQLite's own exclusive one on the file itself, held from the opening to the end: it stays with the file
whatever is removed or renamed, and the system releases it when the process ends, even by a kill.
"""

from __future__ import annotations

import os
import random
import socket
import sqlite3
import stat
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread
from anyio import AsyncContextManagerMixin
from attrs import define

from bentley_sync_async import files
from bentley_sync_async.errors import InvalidArgumentError, JournalError, JournalInUseError
from bentley_sync_async.redaction import excerpt

_APPLICATION_ID = 0x62737962
_ATTEMPTS = 15  # to get the lock: another program may read the file for a moment
_PAUSE = 0.01, 0.05  # seconds between two of them, at the least and at the most
_PRIMARY_CODE = 0xFF  # masks SQLite's extended result codes

# What the user can do, by SQLite's primary result code.
_START_AGAIN = "then start again: its records are kept."
_ADVICE = {
    sqlite3.SQLITE_CANTOPEN: "It must be a file in a directory that exists and that this process may write to.",
    sqlite3.SQLITE_CORRUPT: "It is damaged: name another file. Runs that were triggered go on.",
    sqlite3.SQLITE_FULL: f"Make room on its disk, {_START_AGAIN}",
    sqlite3.SQLITE_IOERR: f"Check its disk, and quotas on it, {_START_AGAIN}",
    sqlite3.SQLITE_NOTADB: "It is not a journal, or damaged: name another file.",
    sqlite3.SQLITE_READONLY: f"Let this process write to it and to its directory, {_START_AGAIN}",
}

_KEEP = "Leave it, and the -wal file beside it, where they are while a bulk runs. Runs that were triggered go on."

_OWNER = "CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL, host TEXT NOT NULL)"

T = TypeVar("T")


@define(eq=False)
class _Change:
    """A change that waits for its transaction, then its result or failure."""

    work: Callable[[sqlite3.Connection], Any]
    done: bool = False
    result: Any = None
    failure: Exception | None = None


class _MovedError(Exception):
    """The file is not at its path any more."""


class JournalFile(AsyncContextManagerMixin):
    """A file with a versioned schema."""

    def __init__(self, path: str | os.PathLike[str], *, migrations: Sequence[str]) -> None:
        """Set the file; it is opened, or created, when the context is entered.

        Args:
            path: The file; a new one is for its owner only. While it is open, SQLite keeps another one beside it, with
                the same permissions.
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
        self._wal = self.path.with_name(f"{self.path.name}-wal")
        self._db: sqlite3.Connection
        self._opened: ExitStack
        self._identities: list[tuple[int, int] | None]

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        """Open the file.

        Raises:
            JournalInUseError: Another process, or another bulk of this process, uses it.
            JournalError: It is a link, cannot be written, is not a journal, is damaged, or is of a later version.
        """
        await self._open_patiently()
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
            JournalError: The file cannot be written and is unchanged, or was removed or replaced.
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

    async def _open_patiently(self) -> None:
        for _ in range(_ATTEMPTS - 1):
            with suppress(JournalInUseError):
                return await self._in_thread(self._open)
            # Two that start together may be in each other's way, so each lets go for a time of its own.
            await anyio.sleep(random.uniform(*_PAUSE))  # noqa: S311
        return await self._in_thread(self._open)

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
            self._make()
        except (OSError, ValueError) as exc:
            raise self._unusable(exc) from exc
        with ExitStack() as opened:
            self._db = opened.enter_context(closing(_connect(self.path, timeout=0)))
            if not stat.S_ISREG(self.path.lstat().st_mode):  # a link that came after the check; nothing is written yet
                raise JournalError(_is_link(self.path))
            self._lock_file(self._db)
            self._prepare(self._db)
            self._identities = self._identify()
            self._opened = opened.pop_all()

    def _make(self) -> None:
        """Make the file if there is none, as SQLite would make it readable for everyone."""
        path = self.path
        for file in (path, self._wal, path.with_name(f"{path.name}-journal")):
            if file.is_symlink():
                raise JournalError(_is_link(file))
        if not path.exists():
            with suppress(FileExistsError):  # another process was quicker
                os.close(files.create(path))
        elif not path.is_file():
            raise JournalError(f"The journal {path} is not a file. Name another one.")
        elif not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise JournalError(f"The journal {path} may only be read. {_ADVICE[sqlite3.SQLITE_READONLY]}")

    def _lock_file(self, db: sqlite3.Connection) -> None:
        """Take the lock; the connection releases it when it is closed."""
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            if _kind(exc) == sqlite3.SQLITE_BUSY:
                raise self._in_use() from exc
            raise
        db.execute("ROLLBACK")  # in this mode the lock stays

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
        db.execute("PRAGMA wal_checkpoint")  # so that `_in_use` of another process sees the owner

    def _version(self, db: sqlite3.Connection) -> int:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION_ID and (application or tables):
            raise JournalError(f"{self.path} is a database of another program. Name another file as journal.")
        version: int
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version < 0:
            raise JournalError(f"The journal {self.path} is damaged (version {version}). Name another file.")
        if version > len(self._migrations):
            raise JournalError(
                f"{self.path} is a journal of a later version of this package ({version}; this one knows up to "
                f"{len(self._migrations)}). Update the package, or name another file."
            )
        return version

    def _close(self) -> None:
        with suppress(sqlite3.Error):  # all changes are on the disk already
            self._db.execute("DELETE FROM owner")
        with suppress(sqlite3.Error):
            self._opened.close()

    def _commit(self) -> None:
        """Make all waiting changes in one transaction."""
        changes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for change in changes:
                change.result = change.work(self._db)
            self._db.execute("COMMIT")
            self._check_place()
        except Exception as exc:  # noqa: BLE001 - raised by each call of `write` that waits
            for change in changes:
                change.failure = exc
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
        for change in changes:
            change.done = True

    def _check_place(self) -> None:
        """Check that what was written is where the next process will look for it."""
        if self._identify() != self._identities:
            raise _MovedError("it was removed or replaced while a bulk used it")

    def _identify(self) -> list[tuple[int, int] | None]:
        """Return which files are at the path and beside it; `None` for one that is missing."""
        found: list[tuple[int, int] | None] = []
        for file in (self.path, self._wal):
            try:
                status = file.lstat()
                found.append((status.st_dev, status.st_ino))
            except OSError:
                found.append(None)
        return found

    def _unusable(self, exc: Exception) -> JournalError:
        match exc:
            case _MovedError():
                advice = _KEEP
            case OSError():
                advice = _ADVICE[sqlite3.SQLITE_CANTOPEN]
            case _:
                advice = _ADVICE.get(_kind(exc), "Name another file.")
        return JournalError(
            f"The journal {self.path} cannot be used: {exc}. {advice} Nothing is triggered that it has not recorded."
        )

    def _in_use(self) -> JournalInUseError:
        pid, user = None, "another program"
        # What another process has locked can be read only without a lock, as if nobody wrote to it.
        address = f"{self.path.as_uri()}?immutable=1"
        with suppress(sqlite3.Error, TypeError, ValueError), closing(sqlite3.connect(address, uri=True)) as db:
            found, host = db.execute("SELECT pid, host FROM owner").fetchone()
            pid = int(found)
            user = f"process {pid} on {excerpt(str(host))}"
        return JournalInUseError(
            f"The journal {self.path} is in use by {user}. Wait until it ends, or name another file.", pid=pid
        )


def _is_link(path: Path) -> str:
    return f"{path} is a link, and a journal is written to no link's target. Name the file itself as journal."


def _connect(path: Path, *, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)


def _kind(exc: Exception) -> int:
    code: int = getattr(exc, "sqlite_errorcode", 0)
    return code & _PRIMARY_CODE
