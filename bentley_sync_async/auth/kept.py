"""The sign-in of an application at an issuer, as it is kept: read, written and renewed by one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TypeVar

import anyio
from anyio import to_thread
from attrs import evolve

from bentley_sync_async.errors import ConfigurationError, CredentialsError
from bentley_sync_async.transport.hooks import Hooks
from bentley_sync_async.transport.tokens import Token
from bentley_sync_async.wire.oauth import SignIn, decode_sign_in, encode_sign_in

from .applications import NativeApplication
from .issuer import Issuer
from .keeping.process_lock import process_lock
from .keeping.stores import SignInStore, default_store
from .refreshing import RefreshingTokenSource

T = TypeVar("T")

_EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


def check_installed() -> None:
    """Check that the libraries of the extra `login` are there.

    Raises:
        ConfigurationError: One is not.
    """
    missing = [name for name in ("filelock", "oauthlib", "platformdirs") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"Signing in needs {missing[0]}: pip install 'bentley-sync-async[login]'")


class KeptSignIn:
    """The place of one sign-in."""

    def __init__(self, application: NativeApplication, issuer: str) -> None:
        """Take the application's store.

        Raises:
            ConfigurationError: A library is not installed.
        """
        check_installed()
        self._store: SignInStore = application.store if application.store is not None else default_store()
        self._key = f"{application.client_id} {issuer}"

    @property
    def place(self) -> str:
        """Return where it is, for people."""
        return self._store.place

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Return the lock that is held to read or write it."""
        return process_lock(self._key)

    async def load(self) -> SignIn | None:
        """Return it; `None` if nobody has signed in, or it is damaged."""
        text = await _in_thread(lambda: self._store.load(self._key))
        return decode_sign_in(text) if text is not None else None

    async def save(self, sign_in: SignIn) -> None:
        """Keep it in place of another one."""
        await _in_thread(lambda: self._store.save(self._key, encode_sign_in(sign_in)))

    async def delete(self) -> None:
        """Forget it."""
        await _in_thread(lambda: self._store.delete(self._key))


async def _in_thread(work: Callable[[], T]) -> T:
    """Return what the work does in a thread: a keyring may ask the person for a password."""
    return await to_thread.run_sync(work)


class SignedInTokenSource(RefreshingTokenSource):
    """Hands out the access token of the person who signed in, and renews it.

    A refresh token works once, so processes renew one after the other: the one that waited takes what the other got.
    """

    def __init__(self, application: NativeApplication, issuer: Issuer, *, hooks: Hooks | None = None) -> None:
        """Make a source; nothing is read or sent.

        Args:
            application: What the person signed in to.
            issuer: The issuer that they signed in at.
            hooks: Called for each token that is obtained.
        """
        super().__init__(self._obtain, hooks=hooks)
        self._application = application
        self._issuer = issuer
        self._refused = ""

    def invalidate(self, token: Token) -> bool:
        """Forget the token, which the service refused; the next one is not the one that is kept."""
        self._refused = token.value
        return super().invalidate(token)

    async def _obtain(self) -> Token:
        kept = KeptSignIn(self._application, self._issuer.url)
        async with kept.lock():
            sign_in = await kept.load()
            if sign_in is None:
                raise CredentialsError(
                    f"Nobody is signed in to the application {self._application.client_id} at {self._issuer.url}; "
                    f"looked in {kept.place}. Sign in: bentley-sync auth login. A service application needs its "
                    "secret instead: BENTLEY_SYNC_CLIENT_SECRET."
                )
            if sign_in.access_token == self._refused or not _is_fresh(sign_in):
                # The answer to a request that is under way is kept, as its refresh token is used up.
                with anyio.CancelScope(shield=True):
                    sign_in = await self._renew(kept, sign_in)
            return Token(value=sign_in.access_token, expires_in=_life(sign_in))

    async def _renew(self, kept: KeptSignIn, sign_in: SignIn) -> SignIn:
        if sign_in.refresh_token is None:
            raise CredentialsError(
                f"The sign-in to the application {sign_in.client_id} is over. Sign in again: bentley-sync auth login."
            )
        try:
            sign_in = await self._issuer.refresh(self._application, sign_in)
        except CredentialsError:
            await kept.save(evolve(sign_in, refresh_token=None))
            raise
        await kept.save(sign_in)
        return sign_in


def _is_fresh(sign_in: SignIn) -> bool:
    left = sign_in.remaining(datetime.now(UTC))
    return left is None or left > _EARLY


def _life(sign_in: SignIn) -> float | None:
    left = sign_in.remaining(datetime.now(UTC))
    return None if left is None else max(left, 0.0)
