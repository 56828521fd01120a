"""The recycle bin of Storage: what was deleted, to be restored or deleted for good."""

from __future__ import annotations

from typing import ClassVar

from bentley_sync_async.models.platform import StorageItem
from bentley_sync_async.resources.base import Listing, Resource
from bentley_sync_async.transport.messages import STORAGE, Product
from bentley_sync_async.wire.ids import check_id, path_segment

_RESTORED = frozenset({204})


class RecycleBin(Resource):
    """`client.storage.recycle_bin`."""

    _product: ClassVar[Product] = STORAGE

    def list(self, itwin_id: str, *, page_size: int | None = None) -> Listing[StorageItem]:
        """List the deleted files and folders of an iTwin (`get-folders-and-files-in-recycle-bin`).

        Args:
            itwin_id: The iTwin.
            page_size: Items per request, at most 1,000; `None` leaves it to the service.

        Raises:
            UnprocessableError: The page size is over 1,000 (on iteration, like every other error of the service).
        """
        query: dict[str, str | int | None] = {"iTwinId": check_id(itwin_id, "itwin_id")}
        return self._listing("recyclebin", "items", StorageItem, query=query, page_size=page_size)

    async def restore_file(self, file_id: str) -> None:
        """Put a deleted file back where it was (`restore-file`).

        Args:
            file_id: The file.

        Raises:
            NotFoundError: It is not in the recycle bin.
        """
        await self._pipeline.call(self._request("POST", f"{_file(file_id)}/restore"), expected=_RESTORED)

    async def restore_folder(self, folder_id: str) -> None:
        """Put a deleted folder back where it was (`restore-folder`).

        Args:
            folder_id: The folder.

        Raises:
            NotFoundError: It is not in the recycle bin.
        """
        await self._pipeline.call(self._request("POST", f"{_folder(folder_id)}/restore"), expected=_RESTORED)

    async def delete_file(self, file_id: str) -> None:
        """Delete a file of the recycle bin for good (`delete-file-from-recycle-bin`).

        Args:
            file_id: The file.

        Raises:
            NotFoundError: It is not in the recycle bin.
        """
        await self._pipeline.call(self._request("DELETE", _file(file_id)))

    async def delete_folder(self, folder_id: str) -> None:
        """Delete a folder of the recycle bin for good (`delete-folder-from-recycle-bin`).

        Args:
            folder_id: The folder.

        Raises:
            NotFoundError: It is not in the recycle bin.
        """
        await self._pipeline.call(self._request("DELETE", _folder(folder_id)))


def _file(file_id: str) -> str:
    return f"recyclebin/files/{path_segment(file_id, 'file_id')}"


def _folder(folder_id: str) -> str:
    return f"recyclebin/folders/{path_segment(folder_id, 'folder_id')}"
