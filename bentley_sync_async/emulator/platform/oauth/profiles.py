"""What an application learns of the person: the id token, and the userinfo endpoint (OpenID Connect Core, 2 and 5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bentley_sync_async.emulator.platform.accounts import Account
from bentley_sync_async.emulator.platform.messages import Call, Reply

from .issuer import Issuer
from .jwt import sign_id_token
from .requests import NO_STORE
from .sign_ins import SignIn

CLAIMS = ("sub", "name", "given_name", "family_name", "preferred_username", "email", "email_verified")


def id_token(issuer: Issuer, root: str, sign_in: SignIn, scopes: Collection[str], nonce: str | None) -> str:
    """Return the id token of a sign-in; a refreshed one has no nonce."""
    now = int(issuer.now())
    claims = {
        "iss": root,
        "aud": sign_in.client_id,
        "iat": now,
        "exp": now + int(issuer.settings.token_lifetime),
        "auth_time": int(sign_in.time),
        "sid": sign_in.id,
        **_profile(sign_in.account, scopes),
    }
    return sign_id_token(claims | ({"nonce": nonce} if nonce is not None else {}))


def userinfo(issuer: Issuer, call: Call) -> Reply:
    """Answer the userinfo endpoint."""
    kind, _, text = call.headers.get("authorization", "").partition(" ")
    token = issuer.read(text.strip()) if kind.lower() == "bearer" else None
    if token is None:
        return Reply(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    if "openid" not in token.scopes:
        return Reply(403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="openid"'})
    return Reply.of_json(200, _profile(token.caller.account, token.scopes), NO_STORE)


def _profile(account: Account, scopes: Collection[str]) -> dict[str, Any]:
    claims: dict[str, Any] = {"sub": account.subject}
    if "profile" in scopes:
        claims["name"] = f"{account.given_name} {account.surname}"
        claims |= {"given_name": account.given_name, "family_name": account.surname}
        claims["preferred_username"] = account.email
    if "email" in scopes:
        claims |= {"email": account.email, "email_verified": True}
    return claims
