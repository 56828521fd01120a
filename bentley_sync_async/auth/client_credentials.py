"""Tokens for a service application: the client_credentials grant at the token endpoint of the environment."""

from attrs import field, frozen

from bentley_sync_async.config import SCOPE
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.transport.messages import Transport
from bentley_sync_async.transport.tokens import Token
from bentley_sync_async.wire.oauth import token_request

from .refreshing import Fetch
from .token_endpoint import ask_for_token, form_request


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
    form = token_request(credentials.client_id, credentials.client_secret, SCOPE)
    request = form_request(f"{issuer}/connect/token", form, credentials.client_secret)

    async def fetch() -> Token:
        answer = await ask_for_token(
            request,
            transport=transport,
            timeout=timeout,
            issuer=issuer,
            whose=f"the service application {credentials.client_id}",
            advice="Check client id and secret, that the issuer is the one of your environment, and that the "
            f"application may request the scope {SCOPE}.",
        )
        return Token(value=answer.access_token, expires_in=answer.expires_in)

    return fetch
