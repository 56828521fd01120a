"""Content to and from the blob store behind Storage, by `azure-storage-blob` and signed URLs.

The library brings retries and the store's protocol. Blocks are sent by a task group of our own: the library's parallel
upload reads a file in the event loop, and goes on with the other blocks after one has failed or the caller was
cancelled. Its exceptions hold the signed URL, so ours are raised outside their handlers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

import anyio

from bentley_sync_async.errors import ConfigurationError, FileTransferError, ProtocolError
from bentley_sync_async.redaction import excerpt

from .content import Content

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes that have arrived, and how many there are in all; `None` if that is not known yet."""

BLOCK: Final = 8 * 1024 * 1024
"""Bytes of a block."""

_PARALLEL: Final = 4
_IN_ONE: Final = 2**20
"""Content of at most so many bytes is sent in one request."""


def require_library() -> None:
    """Check that the library is there.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import azure.storage.blob.aio  # noqa: F401, PLC0415 - loaded when it is used
    except ImportError as exc:
        raise ConfigurationError(
            "Uploads and downloads of files need azure-storage-blob: pip install 'bentley-sync-async[publish]'"
        ) from exc


async def put(url: str, content: Content, *, file_id: str, progress: Progress | None) -> None:
    """Send content to a signed URL, in blocks if it is large: a few of them are in memory at a time.

    Raises:
        FileTransferError: It did not arrive.
    """
    tell = _Progress(progress, content.size)
    async with _blob(url) as blob:
        block = await content.read(BLOCK)
        if len(block) <= _IN_ONE:
            await _done(blob.upload_blob(block, length=len(block), overwrite=True), file_id)
            tell.add(len(block))
        else:
            ids = await _put_blocks(blob, content, block, file_id, tell)
            await _done(_commit(blob, ids), file_id)


async def fetch(url: str, target: Path, *, file_id: str, progress: Progress | None) -> int:
    """Write what is behind a signed URL to a file, and return its size in bytes. No part of it stays if it fails.

    Raises:
        FileTransferError: It did not arrive.
        OSError: The file cannot be written.
    """
    part = anyio.Path(target.with_name(f"{target.name}.part"))
    try:
        async with _blob(url) as blob, await part.open("wb") as file:
            stream = await _done(blob.download_blob(), file_id)
            tell = _Progress(progress, stream.size)
            chunks = stream.chunks()
            while (chunk := await _done(anext(chunks, None), file_id)) is not None:
                await file.write(chunk)
                tell.add(len(chunk))
        await part.replace(target)
    finally:
        with anyio.CancelScope(shield=True):
            await part.unlink(missing_ok=True)
    return tell.done


async def _put_blocks(blob: BlobClient, content: Content, block: bytes, file_id: str, tell: _Progress) -> list[str]:
    ids: list[str] = []
    failures: list[Exception] = []
    free = anyio.Semaphore(_PARALLEL)

    async def stage(block_id: str, block: BytesIO, size: int) -> None:
        try:
            await _done(blob.stage_block(block_id, block, length=size), file_id)
            tell.add(size)
        except Exception as exc:  # noqa: BLE001 - raised below, where it is in no group
            failures.append(exc)
            group.cancel_scope.cancel()
        finally:
            free.release()

    async with anyio.create_task_group() as group:
        try:
            while block:
                await free.acquire()
                ids.append(f"{len(ids):08}")
                # As a file: aiohttp warns of large bytes, as it would write them in one go. It copies them, so that
                # nothing else may hold them.
                group.start_soon(stage, ids[-1], BytesIO(block), len(block))
                block = b""
                block = await content.read(BLOCK)
        except Exception as exc:  # noqa: BLE001 - raised below, where it is in no group
            failures.append(exc)
            group.cancel_scope.cancel()
    if failures:
        raise failures.pop(0)
    return ids


async def _commit(blob: BlobClient, ids: list[str]) -> None:
    from azure.storage.blob import BlobBlock  # noqa: PLC0415

    await blob.commit_block_list([BlobBlock(block_id) for block_id in ids])


def _blob(url: str) -> BlobClient:
    from azure.storage.blob.aio import BlobClient, ExponentialRetry  # noqa: PLC0415

    parts = urlsplit(url)
    # Not BlobClient.from_blob_url, which takes the first folder of a loopback URL for the name of an account.
    container, _, name = parts.path.strip("/").partition("/")
    if not name:
        raise ProtocolError(f"The signed URL of the service names no file in a store: {parts.scheme}://{parts.netloc}.")
    return BlobClient(
        f"{parts.scheme}://{parts.netloc}/?{parts.query}",
        container_name=unquote(container),
        blob_name=unquote(name),
        retry_policy=ExponentialRetry(initial_backoff=0, increment_base=2, random_jitter_range=1, retry_total=4),
        permit_redirects=False,  # content goes nowhere but where the service said
        max_single_get_size=BLOCK,
        max_chunk_get_size=BLOCK,
    )


async def _done(step: Awaitable[T], file_id: str) -> T:
    """Return what a step of the library returns; its failure is ours, without the signed URL."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    failures: list[FileTransferError] = []
    try:
        return await step
    except (AzureError, ValueError) as exc:  # a ValueError of an answer that is no store's
        failures.append(_failure(exc, file_id))
    raise failures.pop()


def _failure(exc: Exception, file_id: str) -> FileTransferError:
    status: int | None = getattr(exc, "status_code", None)
    code: str | None = getattr(exc, "error_code", None)
    code = None if code is None else excerpt(str(getattr(code, "value", code)), 60)
    if status is None:
        what = f"the connection failed ({type(exc).__name__}); check the network and the proxy"
    elif status == 403:  # noqa: PLR2004
        what = f"the store answered 403 {code or ''}: the signed URL has expired, or is not valid"
    else:
        what = f"the store answered {status} {code or ''}"
    return FileTransferError(
        f"The content of file {file_id} was not transferred: {what.strip()}. Nothing has changed, as an upload is in "
        "force only when it is complete: repeat it, for a file that exists by files.update_content().",
        file_id=file_id,
        status=status,
        code=code,
    )


class _Progress:
    """Counts what has arrived, and tells it."""

    def __init__(self, progress: Progress | None, total: int | None) -> None:
        self.done = 0
        self._progress = progress
        self._total = total

    def add(self, size: int) -> None:
        self.done += size
        if self._progress is not None:
            self._progress(self.done, self._total)
