"""One request to the token endpoint: its answer, or why there is no token, and whether that is final."""

from __future__ import annotations

from contextlib import suppress

from bentley_sync_async.errors import (
    CredentialsError,
    DecodeError,
    TokenError,
    TokenUnavailableError,
    TransportError,
)
from bentley_sync_async.transport.messages import Request, Response, Transport, without_secret
from bentley_sync_async.wire.headers import retry_after
from bentley_sync_async.wire.oauth import TokenAnswer, decode_token, refusal

OK = 200
"""The status of a success."""

_UNAUTHORIZED, _TOO_MANY, _FIRST_SERVER_ERROR = 401, 429, 500
# The errors with which an issuer refuses credentials or a scope (RFC 6749, sections 5.2 and 4.1.2.1).
_REFUSALS = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
_TRANSIENT = frozenset({"", "server_error", "temporarily_unavailable"})


def form_request(url: str, form: bytes, secret: str) -> Request:
    """Return the request with a form, which carries the secret."""
    return Request(
        method="POST",
        url=url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=form,
        secret=secret,
    )


async def ask_for_token(
    request: Request, *, transport: Transport, timeout: float, issuer: str, whose: str, advice: str
) -> TokenAnswer:
    """Send a token request and return what the issuer granted.

    Args:
        request: The request.
        transport: Sends it.
        timeout: Seconds for it.
        issuer: The issuer's URL, for people.
        whose: Who gets no token, such as `the service application X`.
        advice: What to do if the issuer refuses for good.

    Raises:
        CredentialsError: The issuer refuses for good.
        TokenUnavailableError: There is no token now.
    """
    try:
        response = await transport.send(request, timeout=timeout)
    except TransportError as exc:
        raise TokenUnavailableError(f"No token: {exc}") from exc
    with suppress(DecodeError):
        if response.status == OK:  # as it came: a refresh token that stays valid is the request's own secret
            return decode_token(response.body)
    response = without_secret(request.secret, response)
    if response.status != OK:
        raise _failure(response, issuer, whose, advice)
    try:
        return decode_token(response.body)
    except DecodeError as exc:
        raise TokenUnavailableError(f"No token: {issuer} answered {response.status}. {exc}") from exc


def _failure(response: Response, issuer: str, whose: str, advice: str) -> TokenError:
    reason = refusal(response.body) or ""
    code = reason.partition(":")[0]
    status = response.status
    answered = f"{issuer} answered {status}" + (f" ({reason})" if reason else "")
    unavailable = status == _TOO_MANY or status >= _FIRST_SERVER_ERROR
    # Any other answer may come from a gateway, which did not check the credentials.
    final = code in _REFUSALS or (status == _UNAUTHORIZED and code not in _TRANSIENT)
    if unavailable or not final:
        return TokenUnavailableError(f"No token: {answered}.", retry_after=retry_after(response.headers))
    return CredentialsError(f"No token for {whose}: {answered}. {advice}")
