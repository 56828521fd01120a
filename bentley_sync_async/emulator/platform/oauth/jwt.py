"""JSON Web Tokens (RFC 7519): access tokens with HS256, which only the issuer checks, and id tokens with RS256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from .rsa import signing_key


def base64url(data: bytes) -> str:
    """Return the base64url form without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _segment(value: Mapping[str, Any]) -> str:
    return base64url(json.dumps(value, separators=(",", ":")).encode())


_HEADER = _segment({"alg": "HS256", "typ": "JWT"})


def sign_access_token(claims: Mapping[str, Any], key: bytes) -> str:
    """Return an access token."""
    signed = f"{_HEADER}.{_segment(claims)}"
    return f"{signed}.{_hs256(signed, key)}"


def read_access_token(text: str, key: bytes) -> dict[str, Any] | None:
    """Return the claims of an access token that this key signed, or `None` for any other text.

    The header is not read: whatever algorithm it names, `none` included, the signature over header and claims must be
    the very characters that this key gives.
    """
    signed, _, signature = text.rpartition(".")
    if not text.isascii() or not _equal(signature, _hs256(signed, key)):
        return None
    return _claims(signed)


def sign_id_token(claims: Mapping[str, Any]) -> str:
    """Return an id token, whose signature anybody can check with the issuer's published key."""
    signed = f"{_segment({'alg': 'RS256', 'typ': 'JWT', 'kid': signing_key().id})}.{_segment(claims)}"
    return f"{signed}.{_rs256(signed)}"


def read_id_token(text: str) -> dict[str, Any] | None:
    """Return the claims of an id token that this process signed, or `None` for any other text."""
    signed, _, signature = text.rpartition(".")
    return _claims(signed) if signed and _equal(signature, _rs256(signed)) else None


def published_keys() -> dict[str, Any]:
    """Return the JSON Web Key Set (RFC 7517) with the public key of the id tokens."""
    key = signing_key()
    numbers = {"n": base64url(_bytes(key.modulus)), "e": base64url(_bytes(key.exponent))}
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.id, **numbers}]}


def _hs256(signed: str, key: bytes) -> str:
    return base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _rs256(signed: str) -> str:
    return base64url(signing_key().sign(signed.encode()))


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _claims(signed: str) -> dict[str, Any]:
    payload = signed.partition(".")[2]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)
