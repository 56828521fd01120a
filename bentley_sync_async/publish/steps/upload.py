"""Uploads of a publish: a file is read, hashed while it is sent, and completed only if it is what was planned."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Self

import anyio
from attrs import define, evolve, field

from bentley_sync_async.errors import (
    AuthenticationError,
    CredentialsError,
    JournalError,
    NotFoundError,
    ServerError,
    SynchronizationError,
    TransportError,
)
from bentley_sync_async.models.platform import FileUpload, StorageFile
from bentley_sync_async.publish.events import FileFailed, FileUploaded, PublishEvent, UploadStarted
from bentley_sync_async.publish.outcomes import FileOutcome, FileStatus
from bentley_sync_async.publish.plan import FilePlan
from bentley_sync_async.publish.sources import FileSource
from bentley_sync_async.publish.state import PublishState, StoredFile
from bentley_sync_async.resources.storage.files import Files

from .descriptions import describe
from .local import HashedFile, hash_file

ATTEMPTS = 3
"""How often a file is read that is changed meanwhile, and a step is tried whose answer was lost."""


class Bandwidth:
    """Bytes a second that all uploads together may send."""

    def __init__(self, bytes_per_second: float | None) -> None:
        """Set the limit; `None` for none."""
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        """Wait until so many bytes may be sent."""
        if self._rate is None:
            return
        now = anyio.current_time()
        starts_at = max(now, self._free_at)
        self._free_at = starts_at + size / self._rate
        if starts_at > now:
            await anyio.sleep(starts_at - now)


class HashingReader:
    """The content of a file, hashed while it is read.

    Attributes:
        size: Bytes read so far.
    """

    def __init__(self, source: FileSource, bandwidth: Bandwidth, progress: Callable[[int], None]) -> None:
        """Set what to read, and who is told how many bytes were read so far."""
        self._chunks = source.read()
        self._bandwidth = bandwidth
        self._progress = progress
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash of what was read so far."""
        return self._digest.hexdigest()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        await self._bandwidth.take(len(chunk))
        self._digest.update(chunk)
        self.size += len(chunk)
        self._progress(self.size)
        return chunk

    async def aclose(self) -> None:
        """Close the file, however far it was read."""
        close: Callable[[], Awaitable[None]] | None = getattr(self._chunks, "aclose", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await close()


@define(eq=False)
class Uploader:
    """Uploads files to a folder in Storage.

    Attributes:
        files: The resource.
        folder_id: The folder.
        state: Remembers what was uploaded.
        bandwidth: What all uploads together may send.
        emit: Takes the events.
        sending: The bytes that were read so far of each file that is being uploaded.
    """

    files: Files
    folder_id: str
    state: PublishState
    bandwidth: Bandwidth
    emit: Callable[[PublishEvent], Awaitable[None]]
    sending: dict[str, int] = field(factory=dict)

    async def upload(self, plan: FilePlan, file: HashedFile) -> FileOutcome:
        """Upload a file, and return what came of it.

        Raises:
            AuthenticationError: The service refuses the token, so every file would fail.
            CredentialsError: The issuer refuses the credentials.
            JournalError: The upload cannot be recorded.
        """
        outcome = FileOutcome(path=plan.path, action=plan.action, status=FileStatus.FAILED, size=plan.size)
        reason = ""
        try:
            began_at = anyio.current_time()
            stored = await self._upload(plan, file)
            seconds = anyio.current_time() - began_at
            await self.emit(FileUploaded(path=plan.path, size=stored.size, file_id=stored.file_id, seconds=seconds))
            return evolve(
                outcome, status=FileStatus.UPLOADED, size=stored.size, file_id=stored.file_id, seconds=seconds
            )
        except (AuthenticationError, CredentialsError, JournalError):
            raise
        except OSError as exc:
            reason = f"It cannot be read: {exc.strerror or exc}."
        except SynchronizationError as exc:
            reason = str(exc)
        finally:
            self.sending.pop(plan.path, None)
        await self.emit(FileFailed(path=plan.path, size=plan.size, reason=reason))
        return evolve(outcome, reason=reason)

    async def _upload(self, plan: FilePlan, file: HashedFile) -> StoredFile:
        for attempt in range(1, ATTEMPTS + 1):
            size = file.version.size
            await self.emit(UploadStarted(path=plan.path, size=size, action=plan.action, attempt=attempt))
            upload = await self._begin(plan, file)
            if await self._send(plan.path, upload, file):
                return await self._finish(plan, upload.file_id, file)
            file = evolve(file, version=await file.source.version(), sha256=await hash_file(file.source))
        raise _ChangedFileError(
            f"It was changed while it was read, {ATTEMPTS} times. Publish again when nobody writes to it."
        )

    async def _begin(self, plan: FilePlan, file: HashedFile) -> FileUpload:
        """Announce the file; repeated after a lost answer, as nobody sees a file that is not completed."""
        published = plan.published
        if published is not None:
            return await _repeated(lambda: self.files.begin_update(published.file_id))
        name, description = PurePosixPath(plan.path).name, describe(plan.path, file.sha256)
        return await _repeated(lambda: self.files.create(self.folder_id, name, description=description))

    async def _send(self, path: str, upload: FileUpload, file: HashedFile) -> bool:
        """Send the content; return whether it is what was planned."""
        self.sending[path] = 0

        def progress(size: int) -> None:
            self.sending[path] = size

        reader = HashingReader(file.source, self.bandwidth, progress)
        try:
            await self.files.put(upload, reader)
        finally:
            await reader.aclose()
        same = (reader.size, reader.sha256) == (file.version.size, file.sha256)
        return same and await file.source.version() == file.version

    async def _finish(self, plan: FilePlan, file_id: str, file: HashedFile) -> StoredFile:
        """Complete the upload and record it."""
        completed = await self._complete(file_id, file.version.size)
        before = self.state.files.get(file_id) or StoredFile(file_id=file_id, path=plan.path, sha256="", size=0)
        # Until the description is written, the instant of the last change is not known: then any is taken for ours.
        stored = evolve(before, path=plan.path, sha256=file.sha256, size=file.version.size, modified_at=None)
        await self.state.save([stored])
        if plan.published is not None:
            completed = await self.files.update(file_id, description=describe(plan.path, file.sha256))
        stored = evolve(stored, modified_at=completed.last_modified_date_time)
        await self.state.save([stored])
        return stored

    async def _complete(self, file_id: str, size: int) -> StorageFile:
        try:
            completed = await self.files.complete(file_id)
        except (TransportError, ServerError):
            try:
                completed = await self.files.get(file_id)  # its answer may have been lost only
            except NotFoundError:
                completed = await self.files.complete(file_id)
        if completed.size not in (None, size):
            raise _IncompleteUploadError(
                f"Storage has {completed.size:,} bytes of it instead of {size:,} (file {file_id}). Publish again."
            )
        return completed


class _ChangedFileError(SynchronizationError):
    """A file was changed each time that it was read."""


class _IncompleteUploadError(SynchronizationError):
    """Storage has something else than what was sent."""


async def _repeated(step: Callable[[], Awaitable[FileUpload]]) -> FileUpload:
    for _ in range(ATTEMPTS - 1):
        try:
            return await step()
        except (TransportError, ServerError):
            continue
    return await step()
