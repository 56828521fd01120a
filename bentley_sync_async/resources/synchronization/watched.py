"""A connection as a watch uses it: how it is triggered, and where its runs are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import TriggeredRun
from bentley_sync_async.models.run_refs import ConnectionKind

from .runs import ConnectionRuns
from .storage_connections import StorageConnections

if TYPE_CHECKING:
    from bentley_sync_async.models.manifests import ManifestRunCreate

    from .manifest_connections import ManifestConnections


@frozen
class WatchedConnection:
    """A storage connection, or a manifest connection with the manifest of the run that a watch triggers.

    Attributes:
        connections: The resource that has it.
        connection_id: The connection.
        manifest: The manifest; `None` for a storage connection, and for a watch that was resumed without it.
    """

    connections: StorageConnections | ManifestConnections
    connection_id: str
    manifest: ManifestRunCreate | None = None

    @property
    def kind(self) -> ConnectionKind:
        """Whether it is a storage connection or a manifest connection."""
        return self.connections.kind

    @property
    def runs(self) -> ConnectionRuns:
        """The runs of connections of its kind."""
        return self.connections.runs

    async def trigger(self, before_send: Callable[[], None]) -> TriggeredRun:
        """Trigger the connection; see `Runs.trigger` and `ManifestRuns.trigger`.

        Raises:
            InvalidArgumentError: There is no manifest to trigger it with; nothing was sent.
        """
        connections, manifest = self.connections, self.manifest
        if isinstance(connections, StorageConnections):
            return await connections.runs.trigger(self.connection_id, before_send=before_send)
        if manifest is None:
            raise InvalidArgumentError(
                f"Manifest connection {self.connection_id} was not triggered yet, and a resume token does not hold the "
                "files of a run, as their URLs are secrets: resume it with client.resume(token, files=...)."
            )
        return await connections.runs.trigger(
            self.connection_id,
            manifest.source_files,
            document_attribute_schema_url=manifest.document_attribute_schema_url,
            before_send=before_send,
        )
