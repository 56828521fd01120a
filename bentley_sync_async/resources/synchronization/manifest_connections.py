"""The manifest connections of an iModel, their source files and runs. Loaded when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import AuthenticationType, TriggeredRun
from bentley_sync_async.models.manifests import (
    ManifestAction,
    ManifestConnection,
    ManifestFile,
    ManifestRunCreate,
    ManifestSourceFile,
)
from bentley_sync_async.resources.base import Listing
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id

from .connections_of_kind import ConnectionsOfKind, SourceFilesOfKind, checked_files
from .runs import ConnectionRuns


class ManifestSourceFiles(SourceFilesOfKind[ManifestSourceFile]):
    """`client.manifest_connections.source_files`: the files that the manifests of a connection may name."""

    kind = "manifest"
    _file_model = ManifestSourceFile

    def list(self, connection_id: str, *, page_size: int | None = None) -> Listing[ManifestSourceFile]:
        """List the files of a connection (`get-manifest-connection-sourcefiles`).

        Args:
            connection_id: The manifest connection.
            page_size: Files per request; `None` leaves it to the service.

        Raises:
            NotFoundError: There is no such connection (on iteration, like every other error of the service).
        """
        path = self._files_path(connection_id)
        return self._list(path, "sourceFiles", ManifestSourceFile, prefer="minimal", page_size=page_size)

    async def add(self, connection_id: str, source_file_id: str) -> ManifestSourceFile:
        """Add a file to a connection (`add-manifest-connection-sourcefile`).

        Args:
            connection_id: The manifest connection.
            source_file_id: The file's id in manifests.

        Raises:
            ConflictError: The file belongs to a connection of this iModel already.
            NotFoundError: There is no such connection.
            UnprocessableError: The service does not accept an id.
        """
        body = {"sourceFileId": check_id(source_file_id, "source_file_id")}
        return await self._source_file("POST", self._files_path(connection_id), body)

    async def update(self, connection_id: str, source_file_id: str, *, new_source_file_id: str) -> ManifestSourceFile:
        """Change a file's id in manifests (`update-manifest-connection-sourcefile`).

        Args:
            connection_id: The manifest connection.
            source_file_id: The file's `id` in the connection; it stays.
            new_source_file_id: Its new id in manifests.

        Raises:
            ConflictError: The new id belongs to a connection of this iModel already.
            NotFoundError: There is no such file in this connection.
        """
        body = {"sourceFileId": check_id(new_source_file_id, "new_source_file_id")}
        return await self._source_file("PUT", self._file_path(connection_id, source_file_id), body)


class ManifestRuns(ConnectionRuns):
    """`client.manifest_connections.runs`. To follow a run to its end, use `client.watch_manifest`."""

    kind = "manifest"

    async def trigger(
        self,
        connection_id: str,
        files: Iterable[ManifestFile],
        *,
        document_attribute_schema_url: str | None = None,
        before_send: Callable[[], None] | None = None,
    ) -> TriggeredRun:
        """Trigger a synchronization of files, unless one is active on the iModel (`create-manifest-connection-run`).

        What `client.storage_connections.runs.trigger` says holds here, too. An active run of the connection has a
        manifest of its own.

        Args:
            connection_id: The manifest connection.
            files: The files of the manifest, at least one.
            document_attribute_schema_url: The URL of the JSON file with the schema of document attributes.
            before_send: Called right before the request is sent; see `Request.before_send`.

        Returns:
            The run, and whether the trigger created it or it was there already.

        Raises:
            InvalidArgumentError: The manifest cannot be right; nothing was sent.
            NotFoundError: There is no such connection.
            PermissionDeniedError: The caller may not run it.
            ConflictError: Another client's trigger of the iModel is in flight; try again in a second.
            LocationError: The service accepted, but the Location is missing, or names no run or one of another
                connection; the run may exist.
            ForeignOriginError: The Location is on another origin.
            ProtocolError: The answer has another status than 202 and 303; the run may exist.
            APIError: Any other refusal.
            TransportError: No whole answer; if its `sent` is true, the run may exist.
        """
        body = manifest_of(files, document_attribute_schema_url)
        return await self._trigger(connection_id, "runs", body=body, before_send=before_send)


class ManifestConnections(ConnectionsOfKind[ManifestConnection]):
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
        """Create a connection of files outside of Storage to an iModel (`create-manifest-connection`).

        It is not repeated when its answer is lost; then list the connections before creating it again.

        Args:
            imodel_id: The iModel.
            source_file_ids: The ids that the files have in manifests, at least one.
            display_name: A name; need not be unique.
            authentication_type: As whom the service works; as for `client.storage_connections.create`.

        Raises:
            InvalidArgumentError: There is no file, or an id is impossible; nothing was sent.
            ConflictError: A file belongs to a connection of this iModel already.
            UnprocessableError: The service does not accept something; its details say what.
        """
        if isinstance(source_file_ids, str):
            raise InvalidArgumentError("source_file_ids must be a list of ids, not one text.")
        files = tuple({"sourceFileId": check_id(one, "source_file_id")} for one in source_file_ids)
        return await self._create(imodel_id, files, display_name=display_name, authentication_type=authentication_type)


def manifest_of(files: Iterable[ManifestFile], document_attribute_schema_url: str | None = None) -> ManifestRunCreate:
    """Return the manifest of files, in which every child names its parent.

    Raises:
        InvalidArgumentError: There is no file, an id is impossible, or a file to synchronize has no URL.
    """
    checked = checked_files(files, ManifestFile)
    if not checked:
        raise InvalidArgumentError("A manifest needs at least one file.")
    for file in checked:
        check_id(file.id, "the id of a file of the manifest")
        if file.action == ManifestAction.BRIDGE and not file.url:
            raise InvalidArgumentError(f"File {file.id} of the manifest has no url: the run could not read it.")
        for child in file.children:
            check_id(child.id, "the id of a file of the manifest")
    return ManifestRunCreate(
        source_files=tuple(
            evolve(file, children=[evolve(child, parent_id=child.parent_id or file.id) for child in file.children])
            for file in checked
        ),
        document_attribute_schema_url=document_attribute_schema_url,
    )
