"""The endpoints that a browser visits: sign-in (authorization code with PKCE), which asks the person, and sign-out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bentley_sync_async.emulator.platform.messages import Call, Reply

from .issuer import SCOPE, Issuer
from .jwt import read_id_token
from .pages import consent_page, page, refusal_page
from .requests import RefusedError, form_of, is_registered, parameters_of, redirects

SCOPES = ("openid", "profile", "email", "organization", "offline_access", SCOPE)
RESPONSE_MODES = ("query", "fragment")

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def authorize(issuer: Issuer, call: Call) -> Reply:
    """Answer the authorization endpoint: the consent page, or after the person's decision the way back."""
    parameters = parameters_of(call)
    problem = _unsafe(issuer, parameters)
    if problem is not None:
        return refusal_page(problem)
    try:
        scopes = _checked_scopes(parameters)
        decision = form_of(call).get("decision")  # of the form alone: no link decides for a person
        if decision is None:
            return consent_page(parameters, scopes, parameters.get("login_hint") or issuer.settings.user_email)
        return _decided(issuer, parameters, scopes, allowed=decision == "allow")
    except RefusedError as exc:
        return _back(parameters, exc.parameters)


def end_session(issuer: Issuer, call: Call) -> Reply:
    """Answer the end-session endpoint (RP-Initiated Logout), which ends the sign-in of an id token, expired or not."""
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
    return redirects(uri, _state(parameters))


def _decided(issuer: Issuer, parameters: Mapping[str, str], scopes: tuple[str, ...], *, allowed: bool) -> Reply:
    if not allowed:
        raise RefusedError("access_denied", "The person has denied the request.")
    email = parameters.get("email", "").strip()
    if _EMAIL.fullmatch(email) is None:
        return consent_page(parameters, scopes, email, problem="Enter an e-mail address such as jane.doe@example.com.")
    code = issuer.sign_ins.begin(
        issuer.accounts.person(email),
        parameters["client_id"],
        scopes,
        redirect_uri=parameters["redirect_uri"],
        challenge=parameters["code_challenge"],
        nonce=parameters.get("nonce"),
    )
    return _back(parameters, {"code": code})


def _back(parameters: Mapping[str, str], answer: Mapping[str, str]) -> Reply:
    fragment = parameters.get("response_mode") == "fragment"
    return redirects(parameters["redirect_uri"], {**answer, **_state(parameters)}, fragment=fragment)


def _state(parameters: Mapping[str, str]) -> dict[str, str]:
    return {"state": parameters["state"]} if "state" in parameters else {}


def _unsafe(issuer: Issuer, parameters: Mapping[str, str]) -> str | None:
    """Return why the browser must not be sent back (RFC 6749, 4.1.2.1), or `None`."""
    if parameters.get("client_id") != issuer.settings.native_client_id:
        return "client_id is not the application that people sign in to: the option native_client_id."
    if not is_registered(parameters.get("redirect_uri", ""), issuer.settings):
        return "redirect_uri is neither http on this machine nor one of the option redirect_uris."
    return None


def _checked_scopes(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the application asks for.

    Raises:
        RefusedError: An error of RFC 6749, 4.1.2.1, or of OpenID Connect Core, 3.1.2.6.
    """
    if "response_type" not in parameters:
        raise RefusedError("invalid_request", "response_type is missing.")
    if parameters["response_type"] != "code":
        raise RefusedError("unsupported_response_type", "response_type must be code.")
    if parameters.get("response_mode", "query") not in RESPONSE_MODES:
        raise RefusedError("invalid_request", "response_mode must be query or fragment.")
    if parameters.get("code_challenge_method") != "S256":
        raise RefusedError("invalid_request", "code_challenge_method must be S256.")
    if _CHALLENGE.fullmatch(parameters.get("code_challenge", "")) is None:
        raise RefusedError("invalid_request", "code_challenge must be 43 characters of base64url.")
    scopes = tuple(dict.fromkeys(parameters.get("scope", "").split()))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise RefusedError("invalid_scope", f"scope must be some of: {' '.join(SCOPES)}.")
    if "none" in parameters.get("prompt", "").split():
        raise RefusedError("login_required", "Nobody stays signed in to the emulator: each sign-in asks.")
    return scopes
