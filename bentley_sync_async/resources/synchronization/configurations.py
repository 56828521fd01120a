"""Configurations of iTwins, iModels and connections. Loaded when first used."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models.configurations import Configuration, ConfigurationScope, SettingValue
from bentley_sync_async.resources.base import Resource
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.wire.ids import path_segment

_DONE = frozenset({200, 201})  # the pages disagree on which of them
_ID_NAMES: Mapping[ConfigurationScope, str] = {
    "itwins": "itwin_id",
    "imodels": "imodel_id",
    "connections": "connection_id",
}


class ConfigurationsOfScope(Resource):
    """The configurations of iTwins, of iModels or of connections: one of `client.configurations`'s attributes.

    Settings have the service's own names, such as `enableSheetsAndDrawings`; those that the pages name are in
    `bentley_sync_async.models.configurations.KNOWN_SETTINGS`.
    """

    def __init__(self, pipeline: Pipeline, scope: ConfigurationScope) -> None:
        """Make the resource of one scope."""
        super().__init__(pipeline)
        self._scope: ConfigurationScope = scope

    async def create(self, scope_id: str, settings: Mapping[str, SettingValue]) -> Configuration:
        """Create a configuration (`create-itwin-configuration`, `create-imodel-...`, `create-connection-...`).

        Args:
            scope_id: The iTwin, iModel or connection.
            settings: The settings, by name.

        Raises:
            InvalidArgumentError: A setting cannot be one; nothing was sent.
            UnprocessableError: The service does not accept an id or a setting.
        """
        return await self._write("POST", scope_id, _checked(settings))

    async def get(self, scope_id: str) -> Configuration:
        """Return a configuration (`get-itwin-configuration`, `get-imodel-...`, `get-connection-...`).

        Args:
            scope_id: The iTwin, iModel or connection.

        Raises:
            NotFoundError: It has none.
        """
        return await self._one(self._request("GET", self._path(scope_id)), "configuration", Configuration)

    async def update(self, scope_id: str, settings: Mapping[str, SettingValue]) -> Configuration:
        """Change settings (`patch-itwin-configuration`, `patch-imodel-...`, `patch-connection-...`); others stay.

        Args:
            scope_id: The iTwin, iModel or connection.
            settings: The settings to change, by name.

        Raises:
            InvalidArgumentError: There is nothing to change, or a setting cannot be one; nothing was sent.
            NotFoundError: There is no configuration: create it.
            UnprocessableError: The service does not accept an id or a setting.
        """
        checked = _checked(settings)
        if not checked:
            raise InvalidArgumentError("Nothing to change: give at least one setting.")
        return await self._write("PATCH", scope_id, checked)

    async def delete(self, scope_id: str) -> None:
        """Delete a configuration (`delete-itwin-configuration`, `delete-imodel-...`, `delete-connection-...`).

        What it set is inherited again from the wider scope, or has its default.

        Args:
            scope_id: The iTwin, iModel or connection.

        Raises:
            NotFoundError: It has none.
        """
        await self._pipeline.call(self._request("DELETE", self._path(scope_id)))

    async def _write(self, method: str, scope_id: str, settings: dict[str, SettingValue]) -> Configuration:
        request = self._request(method, self._path(scope_id), body=settings)
        return await self._one(request, "configuration", Configuration, expected=_DONE)

    def _path(self, scope_id: str) -> str:
        return f"configurations/{self._scope}/{path_segment(scope_id, _ID_NAMES[self._scope])}"


class Configurations:
    """`client.configurations`: how data is synchronized. A technology preview of the service.

    Attributes:
        itwins: The configurations of iTwins.
        imodels: The configurations of iModels, which inherit from those of iTwins.
        connections: The configurations of connections, which inherit from those of iModels.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        """Make the resources of the three scopes."""
        self.itwins = ConfigurationsOfScope(pipeline, "itwins")
        self.imodels = ConfigurationsOfScope(pipeline, "imodels")
        self.connections = ConfigurationsOfScope(pipeline, "connections")


def _checked(settings: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    if not isinstance(settings, Mapping):
        raise InvalidArgumentError(f"settings must map names to values, not {type(settings).__name__}.")
    for name, value in settings.items():
        if not isinstance(name, str) or not name:
            raise InvalidArgumentError(f"The name of a setting must be a text, not {name!r}.")
        if not isinstance(value, bool | int | float | str):
            raise InvalidArgumentError(f"{name} must be a boolean, a number or a text, not {type(value).__name__}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidArgumentError(f"{name} must be a finite number, not {value}: JSON has no other.")
    return dict(settings)
