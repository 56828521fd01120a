"""The issuer's addresses (OpenID Connect Discovery), the person who signed in, and the claims of a token (RFC 7519)."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from bentley_sync_async.errors import DecodeError
from bentley_sync_async.wire.codec import parse


@frozen(kw_only=True)
class Endpoints:
    """Where an issuer answers.

    Attributes:
        issuer: Its own URL.
        authorization: The page on which people sign in.
        token: Where tokens are requested.
        userinfo: Where the issuer says who signed in; `None` if it does not.
        revocation: Where tokens are revoked; `None` if it cannot be done.
    """

    issuer: str
    authorization: str
    token: str
    userinfo: str | None = None
    revocation: str | None = None


@frozen(kw_only=True)
class UserInfo:
    """A person who signed in, as the issuer knows them.

    Attributes:
        subject: The id of the person at the issuer.
        name: The full name; `None` without the scope `profile`.
        email: The e-mail address; `None` without the scope `email`.
    """

    subject: str
    name: str | None = None
    email: str | None = None

    def __str__(self) -> str:
        if self.name and self.email:
            return f"{self.name} ({self.email})"
        return self.name or self.email or self.subject


@frozen(kw_only=True)
class TokenClaims:
    """What an access token says of itself, unverified: for people only.

    Attributes:
        issuer: Who issued it.
        client_id: The application.
        scopes: What it allows, separated by spaces.
        expires: When it expires, UTC.
        user: Whose it is: a person, or the application's own account.
    """

    issuer: str | None = None
    client_id: str | None = None
    scopes: str | None = None
    expires: datetime | None = None
    user: UserInfo | None = None


def decode_endpoints(body: bytes) -> Endpoints:
    """Return the addresses of a discovery document.

    Raises:
        DecodeError: It is none, or lacks an address that a sign-in needs.
    """
    members = _members(body, "the issuer's discovery document")
    needed = ("issuer", "authorization_endpoint", "token_endpoint")
    missing = [name for name in needed if _text(members.get(name)) is None]
    if missing:
        raise DecodeError(f"the issuer's discovery document has no {missing[0]}")
    return Endpoints(
        issuer=members["issuer"],
        authorization=members["authorization_endpoint"],
        token=members["token_endpoint"],
        userinfo=_text(members.get("userinfo_endpoint")),
        revocation=_text(members.get("revocation_endpoint")),
    )


def decode_user(body: bytes) -> UserInfo:
    """Return the person of an answer of the userinfo endpoint.

    Raises:
        DecodeError: It names nobody.
    """
    user = user_of(_members(body, "the issuer's answer"))
    if user is None:
        raise DecodeError("the issuer's answer does not say who signed in: it has no sub")
    return user


def user_of(claims: Mapping[str, Any]) -> UserInfo | None:
    """Return the person that claims are about; `None` if they name nobody."""
    subject = _text(claims.get("sub"))
    if subject is None:
        return None
    return UserInfo(subject=subject, name=_text(claims.get("name")), email=_text(claims.get("email")))


def read_token(token: str) -> TokenClaims:
    """Return what an access token says of itself; one that is no JSON Web Token says nothing."""
    claims = _claims(token)
    scope, ends = claims.get("scope"), claims.get("exp")
    try:
        expires = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int | float) else None
    except (OverflowError, OSError, ValueError):
        expires = None
    return TokenClaims(
        issuer=_text(claims.get("iss")),
        client_id=_text(claims.get("client_id")),
        scopes=_text(" ".join(map(str, scope)) if isinstance(scope, list) else scope),
        expires=expires,
        user=user_of(claims),
    )


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    payload = parts[1] if len(parts) == 3 else ""  # noqa: PLR2004 - header, payload and signature
    try:
        claims = parse(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (DecodeError, binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _members(body: bytes, what: str) -> dict[str, Any]:
    members = parse(body)
    if not isinstance(members, dict):
        raise DecodeError(f"{what} is no JSON object")
    return members


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
