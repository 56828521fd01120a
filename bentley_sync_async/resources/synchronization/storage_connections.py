"""The storage connections of an iModel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, overload

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import AuthenticationType, ConnectionSummary, SourceFileCreate, StorageConnection
from bentley_sync_async.resources.base import Listing, Prefer, Resource, found, given
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id, path_segment

from .runs import Runs
from .source_files import SourceFiles

_ROOT = "imodels/storageconnections"


class StorageConnections(Resource):
    """`client.storage_connections`.

    Attributes:
        source_files: The files of a connection.
        runs: The runs of a connection.
    """

    def __init__(self, pipeline: Pipeline, *, default_authentication: AuthenticationType | None = None) -> None:
        """Make the resource.

        Args:
            pipeline: The client's.
            default_authentication: What `create` asks for when the caller does not say; `None` leaves it to the
                service, whose default is User.
        """
        super().__init__(pipeline)
        self.source_files = SourceFiles(pipeline)
        self.runs = Runs(pipeline)
        self._default_authentication = default_authentication

    @overload
    def list(
        self, imodel_id: str, *, prefer: Literal["minimal"] = "minimal", page_size: int | None = None
    ) -> Listing[ConnectionSummary]: ...

    @overload
    def list(
        self, imodel_id: str, *, prefer: Literal["representation"], page_size: int | None = None
    ) -> Listing[StorageConnection]: ...

    def list(
        self, imodel_id: str, *, prefer: Prefer = "minimal", page_size: int | None = None
    ) -> Listing[ConnectionSummary] | Listing[StorageConnection]:
        """List the storage connections of an iModel (`get-storage-connections`).

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
            return self._list(_ROOT, "connections", ConnectionSummary, query=query, prefer=prefer, page_size=page_size)

        async def complete(connection: StorageConnection) -> StorageConnection | None:
            return connection if connection.imodel_id is not None else await found(self.get(connection.id))

        return self._list(
            _ROOT, "connections", StorageConnection, query=query, prefer=prefer, page_size=page_size, complete=complete
        )

    async def create(
        self,
        imodel_id: str,
        source_files: Iterable[SourceFileCreate],
        *,
        display_name: str | None = None,
        authentication_type: AuthenticationType | None = None,
    ) -> StorageConnection:
        """Create a connection of files in Storage to an iModel (`create-storage-connection`).

        It is not repeated when its answer is lost; then list the connections before creating it again.

        Args:
            imodel_id: The iModel.
            source_files: The files, at least one.
            display_name: A name; need not be unique.
            authentication_type: As whom the service works: `SERVICE` for the service application that creates it,
                `USER` for a user who has consented (`client.authorization`). Without it: `SERVICE` if this client
                signs in with client credentials, else the service's default, `USER`.

        Raises:
            InvalidArgumentError: There is no file, or an id is impossible; nothing was sent.
            ConflictError: A file belongs to a connection of this iModel already.
            UnprocessableError: The service does not accept something; its details say what.
        """
        check_id(imodel_id, "imodel_id")
        files = tuple(source_files)
        if not files:
            raise InvalidArgumentError("A connection needs at least one source file.")
        for file in files:
            if not isinstance(file, SourceFileCreate):
                raise InvalidArgumentError(f"A source file is a SourceFileCreate, not {type(file).__name__}.")
            check_id(file.storage_file_id, "storage_file_id")
        body = {
            "displayName": display_name,
            "iModelId": imodel_id,
            "authenticationType": authentication_type or self._default_authentication,
            "sourceFiles": files,
        }
        return await self._one(self._request("POST", _ROOT, body=given(body)), "connection", StorageConnection)

    async def get(self, connection_id: str) -> StorageConnection:
        """Return a connection (`get-storage-connection`).

        Args:
            connection_id: The storage connection.

        Raises:
            NotFoundError: There is no such connection.
        """
        return await self._one(self._request("GET", _path(connection_id)), "connection", StorageConnection)

    async def update(
        self,
        connection_id: str,
        *,
        display_name: str | None = None,
        authentication_type: AuthenticationType | None = None,
    ) -> StorageConnection:
        """Change the name or the authentication type of a connection (`update-storage-connection`).

        The service may take an omitted property for its default, so what is not given here is read first and sent
        again: renaming a `SERVICE` connection never makes it a `USER` one.

        Args:
            connection_id: The storage connection.
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
        request = self._request("PUT", _path(connection_id), body=given(body))
        return await self._one(request, "connection", StorageConnection)

    async def delete(self, connection_id: str) -> None:
        """Delete a connection (`delete-storage-connection`).

        Its files stay in Storage, and what it brought to the iModel stays there.

        Args:
            connection_id: The storage connection.

        Raises:
            ConflictError: It is being run.
            NotFoundError: There is no such connection.
        """
        await self._pipeline.call(self._request("DELETE", _path(connection_id)))


def _path(connection_id: str) -> str:
    return f"{_ROOT}/{path_segment(connection_id, 'connection_id')}"
