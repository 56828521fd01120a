"""Configurations by scope and name, and settings as the command line writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bentley_sync_async import InvalidArgumentError, NotFoundError, SynchronizationError
from bentley_sync_async.cli.lookup import near_text
from bentley_sync_async.cli.output.columns import value_text
from bentley_sync_async.cli.shutdown import print_message
from bentley_sync_async.cli.verbs.session import Done, Session
from bentley_sync_async.models.configurations import KNOWN_SETTINGS, SettingValue

if TYPE_CHECKING:
    from bentley_sync_async.resources.synchronization.configurations import ConfigurationsOfScope

_WORDS = {"true": True, "false": False}
_NUMBERS = (int, float)


def known_settings() -> list[dict[str, object]]:
    """Return the settings that the pages name."""
    return [
        {
            "name": name,
            "scope": setting.scope.removesuffix("s"),
            "default": value_text(setting.default),
            "meaning": setting.meaning,
        }
        for name, setting in KNOWN_SETTINGS.items()
    ]


async def resource_and_id(at: Session, scope: str, of: str) -> tuple[ConfigurationsOfScope, str]:
    """Return the configurations of a scope, and the id of what has the one that is meant."""
    configurations = at.client.configurations
    match scope:
        case "itwin":
            return configurations.itwins, await at.itwin(of)
        case "imodel":
            return configurations.imodels, await at.imodel(of)
        case _:
            return configurations.connections, await at.connection(of)


def parse_settings(texts: Sequence[str]) -> dict[str, SettingValue]:
    """Return settings of the form `name=value`; a value is true, false, a number, or else a text.

    Raises:
        InvalidArgumentError: One has another form.
    """
    settings: dict[str, SettingValue] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidArgumentError(f"A setting is SETTING=VALUE, not {text!r}.{near_text(text, KNOWN_SETTINGS)}")
        settings[name] = _value(value)
    return settings


def _value(text: str) -> SettingValue:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in _NUMBERS:
        try:
            return kind(text)
        except ValueError:
            continue
    return text


async def set_settings(at: Session, scope: str, of: str, settings: Mapping[str, SettingValue]) -> object:
    """Change settings; the configuration is created if there is none."""
    resource, scope_id = await resource_and_id(at, scope, of)
    try:
        return await resource.update(scope_id, settings)
    except NotFoundError:
        return await resource.create(scope_id, settings)


async def unset_settings(at: Session, scope: str, of: str, names: Sequence[str]) -> object:
    """Unset settings, or delete the whole configuration.

    The service can only delete a configuration, so that the others are set anew.

    Raises:
        InvalidArgumentError: One of them is not set.
    """
    resource, scope_id = await resource_and_id(at, scope, of)
    shown = f"{scope} {at.lookup.name(scope_id)}"
    if not names:
        return await at.delete(f"all settings of the {scope}", scope_id, resource.delete)
    settings = dict((await resource.get(scope_id)).settings)
    for name in names:
        if name not in settings:
            raise InvalidArgumentError(f"{name} is not set.{near_text(name, settings)}")
    kept = {name: value for name, value in settings.items() if name not in names}
    at.confirm(f"Unset {', '.join(names)} of the {shown}")
    await resource.delete(scope_id)
    if kept:
        try:
            return await resource.create(scope_id, kept)
        except SynchronizationError:
            again = " ".join(f"{name}={value_text(value)}" for name, value in kept.items())
            print_message(
                "The other settings are unset as well, as setting them again failed. To do so:\n"
                f"  bentley-sync config set {scope} {scope_id} {again}"
            )
            raise
    return Done(f"Unset {', '.join(names)} of the {shown}; no setting is left.", [scope_id])
