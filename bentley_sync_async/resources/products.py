"""The neighbouring products of the platform as attributes of a client, each loaded when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bentley_sync_async.transport.pipeline import Pipeline

if TYPE_CHECKING:
    from .imodels.imodels import IModels
    from .itwins.itwins import ITwins
    from .storage.storage import Storage
    from .webhooks.webhooks import Webhooks


class Products:
    """What a client has beside Synchronization."""

    _pipeline: Pipeline

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
