"""What the endpoints of the issuer share: their forms and errors, and which redirect URIs they accept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.settings import Settings

NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store"}

_URI = re.compile(r"[!-\[\]-~]+")  # no spaces, no control characters, no backslash
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class RefusedError(Exception):
    """Ends a request with an error of OAuth (RFC 6749, 5.2) or OpenID Connect.

    Attributes:
        error: The error's code.
        description: A text for the developer of the client.
        status: HTTP status.
    """

    def __init__(self, error: str, description: str | None = None, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status

    @property
    def parameters(self) -> dict[str, str]:
        """The error as parameters of an answer."""
        return {"error": self.error} | ({"error_description": self.description} if self.description else {})

    def reply(self) -> Reply:
        """Return the answer of an endpoint that no browser is sent to."""
        challenge = {"WWW-Authenticate": "Basic"} if self.status == 401 else {}  # noqa: PLR2004 - RFC 6749, 5.2
        return Reply.of_json(self.status, self.parameters, {**NO_STORE, **challenge})


def form_of(call: Call) -> dict[str, str]:
    """Return the fields of a form that was posted."""
    return dict(parse_qsl(call.body.decode("utf-8", "replace")))


def parameters_of(call: Call) -> dict[str, str]:
    """Return the parameters of a request that may be a GET or a POST."""
    return {**call.query, **form_of(call)}


def redirects(uri: str, parameters: Mapping[str, str], *, fragment: bool = False) -> Reply:
    """Return the answer that sends a browser on with these parameters."""
    separator = "#" if fragment else "&" if urlsplit(uri).query else "?"
    location = f"{uri}{separator}{urlencode(parameters)}" if parameters else uri
    return Reply(302, headers={"Location": location, **NO_STORE})


def is_registered(uri: str, settings: Settings) -> bool:
    """Return whether a browser may be sent there: a registered URI, or any port and path of this machine (RFC 8252)."""
    if uri in settings.redirect_uris:
        return True
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return (
        _URI.fullmatch(uri) is not None
        and parts.scheme == "http"
        and parts.hostname in _LOOPBACK
        and "@" not in parts.netloc
        and "#" not in uri
    )
