"""The files to publish: which ones a manifest selects, and their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import anyio.to_thread
from attrs import field, frozen

from bentley_sync_async.bulk.common.concurrency import for_each
from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import ConnectorType
from bentley_sync_async.publish.manifest import FileSelection, connector_of
from bentley_sync_async.publish.sources import DiskFile, FileSource, FileVersion


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
