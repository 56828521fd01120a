"""The connections of all kinds of an iModel."""

from __future__ import annotations

from typing import Literal, overload

from bentley_sync_async.models import Connection, ConnectionSummary
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.resources.base import Listing, Prefer, Resource, found
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import connection_path

_PATH = "imodels/connections"


class Connections(Resource):
    """`client.connections`."""

    @overload
    def list(
        self, imodel_id: str, *, prefer: Literal["minimal"] = "minimal", page_size: int | None = None
    ) -> Listing[ConnectionSummary]: ...

    @overload
    def list(
        self, imodel_id: str, *, prefer: Literal["representation"], page_size: int | None = None
    ) -> Listing[Connection]: ...

    def list(
        self, imodel_id: str, *, prefer: Prefer = "minimal", page_size: int | None = None
    ) -> Listing[ConnectionSummary] | Listing[Connection]:
        """List the connections of an iModel, storage and manifest ones mixed (`get-connections`).

        Args:
            imodel_id: The iModel.
            prefer: `minimal` for ids and names, `representation` for iModel and links as well, with one or two more
                requests for each connection that the service shows minimally all the same.
            page_size: Connections per request; `None` leaves it to the service.

        Raises:
            UnprocessableError: The iModel id or the page size is invalid (on iteration, like every other error).
        """
        query: dict[str, str | int | None] = {"imodelId": check_id(imodel_id, "imodel_id")}
        if prefer == "minimal":
            return self._list(_PATH, "connections", ConnectionSummary, query=query, prefer=prefer, page_size=page_size)
        return self._list(
            _PATH, "connections", Connection, query=query, prefer=prefer, page_size=page_size, complete=self._complete
        )

    async def _complete(self, connection: Connection) -> Connection | None:
        """Return the whole connection; the list does not say its kind."""
        if connection.imodel_id is not None:
            return connection
        return await found(self._get("storage", connection.id)) or await found(self._get("manifest", connection.id))

    async def _get(self, kind: ConnectionKind, connection_id: str) -> Connection:
        return await self._one(self._request("GET", connection_path(connection_id, kind)), "connection", Connection)
