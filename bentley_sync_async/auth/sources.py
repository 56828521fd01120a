"""What a client takes as its token, and the token source that it makes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bentley_sync_async.config import ClientConfig
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.transport.hooks import Hooks
from bentley_sync_async.transport.messages import Transport
from bentley_sync_async.transport.tokens import Token, TokenSource

from .client_credentials import ClientCredentials, fetch_with
from .refreshing import RefreshingTokenSource
from .static import StaticTokenSource

TokenLike = str | ClientCredentials | TokenSource | Callable[[], Awaitable[str | Token]]
"""A ready token, a service application's credentials, a token source, or a coroutine function that obtains a token."""


def token_source(token: TokenLike, config: ClientConfig, transport: Transport, hooks: Hooks) -> TokenSource:
    """Return the source of a client's tokens.

    Raises:
        ConfigurationError: The token is none of what a client takes.
    """
    match token:
        case str():
            return StaticTokenSource(token)
        case ClientCredentials():
            fetch = fetch_with(
                token, issuer=config.issuer, transport=transport, timeout=min(30.0, config.timeouts.request)
            )
            return RefreshingTokenSource(fetch, hooks=hooks)
        case TokenSource():
            return token
        case _ if callable(token):
            return RefreshingTokenSource(token, hooks=hooks)
        case _:
            raise ConfigurationError(
                f"token must be a string, ClientCredentials, a coroutine function or a TokenSource, not "
                f"{type(token).__name__}."
            )
