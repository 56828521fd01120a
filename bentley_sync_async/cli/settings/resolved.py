"""Where each setting comes from: environment variables win over the profile, the profile over the keyring."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from bentley_sync_async import ConfigurationError

from .profile_file import ProfileFile, read_profiles

if TYPE_CHECKING:
    from bentley_sync_async import ClientCredentials
    from bentley_sync_async.auth import NativeApplication

SETTINGS = {
    "environment": "BENTLEY_SYNC_ENVIRONMENT",
    "base_url": "BENTLEY_SYNC_BASE_URL",
    "issuer": "BENTLEY_SYNC_ISSUER",
    "tier": "BENTLEY_SYNC_RATE_TIER",
    "client_id": "BENTLEY_SYNC_CLIENT_ID",
    "redirect_uri": "BENTLEY_SYNC_REDIRECT_URI",
    "itwin": "BENTLEY_SYNC_ITWIN",
    "imodel": "BENTLEY_SYNC_IMODEL",
    "output": "BENTLEY_SYNC_OUTPUT",
    "client_secret": "BENTLEY_SYNC_CLIENT_SECRET",
    "token": "BENTLEY_SYNC_TOKEN",
}
"""The variable of each setting; the last two are secret, and in no profile."""

SECRETS = ("client_secret", "token")

# One of them in a variable hides those of the profile: a token of one deployment must not go to another one.
_ADDRESSES = ("environment", "base_url", "issuer")


@frozen
class Setting:
    """A setting, and where it comes from.

    Attributes:
        value: Its value; no repr shows it, as it may be secret.
        source: The variable, or the profile.
    """

    value: str = field(repr=False)
    source: str


@frozen(kw_only=True)
class Settings:
    """All settings that somebody made.

    Attributes:
        profile: The name of the profile.
        file: The file of the profiles.
        made: The settings, by their names in a profile.
    """

    profile: str
    file: ProfileFile
    made: Mapping[str, Setting]

    def get(self, name: str) -> str | None:
        """Return the value of a setting; `None` if nobody made it."""
        return self.made[name].value if name in self.made else None

    @property
    def variables(self) -> dict[str, str]:
        """The settings as `BENTLEY_SYNC_*` variables, without credentials."""
        hidden = {"client_id", *SECRETS}
        return {SETTINGS[name]: setting.value for name, setting in self.made.items() if name not in hidden}

    def credentials(self) -> str | ClientCredentials | NativeApplication:
        """Return what a client signs in with: a token, a service application, or an application for people.

        Raises:
            ConfigurationError: There is nothing.
        """
        from bentley_sync_async import ClientCredentials  # noqa: PLC0415 - takes its time

        token, client_id, secret = self.get("token"), self.get("client_id"), self.get("client_secret")
        if token is not None:
            return token
        if client_id is not None and secret is not None:
            return ClientCredentials(client_id, secret)
        if client_id is None or client_id.startswith("service-"):
            wanted = {"BENTLEY_SYNC_CLIENT_ID": client_id, "BENTLEY_SYNC_CLIENT_SECRET": secret}
            missing = " and ".join(name for name, value in wanted.items() if value is None)
            raise ConfigurationError(
                f"No credentials: set {missing} for a service application, or BENTLEY_SYNC_TOKEN, or sign in: "
                "bentley-sync auth login --client-id CLIENT_ID"
            )
        return self.application(client_id)

    def application(self, client_id: str) -> NativeApplication:
        """Return the application that people sign in to.

        Raises:
            ConfigurationError: The redirect URI is impossible.
        """
        from bentley_sync_async.auth import NativeApplication  # noqa: PLC0415 - takes its time

        uri = self.get("redirect_uri")
        return NativeApplication(client_id) if uri is None else NativeApplication(client_id, redirect_uri=uri)


def resolve(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the variables (those of the process by default) and of the profile.

    Raises:
        ConfigurationError: The file of the profiles or a value in it is impossible, or there is no such profile.
    """
    environ = os.environ if environ is None else environ
    file = read_profiles(environ)
    profile = environ.get("BENTLEY_SYNC_PROFILE", "").strip() or file.active
    given = {name: environ.get(variable, "").strip() for name, variable in SETTINGS.items()}
    made = {name: Setting(value, SETTINGS[name]) for name, value in given.items() if value}
    hidden = _ADDRESSES if any(name in made for name in _ADDRESSES) else ()
    for name, value in file.checked(profile).items():
        if name not in made and name not in hidden:
            made[name] = Setting(value, f"profile {profile}")
    return Settings(profile=profile, file=file, made=made)
