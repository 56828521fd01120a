"""A sign-in, as it is kept in a keyring: JSON, in the API's spelling of names."""

from datetime import datetime, timedelta

from attrs import field, frozen

from bentley_sync_async.errors import DecodeError
from bentley_sync_async.wire.codec import decode, encode

from .openid import UserInfo


@frozen(kw_only=True)
class SignIn:
    """What a person's sign-in gave to an application. Neither its `repr` nor its `str` shows a token.

    Attributes:
        issuer: The issuer that the person signed in at.
        client_id: The application.
        scopes: What the person allowed, separated by spaces.
        access_token: The token for requests.
        expires: When the access token expires, UTC; `None` if the issuer did not say.
        refresh_token: What renews it, once; `None` without the scope `offline_access`, or if it was used up.
        user: Who signed in; `None` without the scope `openid`.
    """

    issuer: str
    client_id: str
    scopes: str
    access_token: str = field(repr=False)
    expires: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    user: UserInfo | None = None

    def remaining(self, now: datetime) -> float | None:
        """Return the seconds for which the access token is still valid; `None` if that is unknown."""
        return (self.expires - now) / timedelta(seconds=1) if self.expires is not None else None


def encode_sign_in(sign_in: SignIn) -> str:
    """Return the text that is kept. It holds the tokens."""
    return encode(sign_in).decode()


def decode_sign_in(text: str) -> SignIn | None:
    """Return the sign-in of a text that was kept; `None` if it is damaged."""
    try:
        return decode(text.encode("utf-8", "replace"), SignIn)
    except DecodeError:
        return None
