"""A token source that renews its token: one fetch at a time, ahead of expiry, and when the service refused it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from copy import copy

import anyio

from bentley_sync_async.errors import SynchronizationError, TokenUnavailableError
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.hooks import Hooks, TokenRecord
from bentley_sync_async.transport.tokens import ReadyTokenSource, Token

Fetch = Callable[[], Awaitable[str | Token]]
"""A coroutine function that obtains a token; a `Token` may say how long it lives."""

_EARLY = 60.0
_EARLY_PART = 0.1
_TRY_AGAIN = 5.0  # seconds after a renewal that failed while the token still lives


class RefreshingTokenSource(ReadyTokenSource):
    """Keeps the token that `fetch` obtained until it is about to expire or was refused.

    A token is renewed by the first who asks for it in the last part of its life; the others go on with it meanwhile.
    Whoever needs a token when there is none waits for the fetch that is under way and shares what comes of it. If the
    task that fetches is cancelled, the next one in line fetches.
    """

    def __init__(self, fetch: Fetch, *, hooks: Hooks | None = None) -> None:
        """Make a source.

        Args:
            fetch: Obtains a token. It is called when there is none, one minute (or the last tenth of its life, if that
                is shorter) before the current one expires, and when the service refused the current one.
            hooks: Who is told of fetches.
        """
        self._fetch = fetch
        self._emit = hooks or Hooks()
        self._lock = anyio.Lock()
        self._current: Token | None = None
        self._expires_at = self._renew_at = math.inf
        self._fetches = 0  # those that came to an end, one way or the other
        self._failure: SynchronizationError | None = None

    def ready(self) -> Token | None:
        """Return the current token; `None` if there is none, or it is about to expire."""
        return self._current if current_time() < self._renew_at else None

    async def token(self) -> Token:
        """Return the current token, or a new one.

        Raises:
            CredentialsError: As `fetch` raises it.
            TokenUnavailableError: `fetch` failed otherwise, and the current token no longer lives.
        """
        if (token := self.ready()) is not None:
            return token
        if self._current is not None and self._lock.locked() and current_time() < self._expires_at:
            return self._current  # somebody renews it already, and it still lives
        fetches = self._fetches
        async with self._lock:
            if (token := self.ready()) is not None:
                return token
            if self._failure is not None and self._fetches != fetches:  # the fetch that this call waited for
                raise copy(self._failure) from self._failure.__cause__
            asked = current_time()
            try:
                token = await self._fetched()
            except TokenUnavailableError:
                if self._current is None or current_time() >= self._expires_at:
                    raise
                self._renew_at = current_time() + _TRY_AGAIN
                return self._current
            life = math.inf if token.expires_in is None else token.expires_in
            self._expires_at = asked + life
            self._renew_at = self._expires_at - min(_EARLY, life * _EARLY_PART)
            self._current = token
            return token

    def invalidate(self, token: Token) -> bool:
        """Forget the token if it is still the current one; a hundred refusals of one token make one new fetch."""
        if self._current is token:
            self._current = None
        return True

    async def _fetched(self) -> Token:
        began = current_time()
        try:
            token = await self._asked()
        except SynchronizationError as exc:
            self._fetched_with(exc, began)
            raise
        self._fetched_with(None, began)
        return token

    def _fetched_with(self, failure: SynchronizationError | None, began: float) -> None:
        self._fetches += 1
        self._failure = copy(failure)  # whoever is handed the failure itself may note things on it
        if self._failure is not None and failure is not None:
            self._failure.__cause__ = failure.__cause__
        self._emit(TokenRecord(duration=current_time() - began, error=failure))

    async def _asked(self) -> Token:
        try:
            fetched = await self._fetch()
            return fetched if isinstance(fetched, Token) else Token(value=fetched)
        except SynchronizationError:
            raise
        except Exception as exc:  # the caller's own code may raise anything; its text may quote a secret
            raise TokenUnavailableError(
                f"The token source failed with {type(exc).__name__}; its own error is the cause of this one."
            ) from exc
