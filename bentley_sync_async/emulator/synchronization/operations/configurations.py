"""Configurations of iTwins, iModels and connections (pages `create-itwin-configuration`, `get-...`, `patch-...`).

A narrower scope inherits what wider ones set: iTwin, iModel, connection. The pages leave open what a second POST does;
here it replaces the settings. A setting that no page names is taken if it is a boolean, a number or a text.
"""

from __future__ import annotations

from typing import Any, cast

from bentley_sync_async.emulator.platform.ids import is_guid, is_pair
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError, not_valid
from bentley_sync_async.emulator.synchronization.problems import configuration_not_found
from bentley_sync_async.emulator.synchronization.store import Store
from bentley_sync_async.models.configurations import KNOWN_SETTINGS, ConfigurationScope, SettingValue

_CODE = "InvalidConfigurationRequest"
_SCOPES: tuple[ConfigurationScope, ...] = ("itwins", "imodels", "connections")


def create_configuration(store: Store, call: Call) -> Reply:
    """Answer `create-itwin-configuration` and its twins."""
    scope, scope_id = _scope(store, call)
    store.configurations[f"{scope}/{scope_id}"] = _read(call)
    return _answer(store, scope, scope_id, status=201)


def get_configuration(store: Store, call: Call) -> Reply:
    """Answer `get-itwin-configuration` and its twins."""
    scope, scope_id = _scope(store, call)
    _settings(store, scope, scope_id)
    return _answer(store, scope, scope_id)


def patch_configuration(store: Store, call: Call) -> Reply:
    """Answer `patch-itwin-configuration` and its twins: settings that the body does not name stay."""
    scope, scope_id = _scope(store, call)
    _settings(store, scope, scope_id).update(_read(call))
    return _answer(store, scope, scope_id)


def delete_configuration(store: Store, call: Call) -> Reply:
    """Answer `delete-itwin-configuration` and its twins."""
    scope, scope_id = _scope(store, call)
    _settings(store, scope, scope_id)
    del store.configurations[f"{scope}/{scope_id}"]
    return Reply(204)


def _scope(store: Store, call: Call) -> tuple[ConfigurationScope, str]:
    """Return the scope and the id that the path names.

    Raises:
        ProblemError: 422 for a malformed id; 404 for a connection that does not exist.
    """
    scope = cast("ConfigurationScope", call.path_parameters["scope"].lower())
    scope_id = call.path_parameters["id"]
    if scope == "connections":
        if not is_pair(scope_id):
            raise ProblemError.invalid(_CODE, not_valid("connectionid"))
        if scope_id not in store.connections:
            raise configuration_not_found()
        return scope, scope_id
    if not is_guid(scope_id):
        raise ProblemError.invalid(_CODE, not_valid("itwinid" if scope == "itwins" else "imodelid"))
    return scope, scope_id.lower()


def _settings(store: Store, scope: ConfigurationScope, scope_id: str) -> dict[str, SettingValue]:
    settings = store.configurations.get(f"{scope}/{scope_id}")
    if settings is None:
        raise configuration_not_found()
    return settings


def _read(call: Call) -> dict[str, SettingValue]:
    body: dict[str, Any] = call.json_object(_CODE)
    wrong = [not_valid(name) for name, value in body.items() if not _fits(name, value)]
    if wrong:
        raise ProblemError.invalid(_CODE, *wrong)
    return body


def _fits(name: str, value: object) -> bool:
    known = KNOWN_SETTINGS.get(name)
    if known is None:
        return isinstance(value, bool | int | float | str)
    if isinstance(known.default, bool):
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _answer(store: Store, scope: ConfigurationScope, scope_id: str, *, status: int = 200) -> Reply:
    wider = _SCOPES[: _SCOPES.index(scope) + 1]
    resolved = {name: known.default for name, known in KNOWN_SETTINGS.items() if known.scope in wider}
    for inherited in _lineage(store, scope, scope_id):
        resolved |= store.configurations.get(inherited, {})
    configuration = {
        "scopeId": scope_id,
        "settings": store.configurations[f"{scope}/{scope_id}"],
        "resolvedSettings": resolved,
    }
    return Reply.of_json(status, {"configuration": configuration})


def _lineage(store: Store, scope: ConfigurationScope, scope_id: str) -> list[str]:
    """Return where settings come from, the widest scope first."""
    if scope == "itwins":
        return [f"itwins/{scope_id}"]
    if scope == "imodels":
        return [f"itwins/{store.contents.itwin_of(scope_id)}", f"imodels/{scope_id}"]
    imodel_id = store.connections[scope_id].imodel_id.lower()
    return [*_lineage(store, "imodels", imodel_id), f"connections/{scope_id}"]
