"""The storage connections of an iModel."""

from __future__ import annotations

from collections.abc import Iterable

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import AuthenticationType, SourceFileCreate, StorageConnection
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id

from .connections_of_kind import ConnectionsOfKind
from .runs import Runs
from .source_files import SourceFiles


class StorageConnections(ConnectionsOfKind[StorageConnection, Runs]):
    """`client.storage_connections`.

    Attributes:
        source_files: The files of a connection.
        runs: The runs of a connection.
    """

    kind = "storage"
    _model = StorageConnection

    def __init__(self, pipeline: Pipeline, *, default_authentication: AuthenticationType | None = None) -> None:
        """Make the resource; see `ConnectionsOfKind`."""
        super().__init__(pipeline, default_authentication=default_authentication)
        self.source_files = SourceFiles(pipeline)
        self.runs = Runs(pipeline)

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
        files = tuple(source_files)
        for file in files:
            if not isinstance(file, SourceFileCreate):
                raise InvalidArgumentError(f"A source file is a SourceFileCreate, not {type(file).__name__}.")
            check_id(file.storage_file_id, "storage_file_id")
        return await self._create(imodel_id, files, display_name, authentication_type)
