"""Files in Storage: their descriptions, and their content."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from attrs import field, frozen

from bentley_sync_async.errors import APIError, FileTransferError, InvalidArgumentError, ProtocolError
from bentley_sync_async.models import Link
from bentley_sync_async.models.platform import FileUpload, StorageFile
from bentley_sync_async.resources.base import Listing, Resource, given
from bentley_sync_async.transport.messages import STORAGE, Product, Request
from bentley_sync_async.wire.ids import path_segment

from .blobs import Progress, fetch, put, require_library
from .content import Content, Source, opened
from .urls import completed_file, signed_url

_ACCEPTED, _OK, _FOUND = frozenset({202}), frozenset({200}), frozenset({302})
_REFUSED = 403


@frozen(kw_only=True)
class _UploadLinks:
    complete_url: Link = field(factory=Link)
    upload_url: Link = field(factory=Link)


class Files(Resource):
    """`client.storage.files`. Its uploads and downloads need `pip install 'bentley-sync-async[publish]'`.

    The content of a file is in a blob store, and travels by signed URLs that the service hands out; the access token
    is not sent there.
    """

    _product: ClassVar[Product] = STORAGE

    def list(self, folder_id: str, *, page_size: int | None = None) -> Listing[StorageFile]:
        """List the files in a folder (`get-files-in-folder`).

        Args:
            folder_id: The folder.
            page_size: Files per request, at most 1,000; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such folder (on iteration, like every other error of the service).
            UnprocessableError: The page size is over 1,000.
        """
        path = f"folders/{path_segment(folder_id, 'folder_id')}/files"
        return self._listing(path, "files", StorageFile, page_size=page_size)

    async def upload(
        self,
        folder_id: str,
        source: Source,
        *,
        display_name: str | None = None,
        description: str | None = None,
        progress: Progress | None = None,
    ) -> StorageFile:
        """Create a file with its content: `create`, `put` and `complete` in one.

        A second file of the same name is another file; `update_content` changes the content of one that is there.
        If the signed URL expires midway, a path or bytes are sent again, once, as another file; the first stays unseen.

        Args:
            folder_id: The folder that it will be in.
            source: A path, bytes, or an async iterator of bytes. Content of any size passes through little memory.
            display_name: Its name; that of the path if it is not given.
            description: A text about it.
            progress: Called with the bytes that have arrived and those in all, `None` for an iterator.

        Returns:
            The file; its `id` is the `storage_file_id` of a source file.

        Raises:
            ConfigurationError: `azure-storage-blob` is not installed.
            InvalidArgumentError: There is no name; nothing was sent.
            OSError: The path cannot be read; nothing was sent.
            NotFoundError: There is no such folder.
            UnprocessableError: The service does not accept the name, or files of its extension.
            FileTransferError: The content did not arrive. The error's `file_id` is a file that is not complete and that
                nobody sees: upload again.
            ProtocolError: The service's URL cannot be right; nothing was sent there.
        """
        require_library()
        async with opened(source) as content:
            name = display_name if display_name is not None else content.name
            if name is None:
                raise InvalidArgumentError("display_name is needed: bytes and iterators have no name.")
            create = partial(self.create, folder_id, name, description=description)
            upload = await self._put(await create(), content, progress, renew=create)
        return await self.complete(upload.file_id)

    async def update_content(self, file_id: str, source: Source, *, progress: Progress | None = None) -> StorageFile:
        """Replace the content of a file: `begin_update`, `put` and `complete` in one.

        Its id stays, and so do the source files of connections: run them to synchronize the new content.

        Args:
            file_id: The file.
            source: A path, bytes, or an async iterator of bytes.
            progress: As for `upload`.

        Raises:
            ConfigurationError: `azure-storage-blob` is not installed.
            OSError: The path cannot be read; nothing was sent.
            NotFoundError: There is no such file.
            FileTransferError: The content did not arrive; the file has the content that it had.
            ProtocolError: The service's URL cannot be right; nothing was sent there.
        """
        require_library()
        path_segment(file_id, "file_id")
        begin = partial(self.begin_update, file_id)
        async with opened(source) as content:
            await self._put(await begin(), content, progress, renew=begin)
        return await self.complete(file_id)

    async def download(self, file_id: str, target: str | os.PathLike[str], *, progress: Progress | None = None) -> int:
        """Write the content of a file to a local file (`download-file`), and return its size in bytes.

        The local file appears when all of it is there.

        Args:
            file_id: The file.
            target: The path to write; an existing file is replaced.
            progress: Called with the bytes that have arrived and those in all.

        Raises:
            ConfigurationError: `azure-storage-blob` is not installed.
            NotFoundError: There is no such file.
            FileTransferError: The content did not arrive.
            OSError: The local file cannot be written.
            ProtocolError: The service's URL cannot be right; nothing was sent there.
        """
        require_library()
        request = self._request("GET", f"{_path(file_id)}/download")
        response = await self._pipeline.call(request, expected=_FOUND)
        url = signed_url(response.headers.get("location"), "Location")
        return await fetch(url, Path(target), file_id=file_id, progress=progress)

    async def get(self, file_id: str) -> StorageFile:
        """Return a file's description (`get-file`).

        Args:
            file_id: The file.

        Raises:
            NotFoundError: There is no such file.
        """
        return await self._one(self._request("GET", _path(file_id)), "file", StorageFile)

    async def update(
        self, file_id: str, *, display_name: str | None = None, description: str | None = None
    ) -> StorageFile:
        """Change the name or the description of a file (`update-file`).

        Args:
            file_id: The file.
            display_name: A new name; `None` keeps the one there is.
            description: A new description; `None` keeps the one there is.

        Raises:
            InvalidArgumentError: There is nothing to change.
            NotFoundError: There is no such file.
            UnprocessableError: The service does not accept the name.
        """
        body = given({"displayName": display_name, "description": description})
        if not body:
            raise InvalidArgumentError("Nothing to change: give display_name, description, or both.")
        return await self._one(self._request("PATCH", _path(file_id), body=body), "file", StorageFile)

    async def delete(self, file_id: str) -> None:
        """Move a file to the recycle bin (`delete-file`).

        Args:
            file_id: The file.

        Raises:
            NotFoundError: There is no such file.
        """
        await self._pipeline.call(self._request("DELETE", _path(file_id)))

    # The steps of an upload.

    async def create(self, folder_id: str, display_name: str, *, description: str | None = None) -> FileUpload:
        """Create a file without content, the first step of `upload` (`create-file`).

        It is not repeated when its answer is lost: nobody sees a file that is not complete, so create another one.

        Args:
            folder_id: The folder that it will be in.
            display_name: Its name; need not be unique.
            description: A text about it.

        Raises:
            NotFoundError: There is no such folder.
            UnprocessableError: The service does not accept the name, or files of its extension.
            ProtocolError: The answer's URLs cannot be right.
        """
        path = f"folders/{path_segment(folder_id, 'folder_id')}/files"
        body = given({"displayName": display_name, "description": description})
        return await self._upload(self._request("POST", path, body=body))

    async def begin_update(self, file_id: str, *, display_name: str | None = None) -> FileUpload:
        """Ask for new content of a file, the first step of `update_content` (`update-file-content`).

        Args:
            file_id: The file.
            display_name: Its name, which the page asks for and the service does not.

        Raises:
            NotFoundError: There is no such file.
            ProtocolError: The answer's URLs cannot be right.
        """
        body = given({"displayName": display_name}) or None
        upload = await self._upload(self._request("POST", f"{_path(file_id)}/updatecontent", body=body))
        if upload.file_id != file_id:
            raise ProtocolError(f"The service wants the content of file {upload.file_id} for that of {file_id}.")
        return upload

    async def put(self, upload: FileUpload, source: Source, *, progress: Progress | None = None) -> None:
        """Send the content of a file, the second step of an upload.

        Args:
            upload: What `create` or `begin_update` returned.
            source: A path, bytes, or an async iterator of bytes.
            progress: As for `upload`.

        Raises:
            ConfigurationError: `azure-storage-blob` is not installed.
            OSError: The path cannot be read.
            FileTransferError: The content did not arrive.
        """
        require_library()
        async with opened(source) as content:
            await self._put(upload, content, progress, renew=partial(self.begin_update, upload.file_id))

    async def complete(self, file_id: str) -> StorageFile:
        """Put uploaded content in force, the last step of an upload (`complete-file-upload`).

        It is not repeated when its answer is lost; the content stays where it is, so complete it again.

        Args:
            file_id: The file.

        Raises:
            NotFoundError: There is no such file.
        """
        return await self._one(self._request("POST", f"{_path(file_id)}/complete"), "file", StorageFile, expected=_OK)

    async def _upload(self, request: Request) -> FileUpload:
        links = await self._one(request, "_links", _UploadLinks, expected=_ACCEPTED)
        return FileUpload(
            file_id=completed_file(links.complete_url.href, base_url=self.base_url),
            upload_url=signed_url(links.upload_url.href, "uploadUrl"),
        )

    async def _put(
        self,
        upload: FileUpload,
        content: Content,
        progress: Progress | None,
        *,
        renew: Callable[[], Awaitable[FileUpload]],
    ) -> FileUpload:
        """Send content, and return the upload to complete.

        If the URL expires meanwhile, all of it is sent again to a new one, once, if it can be read again. A new file
        becomes another one: whether the service renews the URL of a file that was never complete is not known.
        """
        failures: list[FileTransferError] = []
        try:
            await put(upload.upload_url, content, file_id=upload.file_id, progress=progress)
        except FileTransferError as error:
            if error.status != _REFUSED or not content.repeatable:
                raise
            failures.append(error)
        else:
            return upload
        renewed: FileUpload | None = None
        with suppress(APIError):
            renewed = await renew()
        if renewed is None:
            raise failures.pop()
        await content.rewind()
        await put(renewed.upload_url, content, file_id=renewed.file_id, progress=progress)
        return renewed


def _path(file_id: str) -> str:
    return f"files/{path_segment(file_id, 'file_id')}"
