"""The issuer: signs access tokens, and recognizes them in requests. Its root URL is that of the API."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable

from attrs import frozen

from bentley_sync_async.emulator.platform.accounts import Accounts, Caller
from bentley_sync_async.emulator.platform.messages import Call
from bentley_sync_async.emulator.platform.problems import unauthorized
from bentley_sync_async.emulator.platform.routing import Operation
from bentley_sync_async.emulator.settings import Settings

from .jwt import read_access_token, sign_access_token
from .sign_ins import SignIns

SCOPE = "itwin-platform"


@frozen(kw_only=True)
class AccessToken:
    """What a valid access token says.

    Attributes:
        id: The token's id.
        caller: The application, and the person who signed in to it or else the application's own account.
        scopes: What the token allows.
        sign_in_id: The sign-in that it comes from; `None` if it comes from none.
    """

    id: str
    caller: Caller
    scopes: frozenset[str]
    sign_in_id: str | None


class Issuer:
    """Issues tokens and recognizes them in requests.

    Attributes:
        settings: The emulator's options.
        now: Returns the time of the tokens, in seconds since 1970.
        accounts: All accounts that have had a token of this issuer or of one before it that kept them.
        sign_ins: All sign-ins of people.
    """

    def __init__(self, settings: Settings, accounts: Accounts, now: Callable[[], float]) -> None:
        self.settings = settings
        self.now = now
        self.accounts = accounts
        self.sign_ins = SignIns(now)
        self._key = secrets.token_bytes(32)
        self._revoked: set[str] = set()

    def service(self, client_id: str | None = None) -> Caller:
        """Return a service application, by default the one of the settings, as the caller."""
        client_id = client_id or self.settings.client_id
        return Caller(client_id=client_id, account=self.accounts.service(client_id))

    def mint(
        self,
        root: str,
        caller: Caller,
        *,
        scope: str = SCOPE,
        lifetime: float | None = None,
        sign_in_id: str | None = None,
    ) -> str:
        """Return a new access token.

        Args:
            root: The issuer's URL.
            caller: The application, and the account that the token stands for.
            scope: The token's scopes, separated by spaces.
            lifetime: Seconds for which the token is valid, rounded up to a whole second of the clock.
            sign_in_id: The sign-in that it comes from.
        """
        now = self.now()
        claims = {
            "iss": root,
            "aud": f"{root}/resources",
            "sub": caller.account.subject,
            "client_id": caller.client_id,
            "scope": scope.split(),  # a list, as the platform's own library @itwin/service-authorization reads it
            "iat": int(now),
            "exp": math.ceil(now + (self.settings.token_lifetime if lifetime is None else lifetime)),
            "jti": secrets.token_hex(16),
        }
        return sign_access_token(claims | ({"sid": sign_in_id} if sign_in_id else {}), self._key)

    def read(self, text: str) -> AccessToken | None:
        """Return what a token says, or `None` if it is none of this issuer's, is expired or was revoked."""
        claims = read_access_token(text, self._key)
        if claims is None or self.now() >= claims["exp"]:
            return None
        account, sign_in_id = self.accounts.by_subject.get(claims["sub"]), claims.get("sid")
        if account is None or claims["jti"] in self._revoked or sign_in_id in self.sign_ins.ended:
            return None
        caller = Caller(client_id=claims["client_id"], account=account)
        return AccessToken(id=claims["jti"], caller=caller, scopes=frozenset(claims["scope"]), sign_in_id=sign_in_id)

    def revoke(self, token_id: str) -> None:
        """Invalidate one access token."""
        self._revoked.add(token_id)

    def revoke_all(self) -> None:
        """Invalidate every token that was issued so far."""
        self._key = secrets.token_bytes(32)
        self.sign_ins.end_all()

    def authenticate(self, call: Call, operation: Operation) -> Caller:
        """Return whose token a request carries.

        Raises:
            ProblemError: 401 if the token is not valid for the operation.
        """
        kind, _, text = call.headers.get("authorization", "").partition(" ")
        token = self.read(text.strip())
        if self.settings.tokens == "none":
            return token.caller if token else self.service("anonymous")
        if kind.lower() == "bearer" and text.strip():
            if self.settings.tokens == "any":
                return token.caller if token else Caller(client_id=text.strip(), account=self.service().account)
            scopes = {SCOPE, f"{operation.api}:modify"}
            if call.method == "GET":
                scopes.add(f"{operation.api}:read")
            if token is not None and token.scopes & scopes:
                return token.caller
        raise unauthorized(wrapped=self.settings.wrapped_errors)
