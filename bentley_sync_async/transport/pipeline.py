"""What every request of a client passes: retry around (gate -> turnstile -> auth -> send -> problem), each attempt."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from copy import copy
from itertools import count

import anyio
from attrs import evolve

from bentley_sync_async.config import Timeouts
from bentley_sync_async.errors import (
    APIError,
    AuthenticationError,
    ProtocolError,
    RequestTimeoutError,
    SynchronizationError,
    TokenUnavailableError,
)
from bentley_sync_async.redaction import redact, without
from bentley_sync_async.wire.problems import api_error

from .gate import Gate
from .hooks import GateRecord, Hooks, RequestRecord, RetryRecord
from .messages import Request, Response, Transport
from .retry import RetryPolicy, not_processed
from .tokens import Token, TokenSource
from .turnstile import CALL, Passage, Turn, Turnstile

ACCEPT = "application/vnd.bentley.itwin-platform.v1+json"

_SHORTEST_SECRET = 16
"""Characters of a token below which it is none, but a stand-in that may also be a word of the answer."""

_SPREAD, _LONGEST_SPREAD = 0.1, 5.0

_FIRST_REDIRECT, _SEE_OTHER, _FIRST_ERROR, _NOT_FOUND = 300, 303, 400, 404


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
        gate: Gate | None = None,
        turnstile: Turnstile | None = None,
        patient: bool = False,
        hooks: Hooks | None = None,
    ) -> None:
        """Make a pipeline.

        Args:
            transport: What carries the requests.
            tokens: Where their tokens come from.
            base_url: The platform's root, without a trailing slash.
            timeouts: For one request and for one call.
            retry: When to try again.
            gate: What pauses all requests of a client after a throttle.
            hooks: Who is told of requests, retries and throttles.
            turnstile: Where all requests of a client wait for their turn.
            patient: Whether a call waits at the gate and for its turn however long it takes, without counting that.
        """
        self.base_url = base_url
        self._transport = transport
        self._tokens = tokens
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._gate = gate or Gate()
        self._turnstile = turnstile or Turnstile()
        self._patient = patient
        self._tell = hooks or Hooks()

    def without_retries(self) -> Pipeline:
        """Return the same pipeline for callers that have a patience of their own, such as a watch."""
        return Pipeline(
            self._transport,
            self._tokens,
            base_url=self.base_url,
            timeouts=self._timeouts,
            retry=RetryPolicy(attempts=1),
            gate=self._gate,
            turnstile=self._turnstile,
            patient=True,
            hooks=self._tell,
        )

    def url(self, path: str) -> str:
        """Return the URL of a path of the API, such as `imodels/storageconnections`."""
        return f"{self.base_url}/synchronization/{path}"

    async def call(self, request: Request, *, see_other: bool = False, turn: Turn = CALL) -> Response:
        """Send a request, again if that is safe and may help, within `Timeouts.call`.

        Args:
            request: What to send.
            see_other: Whether 303 is an answer that the operation has.
            turn: What the request is for, which decides whose turn comes first.

        Returns:
            The answer, if its status is 2xx, or 303 where that is an answer.

        Raises:
            APIError: The service refused it.
            TransportError: No whole answer came.
            ProtocolError: A redirect, or another status that the API does not have.
            TokenError: There was no token.
        """
        ends = anyio.current_time() + self._timeouts.call
        maybe_done = False
        attempt = 1
        sends = count()
        while True:
            ends += await self._pass_gate(ends)
            if not self._patient and ends < self._turnstile.opens() < math.inf:
                raise self._used_up(request)
            try:
                return await self.attempt(request, ends=ends, see_other=see_other, sends=sends, turn=turn)
            except SynchronizationError as error:
                self._note(error)
                if maybe_done and request.method == "DELETE" and _is_not_found(error):
                    return Response(status=204)  # an earlier attempt, whose answer was lost, has deleted it
                wait = self._retry.wait(
                    error,
                    method=request.method,
                    attempt=attempt,
                    left=ends - anyio.current_time(),
                    chance=random.random(),  # noqa: S311 - spreads retries, keeps no secret
                )
                if wait is None:
                    raise
                maybe_done |= not not_processed(error)
                url = redact(request.url)
                self._tell(RetryRecord(method=request.method, url=url, cause=error, attempt=attempt, delay=wait))
            await anyio.sleep(wait)
            attempt += 1

    def _note(self, error: SynchronizationError) -> None:
        now = anyio.current_time()
        closed = self._gate.opens_at
        self._gate.note(error, now)
        if self._gate.opens_at > closed:
            self._tell(GateRecord(cause=error, delay=self._gate.wait(now)))

    async def _pass_gate(self, ends: float) -> float:
        """Wait until the gate is open; return the seconds of that which do not count against the call.

        Raises:
            APIError: The throttle that closed the gate, if it stays closed for longer than a call may wait.
        """
        waited = 0.0
        while (closed := self._gate.wait(anyio.current_time())) > 0:
            too_long = closed > self._retry.retry_after_ceiling or anyio.current_time() + closed >= ends
            if too_long and not self._patient and self._gate.cause is not None:
                raise copy(self._gate.cause)
            # Those that wait do not all go on at the same instant.
            wait = closed + min(closed * _SPREAD, _LONGEST_SPREAD) * random.random()  # noqa: S311
            await anyio.sleep(wait)
            waited += wait
        return waited if self._patient else 0.0

    async def attempt(
        self,
        request: Request,
        *,
        ends: float = math.inf,
        see_other: bool = False,
        sends: Iterator[int] | None = None,
        turn: Turn = CALL,
    ) -> Response:
        """Send a request once, or twice if the first token was refused and there is another. Raises as `call` does.

        Args:
            request: What to send.
            ends: The instant of the event loop's clock at which the last answer must be there.
            see_other: As for `call`.
            sends: Numbers what the call sends, from 0.
            turn: As for `call`.
        """
        sends = count() if sends is None else sends
        began = anyio.current_time()
        with await self._passage(request, turn, ends) as passage:
            ends += anyio.current_time() - began if self._patient else 0.0
            token = await self._token(ends)
            try:
                return await self._send(request, token, ends, see_other=see_other, resends=next(sends), passage=passage)
            except AuthenticationError:
                if not self._tokens.invalidate(token):
                    raise
        with await self._passage(request, turn, ends) as passage:
            token = await self._token(ends)
            return await self._send(request, token, ends, see_other=see_other, resends=next(sends), passage=passage)

    async def _passage(self, request: Request, turn: Turn, ends: float) -> Passage:
        """Wait for the request's turn.

        Raises:
            RequestTimeoutError: It does not come in time; nothing was sent.
        """
        with anyio.CancelScope(deadline=math.inf if self._patient else ends):
            return await self._turnstile.enter(turn)
        raise self._used_up(request)

    def _used_up(self, request: Request) -> RequestTimeoutError:
        use = self._turnstile.use()
        return RequestTimeoutError(
            f"its turn does not come within the {self._timeouts.call:g} s of the call: {use.under_way} requests are "
            f"under way (max_connections), and {use.minute.used} were sent in a minute, {use.hour.used} in an hour "
            f"(tier {use.tier.name}, share {use.share:g}); wait, ask for less at once, or raise what is too low",
            method=request.method,
            url=redact(request.url),
            sent=False,
        )

    async def _token(self, ends: float) -> Token:
        token: Token | None = None
        with anyio.CancelScope(deadline=ends):
            token = await self._tokens.token()
        if token is None:
            raise TokenUnavailableError(f"No token came within the {self._timeouts.call:g} s of the call.")
        return token

    async def _send(
        self, request: Request, token: Token, ends: float, *, see_other: bool, resends: int, passage: Passage
    ) -> Response:
        began = anyio.current_time()
        response: Response | None = None
        error: SynchronizationError | None = None
        try:
            passage.sent = True
            response = await self._exchange(request, token, ends)
            passage.answered(response.status, response.headers)
            self._check(request, response, see_other=see_other)
        except SynchronizationError as exc:
            error = exc
            raise
        else:
            self._gate.passed()
            return response
        finally:
            if response is not None or error is not None:  # else it was cancelled
                self._tell(
                    RequestRecord(
                        method=request.method,
                        url=redact(request.url),
                        status=response.status if response is not None else None,
                        error=error,
                        duration=anyio.current_time() - began,
                        size=len(response.body) if response is not None else 0,
                        resends=resends,
                    )
                )

    async def _exchange(self, request: Request, token: Token, ends: float) -> Response:
        timeout = min(self._timeouts.request, ends - anyio.current_time())
        headers = {"Accept": ACCEPT, **request.headers, "Authorization": f"Bearer {token.value}"}
        authorized = Request(method=request.method, url=request.url, headers=headers, body=request.body)
        response = await self._transport.send(authorized, timeout=timeout)
        if len(token.value) < _SHORTEST_SECRET:
            return response
        return evolve(response, body=without(token.value, response.body))

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


def _is_not_found(error: SynchronizationError) -> bool:
    return isinstance(error, APIError) and error.status == _NOT_FOUND
