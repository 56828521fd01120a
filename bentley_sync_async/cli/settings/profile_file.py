"""The file of the profiles, `config.toml`: which settings a profile may hold, how it is read and changed."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from bentley_sync_async import ConfigurationError, Environment, RateTier, files

DEFAULT = "default"
"""The profile that is used if no other one is chosen."""

OUTPUTS = ("table", "json", "tsv", "ids")

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _output(value: str) -> None:
    if value not in OUTPUTS:
        raise ConfigurationError(f"There is no output {value!r}; there are: {', '.join(OUTPUTS)}.")


def _address(variable: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        from bentley_sync_async import SynchronizationClient  # noqa: PLC0415 - takes its time

        SynchronizationClient.from_env({variable: value}, token="none")  # noqa: S106 - it is sent nowhere

    return check


def _redirect_uri(value: str) -> None:
    from bentley_sync_async.auth import NativeApplication  # noqa: PLC0415 - takes its time

    NativeApplication("native", redirect_uri=value)


def _text(value: str) -> None:
    if not value.strip() or not value.isprintable():
        raise ConfigurationError(f"{value!r} is no id.")


CHECKS: Mapping[str, Callable[[str], object]] = {
    "environment": Environment.named,
    "base_url": _address("BENTLEY_SYNC_BASE_URL"),
    "issuer": _address("BENTLEY_SYNC_ISSUER"),
    "tier": RateTier.named,
    "client_id": _text,
    "redirect_uri": _redirect_uri,
    "itwin": _text,
    "imodel": _text,
    "output": _output,
}
"""For each key of a profile, what raises a ConfigurationError for a value that cannot be."""


def checked(key: str, value: str) -> str:
    """Return the value of a key of a profile.

    Raises:
        ConfigurationError: There is no such key, or the value is impossible.
    """
    if key not in CHECKS:
        raise ConfigurationError(f"A profile has no {key!r}; it has: {', '.join(CHECKS)}.")
    CHECKS[key](value)
    return value


def profile_name(name: str) -> str:
    """Return the name of a profile.

    Raises:
        ConfigurationError: No profile can have it.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(f"{name!r} is no name of a profile: use letters, digits, - and _.")
    return name


@frozen(kw_only=True)
class ProfileFile:
    """What the file holds.

    Attributes:
        path: The file, which may not be there.
        active: The profile that is used.
        profiles: The settings of each profile, as they were written.
        text: The file's text.
    """

    path: Path
    active: str = DEFAULT
    profiles: Mapping[str, Mapping[str, str]] = {}
    text: str = ""

    def settings(self, name: str) -> Mapping[str, str]:
        """Return the settings of a profile.

        Raises:
            ConfigurationError: There is no such profile.
        """
        if name in self.profiles or name == DEFAULT:
            return self.profiles.get(name, {})
        known = ", ".join(sorted({*self.profiles, DEFAULT}))
        raise ConfigurationError(
            f"There is no profile {name!r} in {self.path}; there are: {known}. "
            f"To make it: bentley-sync profile set --profile {name} KEY VALUE"
        )

    def where(self, name: str, key: str) -> str:
        """Return the place of a setting, for people."""
        line = _line_of(self.text, f"profiles.{name}", key)
        return f"{self.path}{f', line {line}' if line else ''}, {key} of profile {name}"

    def checked(self, name: str) -> Mapping[str, str]:
        """Return the settings of a profile.

        Raises:
            ConfigurationError: There is no such profile, or one of its values is impossible.
        """
        for key, value in self.settings(name).items():
            try:
                checked(key, value)
            except ConfigurationError as exc:
                raise ConfigurationError(f"{self.where(name, key)}: {exc}") from exc
        return self.settings(name)

    def used(self, name: str) -> None:
        """Write that the profile of this name is used from now on.

        Raises:
            ConfigurationError: There is none, or the file cannot be written.
        """
        self.settings(name)

        def change(document: Any) -> None:
            document["profile"] = name

        self._write(change)

    def changed(self, name: str, values: Mapping[str, str | None]) -> None:
        """Write settings of a profile, which is made if it is not there; `None` removes one. Comments are kept.

        Raises:
            ConfigurationError: A name or a value is impossible, or the file cannot be written.
        """
        profile_name(name)
        for key, value in values.items():
            if value is not None:
                checked(key, value)

        def change(document: Any) -> None:
            import tomlkit  # noqa: PLC0415 - for changes only

            if "profiles" not in document:
                document["profiles"] = tomlkit.table(is_super_table=True)
            profiles = document["profiles"]
            if name not in profiles:
                profiles[name] = tomlkit.table()
            for key, value in values.items():
                if value is None:
                    profiles[name].pop(key, None)
                else:
                    profiles[name][key] = value

        self._write(change)

    def _write(self, change: Callable[[Any], None]) -> None:
        import tomlkit  # noqa: PLC0415 - for changes only

        document = tomlkit.parse(self.text)
        change(document)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.replace(self.path, f"{tomlkit.dumps(document).rstrip()}\n")
        except (OSError, ValueError) as exc:
            raise ConfigurationError(
                f"{self.path} cannot be written: {getattr(exc, 'strerror', None) or exc}."
            ) from exc


