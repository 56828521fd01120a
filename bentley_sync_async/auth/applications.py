"""An application that people sign in to, as it is registered at the iTwin Platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import field, frozen

from bentley_sync_async.config import LOOPBACK, SCOPE
from bentley_sync_async.errors import ConfigurationError

if TYPE_CHECKING:
    from .keeping.stores import SignInStore

SCOPES = ("openid", "profile", "email", "offline_access", SCOPE)
"""What is asked for: who the person is, to go on without them, and the API."""

REDIRECT_URI = "http://localhost:3000/signin-callback"
"""The redirect URI that the platform's own command line client has by default."""


def _scopes(scopes: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(scopes.split() if isinstance(scopes, str) else scopes)


@frozen
class NativeApplication:
    """An application without a secret (type Native at the platform's developer portal), which people sign in to.

    A client that is given one works for the person who signed in to it with `sign_in`.

    Attributes:
        client_id: Its id, `native-...`.
        redirect_uri: Where the browser returns to: http, this machine, and a path that is registered for the
            application. Without a port, any free port is used (RFC 8252, 7.3).
        scopes: What to ask for; without `offline_access` a person must sign in again every hour.
        store: Where the tokens are kept; `None` for the system's keyring, or a file where there is none.
    """

    client_id: str
    redirect_uri: str = field(default=REDIRECT_URI, kw_only=True)
    scopes: Sequence[str] = field(default=SCOPES, converter=_scopes, kw_only=True)
    store: SignInStore | None = field(default=None, repr=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.client_id, str) or not self.client_id.strip():
            raise ConfigurationError("The client_id of the native application is empty.")
        try:
            parts = urlsplit(self.redirect_uri)
            fits = parts.scheme == "http" and parts.hostname in LOOPBACK and not parts.query and not parts.fragment
            _ = parts.port
        except ValueError:
            fits = False
        if not fits:
            raise ConfigurationError(
                f"redirect_uri must be http on this machine, such as {REDIRECT_URI}, as it is registered for the "
                f"application; not {self.redirect_uri!r}."
            )
