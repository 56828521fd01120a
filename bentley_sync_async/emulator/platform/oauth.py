"""The OAuth token issuer, which supports client credentials only. Its root URL is that of the API."""

from __future__ import annotations

import base64
import binascii
import random
from urllib.parse import parse_qsl, unquote_plus

import anyio
from attrs import frozen

from bentley_sync_async.emulator.settings import Settings

from .messages import Call, Reply
from .problems import unauthorized
from .routing import Operation

SCOPE = "itwin-platform"


@frozen
class _Token:
    client_id: str
    scopes: frozenset[str]
    expires: float


class _RefusedError(Exception):
    def __init__(self, error: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class Issuer:
    """Issues tokens and recognizes them in requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._random = random.Random(f"tokens/{settings.seed}")
        self._tokens: dict[str, _Token] = {}

    def mint(self, *, lifetime: float | None = None, scope: str = SCOPE, client_id: str | None = None) -> str:
        """Return a new token."""
        token = f"emulated.{self._random.getrandbits(256):064x}"
        expires = anyio.current_time() + (self._settings.token_lifetime if lifetime is None else lifetime)
        self._tokens[token] = _Token(client_id or self._settings.client_id, frozenset(scope.split()), expires)
        return token

    def revoke(self) -> None:
        """Invalidate every token that was issued so far."""
        self._tokens.clear()

    def authenticate(self, call: Call, operation: Operation) -> str:
        """Return the id of the client whose token a request carries.

        Raises:
            ProblemError: 401 if the token is not valid for the operation.
        """
        kind, _, text = call.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(text.strip())
        if self._settings.tokens == "none":
            return token.client_id if token else "anonymous"
        if kind.lower() == "bearer" and text.strip():
            if self._settings.tokens == "any":
                return token.client_id if token else text.strip()
            scopes = {SCOPE, f"{operation.api}:modify"}
            if call.method == "GET":
                scopes.add(f"{operation.api}:read")
            if token is not None and anyio.current_time() < token.expires and token.scopes & scopes:
                return token.client_id
        raise unauthorized(wrapped=self._settings.wrapped_errors)

    def discovery(self, call: Call) -> Reply:
        """Return the discovery document."""
        document = {
            "issuer": call.root,
            "token_endpoint": f"{call.root}/connect/token",
            "scopes_supported": [SCOPE],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
        return Reply.of_json(200, document)

    def token(self, call: Call) -> Reply:
        """Answer a token request."""
        headers = {"Cache-Control": "no-store"}
        try:
            self._check(call, dict(parse_qsl(call.body.decode("utf-8", "replace"))))
        except _RefusedError as exc:
            if exc.status == 401:  # noqa: PLR2004 - RFC 6749, section 5.2
                headers["WWW-Authenticate"] = "Basic"
            return Reply.of_json(exc.status, {"error": exc.error}, headers)
        granted = {
            "access_token": self.mint(),
            "expires_in": int(self._settings.token_lifetime),
            "token_type": "Bearer",
            "scope": SCOPE,
        }
        return Reply.of_json(200, granted, headers)

    def _check(self, call: Call, form: dict[str, str]) -> None:
        kind, _, text = call.headers.get("authorization", "").partition(" ")
        basic = kind.lower() == "basic"
        credentials = _basic(text) if basic else (form.get("client_id", ""), form.get("client_secret", ""))
        if credentials != (self._settings.client_id, self._settings.client_secret):
            raise _RefusedError("invalid_client", status=401 if basic else 400)
        if "grant_type" not in form:
            raise _RefusedError("invalid_request")
        if form["grant_type"] != "client_credentials":
            raise _RefusedError("unsupported_grant_type")
        if form.get("scope", "").split() != [SCOPE]:
            raise _RefusedError("invalid_scope")


def _basic(text: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)
