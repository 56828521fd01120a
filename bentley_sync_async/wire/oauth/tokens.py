"""The token endpoint, `POST {issuer}/connect/token`: the grant client_credentials, and answers (RFC 6749, 4.4, 5)."""

from __future__ import annotations

from urllib.parse import urlencode

from attrs import field, frozen

from bentley_sync_async.errors import DecodeError
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.codec import parse

_LONGEST_LIFETIME = 1e9  # seconds; a life beyond is treated as unlimited


@frozen(kw_only=True)
class TokenAnswer:
    """A fresh access token.

    Attributes:
        access_token: The token.
        expires_in: Its lifetime in seconds, usually 3600; `None` if the answer has no valid one.
        refresh_token: What renews it, once; `None` if there is none.
        scope: What it allows, separated by spaces; `None` if that is what was asked for.
    """

    access_token: str = field(repr=False)
    expires_in: float | None = None
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = None


def token_request(client_id: str, client_secret: str, scope: str) -> bytes:
    """Return the form of a request for a token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    return urlencode(form).encode()


def decode_token(body: bytes) -> TokenAnswer:
    """Return the token of a successful answer.

    Raises:
        DecodeError: The answer has no token.
    """
    parsed = parse(body)
    token = parsed.get("access_token") if isinstance(parsed, dict) else None
    if not isinstance(token, str) or not token:
        raise DecodeError("the issuer's answer has no access_token")
    lifetime = parsed.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or not 0 < lifetime < _LONGEST_LIFETIME:
        lifetime = None
    more = {
        name: text for name in ("refresh_token", "scope") if isinstance(text := parsed.get(name), str) and text.strip()
    }
    return TokenAnswer(access_token=token, expires_in=lifetime, **more)


def refusal(body: bytes) -> str | None:
    """Return the `error` and `error_description` of a refusal, or `None` if the body is no OAuth error."""
    try:
        parsed = parse(body)
    except DecodeError:
        return None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("error"), str):
        return None
    description = parsed.get("error_description")
    return excerpt(parsed["error"] + (f": {description}" if isinstance(description, str) else ""), 300)
