"""The end-session endpoint: the sign-in of an id token is over (OpenID Connect RP-Initiated Logout)."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.messages import Call, Reply

from .issuer import Issuer
from .jwt import read_id_token
from .pages import page, refusal_page
from .requests import is_registered, parameters_of, redirects


def end_session(issuer: Issuer, call: Call) -> Reply:
    """Answer the end-session endpoint, whose `id_token_hint` may be expired."""
    parameters = parameters_of(call)
    claims = read_id_token(parameters.get("id_token_hint", ""))
    if claims is not None:
        issuer.sign_ins.ended.add(claims["sid"])
    uri = parameters.get("post_logout_redirect_uri")
    if uri is None:
        return page("Signed out", "<p>You can close this page.</p>")
    if not is_registered(uri, issuer.settings):
        return refusal_page(
            "post_logout_redirect_uri is neither http on this machine nor one of the option redirect_uris."
        )
    return redirects(uri, {"state": parameters["state"]} if "state" in parameters else {})
