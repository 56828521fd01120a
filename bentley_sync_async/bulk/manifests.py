"""The connections of a bulk as resources: storage connections, and manifest connections with their manifests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.resources.synchronization.watched import WatchedConnection
from bentley_sync_async.transport.hooks import Hook
from bentley_sync_async.transport.pipeline import Pipeline

if TYPE_CHECKING:
    from bentley_sync_async.models.manifests import ManifestFile, ManifestRunCreate
    from bentley_sync_async.resources.synchronization.manifest_connections import ManifestConnections


def _tuple(files: Iterable[ManifestFile]) -> tuple[ManifestFile, ...]:
    return tuple(files)


@frozen
class ManifestRun:
    """A manifest connection that a bulk runs, with the files of that run; an item of `client.run_many`.

    Attributes:
        connection_id: The manifest connection.
        files: The files of the run's manifest; their URLs must be valid until the run has ended.
        document_attribute_schema_url: The URL of the JSON file with the schema of document attributes.
    """

    connection_id: str
    files: tuple[ManifestFile, ...] = field(converter=_tuple)
    document_attribute_schema_url: str | None = field(default=None, repr=False, kw_only=True)


def split_manifests(items: Iterable[str | ManifestRun]) -> tuple[tuple[str, ...], dict[str, ManifestRunCreate]]:
    """Return the ids of connections, and the manifests of those that have one.

    Raises:
        InvalidArgumentError: A manifest cannot be right, or a connection with a manifest is listed twice.
    """
    ids: list[str] = []
    manifests: dict[str, ManifestRunCreate] = {}
    for item in items:
        if not isinstance(item, ManifestRun):
            ids.append(item)
            continue
        from bentley_sync_async.resources.synchronization.manifest_connections import manifest_of  # noqa: PLC0415

        manifests[item.connection_id] = manifest_of(item.files, item.document_attribute_schema_url)
        ids.append(item.connection_id)
    for connection_id in manifests:
        if ids.count(connection_id) > 1:
            raise InvalidArgumentError(f"Manifest connection {connection_id} is listed twice; a bulk runs it once.")
    return tuple(ids), manifests


class BulkConnections:
    """Makes the resources of a bulk's connections."""

    def __init__(self, pipeline: Pipeline, manifests: Mapping[str, ManifestRunCreate]) -> None:
        """Take the manifests by connection; the other connections are storage connections."""
        self._pipeline = pipeline
        self._without_retries = pipeline.without_retries()
        self._manifests = manifests

    def has_manifest(self, connection_id: str) -> bool:
        """Return whether it is a manifest connection."""
        return connection_id in self._manifests

    def resource(self, connection_id: str, hook: Hook) -> StorageConnections | ManifestConnections:
        """Return the resource for single requests on a connection."""
        return self._of(connection_id, self._pipeline.with_hook(hook))

    def watched(self, connection_id: str, hook: Hook) -> WatchedConnection:
        """Return a connection as its watch uses it."""
        connections = self._of(connection_id, self._without_retries.with_hook(hook))
        return WatchedConnection(connections, connection_id, self._manifests.get(connection_id))

    def _of(self, connection_id: str, pipeline: Pipeline) -> StorageConnections | ManifestConnections:
        if connection_id not in self._manifests:
            return StorageConnections(pipeline)
        from bentley_sync_async.resources.synchronization.manifest_connections import (  # noqa: PLC0415
            ManifestConnections,
        )

        return ManifestConnections(pipeline)
