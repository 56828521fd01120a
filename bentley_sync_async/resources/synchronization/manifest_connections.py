"""The manifest connections of an iModel: their files come with each run."""

from __future__ import annotations

from collections.abc import Iterable

from bentley_sync_async.models import AuthenticationType, ManifestConnection
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id

from .connections_of_kind import ConnectionsOfKind
from .manifest_runs import ManifestRuns
from .source_files import ManifestSourceFiles


class ManifestConnections(ConnectionsOfKind[ManifestConnection, ManifestRuns]):
    """`client.manifest_connections`.

    Attributes:
        source_files: The files of a connection.
        runs: The runs of a connection.
    """

    kind = "manifest"
    _model = ManifestConnection

    def __init__(self, pipeline: Pipeline, *, default_authentication: AuthenticationType | None = None) -> None:
        """Make the resource; see `ConnectionsOfKind`."""
        super().__init__(pipeline, default_authentication=default_authentication)
        self.source_files = ManifestSourceFiles(pipeline)
        self.runs = ManifestRuns(pipeline)

    async def create(
        self,
        imodel_id: str,
        source_file_ids: Iterable[str],
        *,
        display_name: str | None = None,
        authentication_type: AuthenticationType | None = None,
    ) -> ManifestConnection:
        """Create a connection of files of your own to an iModel (`create-manifest-connection`).

        It is not repeated when its answer is lost; then list the connections before creating it again.

        Args:
            imodel_id: The iModel.
            source_file_ids: Your own ids of the files, at least one, such as those of a document management system.
            display_name: A name; need not be unique.
            authentication_type: As for `client.storage_connections.create`.

        Raises:
            InvalidArgumentError: There is no file, or an id is impossible; nothing was sent.
            ConflictError: A file belongs to a connection of this iModel already.
            UnprocessableError: The service does not accept something; its details say what.
        """
        files = tuple({"sourceFileId": check_id(one, "source_file_id")} for one in source_file_ids)
        return await self._create(imodel_id, files, display_name, authentication_type)
