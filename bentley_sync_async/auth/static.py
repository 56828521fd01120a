"""The token source for a token that the caller obtained and that cannot be renewed."""

from __future__ import annotations

from bentley_sync_async.transport.tokens import ReadyTokenSource, Token


class StaticTokenSource(ReadyTokenSource):
    """Always returns the same token.

    Tokens are usually valid for an hour: for longer work give the client a coroutine function or client credentials.
    """

    def __init__(self, token: str) -> None:
        """Take a token, with or without the word Bearer.

        Raises:
            ConfigurationError: It cannot be a token.
        """
        self._token = Token(value=token)

    async def token(self) -> Token:
        """Return the token."""
        return self._token

    def ready(self) -> Token:
        """Return the token."""
        return self._token

    def invalidate(self, token: Token) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return `False`: there is no other token."""
        return False
