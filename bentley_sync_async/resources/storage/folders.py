"""Folders in Storage, and what is in them."""

from __future__ import annotations

from typing import ClassVar

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models.platform import StorageFolder, StorageItem
from bentley_sync_async.resources.base import Listing, Resource, given
from bentley_sync_async.transport.messages import STORAGE, Product
from bentley_sync_async.wire.ids import path_segment


class Folders(Resource):
    """`client.storage.folders`."""

    _product: ClassVar[Product] = STORAGE

    def list(self, folder_id: str, *, page_size: int | None = None) -> Listing[StorageFolder]:
        """List the folders in a folder (`get-folders-in-folder`).

        Args:
            folder_id: The folder.
            page_size: Folders per request, at most 1,000; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such folder (on iteration, like every other error of the service).
            UnprocessableError: The page size is over 1,000.
        """
        return self._listing(f"{_path(folder_id)}/folders", "folders", StorageFolder, page_size=page_size)

    def list_items(self, folder_id: str, *, page_size: int | None = None) -> Listing[StorageItem]:
        """List the files and folders in a folder (`get-folders-and-files-in-folder`).

        Args:
            folder_id: The folder.
            page_size: Items per request, at most 1,000; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such folder (on iteration, like every other error of the service).
            UnprocessableError: The page size is over 1,000.
        """
        return self._listing(f"{_path(folder_id)}/list", "items", StorageItem, page_size=page_size)

    def search(self, folder_id: str, name: str, *, page_size: int | None = None) -> Listing[StorageItem]:
        """List the files and folders of a name in a folder and below (`search-for-folders-and-files-in-folder`).

        Args:
            folder_id: The folder.
            name: The name, or a part of it.
            page_size: Items per request, at most 1,000; `None` leaves it to the service.

        Raises:
            InvalidArgumentError: The name is empty.
            NotFoundError: There is no such folder (on iteration, like every other error of the service).
            UnprocessableError: The page size is over 1,000.
        """
        if not name:
            raise InvalidArgumentError("name is empty; list_items() lists everything.")
        path = f"{_path(folder_id)}/search"
        return self._listing(path, "items", StorageItem, query={"name": name}, page_size=page_size)

    async def create(self, parent_id: str, display_name: str, *, description: str | None = None) -> StorageFolder:
        """Create a folder in a folder (`create-folder`).

        It is not repeated when its answer is lost; then list the folder before creating it again.

        Args:
            parent_id: The folder that it will be in; `client.storage.root_folder_id(itwin_id)` is an iTwin's first.
            display_name: Its name; need not be unique.
            description: A text about it.

        Raises:
            NotFoundError: There is no such folder.
            UnprocessableError: The service does not accept the name.
        """
        body = given({"displayName": display_name, "description": description})
        request = self._request("POST", f"{_path(parent_id, 'parent_id')}/folders", body=body)
        return await self._one(request, "folder", StorageFolder)

    async def get(self, folder_id: str) -> StorageFolder:
        """Return a folder (`get-folder`).

        Args:
            folder_id: The folder.

        Raises:
            NotFoundError: There is no such folder.
        """
        return await self._one(self._request("GET", _path(folder_id)), "folder", StorageFolder)

    async def update(
        self, folder_id: str, *, display_name: str | None = None, description: str | None = None
    ) -> StorageFolder:
        """Change the name or the description of a folder (`update-folder`).

        Args:
            folder_id: The folder.
            display_name: A new name; `None` keeps the one there is.
            description: A new description; `None` keeps the one there is.

        Raises:
            InvalidArgumentError: There is nothing to change.
            NotFoundError: There is no such folder.
            UnprocessableError: The service does not accept the name.
        """
        body = given({"displayName": display_name, "description": description})
        if not body:
            raise InvalidArgumentError("Nothing to change: give display_name, description, or both.")
        return await self._one(self._request("PATCH", _path(folder_id), body=body), "folder", StorageFolder)

    async def delete(self, folder_id: str) -> None:
        """Move a folder and all that is in it to the recycle bin (`delete-folder`).

        Args:
            folder_id: The folder.

        Raises:
            NotFoundError: There is no such folder.
        """
        await self._pipeline.call(self._request("DELETE", _path(folder_id)))


def _path(folder_id: str, name: str = "folder_id") -> str:
    return f"folders/{path_segment(folder_id, name)}"
