"""The files on the disk: which ones a manifest selects, their hashes, and their content in chunks."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
from attrs import field, frozen

from bentley_sync_async.bulk.common.concurrency import for_each
from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import ConnectorType
from bentley_sync_async.publish.manifest import FileSelection, connector_of

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


@frozen(kw_only=True)
class HashedFile:
    """A file with the hash of its content.

    Attributes:
        source: The file.
        version: Its version when it was read.
        sha256: The SHA-256 of its content, in hexadecimal digits.
        connector: The connector that reads it.
    """

    source: FileSource
    version: FileVersion
    sha256: str
    connector: ConnectorType


@frozen(kw_only=True)
class LocalFiles:
    """The files of a manifest.

    Attributes:
        files: Those that can be published.
        refused: The paths of the others, each with the reason, for people.
    """

    files: tuple[HashedFile, ...] = ()
    refused: Mapping[str, str] = field(factory=dict)


def select(folder: Path, selections: Iterable[FileSelection]) -> list[DiskFile]:
    """Return the files that a manifest selects.

    Links to files are followed, links to folders are not.

    Args:
        folder: The folder of the manifest.
        selections: The manifest's; a file that several match belongs to the first.

    Raises:
        InvalidArgumentError: A selection matches no file.
    """
    found: dict[str, DiskFile] = {}
    for selection in selections:
        places = [place for place in folder.glob(selection.path) if not place.is_dir()]
        if not places:
            raise InvalidArgumentError(
                f"{selection.path} matches no file in {folder}. Correct its path in the manifest, or take it out."
            )
        for place in places:
            path = place.relative_to(folder).as_posix()
            found.setdefault(path, DiskFile(path=path, place=place, connector=selection.connector))
    return [found[path] for path in sorted(found)]


async def hash_files(
    sources: Iterable[FileSource],
    *,
    cached: Callable[[str, FileVersion], str | None],
    keep: Callable[[str, FileVersion, str], None],
    at_once: int = 4,
) -> LocalFiles:
    """Return the hashes of files, and why others cannot be published.

    Args:
        sources: The files.
        cached: Returns the hash that a version of a path had before; `None` if it is not known.
        keep: Keeps a hash.
        at_once: How many are read at a time.
    """
    hashed: dict[str, HashedFile] = {}
    refused: dict[str, str] = {}

    async def add(source: FileSource) -> None:
        connector = source.connector or connector_of(source.path)
        if connector is None:
            refused[source.path] = "No connector is known for its extension: set connector in the manifest."
            return
        try:
            version = await source.version()
            if version.size == 0:
                refused[source.path] = "It is empty, and the service refuses empty files (ZeroByte)."
                return
            sha256 = cached(source.path, version) or await hash_file(source)
        except OSError as exc:
            refused[source.path] = f"It cannot be read: {exc.strerror or exc}."
            return
        keep(source.path, version, sha256)
        hashed[source.path] = HashedFile(source=source, version=version, sha256=sha256, connector=connector)

    await for_each(sources, add, at_once=at_once)
    return LocalFiles(files=tuple(hashed[path] for path in sorted(hashed)), refused=dict(sorted(refused.items())))


async def hash_file(source: FileSource) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    if isinstance(source, DiskFile):  # one thread for the whole file, instead of one change of threads a chunk
        return await anyio.to_thread.run_sync(_hash_of, source.place)
    digest = hashlib.sha256()
    async for chunk in source.read():
        digest.update(chunk)
    return digest.hexdigest()


def _hash_of(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
