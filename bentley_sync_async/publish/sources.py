"""Files to publish: on the disk, or from anywhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
from attrs import frozen

from bentley_sync_async.models import ConnectorType

CHUNK = 1024 * 1024
"""Bytes that are read at a time."""


@frozen(kw_only=True)
class FileVersion:
    """What shows that a file has changed, without reading it.

    Attributes:
        size: Bytes.
        stamp: Another value after each change, such as the time of the last one in nanoseconds.
    """

    size: int
    stamp: int


class FileSource(Protocol):
    """A file to publish, on the disk or anywhere else."""

    @property
    def path(self) -> str:
        """What identifies it: a relative path with forward slashes, whose last part is its name in Storage."""
        ...

    @property
    def connector(self) -> ConnectorType | None:
        """The connector that reads it; `None` to choose it by the extension."""
        ...

    async def version(self) -> FileVersion:
        """Return the version that there is now.

        Raises:
            OSError: It cannot be read.
        """
        ...

    def read(self) -> AsyncIterator[bytes]:
        """Read the content, from the beginning, in chunks.

        Raises:
            OSError: It cannot be read.
        """
        ...


@frozen(kw_only=True)
class DiskFile:
    """A file on the disk.

    Attributes:
        path: Its path relative to the manifest, with forward slashes.
        place: Where it is.
        connector: The connector that reads it; `None` to choose it by the extension.
    """

    path: str
    place: Path
    connector: ConnectorType | None = None

    async def version(self) -> FileVersion:
        """Return size and time of the last change.

        Raises:
            OSError: It cannot be read, or is no file.
        """
        found = await anyio.to_thread.run_sync(os.stat, self.place)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a file")
        return FileVersion(size=found.st_size, stamp=found.st_mtime_ns)

    def read(self) -> AsyncIterator[bytes]:
        """Read the content in chunks, in a thread."""
        return _Chunks(self.place)


class _Chunks:
    """Reads a file in chunks; whoever stops halfway calls `aclose`."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._file: anyio.AsyncFile[bytes] | None = None

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._file is None:
            self._file = await anyio.open_file(self._place, "rb", buffering=0)
        chunk = b"" if self._file.closed else await self._file.read(CHUNK)
        if not chunk:
            await self.aclose()
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Close the file."""
        if self._file is not None:
            await self._file.aclose()
