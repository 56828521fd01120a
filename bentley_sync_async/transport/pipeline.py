"""What every request of a client passes: retry around (gate -> turn -> token -> send -> problem), for each attempt.

No request leaves while the gate is closed, however long it waited for its turn and its token: when it has both and the
gate was closed meanwhile, it gives its turn back and waits at the gate again. The token comes last, as a turn may be an
hour away, and a token is good for an hour.
"""

from __future__ import annotations

import math
import random
from copy import copy

import anyio
from attrs import define, evolve

from bentley_sync_async.config import Timeouts
from bentley_sync_async.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ProtocolError,
    RequestTimeoutError,
    SynchronizationError,
    TokenUnavailableError,
)
from bentley_sync_async.redaction import redact, without
from bentley_sync_async.wire.problems import api_error

from .clock import current_time
from .hooks import Hook, Hooks, RequestRecord, RetryRecord, ThrottleRecord
from .messages import Request, Response, Transport
from .rate_limit.limiter import CALL, Permit, Priority, RateLimiter
from .rate_limit.throttle import Throttle
from .retry import RetryPolicy, not_processed
from .tokens import ReadyTokenSource, Token, TokenSource

ACCEPT = "application/vnd.bentley.itwin-platform.v1+json"

_SHORTEST_SECRET = 16
"""Characters of a token below which it is none, but a stand-in that may also be a word of the answer."""

_SPREAD, _LONGEST_SPREAD = 0.1, 5.0

_FIRST_REDIRECT, _SEE_OTHER, _FIRST_ERROR, _NOT_FOUND = 300, 303, 400, 404


@define
class _Call:
    """One logical call on its way: when it has to end, how often it was sent, and whether it waits no longer."""

    request: Request
    ends: float
    see_other: bool
    priority: Priority
    sends: int = 0
    rejected: bool = False


