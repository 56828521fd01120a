"""The resources that are loaded when they are first used, as attributes of a client."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bentley_sync_async.models import AuthenticationType
from bentley_sync_async.transport.pipeline import Pipeline

if TYPE_CHECKING:
    from .imodels.imodels import IModels
    from .itwins.itwins import ITwins
    from .storage.storage import Storage
    from .synchronization.manifest_connections import ManifestConnections
    from .webhooks.webhooks import Webhooks


class Products:
    """What a client has beside storage connections and their runs."""

    _pipeline: Pipeline
    _default_authentication: AuthenticationType | None

    @cached_property
    def manifest_connections(self) -> ManifestConnections:
        """The manifest connections of an iModel, their files and runs."""
        from .synchronization.manifest_connections import ManifestConnections  # noqa: PLC0415

        return ManifestConnections(self._pipeline, default_authentication=self._default_authentication)

    @cached_property
    def storage(self) -> Storage:
        """Folders and files in Storage."""
        from .storage.storage import Storage  # noqa: PLC0415

        return Storage(self._pipeline)

    @cached_property
    def imodels(self) -> IModels:
        """iModels, their changesets and named versions."""
        from .imodels.imodels import IModels  # noqa: PLC0415

        return IModels(self._pipeline)

    @cached_property
    def itwins(self) -> ITwins:
        """ITwins."""
        from .itwins.itwins import ITwins  # noqa: PLC0415

        return ITwins(self._pipeline)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhooks: where the platform sends its events."""
        from .webhooks.webhooks import Webhooks  # noqa: PLC0415

        return Webhooks(self._pipeline)
