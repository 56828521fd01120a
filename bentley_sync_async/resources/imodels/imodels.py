"""iModels: created, found, changed, deleted."""

from __future__ import annotations

from typing import ClassVar, Literal, overload

import anyio

from bentley_sync_async.errors import IModelNotInitializedError, InvalidArgumentError
from bentley_sync_async.models.platform import (
    Extent,
    IModel,
    IModelCreation,
    IModelCreationState,
    IModelState,
    IModelSummary,
)
from bentley_sync_async.resources.base import Listing, Prefer, Resource, found, given
from bentley_sync_async.resources.names import the_one
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.messages import IMODELS, Product
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.transport.retry import backoff
from bentley_sync_async.wire.ids import check_id, path_segment

from .changesets import Changesets
from .named_versions import NamedVersions

Query = dict[str, str | int | None]


class IModels(Resource):
    """`client.imodels`.

    Attributes:
        changesets: The changesets of an iModel, which runs add.
        named_versions: The named versions of an iModel.
    """

    _product: ClassVar[Product] = IMODELS

    def __init__(self, pipeline: Pipeline) -> None:
        """Make the resource on top of a client's pipeline."""
        super().__init__(pipeline)
        self.changesets = Changesets(pipeline)
        self.named_versions = NamedVersions(pipeline)

    @overload
    def list(
        self,
        itwin_id: str,
        *,
        search: str | None = ...,
        order_by: str | None = ...,
        prefer: Literal["minimal"] = ...,
        page_size: int | None = ...,
    ) -> Listing[IModelSummary]: ...

    @overload
    def list(
        self,
        itwin_id: str,
        *,
        search: str | None = ...,
        order_by: str | None = ...,
        prefer: Literal["representation"],
        page_size: int | None = ...,
    ) -> Listing[IModel]: ...

    def list(
        self,
        itwin_id: str,
        *,
        search: str | None = None,
        order_by: str | None = None,
        prefer: Prefer = "minimal",
        page_size: int | None = None,
    ) -> Listing[IModelSummary] | Listing[IModel]:
        """List the iModels of an iTwin (`get-itwin-imodels`).

        Args:
            itwin_id: The iTwin.
            search: Only those with this text in name or description.
            order_by: Such as `name asc` or `createdDateTime desc`.
            prefer: `minimal` for ids and names, `representation` for whole iModels, with one more request for each
                iModel that the service shows minimally all the same.
            page_size: iModels per request; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such iTwin (on iteration, like every other error of the service).
            UnprocessableError: The page size or the order is invalid.
        """
        query: Query = {"iTwinId": check_id(itwin_id, "itwin_id"), "$search": search, "$orderBy": order_by}
        if prefer == "minimal":
            return self._list("", "iModels", IModelSummary, query=query, prefer=prefer, page_size=page_size)

        async def complete(imodel: IModel) -> IModel | None:
            return imodel if imodel.itwin_id is not None else await found(self.get(imodel.id))

        return self._list("", "iModels", IModel, query=query, prefer=prefer, page_size=page_size, complete=complete)

    async def find(self, itwin_id: str, name: str) -> IModel | None:
        """Return the iModel of an iTwin with a name, `None` if there is none (`get-itwin-imodels`).

        Args:
            itwin_id: The iTwin.
            name: The name, exactly.

        Raises:
            InvalidArgumentError: The name is empty.
            AmbiguousNameError: There are several; it names their ids.
            NotFoundError: There is no such iTwin.
        """
        if not name:
            raise InvalidArgumentError("name is empty.")
        query: Query = {"iTwinId": check_id(itwin_id, "itwin_id"), "name": name}
        listing = self._list("", "iModels", IModelSummary, query=query, prefer="minimal", page_size=None)
        # A service that does not know the filter may ignore it.
        match = the_one([imodel async for imodel in listing if imodel.display_name == name], "iModel", f"name {name!r}")
        return await found(self.get(match.id)) if match is not None else None

    async def create(
        self,
        itwin_id: str,
        name: str,
        *,
        description: str | None = None,
        extent: Extent | None = None,
        timeout: float = 300.0,
    ) -> IModel:
        """Create an empty iModel, and wait until it can be used (`create-imodel`).

        It is not repeated when its answer is lost; then look for it by its name.

        Args:
            itwin_id: The iTwin that it will be in.
            name: Its name, unique in the iTwin, at most 255 characters.
            description: A text about it.
            extent: The area that it will cover.
            timeout: Seconds to wait until it can be used; 0 does not wait.

        Raises:
            ConflictError: The iTwin has an iModel of that name.
            NotFoundError: There is no such iTwin.
            PermissionDeniedError: The caller may not create iModels there.
            UnprocessableError: The service does not accept something; its details say what.
            IModelNotInitializedError: It was created, but cannot be used (yet).
        """
        body = given(
            {"iTwinId": check_id(itwin_id, "itwin_id"), "name": name, "description": description, "extent": extent}
        )
        imodel = await self._one(self._request("POST", "", body=body), "iModel", IModel)
        if imodel.state != IModelState.NOT_INITIALIZED or timeout <= 0:
            return imodel
        await self._initialized(imodel.id, timeout)
        return await self.get(imodel.id)

    async def get(self, imodel_id: str) -> IModel:
        """Return an iModel (`get-imodel-details`).

        Args:
            imodel_id: The iModel.

        Raises:
            NotFoundError: There is no such iModel.
        """
        return await self._one(self._request("GET", _path(imodel_id)), "iModel", IModel)

    async def creation(self, imodel_id: str) -> IModelCreation:
        """Return how far the creation of an iModel is (`get-create-imodel-operation-details`).

        Args:
            imodel_id: The iModel.

        Raises:
            NotFoundError: There is no such iModel.
        """
        request = self._request("GET", f"{_path(imodel_id)}/operations/create")
        return await self._one(request, "createOperation", IModelCreation)

    async def update(
        self,
        imodel_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        extent: Extent | None = None,
    ) -> IModel:
        """Change an iModel (`update-imodel`); what is `None` stays as it is.

        Args:
            imodel_id: The iModel.
            name: A new name.
            description: A new description.
            extent: Another area.

        Raises:
            InvalidArgumentError: There is nothing to change.
            ConflictError: The iTwin has an iModel of that name.
            NotFoundError: There is no such iModel.
            UnprocessableError: The service does not accept something; its details say what.
        """
        body = given({"name": name, "description": description, "extent": extent})
        if not body:
            raise InvalidArgumentError("Nothing to change: give name, description or extent.")
        return await self._one(self._request("PATCH", _path(imodel_id), body=body), "iModel", IModel)

    async def delete(self, imodel_id: str) -> None:
        """Delete an iModel, though connections may hang on it (`delete-imodel`).

        Args:
            imodel_id: The iModel.

        Raises:
            NotFoundError: There is no such iModel.
            PermissionDeniedError: The caller may not delete it.
        """
        await self._pipeline.call(self._request("DELETE", _path(imodel_id)))

    async def _initialized(self, imodel_id: str, timeout: float) -> None:
        """Wait until an iModel can be used."""
        ends = current_time() + timeout
        polls = 0
        while (state := (await self.creation(imodel_id)).state) != IModelCreationState.SUCCESSFUL:
            wait = backoff(polls, shortest=1.0, factor=1.5, longest=10.0, jitter=0.0, chance=0.0)
            polls += 1
            going = state in {IModelCreationState.SCHEDULED, IModelCreationState.WAITING_FOR_FILE} or not state.known
            if not going or current_time() + wait > ends:
                what = f"not be used after {timeout:g} s: it is still being made" if going else "never be used"
                raise IModelNotInitializedError(
                    f"iModel {imodel_id} was created and can {what} (state {state}). "
                    + ("Ask imodels.creation() later." if going else "Delete it and create another one."),
                    imodel_id=imodel_id,
                    state=state.value,
                )
            await anyio.sleep(wait)


def _path(imodel_id: str) -> str:
    return path_segment(imodel_id, "imodel_id")
