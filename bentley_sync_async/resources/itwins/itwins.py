"""iTwins: created, found, changed, deleted."""

from __future__ import annotations

from typing import ClassVar, Literal, overload

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models.platform import ITwin, ITwinClass, ITwinStatus, ITwinSubClass, ITwinSummary
from bentley_sync_async.resources.base import Listing, Prefer, Resource, given
from bentley_sync_async.resources.names import the_one
from bentley_sync_async.transport.messages import ITWINS, Product
from bentley_sync_async.wire.ids import check_id, path_segment

Query = dict[str, str | int | None]

_CLASSES = {ITwinSubClass.ACCOUNT: ITwinClass.ACCOUNT, ITwinSubClass.ASSET: ITwinClass.THING}
"""The class of a sub-class; of all others `Endeavor`."""


class ITwins(Resource):
    """`client.itwins`."""

    _product: ClassVar[Product] = ITWINS

    @overload
    def list(
        self,
        *,
        sub_class: ITwinSubClass | None = ...,
        status: ITwinStatus | None = ...,
        type: str | None = ...,
        parent_id: str | None = ...,
        search: str | None = ...,
        include_inactive: bool = ...,
        prefer: Literal["minimal"] = ...,
        page_size: int | None = ...,
    ) -> Listing[ITwinSummary]: ...

    @overload
    def list(
        self,
        *,
        sub_class: ITwinSubClass | None = ...,
        status: ITwinStatus | None = ...,
        type: str | None = ...,
        parent_id: str | None = ...,
        search: str | None = ...,
        include_inactive: bool = ...,
        prefer: Literal["representation"],
        page_size: int | None = ...,
    ) -> Listing[ITwin]: ...

    def list(
        self,
        *,
        sub_class: ITwinSubClass | None = None,
        status: ITwinStatus | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
        parent_id: str | None = None,
        search: str | None = None,
        include_inactive: bool = False,
        prefer: Prefer = "minimal",
        page_size: int | None = None,
    ) -> Listing[ITwinSummary] | Listing[ITwin]:
        """List the iTwins that the caller is a member of (`get-my-itwins`).

        Args:
            sub_class: Only those.
            status: Only those.
            type: Only those of the type.
            parent_id: Only those below an iTwin.
            search: Only those with this text in name or number.
            include_inactive: Inactive ones, too.
            prefer: `minimal` for ids and names, `representation` for whole iTwins.
            page_size: iTwins per request; `None` leaves it to the service.

        Raises:
            UnprocessableError: The page size is too large (on iteration, like every other error of the service).
        """
        query: Query = {
            "subClass": sub_class,
            "status": status,
            "type": type,
            "parentId": None if parent_id is None else check_id(parent_id, "parent_id"),
            "$search": search,
            "includeInactive": "true" if include_inactive else None,
        }
        if prefer == "minimal":
            return self._list("", "iTwins", ITwinSummary, query=query, prefer=prefer, page_size=page_size)
        return self._list("", "iTwins", ITwin, query=query, prefer=prefer, page_size=page_size)

    async def find(self, *, display_name: str | None = None, number: str | None = None) -> ITwin | None:
        """Return the iTwin with a name or a number, `None` if there is none (`get-my-itwins`).

        Args:
            display_name: The name, exactly.
            number: The number, exactly.

        Raises:
            InvalidArgumentError: Neither is given, or one is empty.
            AmbiguousNameError: There are several; it names their ids.
        """
        wanted = given({"display_name": display_name, "number": number})
        if not wanted or not all(wanted.values()):
            raise InvalidArgumentError("Give the display_name or the number to look for.")
        query: Query = {"displayName": display_name, "number": number}
        listing = self._list("", "iTwins", ITwin, query=query, prefer="representation", page_size=None)
        # A service that does not know a filter may ignore it.
        found = [itwin async for itwin in listing if all(getattr(itwin, name) == text for name, text in wanted.items())]
        return the_one(found, "iTwin", " and ".join(f"{name} {text!r}" for name, text in wanted.items()))

    async def create(
        self,
        display_name: str,
        *,
        sub_class: ITwinSubClass = ITwinSubClass.PROJECT,
        class_: ITwinClass | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
        number: str | None = None,
        parent_id: str | None = None,
        status: ITwinStatus | None = None,
        data_center_location: str | None = None,
        iana_time_zone: str | None = None,
        geographic_location: str | None = None,
    ) -> ITwin:
        """Create an iTwin (`create-itwin`).

        It is not repeated when its answer is lost; then look for it before creating it again.

        Args:
            display_name: Its name; need not be unique.
            sub_class: What it stands for.
            class_: The class of that; `None` for the right one.
            type: A type of the organization's own.
            number: A number of the organization's own, unique there; by default the id.
            parent_id: The iTwin above it; by default the account.
            status: Whether it is in use; by default it is.
            data_center_location: Where its data is kept, such as `East US`.
            iana_time_zone: Its time zone, such as `America/New_York`.
            geographic_location: Where it is, such as `Exton, PA`.

        Raises:
            PermissionDeniedError: The caller may not create iTwins there.
            ConflictError: The number is taken.
            UnprocessableError: The service does not accept something; its details say what.
        """
        body = {
            "displayName": display_name,
            "class": class_ or _CLASSES.get(sub_class, ITwinClass.ENDEAVOR),
            "subClass": sub_class,
            "type": type,
            "number": number,
            "parentId": None if parent_id is None else check_id(parent_id, "parent_id"),
            "status": status,
            "dataCenterLocation": data_center_location,
            "ianaTimeZone": iana_time_zone,
            "geographicLocation": geographic_location,
        }
        return await self._one(self._request("POST", "", body=given(body)), "iTwin", ITwin)

    async def get(self, itwin_id: str) -> ITwin:
        """Return an iTwin (`get-itwin`).

        Args:
            itwin_id: The iTwin.

        Raises:
            NotFoundError: There is no such iTwin.
        """
        return await self._one(self._request("GET", _path(itwin_id), prefer="representation"), "iTwin", ITwin)

    async def update(
        self,
        itwin_id: str,
        *,
        display_name: str | None = None,
        number: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
        status: ITwinStatus | None = None,
        iana_time_zone: str | None = None,
        geographic_location: str | None = None,
    ) -> ITwin:
        """Change an iTwin (`update-itwin`); what is `None` stays as it is.

        Args:
            itwin_id: The iTwin.
            display_name: A new name.
            number: A new number.
            type: Another type.
            status: Whether it is in use.
            iana_time_zone: Another time zone.
            geographic_location: Another place.

        Raises:
            InvalidArgumentError: There is nothing to change.
            NotFoundError: There is no such iTwin.
            ConflictError: The number is taken.
            UnprocessableError: The service does not accept something; its details say what.
        """
        body = {
            "displayName": display_name,
            "number": number,
            "type": type,
            "status": status,
            "ianaTimeZone": iana_time_zone,
            "geographicLocation": geographic_location,
        }
        if not given(body):
            raise InvalidArgumentError("Nothing to change: give at least one new value.")
        return await self._one(self._request("PATCH", _path(itwin_id), body=given(body)), "iTwin", ITwin)

    async def delete(self, itwin_id: str) -> None:
        """Delete an iTwin, though iModels may be in it (`delete-itwin`).

        Args:
            itwin_id: The iTwin.

        Raises:
            NotFoundError: There is no such iTwin.
            PermissionDeniedError: The caller may not delete it.
        """
        await self._pipeline.call(self._request("DELETE", _path(itwin_id)))


def _path(itwin_id: str) -> str:
    return path_segment(itwin_id, "itwin_id")
