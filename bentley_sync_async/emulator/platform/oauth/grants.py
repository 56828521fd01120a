"""The token endpoint, for service applications and for the sign-in of people, and the end of tokens (RFC 7009)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from bentley_sync_async.emulator.platform.accounts import Caller
from bentley_sync_async.emulator.platform.messages import Call, Reply

from .issuer import SCOPE, Issuer
from .profiles import id_token
from .requests import NO_STORE, RefusedError, form_of
from .sign_ins import SignIn

GRANTS = ("client_credentials", "authorization_code", "refresh_token")


def token(issuer: Issuer, call: Call) -> Reply:
    """Answer a token request.

    Raises:
        RefusedError: An error of RFC 6749, 5.2.
    """
    form = form_of(call)
    client_id = _client(issuer, call, form)
    return Reply.of_json(200, _granted(issuer, call.root, client_id, form), NO_STORE)


def revoke(issuer: Issuer, call: Call) -> Reply:
    """Answer a revocation request; a token that is unknown or over is no error (RFC 7009, 2.2).

    Raises:
        RefusedError: The client or the form is not valid, or the token is another client's.
    """
    form = form_of(call)
    client_id = _client(issuer, call, form)
    if "token" not in form:
        raise RefusedError("invalid_request", "token is missing.")
    sign_in, access = issuer.sign_ins.find(form["token"]), issuer.read(form["token"])
    owner = sign_in.client_id if sign_in else access.caller.client_id if access else client_id
    if owner != client_id:
        raise RefusedError("invalid_grant", "The token is another client's.")
    if sign_in is not None:
        issuer.sign_ins.ended.add(sign_in.id)
    elif access is not None:
        issuer.revoke(access.id)
    return Reply(200, headers=NO_STORE)


def _client(issuer: Issuer, call: Call, form: Mapping[str, str]) -> str:
    kind, _, text = call.headers.get("authorization", "").partition(" ")
    basic = kind.lower() == "basic"
    credentials = _basic(text) if basic else (form.get("client_id", ""), form.get("client_secret", ""))
    settings = issuer.settings
    if credentials not in {(settings.client_id, settings.client_secret), (settings.native_client_id, "")}:
        raise RefusedError("invalid_client", status=401 if basic else 400)
    return credentials[0]


def _granted(issuer: Issuer, root: str, client_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    if "grant_type" not in form:
        raise RefusedError("invalid_request")
    grant = form["grant_type"]
    if grant not in GRANTS:
        raise RefusedError("unsupported_grant_type")
    if (grant == "client_credentials") != (client_id == issuer.settings.client_id):
        raise RefusedError("unauthorized_client", f"{grant} is not a grant of this client.")
    if grant == "client_credentials":
        if form.get("scope", "").split() != [SCOPE]:
            raise RefusedError("invalid_scope")
        return _access(issuer, root, issuer.service(client_id), SCOPE)
    if grant == "authorization_code":
        return _of_code(issuer, root, client_id, form)
    return _of_refresh_token(issuer, root, client_id, form)


def _of_code(issuer: Issuer, root: str, client_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    missing = [name for name in ("code", "redirect_uri", "code_verifier") if name not in form]
    if missing:
        raise RefusedError("invalid_request", f"{missing[0]} is missing.")
    redeemed = issuer.sign_ins.redeem(
        form["code"], client_id=client_id, redirect_uri=form["redirect_uri"], verifier=form["code_verifier"]
    )
    if redeemed is None:
        raise RefusedError(
            "invalid_grant", "The code is unknown, used or expired, or redirect_uri or code_verifier do not match it."
        )
    sign_in, nonce = redeemed
    return _of_person(issuer, root, sign_in, sign_in.scopes, nonce)


def _of_refresh_token(issuer: Issuer, root: str, client_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    if "refresh_token" not in form:
        raise RefusedError("invalid_request", "refresh_token is missing.")
    known = issuer.sign_ins.find(form["refresh_token"])
    scopes = tuple(form["scope"].split()) if "scope" in form else known.scopes if known else ()
    if known is not None and not set(scopes) <= set(known.scopes):
        raise RefusedError("invalid_scope", "scope is more than the person allowed.")
    sign_in = issuer.sign_ins.use(form["refresh_token"], client_id=client_id)
    if sign_in is None:
        raise RefusedError("invalid_grant", "The refresh token is unknown, used or revoked.")
    return _of_person(issuer, root, sign_in, scopes, None)


def _of_person(
    issuer: Issuer, root: str, sign_in: SignIn, scopes: tuple[str, ...], nonce: str | None
) -> dict[str, Any]:
    caller = Caller(client_id=sign_in.client_id, account=sign_in.account)
    granted = _access(issuer, root, caller, " ".join(scopes), sign_in.id)
    if "offline_access" in sign_in.scopes:
        granted["refresh_token"] = issuer.sign_ins.refresh_token(sign_in)
    if "openid" in scopes:
        granted["id_token"] = id_token(issuer, root, sign_in, scopes, nonce)
    return granted


def _access(issuer: Issuer, root: str, caller: Caller, scope: str, sign_in_id: str | None = None) -> dict[str, Any]:
    return {
        "access_token": issuer.mint(root, caller, scope=scope, sign_in_id=sign_in_id),
        "expires_in": int(issuer.settings.token_lifetime),
        "token_type": "Bearer",
        "scope": scope,
    }


def _basic(text: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:  # neither base64 nor UTF-8, or not even ASCII
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)
