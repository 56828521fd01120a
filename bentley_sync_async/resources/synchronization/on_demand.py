"""The resources of Synchronization that a client loads when they are first used."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from bentley_sync_async.models import AuthenticationType
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import check_id

from .watched import WatchedConnection

if TYPE_CHECKING:
    from bentley_sync_async.models.manifests import ManifestFile

    from .configurations import Configurations
    from .manifest_connections import ManifestConnections
    from .reports import Reports


class OnDemand:
    """Manifest connections, configurations and diagnostic reports as attributes of a client."""

    _pipeline: Pipeline
    _default_authentication: AuthenticationType | None

    @cached_property
    def manifest_connections(self) -> ManifestConnections:
        """The manifest connections of an iModel, their files and runs."""
        from .manifest_connections import ManifestConnections  # noqa: PLC0415

        return ManifestConnections(self._pipeline, default_authentication=self._default_authentication)

    @cached_property
    def configurations(self) -> Configurations:
        """The configurations of iTwins, iModels and connections."""
        from .configurations import Configurations  # noqa: PLC0415

        return Configurations(self._pipeline)

    @cached_property
    def reports(self) -> Reports:
        """The diagnostic reports of runs."""
        from .reports import Reports  # noqa: PLC0415

        return Reports(self._pipeline)

    def _watched_manifest(
        self, connection_id: str, files: Iterable[ManifestFile] | None, document_attribute_schema_url: str | None
    ) -> WatchedConnection:
        """Return a manifest connection as a watch uses it, on request without a manifest."""
        from .manifest_connections import ManifestConnections, manifest_of  # noqa: PLC0415

        # A watch has retries of its own; a retry inside a poll would hide the failure.
        connections = ManifestConnections(self._pipeline.without_retries())
        manifest = manifest_of(files, document_attribute_schema_url) if files is not None else None
        return WatchedConnection(connections, check_id(connection_id, "connection_id"), manifest)
