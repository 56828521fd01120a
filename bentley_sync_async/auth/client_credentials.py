"""Tokens for a service application: the client_credentials grant at the token endpoint of the environment."""

from attrs import field, frozen

from bentley_sync_async.config import SCOPE
from bentley_sync_async.errors import (
    ConfigurationError,
    CredentialsError,
    DecodeError,
    TokenError,
    TokenUnavailableError,
    TransportError,
)
from bentley_sync_async.transport.messages import Request, Response, Transport, without_secret
from bentley_sync_async.transport.tokens import Token
from bentley_sync_async.wire.headers import retry_after
from bentley_sync_async.wire.oauth import decode_token, refusal, token_request

from .refreshing import Fetch

_OK, _UNAUTHORIZED, _TOO_MANY, _FIRST_SERVER_ERROR = 200, 401, 429, 500
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


@frozen
class ClientCredentials:
    """The id and secret of a service application, as registered at the iTwin Platform.

    Attributes:
        client_id: Its id, `service-...`.
        client_secret: Its secret; no repr shows it.
    """

    client_id: str
    client_secret: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        for name, value in (("client_id", self.client_id), ("client_secret", self.client_secret)):
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"The {name} of the service application is empty.")


def fetch_with(credentials: ClientCredentials, *, issuer: str, transport: Transport, timeout: float = 30.0) -> Fetch:
    """Return a coroutine function that obtains a token for the credentials from the issuer.

    Args:
        credentials: The id and secret of the service application.
        issuer: Such as `https://ims.bentley.com`.
        transport: Sends the request.
        timeout: Seconds for the request.
    """
    request = Request(
        method="POST",
        url=f"{issuer}/connect/token",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        body=token_request(credentials.client_id, credentials.client_secret, SCOPE),
        secret=credentials.client_secret,
    )

    async def fetch() -> Token:
        try:
            response = without_secret(credentials.client_secret, await transport.send(request, timeout=timeout))
        except TransportError as exc:
            raise TokenUnavailableError(f"No token: {exc}") from exc
        if response.status != _OK:
            raise _failure(response, credentials.client_id, issuer)
        try:
            answer = decode_token(response.body)
        except DecodeError as exc:
            raise TokenUnavailableError(f"No token: {issuer} answered {response.status}. {exc}") from exc
        return Token(value=answer.access_token, expires_in=answer.expires_in)

    return fetch


def _failure(response: Response, client_id: str, issuer: str) -> TokenError:
    reason = refusal(response.body) or ""
    code = reason.partition(":")[0]
    status = response.status
    answered = f"{issuer} answered {status}" + (f" ({reason})" if reason else "")
    unavailable = status == _TOO_MANY or status >= _FIRST_SERVER_ERROR
    # Any other answer may come from a gateway, which did not check the credentials.
    final = code in _REFUSALS or (status == _UNAUTHORIZED and code not in _TRANSIENT)
    if unavailable or not final:
        return TokenUnavailableError(f"No token: {answered}.", retry_after=retry_after(response.headers))
    return CredentialsError(
        f"No token for the service application {client_id}: {answered}. Check client id and secret, that the "
        f"issuer is the one of your environment, and that the application may request the scope {SCOPE}."
    )
