"""The token source that renews its token: one fetch at a time, before it expires and when the service refused it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from copy import copy
from pathlib import Path
from traceback import walk_tb

import anyio

from bentley_sync_async.errors import ConfigurationError, SynchronizationError, TokenUnavailableError
from bentley_sync_async.transport.clock import current_time, running_loop
from bentley_sync_async.transport.hooks import Hooks, TokenRecord
from bentley_sync_async.transport.rate_limit.throttle import CLOCK_RESOLUTION, MAX_RETRY_AFTER
from bentley_sync_async.transport.tokens import ReadyTokenSource, Token, checked

Fetch = Callable[[], Awaitable[str | Token]]
"""A coroutine function that obtains a token; a `Token` may say how long it is valid."""

_EARLY = 60.0
_EARLY_PART = 0.1
_RETRY_AFTER = 5.0  # seconds after a renewal that failed while the token is still valid


class RefreshingTokenSource(ReadyTokenSource):
    """Keeps the token that `fetch` obtained until it is about to expire or was refused.

    The first caller in the last part of a token's life renews it; the others use it meanwhile. A caller that needs a
    token when there is none waits for the fetch that is under way and shares its result. If the fetching task is
    cancelled, the next waiting caller fetches.
    """

    def __init__(self, fetch: Fetch, *, hooks: Hooks | None = None) -> None:
        """Make a source.

        Args:
            fetch: Obtains a token. It is called when there is none, one minute (or the last tenth of its life, if that
                is shorter) before the current one expires, and when the service refused the current one.
            hooks: Called for each fetch.
        """
        self._fetch = fetch
        self._hooks = hooks or Hooks()
        self._lock, self._loop = anyio.Lock(), running_loop()
        self._current: Token | None = None
        self._expires_at = self._renew_at = math.inf
        self._throttled_until = -math.inf
        self._fetches = 0  # that have ended, well or not
        self._failure: SynchronizationError | None = None

    def ready(self) -> Token | None:
        """Return the current token; `None` if there is none, or it is about to expire."""
        return self._current if current_time() < self._renew_at else None

    async def token(self) -> Token:
        """Return the current token, or a new one.

        Raises:
            CredentialsError: As `fetch` raises it.
            TokenUnavailableError: `fetch` failed otherwise, and the current token is no longer valid.
        """
        if (token := self.ready()) is not None:
            return token
        if self._loop is not (loop := running_loop()):  # in one that was closed, nobody releases the lock any more
            self._lock, self._loop = anyio.Lock(), loop
        if self._current is not None and self._lock.locked() and current_time() < self._expires_at:
            return self._current  # another caller is renewing it, and it is still valid
        self._raise_throttled()
        fetches = self._fetches
        async with self._lock:
            if (token := self.ready()) is not None:
                return token
            if self._failure is not None and self._fetches != fetches:  # the fetch that this call waited for
                raise copy(self._failure) from self._failure.__cause__
            self._raise_throttled()
            requested_at = current_time()
            try:
                token = await self._fetch_once()
            except TokenUnavailableError:
                if self._current is None or current_time() >= self._expires_at:
                    raise
                self._renew_at = current_time() + _RETRY_AFTER
                return self._current
            life = math.inf if token.expires_in is None else token.expires_in
            self._expires_at = requested_at + life
            self._renew_at = self._expires_at - min(_EARLY, life * _EARLY_PART)
            self._current = token
            return token

    def invalidate(self, token: Token) -> bool:
        """Forget the token if it is still the current one; a hundred refusals of one token lead to one fetch."""
        if self._current is token:
            self._current = None
        return True

    def _raise_throttled(self) -> None:
        """Raise the latest failure again while the issuer requests to wait (Retry-After)."""
        if (left := self._throttled_until - current_time()) > CLOCK_RESOLUTION:
            raise TokenUnavailableError(str(self._failure), retry_after=left)

    async def _fetch_once(self) -> Token:
        began = current_time()
        try:
            token = await self._call_fetch()
        except SynchronizationError as exc:
            self._record_fetch(exc, began)
            raise
        self._record_fetch(None, began)
        return token

    def _record_fetch(self, failure: SynchronizationError | None, began: float) -> None:
        self._fetches += 1
        self._failure = copy(failure)  # a copy: the caller may add notes to the failure itself
        if self._failure is not None and failure is not None:
            self._failure.__cause__ = failure.__cause__
        if isinstance(failure, TokenUnavailableError) and failure.retry_after is not None:
            self._throttled_until = current_time() + min(failure.retry_after, MAX_RETRY_AFTER)
        self._hooks(TokenRecord(duration=current_time() - began, error=failure))

    async def _call_fetch(self) -> Token:
        try:
            fetched = await _awaitable(self._fetch())
            return Token(value=fetched) if isinstance(fetched, str) else checked(fetched)
        except SynchronizationError:
            raise
        except Exception as exc:  # the caller's own code may raise anything; its text may quote a secret
            where = _place(exc)
            _remove_tracebacks(exc)
            raise TokenUnavailableError(
                f"The token source failed with {type(exc).__name__}{where}; its own error is the cause of this one."
            ) from exc


def _awaitable(fetching: Awaitable[str | Token] | object) -> Awaitable[str | Token]:
    if not isinstance(fetching, Awaitable):
        raise ConfigurationError(
            f"The token source must be a coroutine function (async def): it returned {type(fetching).__name__}."
        )
    return fetching


def _place(error: Exception) -> str:
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return ""
    frame, line = frames[-1]
    return f" in {Path(frame.f_code.co_filename).name}, line {line}"


def _remove_tracebacks(error: BaseException) -> None:
    """Let an exception and those behind it go of their frames, whose variables may be large or secret."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            left += [one.__cause__, one.__context__]
            left += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
