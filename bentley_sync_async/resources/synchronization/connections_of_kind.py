"""What the resources of storage and of manifest connections have in common."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, overload

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import AuthenticationType, ConnectionDetails, ConnectionSummary
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.resources.base import Listing, Prefer, Resource, found, given
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import connection_path

from .runs import ConnectionRuns

C = TypeVar("C", bound=ConnectionDetails)
R = TypeVar("R", bound=ConnectionRuns)


class ConnectionsOfKind(Resource, Generic[C, R]):
    """The connections of one kind."""

    kind: ClassVar[ConnectionKind]
    runs: R
    _model: type[C]

    def __init__(self, pipeline: Pipeline, *, default_authentication: AuthenticationType | None = None) -> None:
        """Make the resource.

        Args:
            pipeline: The client's.
            default_authentication: What `create` asks for when the caller does not say; `None` leaves it to the
                service, whose default is User.
        """
        super().__init__(pipeline)
        self._default_authentication = default_authentication

    @overload
    def list(
        self, imodel_id: str, *, prefer: Literal["minimal"] = "minimal", page_size: int | None = None
    ) -> Listing[ConnectionSummary]: ...

    @overload
    def list(
        self, imodel_id: str, *, prefer: Literal["representation"], page_size: int | None = None
    ) -> Listing[C]: ...

    def list(
        self, imodel_id: str, *, prefer: Prefer = "minimal", page_size: int | None = None
    ) -> Listing[ConnectionSummary] | Listing[C]:
        """List the connections of this kind of an iModel (`get-...-connections`).

        Args:
            imodel_id: The iModel.
            prefer: `minimal` for ids and names, `representation` for whole connections, with one more request for each
                connection that the service shows minimally all the same.
            page_size: Connections per request; `None` leaves it to the service.

        Raises:
            UnprocessableError: The iModel id or the page size is invalid (on iteration, like every other error).
        """
        query: dict[str, str | int | None] = {"imodelId": check_id(imodel_id, "imodel_id")}
        if prefer == "minimal":
            return self._list(
                self._root, "connections", ConnectionSummary, query=query, prefer=prefer, page_size=page_size
            )

        async def complete(connection: C) -> C | None:
            return connection if connection.imodel_id is not None else await found(self.get(connection.id))

        return self._list(
            self._root, "connections", self._model, query=query, prefer=prefer, page_size=page_size, complete=complete
        )

    async def get(self, connection_id: str) -> C:
        """Return a connection (`get-...-connection`).

        Args:
            connection_id: The connection.

        Raises:
            NotFoundError: There is no such connection.
        """
        return await self._one(
            self._request("GET", connection_path(connection_id, self.kind)), "connection", self._model
        )

    async def update(
        self,
        connection_id: str,
        *,
        display_name: str | None = None,
        authentication_type: AuthenticationType | None = None,
    ) -> C:
        """Change the name or the authentication type of a connection (`update-...-connection`).

        The service may take an omitted property for its default, so what is not given here is read first and sent
        again: renaming a `SERVICE` connection never makes it a `USER` one.

        Args:
            connection_id: The connection.
            display_name: A new name; `None` keeps the one there is.
            authentication_type: Another one; `None` keeps the one there is.

        Raises:
            InvalidArgumentError: There is nothing to change, or the service does not say what to keep.
            NotFoundError: There is no such connection.
        """
        if display_name is None and authentication_type is None:
            raise InvalidArgumentError("Nothing to change: give display_name, authentication_type, or both.")
        if display_name is None or authentication_type is None:
            now = await self.get(connection_id)
            display_name = now.display_name if display_name is None else display_name
            authentication_type = authentication_type or now.authentication_type
        if authentication_type is None:
            raise InvalidArgumentError(
                f"The service does not say as whom it works for connection {connection_id}, and would take an omitted "
                "authentication type for its default: give authentication_type as well."
            )
        body = {"displayName": display_name, "authenticationType": authentication_type}
        request = self._request("PUT", connection_path(connection_id, self.kind), body=given(body))
        return await self._one(request, "connection", self._model)

    async def delete(self, connection_id: str) -> None:
        """Delete a connection (`delete-...-connection`).

        Its files stay in Storage, and what it brought to the iModel stays there.

        Args:
            connection_id: The connection.

        Raises:
            ConflictError: It is being run.
            NotFoundError: There is no such connection.
        """
        await self._pipeline.call(self._request("DELETE", connection_path(connection_id, self.kind)))

    @property
    def _root(self) -> str:
        return f"imodels/{self.kind}connections"

    async def _create(
        self,
        imodel_id: str,
        files: tuple[object, ...],
        display_name: str | None,
        authentication_type: AuthenticationType | None,
    ) -> C:
        if not files:
            raise InvalidArgumentError("A connection needs at least one source file.")
        body = {
            "displayName": display_name,
            "iModelId": check_id(imodel_id, "imodel_id"),
            "authenticationType": authentication_type or self._default_authentication,
            "sourceFiles": files,
        }
        return await self._one(self._request("POST", self._root, body=given(body)), "connection", self._model)


AnyConnections: TypeAlias = ConnectionsOfKind[Any, Any]
"""The connections of either kind."""
