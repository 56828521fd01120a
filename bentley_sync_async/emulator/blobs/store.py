"""The blobs: their blocks are files in a folder, so that content needs no memory."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attrs import define, field, frozen

from bentley_sync_async.emulator.platform.messages import FilePart


@frozen(kw_only=True)
class Block:
    """A piece of content.

    Attributes:
        id: The block's id, base64; empty for content that was sent as a whole.
        file: The name of its file.
        size: Its bytes.
    """

    id: str
    file: str
    size: int


@frozen(kw_only=True)
class Blob:
    """A blob.

    Attributes:
        blocks: Its content.
        content_type: The media type that was sent with it.
        etag: Identifies this content.
        modified: When it was written, as in HTTP headers.
        content_md5: Base64 of the MD5 of content that was sent as a whole; empty otherwise.
    """

    blocks: tuple[Block, ...]
    content_type: str
    etag: str
    modified: str
    content_md5: str = ""

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return sum(block.size for block in self.blocks)


@define(kw_only=True)
class BlobState:
    """What is kept of blobs.

    Attributes:
        blobs: The blobs by `container/name`.
        staged: Blocks that are in no blob yet, by blob and id.
        number: How many files were made.
    """

    blobs: dict[str, Blob] = field(factory=dict)
    staged: dict[str, dict[str, Block]] = field(factory=dict)
    number: int = 0


class BlobStore:
    """All blobs.

    Attributes:
        state: What is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        """Use a folder, which stays; without one, a temporary folder is made when it is needed."""
        self.state = BlobState()
        self._folder = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Delete the temporary folder."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = self._folder = None
            self.state = BlobState()

    def restore(self, state: BlobState) -> None:
        """Take over what was kept. After a crash, files may be missing or left over."""
        there = {path.name for path in self.folder.iterdir()}
        state.blobs = {name: blob for name, blob in state.blobs.items() if {one.file for one in blob.blocks} <= there}
        state.staged = {
            name: {block_id: block for block_id, block in blocks.items() if block.file in there}
            for name, blocks in state.staged.items()
        }
        used = {block.file for blob in state.blobs.values() for block in blob.blocks}
        used |= {block.file for blocks in state.staged.values() for block in blocks.values()}
        for name in there - used:
            (self.folder / name).unlink()
        self.state = state

    @property
    def folder(self) -> Path:
        """The folder with the blocks."""
        if self._folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="emulated-blobs-")
            self._folder = Path(self._temporary.name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    async def write(self, block_id: str, pieces: AsyncIterator[bytes]) -> tuple[Block, bytes]:
        """Write content to a file, and return it with its MD5. Nothing stays of content that does not arrive whole."""
        with self._new_file() as (name, file):
            size, digest = 0, hashlib.md5(usedforsecurity=False)
            async for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        return Block(id=block_id, file=name, size=size), digest.digest()

    def etag(self) -> str:
        """Return an ETag that no other content has."""
        self.state.number += 1
        return f'"0x{self.state.number:016X}"'

    def put(self, name: str, blob: Blob) -> None:
        """Set the content of a blob; blocks that were staged for it are discarded."""
        before = self.state.blobs.get(name)
        staged = self.state.staged.pop(name, {})
        self.state.blobs[name] = blob
        kept = {block.file for block in blob.blocks}
        self._discard(
            block for block in (*(before.blocks if before else ()), *staged.values()) if block.file not in kept
        )

    def stage(self, name: str, block: Block) -> None:
        """Stage a block for a blob; one of the same id is replaced."""
        staged = self.state.staged.setdefault(name, {})
        if block.id in staged:
            self._discard([staged[block.id]])
        staged[block.id] = block

    def discard(self, block: Block) -> None:
        """Delete a block that is not used."""
        self._discard([block])

    def delete(self, name: str) -> None:
        """Delete a blob and what was staged for it, if there is any."""
        blob, staged = self.state.blobs.pop(name, None), self.state.staged.pop(name, {})
        self._discard((*(blob.blocks if blob else ()), *staged.values()))

    def parts(self, blob: Blob, start: int, size: int) -> tuple[FilePart, ...]:
        """Return a range of a blob's content."""
        parts = []
        for block in blob.blocks:
            begin = max(start, 0)
            length = min(block.size - begin, size)
            if length > 0:
                parts.append(FilePart(self.folder / block.file, begin, length))
                size -= length
            start -= block.size
        return tuple(parts)

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the content of a blob in pieces."""
        for block in blob.blocks:
            yield (self.folder / block.file).read_bytes()

    def put_bytes(self, name: str, content: bytes, modified: str) -> Blob:
        """Set the content of a blob that is in memory."""
        with self._new_file() as (file_name, file):
            file.write(content)
        blocks = (Block(id="", file=file_name, size=len(content)),)
        blob = Blob(blocks=blocks, content_type="application/octet-stream", etag=self.etag(), modified=modified)
        self.put(name, blob)
        return blob

    def is_zip(self, blob: Blob) -> bool:
        """Return whether a blob is a readable zip archive. Its members are listed, not unpacked."""
        with _Reader(self, blob) as file:
            try:
                zipfile.ZipFile(file).close()
            except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
                return False
        return True

    @contextmanager
    def _new_file(self) -> Iterator[tuple[str, IO[bytes]]]:
        self.state.number += 1
        name = f"{self.state.number:08}"
        path = self.folder / name
        try:
            with path.open("wb") as file:
                yield name, file
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _discard(self, blocks: Iterator[Block] | list[Block] | tuple[Block, ...]) -> None:
        for file in {block.file for block in blocks}:
            (self.folder / file).unlink(missing_ok=True)


class _Reader(io.RawIOBase):
    """A blob as a file that can be read anywhere, without copying its blocks."""

    def __init__(self, store: BlobStore, blob: Blob) -> None:
        super().__init__()
        self._store = store
        self._blob = blob
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._blob.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "negative seek position")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        most = self._blob.size if size is None or size < 0 else size
        content = b"".join(part.read() for part in self._store.parts(self._blob, self._at, most))
        self._at += len(content)
        return content


def block_ids_fit(ids: list[str]) -> bool:
    """Return whether ids of blocks have the store's form: base64 of at most 64 bytes, all of the same length."""
    try:
        decoded = [base64.b64decode(one, validate=True) for one in ids]
    except ValueError:
        return False
    return all(0 < len(one) <= 64 for one in decoded) and len({len(one) for one in ids}) <= 1  # noqa: PLR2004