def config_path(environ: Mapping[str, str]) -> Path:
    """Return the file of the profiles: `BENTLEY_SYNC_CONFIG`, or `config.toml` in the user's folder for such files."""
    named = environ.get("BENTLEY_SYNC_CONFIG")
    if named:
        return Path(named).absolute()
    import platformdirs  # noqa: PLC0415 - of the extra `cli`

    return platformdirs.user_config_path("bentley-sync", appauthor=False) / "config.toml"


def read_profiles(environ: Mapping[str, str] | None = None) -> ProfileFile:
    """Return the profiles; none if there is no file.

    Raises:
        ConfigurationError: The file cannot be read, or has something that does not belong there; the message names the
            line and the key.
    """
    path = config_path(os.environ if environ is None else environ)
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        parsed = tomllib.loads(text)
    except FileNotFoundError:
        return ProfileFile(path=path)
    except (OSError, ValueError) as exc:  # TOML that is none, or no UTF-8
        why = str(getattr(exc, "strerror", None) or exc)
        why = why.replace("at end of document", f"at line {text.count(chr(10)) + 1}, the end") if text else why
        raise ConfigurationError(f"{path} cannot be read: {why}.") from exc
    active, profiles = parsed.pop("profile", DEFAULT), parsed.pop("profiles", {})
    _require(not parsed, path, text, "", next(iter(parsed), ""), "is unknown here; there are: profile, profiles")
    _require(isinstance(active, str), path, text, "", "profile", "must be the name of a profile")
    _require(isinstance(profiles, dict), path, text, "", "profiles", "must be a table")
    for name, settings in profiles.items():
        _require(isinstance(settings, dict), path, text, "profiles", name, "must be a table")
        for key, value in settings.items():
            section = f"profiles.{name}"
            _require(
                key in CHECKS, path, text, section, key, f"is unknown in a profile; there are: {', '.join(CHECKS)}"
            )
            _require(isinstance(value, str), path, text, section, key, "must be a text in quotes")
    return ProfileFile(path=path, active=active, profiles=profiles, text=text)


def _require(condition: bool, path: Path, text: str, section: str, key: str, problem: str) -> None:  # noqa: FBT001
    if not condition:
        line = _line_of(text, section, key)
        raise ConfigurationError(f"{path}{f', line {line}' if line else ''}: {key} {problem}.")


def _line_of(text: str, section: str, key: str) -> int | None:
    """Return the number of the line with a key of a table, or of the table itself; `None` if it has another form."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header is not None:
            current = re.sub(r"[\s\"']", "", header[1])
            if current == f"{section}.{key}".lstrip("."):
                return number
        elif current == section and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line):
            return number
    return None
