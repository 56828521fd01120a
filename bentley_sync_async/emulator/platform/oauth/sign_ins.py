"""Sign-ins of people: what each granted, and its authorization code and refresh tokens, which work once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from attrs import define, field, frozen

from bentley_sync_async.emulator.platform.accounts import Account

from .jwt import base64url

CODE_LIFETIME = 60.0  # seconds; RFC 6749 recommends at most ten minutes


@frozen(kw_only=True)
class SignIn:
    """A person's consent to an application.

    Attributes:
        id: Id of the sign-in, which its tokens have as `sid`.
        account: The person.
        client_id: The application.
        scopes: What the person allowed.
        time: When, in seconds since 1970.
    """

    id: str
    account: Account
    client_id: str
    scopes: tuple[str, ...]
    time: float


@define(kw_only=True)
class _Code:
    sign_in: SignIn
    redirect_uri: str
    challenge: str
    nonce: str | None = field(repr=False)
    expires: float
    used: bool = False


@define
class _RefreshToken:
    sign_in: SignIn
    used: bool = False


class SignIns:
    """All sign-ins. A code or refresh token that comes back after its use ends its sign-in (RFC 9700, 4.14).

    Attributes:
        ended: Ids of the sign-ins that are over.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._refresh_tokens: dict[str, _RefreshToken] = {}
        self.ended: set[str] = set()

    def begin(
        self,
        account: Account,
        client_id: str,
        scopes: tuple[str, ...],
        *,
        redirect_uri: str,
        challenge: str,
        nonce: str | None,
    ) -> str:
        """Return the authorization code of a new sign-in."""
        now, code = self._now(), secrets.token_urlsafe(32)
        sign_in = SignIn(id=secrets.token_hex(16), account=account, client_id=client_id, scopes=scopes, time=now)
        self._codes[code] = _Code(
            sign_in=sign_in, redirect_uri=redirect_uri, challenge=challenge, nonce=nonce, expires=now + CODE_LIFETIME
        )
        return code

    def redeem(
        self, code: str, *, client_id: str, redirect_uri: str, verifier: str
    ) -> tuple[SignIn, str | None] | None:
        """Return the sign-in and the nonce of a code, or `None` if the code is not valid for this client."""
        found = self._codes.get(code)
        if found is None or found.sign_in.client_id != client_id:
            return None
        if found.used:
            self.ended.add(found.sign_in.id)
        found.used = True  # even if the request is refused, so that nobody can try out verifiers
        fits = found.redirect_uri == redirect_uri and found.challenge == base64url(
            hashlib.sha256(verifier.encode()).digest()
        )
        if found.sign_in.id in self.ended or self._now() >= found.expires or not fits:
            return None
        return found.sign_in, found.nonce

    def refresh_token(self, sign_in: SignIn) -> str:
        """Return a new refresh token of a sign-in."""
        token = secrets.token_urlsafe(32)
        self._refresh_tokens[token] = _RefreshToken(sign_in)
        return token

    def find(self, refresh_token: str) -> SignIn | None:
        """Return the sign-in of a refresh token, whatever has become of both."""
        found = self._refresh_tokens.get(refresh_token)
        return found.sign_in if found else None

    def use(self, refresh_token: str, *, client_id: str) -> SignIn | None:
        """Return the sign-in of a refresh token and use the token up, or return `None` if it is not valid."""
        found = self._refresh_tokens.get(refresh_token)
        if found is None or found.sign_in.client_id != client_id:
            return None
        if found.used:
            self.ended.add(found.sign_in.id)
        found.used = True
        return None if found.sign_in.id in self.ended else found.sign_in

    def end_all(self) -> None:
        """End every sign-in, also those whose code was not redeemed yet."""
        self._codes.clear()
        self._refresh_tokens.clear()
