"""Whether the user has authorized the service (page `get-authorization-information`), and the web page to do so."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.synchronization.problems import REDIRECT_URL
from bentley_sync_async.emulator.synchronization.store import Store

_CODE = "InvalidAuthorizationInformationRequest"


def get_authorization_information(store: Store, call: Call) -> Reply:
    """Answer `get-authorization-information`."""
    redirect_url = call.query.get("redirecturl", "")
    if redirect_url and not _is_url(redirect_url):
        raise ProblemError.invalid(_CODE, REDIRECT_URL)
    href = f"{call.root}/authenticate"
    if redirect_url:
        href += f"?redirect_url={quote(redirect_url, safe='')}"
    information = {"isUserAuthorized": store.consent, "_links": {"authorizationUrl": {"href": href}}}
    return Reply.of_json(200, {"authorizationInformation": information})


def authenticate(store: Store, call: Call) -> Reply:
    """Answer the authorization URL: opening it in a browser is the consent."""
    store.consent = True
    redirect_url = call.query.get("redirect_url", "")
    if _is_url(redirect_url):
        return Reply(302, headers={"Location": redirect_url})
    text = b"<!DOCTYPE html><title>Authorized</title><p>The service may now work for you. You can close this page."
    return Reply(200, text, {"Content-Type": "text/html; charset=utf-8"})


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
