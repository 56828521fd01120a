"""The pipeline of every request: retries around (throttle -> permit -> token -> send -> problem), for each attempt.

No request is sent during a throttle, however long it waited for its permit and token: if the throttle began while it
waited, it releases its permit and waits for the end of the throttle. The token comes after the permit, as a permit may
take an hour, and a token is valid for an hour.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from copy import copy

import anyio
from attrs import define

from bentley_sync_async.config import Timeouts
from bentley_sync_async.errors import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ProtocolError,
    RequestTimeoutError,
    SynchronizationError,
    TokenUnavailableError,
)
from bentley_sync_async.redaction import redact
from bentley_sync_async.transport.messages import SYNCHRONIZATION, Product
from bentley_sync_async.wire.headers import retry_after
from bentley_sync_async.wire.problems import api_error

from .clock import current_time
from .hooks import Hook, Hooks, RequestRecord, RetryRecord, ThrottleRecord
from .messages import Request, Response, Transport, without_secret
from .rate_limit.limiter import CALL, Permit, Priority, RateLimiter
from .rate_limit.throttle import Throttle
from .retry import RetryPolicy, not_processed, requested_wait
from .tasks import ClientTasks
from .tokens import ReadyTokenSource, Token, TokenSource, checked

_SPREAD, _LONGEST_SPREAD = 0.1, 5.0

_SHORTEST_SECRET = 16
"""A token of fewer characters, such as one in a test, may also be a word of the answer, and is not removed from it."""

_FIRST_ERROR = 400

_SUCCESS = {"GET": 200, "POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}
"""The status with which the operations of a method succeed, by their pages; a trigger has others."""


@define
class _Call:
    """One logical call: when it has to end, how often it was sent, and whether it gave up waiting to be sent."""

    request: Request
    ends: float
    expected: frozenset[int]
    priority: Priority
    sends: int = 0
    waited: float = 0.0
    gave_up: bool = False


class _ThrottledError(Exception):
    """A throttle began while the request waited for its connection; it was not sent."""


class Pipeline:
    """Sends requests to the API of one base URL, with the tokens of one client.

    Attributes:
        base_url: The platform's root, without a trailing slash.
        tasks: The tasks of the client.
        timeouts: For one request, for one call, and for leaving the client.
    """

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
            transport: Carries the requests.
            tokens: Where their tokens come from.
            base_url: The platform's root, without a trailing slash.
            timeouts: For one request and for one call.
            retry: When a call is retried.
            limiter: The rate limiter of the client.
            hooks: Called for requests, retries and throttles.
        """
        self.base_url = base_url
        self.tasks = ClientTasks()
        self._transport = transport
        self._tokens = tokens
        self._ready = tokens.ready if isinstance(tokens, ReadyTokenSource) else _not_ready
        self.timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._throttle = Throttle()
        self._limiter = limiter or RateLimiter()
        self.tasks.binding.on_new_loop(self._limiter.reset)
        self._waits_indefinitely = False
        self._hooks = hooks or Hooks()

    def without_retries(self) -> Pipeline:
        """Return the same pipeline for callers with retries of their own, such as a watch.

        Both share the throttle and the permits. Calls without retries wait for them however long it takes, and the wait
        does not count towards `Timeouts.call`.
        """
        other = copy(self)
        other._retry, other._waits_indefinitely = RetryPolicy(attempts=1), True
        return other

    def with_hook(self, hook: Hook) -> Pipeline:
        """Return the same pipeline with one more hook."""
        other = copy(self)
        other._hooks = self._hooks.with_hook(hook)
        return other

    def url(self, path: str, product: Product = SYNCHRONIZATION) -> str:
        """Return the URL of a path of an API product, such as `imodels/storageconnections`."""
        return f"{self.base_url}/{product.path}/{path}"

    async def send_without_token(self, request: Request) -> Response:
        """Send a request to another server, such as one with a signed URL: once, and counted and recorded nowhere."""
        self.tasks.binding.check()
        return await self._transport.send(request, timeout=self.timeouts.request)

    async def call(
        self, request: Request, *, expected: frozenset[int] | None = None, priority: Priority = CALL
    ) -> Response:
        """Send a request, and retry it if that is safe and may help, within `Timeouts.call`.

        Args:
            request: What to send.
            expected: The statuses with which the operation succeeds; `None` for the usual one of its method.
            priority: What the request is for, and so its place in the queue for permits.

        Returns:
            The answer, with one of the expected statuses.

        Raises:
            APIError: The service refused it.
            TransportError: No whole answer came.
            ProtocolError: The answer is a redirect, or has another status that the operation does not have.
            TokenError: There is no token.
            UsageError: The client belongs to another event loop, thread or process.
        """
        self.tasks.binding.check()
        expected = expected or frozenset({_SUCCESS[request.method]})
        call = _Call(request, current_time() + self.timeouts.call, expected, priority)
        maybe_done = False
        attempt = 1
        while True:
            try:
                return await self._attempt(call)
            except SynchronizationError as error:
                if maybe_done and request.method == "DELETE" and isinstance(error, NotFoundError):
                    return Response(status=204)  # an earlier attempt whose answer was lost has deleted it
                wait = self._retry.wait(
                    error,
                    method=request.method,
                    attempt=attempt,
                    left=call.ends - current_time(),
                    chance=random.random(),  # noqa: S311 - spreads retries, keeps no secret
                )
                if wait is None or call.gave_up:
                    raise error.with_traceback(None)  # noqa: B904 - the same error; its frames hold the whole answer
                maybe_done |= not not_processed(error)
                url = redact(request.url)
                self._hooks(RetryRecord(method=request.method, url=url, cause=error, attempt=attempt, delay=wait))
            await anyio.sleep(wait)
            attempt += 1

    async def _attempt(self, call: _Call) -> Response:
        """Send the request once, or twice if the first token was refused and there is another."""
        renewed = False
        while True:
            token, permit = self._try_admit(call) or await self._admit(call)
            try:
                return await self._send(call, token, permit)
            except _ThrottledError:
                continue
            except AuthenticationError:
                if renewed or not self._tokens.invalidate(token):
                    raise
                renewed = True

    def _try_admit(self, call: _Call) -> tuple[Token, Permit] | None:
        """Return a token and a permit if the call need not wait for either; see `_admit`."""
        now = current_time()
        token = None if self._remaining(now) else self._ready()
        permit = self._limiter.try_acquire(call.priority, now) if token is not None else None
        return (token, permit) if token is not None and permit is not None else None

    async def _admit(self, call: _Call) -> tuple[Token, Permit]:
        """Wait until there is a token and a permit and no throttle, all at the same time; `_send` releases the permit.

        Raises:
            APIError: The answer that began the throttle, if it lasts for longer than the call may wait.
            RequestTimeoutError: There was no permit in time.
            TokenError: There is no token.
        """
        began = current_time()
        try:
            while True:
                await self._await_throttle(call)
                permit = await self._acquire_permit(call)
                try:
                    token = self._ready() or await self._token(call.ends)
                except BaseException:
                    permit.release()
                    raise
                if not self._remaining(current_time()):
                    return token, permit
                permit.release()
        except TokenUnavailableError as error:
            if (task := self.tasks.current()) is not None:
                task.request_wait(requested_wait(error))
            raise
        finally:
            waited = current_time() - began
            call.waited += waited
            if (task := self.tasks.current()) is not None:
                task.waited += waited

    def _remaining(self, now: float) -> float:
        """Return the seconds until a request may be sent: of the throttle, and what the service requested."""
        throttled = self._throttle.remaining(now)
        task = self.tasks.current()
        return throttled if task is None else max(throttled, task.requested_wait())

    async def _await_throttle(self, call: _Call) -> None:
        while (remaining := self._remaining(now := current_time())) > 0:
            # Spread, so that the calls which wait for a throttle do not all continue at the same instant.
            throttled = self._throttle.remaining(now)
            throttled += min(throttled * _SPREAD, _LONGEST_SPREAD) * random.random()  # noqa: S311
            wait = max(remaining, throttled)
            too_long = remaining > self._retry.retry_after_ceiling or now + wait >= call.ends
            if too_long and not self._waits_indefinitely and self._throttle.cause is not None:
                call.gave_up = True
                raise copy(self._throttle.cause)
            await anyio.sleep(wait)
            self._extend(call, since=now)

    async def _acquire_permit(self, call: _Call) -> Permit:
        began = current_time()
        if self._waits_indefinitely or not call.ends < self._limiter.available_at() < math.inf:
            with anyio.CancelScope(deadline=math.inf if self._waits_indefinitely else call.ends):
                permit = await self._limiter.acquire(call.priority)
                self._extend(call, since=began)
                return permit
        call.gave_up = True
        use = self._limiter.use()
        raise RequestTimeoutError(
            f"there is no permit within the {self.timeouts.call:g} s of the call: {use.under_way} requests are "
            f"under way (max_connections), and {use.minute.used} were sent in a minute, {use.hour.used} in an hour "
            f"(tier {use.tier.name}, share {use.share:g}); wait, make fewer calls at once, or raise a limit",
            method=call.request.method,
            url=redact(call.request.url),
            sent=False,
        )

    def _extend(self, call: _Call, *, since: float) -> None:
        """Extend a call without retries by the time that it waited."""
        if self._waits_indefinitely:
            call.ends += current_time() - since

    async def _token(self, ends: float) -> Token:
        with anyio.CancelScope(deadline=ends):
            return checked(await self._tokens.token())
        raise TokenUnavailableError(f"No token came within the {self.timeouts.call:g} s of the call.")

    async def _send(self, call: _Call, token: Token, permit: Permit) -> Response:
        """Send the request, and release its permit."""
        request, resends = call.request, call.sends
        call.sends += 1
        began = current_time()
        response: Response | None = None
        error: SynchronizationError | None = None
        task = self.tasks.current()

        def before_send() -> None:
            permit.sent = False
            if self._throttle.remaining(current_time()):
                call.sends -= 1
                raise _ThrottledError
            if request.before_send is not None:
                request.before_send()
            permit.sent = True

        try:
            permit.sent = True
            timeout = min(self.timeouts.request, call.ends - began)
            before_send()
            if task is not None:
                task.begin(request)
            try:
                answer = await self._transport.send(_authorized(request, token, before_send), timeout=timeout)
            finally:
                if task is not None:
                    task.end()
            response = without_secret(_secret(token), answer)
            permit.observe(response.status, response.headers)
            if task is not None and (wait := retry_after(response.headers)):
                task.request_wait(wait)
            self._check(request, response, call.expected)
        except SynchronizationError as exc:
            error = exc
            permit.sent = not isinstance(exc, ConfigurationError) and getattr(exc, "sent", True)
            raise
        else:
            self._throttle.observe_success()
            return response
        finally:
            permit.release()
            cancelled = response is None and error is None
            if not cancelled and self._hooks.wants(RequestRecord):
                self._hooks(
                    RequestRecord(
                        method=request.method,
                        url=redact(request.url),
                        status=response.status if response is not None else None,
                        error=error,
                        duration=current_time() - began,
                        size=len(response.body) if response is not None else 0,
                        resends=resends,
                        waited=call.waited,
                    )
                )
            if error is not None:
                self._observe_throttle(error)
            error = None  # otherwise the error and this frame would hold each other

    def _observe_throttle(self, error: SynchronizationError) -> None:
        now = current_time()
        # A copy: the caller may add notes to the error itself.
        if self._throttle.observe(copy(error), now):
            self._hooks(ThrottleRecord(cause=error, delay=self._throttle.remaining(now)))

    @staticmethod
    def _check(request: Request, response: Response, expected: frozenset[int]) -> None:
        if response.status in expected:
            return
        if response.status >= _FIRST_ERROR:
            raise api_error(
                status=response.status,
                headers=response.headers,
                body=response.body,
                method=request.method,
                url=request.url,
            )
        raise ProtocolError(
            f"{request.method} {redact(request.url)} answered {response.status}, and the operation has "
            f"{' and '.join(map(str, sorted(expected)))} only. Redirects are never followed, as the token would go "
            "with them. Check base_url, and the proxies and gateways between this client and the service."
        )


def _authorized(request: Request, token: Token, before_send: Callable[[], None]) -> Request:
    headers = {**SYNCHRONIZATION.headers, **request.headers, "Authorization": f"Bearer {token.value}"}
    return Request(
        method=request.method,
        url=request.url,
        headers=headers,
        body=request.body,
        before_send=before_send,
        secret=_secret(token),
    )


def _secret(token: Token) -> str:
    return token.value if len(token.value) >= _SHORTEST_SECRET else ""


def _not_ready() -> None:
    return None
