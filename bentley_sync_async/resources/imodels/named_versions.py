"""The named versions of an iModel."""

from __future__ import annotations

from typing import ClassVar

from bentley_sync_async.models.platform import NamedVersion
from bentley_sync_async.resources.base import Listing, Prefer, Resource, given
from bentley_sync_async.transport.messages import IMODELS, Product
from bentley_sync_async.wire.ids import check_id, path_segment


class NamedVersions(Resource):
    """`client.imodels.named_versions`."""

    _product: ClassVar[Product] = IMODELS

    def list(
        self,
        imodel_id: str,
        *,
        name: str | None = None,
        search: str | None = None,
        order_by: str | None = None,
        prefer: Prefer = "minimal",
        page_size: int | None = None,
    ) -> Listing[NamedVersion]:
        """List the named versions of an iModel (`get-imodel-named-versions`).

        Args:
            imodel_id: The iModel.
            name: Only the one with this name.
            search: Only those with this text in name or description.
            order_by: Such as `changesetIndex asc` or `createdDateTime desc`.
            prefer: `minimal` for ids, names and changesets, `representation` for all.
            page_size: Named versions per request; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such iModel (on iteration, like every other error of the service).
            UnprocessableError: The page size or the order is invalid.
        """
        query: dict[str, str | int | None] = {"name": name, "$search": search, "$orderBy": order_by}
        return self._list(
            _path(imodel_id), "namedVersions", NamedVersion, query=query, prefer=prefer, page_size=page_size
        )

    async def get(self, imodel_id: str, named_version_id: str) -> NamedVersion:
        """Return a named version (`get-imodel-named-version-details`).

        Args:
            imodel_id: The iModel.
            named_version_id: The named version.

        Raises:
            NotFoundError: There is no such iModel, or no such named version.
        """
        path = f"{_path(imodel_id)}/{path_segment(named_version_id, 'named_version_id')}"
        return await self._one(self._request("GET", path), "namedVersion", NamedVersion)

    async def create(
        self, imodel_id: str, name: str, *, changeset_id: str | None = None, description: str | None = None
    ) -> NamedVersion:
        """Give a changeset of an iModel a name (`create-imodel-named-version`).

        It is not repeated when its answer is lost; then list the named versions.

        Args:
            imodel_id: The iModel.
            name: The name, unique in the iModel.
            changeset_id: The changeset; `None` for the beginning of the iModel, before its first.
            description: A text about it.

        Raises:
            ConflictError: The iModel has a named version of that name, or one of that changeset.
            NotFoundError: There is no such iModel, or no such changeset.
            UnprocessableError: The service does not accept something; its details say what.
        """
        changeset = None if changeset_id is None else check_id(changeset_id, "changeset_id")
        body = given({"name": name, "description": description, "changesetId": changeset})
        return await self._one(self._request("POST", _path(imodel_id), body=body), "namedVersion", NamedVersion)


def _path(imodel_id: str) -> str:
    return f"{path_segment(imodel_id, 'imodel_id')}/namedversions"
