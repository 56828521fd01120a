"""The changesets of an iModel: what its runs, among others, have added."""

from __future__ import annotations

from typing import ClassVar

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models.platform import Changeset
from bentley_sync_async.resources.base import Listing, Prefer, Resource
from bentley_sync_async.transport.messages import IMODELS, Product
from bentley_sync_async.wire.ids import path_segment


class Changesets(Resource):
    """`client.imodels.changesets`."""

    _product: ClassVar[Product] = IMODELS

    def list(
        self,
        imodel_id: str,
        *,
        after_index: int | None = None,
        last_index: int | None = None,
        order_by: str | None = None,
        prefer: Prefer = "minimal",
        page_size: int | None = None,
    ) -> Listing[Changeset]:
        """List the changesets of an iModel (`get-imodel-changesets`).

        Args:
            imodel_id: The iModel.
            after_index: Only those after this one; the index of the last one that is known gives what is new.
            last_index: Only those up to this one.
            order_by: `index asc` or `index desc`.
            prefer: `minimal`, or `representation` with the application and the synchronization that made each.
            page_size: Changesets per request; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such iModel (on iteration, like every other error of the service).
            UnprocessableError: The page size or an index is invalid.
        """
        query: dict[str, str | int | None] = {"afterIndex": after_index, "lastIndex": last_index, "$orderBy": order_by}
        path = f"{path_segment(imodel_id, 'imodel_id')}/changesets"
        return self._list(path, "changesets", Changeset, query=query, prefer=prefer, page_size=page_size)

    async def get(self, imodel_id: str, id_or_index: str | int) -> Changeset:
        """Return a changeset (`get-imodel-changeset-details`).

        Args:
            imodel_id: The iModel.
            id_or_index: The changeset's id, or its index from 1.

        Raises:
            InvalidArgumentError: The index is below 1.
            NotFoundError: There is no such iModel, or no such changeset.
        """
        if isinstance(id_or_index, int) and id_or_index < 1:
            raise InvalidArgumentError(f"The index of a changeset is at least 1, not {id_or_index}.")
        changeset = str(id_or_index) if isinstance(id_or_index, int) else id_or_index
        path = f"{path_segment(imodel_id, 'imodel_id')}/changesets/{path_segment(changeset, 'id_or_index')}"
        return await self._one(self._request("GET", path), "changeset", Changeset)
