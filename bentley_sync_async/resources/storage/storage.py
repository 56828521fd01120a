"""The top of the Storage API: an iTwin's root folder and what is in it."""

from __future__ import annotations

from typing import ClassVar

from bentley_sync_async.models.platform import StorageItem
from bentley_sync_async.resources.base import Listing, Resource, decoded
from bentley_sync_async.transport.messages import STORAGE, Product
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.codec import decode_page
from bentley_sync_async.wire.ids import check_id

from .files import Files
from .folders import Folders
from .recycle_bin import RecycleBin
from .urls import linked_folder


class Storage(Resource):
    """`client.storage`: the files of iTwins.

    Attributes:
        folders: Its folders.
        files: Its files and their content.
        recycle_bin: What was deleted.
    """

    _product: ClassVar[Product] = STORAGE

    def __init__(self, pipeline: Pipeline) -> None:
        """Make the resource on top of a client's pipeline."""
        super().__init__(pipeline)
        self.folders = Folders(pipeline)
        self.files = Files(pipeline)
        self.recycle_bin = RecycleBin(pipeline)

    def list(self, itwin_id: str, *, page_size: int | None = None) -> Listing[StorageItem]:
        """List the files and folders at the top of an iTwin (`get-top-level-folders-and-files-by-itwin`).

        Folders come first, each kind in the order of creation.

        Args:
            itwin_id: The iTwin.
            page_size: Items per request, at most 1,000; `None` leaves it to the service.

        Raises:
            UnprocessableError: The page size is over 1,000 (on iteration, like every other error of the service).
            PermissionDeniedError: The caller may not see the iTwin's files.
        """
        query: dict[str, str | int | None] = {"iTwinId": check_id(itwin_id, "itwin_id")}
        return self._listing("", "items", StorageItem, query=query, page_size=page_size)

    async def root_folder_id(self, itwin_id: str) -> str:
        """Return the id of an iTwin's root folder (`get-top-level-folders-and-files-by-itwin`).

        Args:
            itwin_id: The iTwin.

        Raises:
            ProtocolError: The answer does not say.
            PermissionDeniedError: The caller may not see the iTwin's files.
        """
        request = self._request("GET", "", query={"iTwinId": check_id(itwin_id, "itwin_id"), "$top": 1})
        response = await self._pipeline.call(request)
        page = await decoded(request, response, lambda body: decode_page(body, "items", StorageItem))
        link = page.links.folder
        return linked_folder(link.href if link is not None else None, base_url=self.base_url)
