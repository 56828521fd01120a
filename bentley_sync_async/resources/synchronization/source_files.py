"""The source files of a connection."""

from __future__ import annotations

from typing import ClassVar, Generic, Literal, TypeVar, overload

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import (
    ConnectorType,
    ManifestSourceFile,
    SourceFile,
    SourceFileCreate,
    SourceFileSummary,
)
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.resources.base import Listing, Prefer, Resource, found
from bentley_sync_async.wire.ids import check_id, path_segment
from bentley_sync_async.wire.locations import connection_path

F = TypeVar("F")


class ConnectionSourceFiles(Resource, Generic[F]):
    """The source files of connections of one kind."""

    _kind: ClassVar[ConnectionKind]
    _model: type[F]

    async def get(self, connection_id: str, source_file_id: str) -> F:
        """Return a file of a connection (`get-...-connection-sourcefile`).

        Args:
            connection_id: The connection.
            source_file_id: The file's id in the connection, which is not its id elsewhere.

        Raises:
            NotFoundError: There is no such file in this connection.
        """
        return await self._one(
            self._request("GET", self._file(connection_id, source_file_id)), "sourceFile", self._model
        )

    async def remove(self, connection_id: str, source_file_id: str) -> None:
        """Remove a file from a connection (`remove-...-connection-sourcefile`); the file itself stays where it is.

        Args:
            connection_id: The connection.
            source_file_id: The file's id in the connection.

        Raises:
            NotFoundError: There is no such file in this connection.
        """
        await self._pipeline.call(self._request("DELETE", self._file(connection_id, source_file_id)))

    def _files(self, connection_id: str) -> str:
        return f"{connection_path(connection_id, self._kind)}/sourcefiles"

    def _file(self, connection_id: str, source_file_id: str) -> str:
        return f"{self._files(connection_id)}/{path_segment(source_file_id, 'source_file_id')}"


class SourceFiles(ConnectionSourceFiles[SourceFile]):
    """`client.storage_connections.source_files`."""

    _kind = "storage"
    _model = SourceFile

    @overload
    def list(
        self, connection_id: str, *, prefer: Literal["minimal"] = "minimal", page_size: int | None = None
    ) -> Listing[SourceFileSummary]: ...

    @overload
    def list(
        self, connection_id: str, *, prefer: Literal["representation"], page_size: int | None = None
    ) -> Listing[SourceFile]: ...

    def list(
        self, connection_id: str, *, prefer: Prefer = "minimal", page_size: int | None = None
    ) -> Listing[SourceFileSummary] | Listing[SourceFile]:
        """List the files of a connection (`get-storage-connection-sourcefiles`).

        Args:
            connection_id: The storage connection.
            prefer: `representation` adds the connector type of each file, with one more request for each file that the
                service shows minimally all the same.
            page_size: Files per request; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such connection (on iteration, like every other error of the service).
        """
        path = self._files(connection_id)
        if prefer == "minimal":
            return self._list(path, "sourceFiles", SourceFileSummary, prefer=prefer, page_size=page_size)

        async def complete(file: SourceFile) -> SourceFile | None:
            return file if file.connector_type is not None else await found(self.get(connection_id, file.id))

        return self._list(path, "sourceFiles", SourceFile, prefer=prefer, page_size=page_size, complete=complete)

    async def add(self, connection_id: str, source_file: SourceFileCreate) -> SourceFile:
        """Add a file to a connection (`add-storage-connection-sourcefile`); the next run synchronizes it.

        Args:
            connection_id: The storage connection.
            source_file: The file and its connector.

        Raises:
            ConflictError: The file belongs to a connection of this iModel already.
            NotFoundError: There is no such connection.
            UnprocessableError: The service does not accept an id or the connector type.
        """
        check_id(source_file.storage_file_id, "storage_file_id")
        return await self._one(
            self._request("POST", self._files(connection_id), body=source_file), "sourceFile", SourceFile
        )

    async def update(
        self,
        connection_id: str,
        source_file_id: str,
        *,
        storage_file_id: str | None = None,
        connector_type: ConnectorType | None = None,
    ) -> SourceFile:
        """Change a file of a connection (`update-storage-connection-sourcefile`).

        The service wants both values, so what is not given here is read first and sent again.

        Args:
            connection_id: The storage connection.
            source_file_id: The file's id in the connection; it stays.
            storage_file_id: Another file in Storage; `None` keeps the one there is.
            connector_type: Another connector; `None` keeps the one there is.

        Raises:
            InvalidArgumentError: There is nothing to change, or the service does not say what to keep.
            ConflictError: The other file belongs to a connection of this iModel already.
            NotFoundError: There is no such file in this connection.
        """
        if storage_file_id is None and connector_type is None:
            raise InvalidArgumentError("Nothing to change: give storage_file_id, connector_type, or both.")
        if storage_file_id is not None:
            check_id(storage_file_id, "storage_file_id")
        if storage_file_id is None or connector_type is None:
            now = await self.get(connection_id, source_file_id)
            storage_file_id = storage_file_id or now.storage_file_id
            connector_type = connector_type or now.connector_type
        if storage_file_id is None or connector_type is None:
            raise InvalidArgumentError(
                f"The service does not say what file {source_file_id} of connection {connection_id} is: "
                "give both storage_file_id and connector_type."
            )
        body = {"storageFileId": storage_file_id, "connectorType": connector_type}
        request = self._request("PUT", self._file(connection_id, source_file_id), body=body)
        return await self._one(request, "sourceFile", SourceFile)


class ManifestSourceFiles(ConnectionSourceFiles[ManifestSourceFile]):
    """`client.manifest_connections.source_files`: which of your own files a connection synchronizes."""

    _kind = "manifest"
    _model = ManifestSourceFile

    def list(self, connection_id: str, *, page_size: int | None = None) -> Listing[ManifestSourceFile]:
        """List the files of a connection (`get-manifest-connection-sourcefiles`).

        Args:
            connection_id: The manifest connection.
            page_size: Files per request; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such connection (on iteration, like every other error of the service).
        """
        path = self._files(connection_id)
        return self._list(path, "sourceFiles", ManifestSourceFile, prefer="minimal", page_size=page_size)

    async def add(self, connection_id: str, source_file_id: str) -> ManifestSourceFile:
        """Add a file to a connection (`add-manifest-connection-sourcefile`).

        Args:
            connection_id: The manifest connection.
            source_file_id: Your own id of the file.

        Raises:
            ConflictError: The file belongs to a connection of this iModel already.
            NotFoundError: There is no such connection.
            UnprocessableError: The service does not accept the id.
        """
        body = {"sourceFileId": check_id(source_file_id, "source_file_id")}
        request = self._request("POST", self._files(connection_id), body=body)
        return await self._one(request, "sourceFile", ManifestSourceFile)

    async def update(self, connection_id: str, file_id: str, source_file_id: str) -> ManifestSourceFile:
        """Change which of your files a source file is (`update-manifest-connection-sourcefile`).

        Args:
            connection_id: The manifest connection.
            file_id: The file's id in the connection; it stays.
            source_file_id: Your own id of the other file.

        Raises:
            ConflictError: The other file belongs to a connection of this iModel already.
            NotFoundError: There is no such file in this connection.
        """
        body = {"sourceFileId": check_id(source_file_id, "source_file_id")}
        request = self._request("PUT", self._file(connection_id, file_id), body=body)
        return await self._one(request, "sourceFile", ManifestSourceFile)