class Pipeline:
    """Sends requests to the API of one base URL, with that client's tokens."""

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        *,
        base_url: str,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        limiter: RateLimiter | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Make a pipeline.

        Args:
            transport: What carries the requests.
            tokens: Where their tokens come from.
            base_url: The platform's root, without a trailing slash.
            timeouts: For one request and for one call.
            retry: When to try again.
            turnstile: Where all requests of a client wait for their turn.
            hooks: Who is told of requests, retries and throttles.
        """
        self.base_url = base_url
        self._transport = transport
        self._tokens = tokens
        self._ready = tokens.ready if isinstance(tokens, ReadyTokenSource) else _nothing
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._throttle = Throttle()
        self._limiter = limiter or RateLimiter()
        self._waits_indefinitely = False
        self._emit = hooks or Hooks()

    def without_retries(self) -> Pipeline:
        """Return the same pipeline for callers that have a patience of their own, such as a watch.

        Its calls wait for the gate and their turn, which both pipelines share, however long it takes, and that time
        does not count.
        """
        twin = copy(self)
        twin._retry, twin._waits_indefinitely = RetryPolicy(attempts=1), True
        return twin

    def with_hook(self, hook: Hook) -> Pipeline:
        """Return the same pipeline for requests of which somebody else is told as well."""
        reported = copy(self)
        reported._emit = self._emit.with_hook(hook)
        return reported

    def url(self, path: str) -> str:
        """Return the URL of a path of the API, such as `imodels/storageconnections`."""
        return f"{self.base_url}/synchronization/{path}"

    async def call(self, request: Request, *, see_other: bool = False, priority: Priority = CALL) -> Response:
        """Send a request, again if that is safe and may help, within `Timeouts.call`.

        Args:
            request: What to send.
            see_other: Whether 303 is an answer that the operation has.
            turn: What it is for, and so whose turn comes first.

        Returns:
            The answer, if its status is 2xx, or 303 where that is an answer.

        Raises:
            APIError: The service refused it.
            TransportError: No whole answer came.
            ProtocolError: A redirect, or another status that the API does not have.
            TokenError: There was no token.
        """
        call = _Call(request, current_time() + self._timeouts.call, see_other, priority)
        maybe_done = False
        attempt = 1
        while True:
            try:
                return await self._attempt(call)
            except SynchronizationError as error:
                if maybe_done and request.method == "DELETE" and _is_not_found(error):
                    return Response(status=204)  # an earlier attempt, whose answer was lost, has deleted it
                wait = self._retry.wait(
                    error,
                    method=request.method,
                    attempt=attempt,
                    left=call.ends - current_time(),
                    chance=random.random(),  # noqa: S311 - spreads retries, keeps no secret
                )
                if wait is None or call.rejected:
                    raise
                maybe_done |= not not_processed(error)
                url = redact(request.url)
                self._emit(RetryRecord(method=request.method, url=url, cause=error, attempt=attempt, delay=wait))
            await anyio.sleep(wait)
            attempt += 1

    async def _attempt(self, call: _Call) -> Response:
        """Send the request once, or twice if the first token was refused and there is another."""
        token, permit = self._try_admit(call) or await self._admit(call)
        try:
            return await self._send(call, token, permit)
        except AuthenticationError:
            if not self._tokens.invalidate(token):
                raise
        return await self._send(call, *await self._admit(call))

    def _try_admit(self, call: _Call) -> tuple[Token, Permit] | None:
        """Return what the call needs if all of it is there at once; see `_admitted`."""
        now = current_time()
        token = None if self._throttle.wait(now) else self._ready()
        permit = self._limiter.try_acquire(call.priority, now) if token is not None else None
        return (token, permit) if token is not None and permit is not None else None

    async def _admit(self, call: _Call) -> tuple[Token, Permit]:
        """Wait until it is the call's turn, it has a token and the gate is open, all at once; `_send` ends the turn.

        Raises:
            APIError: The throttle that closed the gate, if it stays closed for longer than a call may wait.
            RequestTimeoutError: Its turn did not come in time.
            TokenError: There was no token.
        """
        while True:
            await self._await_throttle(call)
            permit = await self._acquire_permit(call)
            try:
                token = self._ready() or await self._token(call.ends)
            except BaseException:
                permit.leave()
                raise
            if not self._throttle.wait(current_time()):
                return token, permit
            permit.leave()

    async def _await_throttle(self, call: _Call) -> None:
        while (closed := self._throttle.wait(now := current_time())) > 0:
            # Those that wait do not all go on at the same instant.
            wait = closed + min(closed * _SPREAD, _LONGEST_SPREAD) * random.random()  # noqa: S311
            too_long = closed > self._retry.retry_after_ceiling or now + wait >= call.ends
            if too_long and not self._waits_indefinitely and self._throttle.cause is not None:
                call.rejected = True
                raise copy(self._throttle.cause)
            await anyio.sleep(wait)
            self._waited(call, now)

    async def _acquire_permit(self, call: _Call) -> Permit:
        began = current_time()
        if self._waits_indefinitely or not call.ends < self._limiter.opens() < math.inf:
            with anyio.CancelScope(deadline=math.inf if self._waits_indefinitely else call.ends):
                permit = await self._limiter.enter(call.priority)
                self._waited(call, began)
                return permit
        call.rejected = True
        use = self._limiter.use()
        raise RequestTimeoutError(
            f"its turn does not come within the {self._timeouts.call:g} s of the call: {use.under_way} requests are "
            f"under way (max_connections), and {use.minute.used} were sent in a minute, {use.hour.used} in an hour "
            f"(tier {use.tier.name}, share {use.share:g}); wait, ask for less at once, or raise what is too low",
            method=call.request.method,
            url=redact(call.request.url),
            sent=False,
        )

    def _waited(self, call: _Call, since: float) -> None:
        if self._waits_indefinitely:
            call.ends += current_time() - since

    async def _token(self, ends: float) -> Token:
        token: Token | None = None
        with anyio.CancelScope(deadline=ends):
            token = await self._tokens.token()
        if token is None:
            raise TokenUnavailableError(f"No token came within the {self._timeouts.call:g} s of the call.")
        return token

    async def _send(self, call: _Call, token: Token, permit: Permit) -> Response:
        """Send the request in the call's turn, and end the turn."""
        request, resends = call.request, call.sends
        call.sends += 1
        began = current_time()
        response: Response | None = None
        error: SynchronizationError | None = None
        try:
            permit.sent = True
            timeout = min(self._timeouts.request, call.ends - began)
            response = _without(token, await self._transport.send(_authorized(request, token), timeout=timeout))
            permit.answered(response.status, response.headers)
            self._check(request, response, see_other=call.see_other)
        except SynchronizationError as exc:
            error = exc
            permit.sent = not isinstance(exc, ConfigurationError) and getattr(exc, "sent", True)
            raise
        else:
            self._throttle.passed()
            return response
        finally:
            permit.leave()
            cancelled = response is None and error is None
            if not cancelled and self._emit.wants(RequestRecord):
                self._emit(
                    RequestRecord(
                        method=request.method,
                        url=redact(request.url),
                        status=response.status if response is not None else None,
                        error=error,
                        duration=current_time() - began,
                        size=len(response.body) if response is not None else 0,
                        resends=resends,
                    )
                )
            if error is not None:
                self._note(error)

    def _note(self, error: SynchronizationError) -> None:
        now = current_time()
        # A copy, as whoever is handed the error itself may note things on it.
        if self._throttle.note(copy(error), now):
            self._emit(ThrottleRecord(cause=error, delay=self._throttle.wait(now)))

    @staticmethod
    def _check(request: Request, response: Response, *, see_other: bool) -> None:
        if response.status >= _FIRST_ERROR:
            raise api_error(
                status=response.status,
                headers=response.headers,
                body=response.body,
                method=request.method,
                url=request.url,
            )
        if response.status >= _FIRST_REDIRECT and not (see_other and response.status == _SEE_OTHER):
            raise ProtocolError(
                f"{request.method} {redact(request.url)} answered {response.status}; redirects are never followed, "
                "as the token would go with them. Check base_url."
            )


def _authorized(request: Request, token: Token) -> Request:
    headers = {"Accept": ACCEPT, **request.headers, "Authorization": f"Bearer {token.value}"}
    return Request(method=request.method, url=request.url, headers=headers, body=request.body)


def _without(token: Token, response: Response) -> Response:
    """Return the answer without the token, should its body quote it."""
    if len(token.value) < _SHORTEST_SECRET:
        return response
    body = without(token.value, response.body)
    return response if body is response.body else evolve(response, body=body)


def _nothing() -> None:
    return None


def _is_not_found(error: SynchronizationError) -> bool:
    return isinstance(error, APIError) and error.status == _NOT_FOUND
