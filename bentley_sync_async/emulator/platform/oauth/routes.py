"""The routes of the issuer, and the discovery document that names them (OpenID Connect Discovery)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.routing import Operation

from . import browser, grants, profiles
from .issuer import Issuer
from .jwt import published_keys
from .requests import RefusedError

_DISCOVERY = "/.well-known/openid-configuration"


def operations(issuer: Issuer) -> tuple[Operation, ...]:
    """Return the operations of an issuer, which need no token of the API and have no rate limit."""

    def operation(name: str, method: str, path: str, answer: Callable[[Issuer, Call], Reply]) -> Operation:
        return Operation(None, name, method, path.replace(".", r"\."), partial(_answered, answer, issuer))

    return (
        operation("discovery", "GET", _DISCOVERY, _discovery),
        operation("jwks", "GET", f"{_DISCOVERY}/jwks", _keys),
        operation("authorize", "GET", "/connect/authorize", browser.authorize),
        operation("authorize", "POST", "/connect/authorize", browser.authorize),
        operation("token", "POST", "/connect/token", grants.token),
        operation("revocation", "POST", "/connect/revocation", grants.revoke),
        operation("userinfo", "GET", "/connect/userinfo", profiles.userinfo),
        operation("userinfo", "POST", "/connect/userinfo", profiles.userinfo),
        operation("endsession", "GET", "/connect/endsession", browser.end_session),
        operation("endsession", "POST", "/connect/endsession", browser.end_session),
    )


def _answered(answer: Callable[[Issuer, Call], Reply], issuer: Issuer, call: Call) -> Reply:
    try:
        return answer(issuer, call)
    except RefusedError as exc:
        return exc.reply()


def _discovery(_issuer: Issuer, call: Call) -> Reply:
    root = call.root
    document = {
        "issuer": root,
        "authorization_endpoint": f"{root}/connect/authorize",
        "token_endpoint": f"{root}/connect/token",
        "userinfo_endpoint": f"{root}/connect/userinfo",
        "revocation_endpoint": f"{root}/connect/revocation",
        "end_session_endpoint": f"{root}/connect/endsession",
        "jwks_uri": f"{root}{_DISCOVERY}/jwks",
        "scopes_supported": list(browser.SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": list(browser.RESPONSE_MODES),
        "grant_types_supported": list(grants.GRANTS),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": list(profiles.CLAIMS),
    }
    return Reply.of_json(200, document)


def _keys(_issuer: Issuer, _call: Call) -> Reply:
    return Reply.of_json(200, published_keys())
