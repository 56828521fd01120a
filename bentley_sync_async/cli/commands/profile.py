"""`bentley-sync profile`: the named settings of commands, and where each setting comes from."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from bentley_sync_async import ConfigurationError, SynchronizationClient, auth, to_json
from bentley_sync_async.auth import NativeApplication
from bentley_sync_async.cli.commands.ending import remark, say
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.settings import SETTINGS, Settings, read_profiles, resolve
from bentley_sync_async.cli.settings.profile_file import DEFAULT
from bentley_sync_async.cli.settings.resolved import SECRETS


@frozen(kw_only=True)
class Row:
    """A setting, as it is shown.

    Attributes:
        setting: Its name.
        value: Its value; `None` if there is none.
        source: Where it comes from.
    """

    setting: str
    value: str | None
    source: str


async def list_profiles(*, json: bool) -> ExitCode:
    """Print the names of the profiles; the one that is used has a star."""
    settings = resolve()
    names = sorted({DEFAULT, *settings.file.profiles})
    if json:
        print(to_json([{"name": name, "used": name == settings.profile} for name in names]))
    else:
        say("\n".join(f"{'*' if name == settings.profile else ' '} {name}" for name in names))
    return ExitCode.SUCCESS


async def use_profile(name: str) -> ExitCode:
    """Choose the profile that is used from now on."""
    read_profiles().used(name)
    say(f"Profile {name} is used from now on.")
    if resolve().profile != name:
        remark("BENTLEY_SYNC_PROFILE is set, and wins over this choice.")
    return ExitCode.SUCCESS


async def set_in_profile(key: str, value: str | None, profile: str | None) -> ExitCode:
    """Write a setting of a profile, or remove it."""
    if key in SECRETS:
        raise ConfigurationError(f"{key} is a secret, which no profile keeps: set {SETTINGS[key]}.")
    file = read_profiles()
    name = profile or resolve().profile
    file.changed(name, {key: value})
    say(f"Profile {name} has {key} = {value}." if value is not None else f"Profile {name} has no {key} any more.")
    now = resolve()
    if now.profile != name:
        say(f"Another profile is used, {now.profile}. To use this one: bentley-sync profile use {name}")
    elif value is not None and now.get(key) != value:
        remark(f"A variable wins over it: {_winner(now, key)}.")
    return ExitCode.SUCCESS


async def show_profile(*, json: bool) -> ExitCode:
    """Print each setting that is in force, and where it comes from."""
    settings = resolve()
    rows = [*_rows(settings), await _sign_in(settings)]
    if json:
        print(to_json({"profile": settings.profile, "file": str(settings.file.path), "settings": rows}))
        return ExitCode.SUCCESS
    there = "" if settings.file.text else ", which is not there"
    say(f"Profile {settings.profile} of {settings.file.path}{there}")
    widths = [max(len(text) for text in column) for column in zip(*map(_cells, rows), strict=True)]
    for row in rows:
        say("  ".join(f"{text:<{width}}" for text, width in zip(_cells(row), widths, strict=True)).rstrip())
    return ExitCode.SUCCESS


def _cells(row: Row) -> tuple[str, str, str]:
    return row.setting, row.value or "-", row.source


def _rows(settings: Settings) -> Iterator[Row]:
    config = SynchronizationClient.from_env(settings.variables, token="none").config  # noqa: S106 - it is sent nowhere
    defaults = {
        "environment": "prod",
        "base_url": config.base_url,
        "issuer": config.issuer,
        "redirect_uri": NativeApplication("native").redirect_uri,
        "output": "table",
    }
    for name in SETTINGS:
        made = settings.made.get(name)
        if made is not None:
            yield Row(setting=name, value="[hidden]" if name in SECRETS else made.value, source=made.source)
        else:
            derived = name in {"base_url", "issuer"}
            source = "the environment" if derived else "the default" if name in defaults else ""
            yield Row(setting=name, value=defaults.get(name), source=source)


async def _sign_in(settings: Settings) -> Row:
    """Return the row of the tokens that are kept for the application of the profile."""
    client_id = settings.get("client_id")
    if client_id is None or client_id.startswith("service-"):
        return Row(setting="sign_in", value=None, source="")
    config = SynchronizationClient.from_env(settings.variables, token="none").config  # noqa: S106 - it is sent nowhere
    application = settings.application(client_id)
    found = await auth.kept_sign_in(application, issuer=config.issuer)
    if found is None:
        return Row(setting="sign_in", value=None, source="")
    who = str(found.user) if found.user is not None else "[hidden]"
    return Row(setting="sign_in", value=who, source=(application.store or auth.default_store()).place)


def _winner(settings: Settings, key: str) -> str:
    return settings.made[key].source if key in settings.made else "one of BENTLEY_SYNC_ENVIRONMENT, _BASE_URL, _ISSUER"
