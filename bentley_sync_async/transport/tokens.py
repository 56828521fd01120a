"""Access tokens, and the interface of token sources."""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from bentley_sync_async.errors import ConfigurationError


def _bare(text: str) -> str:
    """Return the token itself; it may have been pasted with its scheme and a line end."""
    text = text.strip() if isinstance(text, str) else ""
    scheme, _, rest = text.partition(" ")
    if scheme.lower() == "bearer":
        text = rest.strip()
    if not text:
        raise ConfigurationError("The access token is empty.")
    if any(not "!" <= character <= "~" for character in text):
        raise ConfigurationError(
            "The access token holds characters that no token has (white space, line ends, accents)."
        )
    return text


@frozen(kw_only=True)
class Token:
    """An access token. Neither its `repr` nor its `str` shows it.

    Attributes:
        value: The token itself, without the word Bearer.
        expires_in: Seconds for which it was valid when it was issued; `None` if unknown.
    """

    value: str = field(converter=_bare, repr=False)
    expires_in: float | None = None


@runtime_checkable
class TokenSource(Protocol):
    """Hands out access tokens for the scope `itwin-platform`."""

    async def token(self) -> Token:
        """Return a token that is valid now; the same one until it has to change.

        Raises:
            CredentialsError: The issuer refuses the credentials for good.
            TokenUnavailableError: There is no token now, but there may be one later.
        """
        ...

    def invalidate(self, token: Token) -> bool:
        """Forget the token, which the service just refused with 401, if it is still the current one.

        Returns:
            Whether another call of `token` may return another token.
        """
        ...


class ReadyTokenSource(ABC):
    """The base class of token sources that know when a token is there without waiting.

    It is no protocol: a token source of the caller's own may have an unrelated `ready`.
    """

    @abstractmethod
    def ready(self) -> Token | None:
        """Return the token that `token` would return at once; `None` if it might wait."""
