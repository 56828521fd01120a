"""The connections of a kind; those of manifest connections are loaded when they are first used."""

from __future__ import annotations

from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.transport.pipeline import Pipeline

from .connections_of_kind import AnyConnections
from .storage_connections import StorageConnections


def connections_of_kind(kind: ConnectionKind, pipeline: Pipeline) -> AnyConnections:
    """Return the resource of storage or of manifest connections."""
    if kind == "storage":
        return StorageConnections(pipeline)
    from .manifest_connections import ManifestConnections  # noqa: PLC0415

    return ManifestConnections(pipeline)
