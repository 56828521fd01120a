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


def _lifetime(seconds: object) -> float | None:
    if seconds is None:
        return None
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not seconds >= 0:  # type: ignore[operator]  # NaN is neither
        shown = seconds if is_number else type(seconds).__name__
        raise ConfigurationError(f"expires_in must be a number of seconds of at least 0, or None, not {shown}.")
    return float(min(seconds, _LONGEST_LIFETIME))  # type: ignore[call-overload]


_LONGEST_LIFETIME = 1e9  # seconds; more is no other life, and may be no float


@frozen(kw_only=True)
class Token:
    """An access token. Neither its `repr` nor its `str` shows it.

    Attributes:
        value: The token itself, without the word Bearer.
        expires_in: Seconds for which it was valid when it was issued; `None` if unknown.
    """

    value: str = field(converter=_bare, repr=False)
    expires_in: float | None = field(default=None, converter=_lifetime)


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


def checked(token: object) -> Token:
    """Return what a token source of the caller's returned.

    Raises:
        ConfigurationError: It is no token.
    """
    if not isinstance(token, Token):
        raise ConfigurationError(
            f"The access token must be a Token, or a string from a coroutine function: the token source returned "
            f"{type(token).__name__}."
        )
    return token
