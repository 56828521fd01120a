"""The source files of a storage connection."""

from __future__ import annotations

from typing import Literal, overload

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import ConnectorType, SourceFile, SourceFileCreate, SourceFileSummary
from bentley_sync_async.resources.base import Listing, Prefer, found
from bentley_sync_async.wire.ids import check_id

from .connections_of_kind import SourceFilesOfKind


class SourceFiles(SourceFilesOfKind[SourceFile]):
    """`client.storage_connections.source_files`."""

    kind = "storage"
    _file_model = SourceFile

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
        path = self._files_path(connection_id)
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
        return await self._source_file("POST", self._files_path(connection_id), source_file)

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
        return await self._source_file("PUT", self._file_path(connection_id, source_file_id), body)
