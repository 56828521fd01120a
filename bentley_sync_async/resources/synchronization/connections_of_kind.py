"""What storage connections and manifest connections have in common, and their source files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, Literal, Protocol, TypeVar, overload

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import AuthenticationType, ConnectionSummary
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.resources.base import Listing, Prefer, Resource, found
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id, path_segment
from bentley_sync_async.wire.locations import connection_path


class _Connection(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def display_name(self) -> str | None: ...
    @property
    def imodel_id(self) -> str | None: ...
    @property
    def authentication_type(self) -> AuthenticationType | None: ...


C = TypeVar("C", bound=_Connection)
F = TypeVar("F")


class ConnectionsOfKind(Resource, Generic[C]):
    """The connections of one kind, which the subclass names."""

    kind: ConnectionKind
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
        """List the connections of an iModel of this kind (`get-storage-connections`, `get-manifest-connections`).

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

    async def _create(
        self,
        imodel_id: str,
        source_files: tuple[object, ...],
        *,
        display_name: str | None,
        authentication_type: AuthenticationType | None,
    ) -> C:
        check_id(imodel_id, "imodel_id")
        if not source_files:
            raise InvalidArgumentError("A connection needs at least one source file.")
        body = {
            "displayName": display_name,
            "iModelId": imodel_id,
            "authenticationType": authentication_type or self._default_authentication,
            "sourceFiles": source_files,
        }
        return await self._one(self._request("POST", self._root, body=_given(body)), "connection", self._model)

    async def get(self, connection_id: str) -> C:
        """Return a connection (`get-storage-connection`, `get-manifest-connection`).

        Args:
            connection_id: The connection.

        Raises:
            NotFoundError: There is no such connection of this kind.
        """
        return await self._one(self._request("GET", self._path(connection_id)), "connection", self._model)

    async def update(
        self,
        connection_id: str,
        *,
        display_name: str | None = None,
        authentication_type: AuthenticationType | None = None,
    ) -> C:
        """Change the name or the authentication type (`update-storage-connection`, `update-manifest-connection`).

        The service may take an omitted property for its default, so what is not given here is read first and sent
        again: renaming a `SERVICE` connection never makes it a `USER` one.

        Args:
            connection_id: The connection.
            display_name: A new name; `None` keeps the one there is.
            authentication_type: Another one; `None` keeps the one there is.

        Raises:
            InvalidArgumentError: There is nothing to change, or the service does not say what to keep.
            NotFoundError: There is no such connection of this kind.
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
        request = self._request("PUT", self._path(connection_id), body=_given(body))
        return await self._one(request, "connection", self._model)

    async def delete(self, connection_id: str) -> None:
        """Delete a connection (`delete-storage-connection`, `delete-manifest-connection`).

        Its files stay where they are, and what it brought to the iModel stays there.

        Args:
            connection_id: The connection.

        Raises:
            ConflictError: It is being run.
            NotFoundError: There is no such connection of this kind.
        """
        await self._pipeline.call(self._request("DELETE", self._path(connection_id)))

    @property
    def _root(self) -> str:
        return f"imodels/{self.kind}connections"

    def _path(self, connection_id: str) -> str:
        return connection_path(connection_id, self.kind)


class SourceFilesOfKind(Resource, Generic[F]):
    """The source files of connections of one kind, which the subclass names."""

    kind: ConnectionKind
    _file_model: type[F]

    async def get(self, connection_id: str, source_file_id: str) -> F:
        """Return a file of a connection (`get-storage-connection-sourcefile`, `get-manifest-connection-sourcefile`).

        Args:
            connection_id: The connection.
            source_file_id: The file's `id` in the connection.

        Raises:
            NotFoundError: There is no such file in this connection.
        """
        return await self._source_file("GET", self._file_path(connection_id, source_file_id))

    async def remove(self, connection_id: str, source_file_id: str) -> None:
        """Remove a file from a connection (`remove-storage-connection-sourcefile`, `remove-manifest-...`).

        The file itself stays where it is.

        Args:
            connection_id: The connection.
            source_file_id: The file's `id` in the connection.

        Raises:
            NotFoundError: There is no such file in this connection.
        """
        await self._pipeline.call(self._request("DELETE", self._file_path(connection_id, source_file_id)))

    async def _source_file(self, method: str, path: str, body: object = None) -> F:
        return await self._one(self._request(method, path, body=body), "sourceFile", self._file_model)

    def _files_path(self, connection_id: str) -> str:
        return f"{connection_path(connection_id, self.kind)}/sourcefiles"

    def _file_path(self, connection_id: str, source_file_id: str) -> str:
        return f"{self._files_path(connection_id)}/{path_segment(source_file_id, 'source_file_id')}"


def checked_files(files: Iterable[Any], cls: type[F]) -> tuple[F, ...]:
    """Return files after a check of their class.

    Raises:
        InvalidArgumentError: One is of another class.
    """
    checked = tuple(files)
    for file in checked:
        if not isinstance(file, cls):
            raise InvalidArgumentError(f"A source file is a {cls.__name__}, not {type(file).__name__}.")
    return checked


def _given(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value is not None}
