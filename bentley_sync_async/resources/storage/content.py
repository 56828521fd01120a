"""The content of a file to upload, read block by block: of a path, of bytes, or of an async iterator."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import anyio

from bentley_sync_async.errors import InvalidArgumentError

Source: TypeAlias = str | os.PathLike[str] | bytes | AsyncIterable[bytes]
"""A path, the bytes themselves, or what yields them."""


class Content(ABC):
    """The content of a file.

    Attributes:
        size: Its bytes; `None` if that is not known before its end.
        name: The file's name; `None` if it has none.
        repeatable: Whether it can be read again.
    """

    def __init__(self, *, size: int | None = None, name: str | None = None, repeatable: bool = True) -> None:
        """Describe it."""
        self.size = size
        self.name = name
        self.repeatable = repeatable

    @abstractmethod
    async def read(self, size: int) -> bytes:
        """Return the next so many bytes; fewer only at the end."""

    async def rewind(self) -> None:
        """Go back to the beginning, if it is repeatable."""
        raise NotImplementedError


@asynccontextmanager
async def opened(source: Source) -> AsyncGenerator[Content]:
    """Open the content of a file.

    Raises:
        InvalidArgumentError: The source is none.
        OSError: There is no such file, or it cannot be read.
    """
    match source:
        case bytes():
            yield _Bytes(source)
        case str() | os.PathLike():
            async with await anyio.open_file(source, "rb") as file:
                yield _File(file, Path(source).name, os.fstat(file.wrapped.fileno()).st_size)
        case AsyncIterable():
            yield _Stream(aiter(source))
        case _:
            raise InvalidArgumentError(
                f"The content of a file is a path, bytes or an async iterator of bytes, not {type(source).__name__}."
            )


class _Bytes(Content):
    def __init__(self, content: bytes) -> None:
        super().__init__(size=len(content))
        self._file = BytesIO(content)

    async def read(self, size: int) -> bytes:
        return self._file.read(size)

    async def rewind(self) -> None:
        self._file.seek(0)


class _File(Content):
    def __init__(self, file: anyio.AsyncFile[bytes], name: str, size: int) -> None:
        super().__init__(size=size, name=name)
        self._file = file

    async def read(self, size: int) -> bytes:
        return await self._file.read(size)

    async def rewind(self) -> None:
        await self._file.seek(0)


class _Stream(Content):
    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        super().__init__(repeatable=False)
        self._chunks = chunks
        self._left = memoryview(b"")

    async def read(self, size: int) -> bytes:
        block = bytearray()
        while len(block) < size:
            if not self._left:
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    break
                if not isinstance(chunk, bytes | bytearray | memoryview):
                    raise InvalidArgumentError(f"The content's iterator must yield bytes, not {type(chunk).__name__}.")
                self._left = memoryview(chunk).cast("B")
            taken = self._left[: size - len(block)]
            block += taken
            self._left = self._left[len(taken) :]
        return bytes(block)
