"""HTTP with aiohttp: the only module of the client that imports it."""

from __future__ import annotations

import math
import platform
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from contextvars import ContextVar
from typing import Final, Self

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from anyio import AsyncContextManagerMixin
from yarl import URL

from bentley_sync_async._version import __version__
from bentley_sync_async.errors import (
    ConfigurationError,
    ConnectionLostError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TransportError,
    UsageError,
)
from bentley_sync_async.redaction import excerpt, redact, without_in_text

from .clock import running_loop
from .messages import Request, Response
from .timeouts import RequestTimeouts

USER_AGENT: Final = (
    f"bentley-sync-async/{__version__} (Python {platform.python_version()}; aiohttp {aiohttp.__version__})"
)

_SMALL, _MOST_COMPRESSED = 2**20, 200
"""An answer of more bytes than that may be this many times as large as what was sent of it."""

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class _BrokenError(Exception):
    """A connection broke. aiohttp resends a request by itself after exceptions of its own, but not after this one."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class _SendOnce:
    """A middleware for one request, which is nearer to the wire than all that a session passed in may add to it.

    It keeps aiohttp from resending a GET, PUT or DELETE whose connection broke: the pipeline decides on retries. And it
    sets the request's own Authorization, or none, in place of one that aiohttp took from a .netrc file.
    """

    __slots__ = ("_authorization",)

    def __init__(self, authorization: str | None) -> None:
        self._authorization = authorization

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers.pop("Authorization", None)
        if self._authorization is not None:
            request.headers["Authorization"] = self._authorization
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
            raise _BrokenError(exc) from exc


_before_send: ContextVar[Callable[[], None] | None] = ContextVar("before_send", default=None)
"""`Request.before_send` of the request that waits for its connection."""


class _Connector(aiohttp.TCPConnector):
    """Calls `Request.before_send` when there is a connection, and drops idle connections with unrequested bytes.

    The next request on a connection on which the server sent something without a request would take it for its answer.
    aiohttp checks this when a connection returns to its pool, but not when it leaves it. An early answer on a new
    connection is valid, though: a server that is too busy may answer before it reads the request.
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        if (before_send := _before_send.get()) is not None:
            try:
                before_send()
            except BaseException:
                connection.release()
                raise
        return connection

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is None or not connection.protocol.should_close:
                break
            connection.close()
        return connection


def connection_limit(session: aiohttp.ClientSession | None, wanted: int) -> int:
    """Return how many requests may be under way at a time: as many as wanted, or the limit of a session passed in.

    A request that waits for a connection of its connector would pass the throttle too early, and count as sent.
    """
    connector = session.connector if session is not None else None
    limits = (connector.limit, connector.limit_per_host) if connector is not None else ()
    return min([wanted, *(limit for limit in limits if limit)])  # 0 is no limit


def _check_session(session: aiohttp.ClientSession) -> None:
    if "Authorization" in session.headers or session.auth is not None:
        raise ConfigurationError(
            "The session passed in adds its own Authorization to every request, other hosts' included. "
            "Pass one without, and give the token to the client."
        )
    if session.closed:
        raise ConfigurationError("The session passed in is closed. Pass one that is open as long as the client is.")
    # aiohttp has no public name for it but one that is deprecated; a test fails if this one goes.
    if (loop := running_loop()) is not None and getattr(session, "_loop", loop) is not loop:
        raise UsageError(
            "The session passed in belongs to another event loop. Make session and client in the same one."
        )


class AiohttpTransport(AsyncContextManagerMixin):
    """A `Transport` over an `aiohttp.ClientSession`, passed in or its own.

    Use it as an async context manager. A session of its own keeps no cookies, has as many connections as there are
    requests under way (the rate limiter bounds them) and is closed at the end; a session that was passed in stays open.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None = None,
        connect_timeout: float = 10.0,
        max_body_bytes: int = 2**26,
    ) -> None:
        """Make a transport.

        Args:
            session: A session to use, for its proxy, TLS or connector; `None` for one of its own. Its client
                middlewares are not applied; its cookie jar is, so give it an `aiohttp.DummyCookieJar`. aiohttp's own
                connectors take what a server sends without a request for the answer to the next one; ours does not.
            connect_timeout: Seconds to make a connection.
            max_body_bytes: The largest body of an answer, decompressed.

        Raises:
            ConfigurationError: The session adds credentials of its own to every request.
        """
        if session is not None:
            _check_session(session)
        self._session = session
        self._session_passed_in = session is not None
        self._connect_timeout = connect_timeout
        # Without aiohttp's own total timeout: it does not cover a body on a connection that aiohttp has released, and
        # rounds longer timeouts up to whole seconds.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, ceil_threshold=math.inf)
        self._request_timeouts = RequestTimeouts()
        self._max_body_bytes = max_body_bytes

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        # New ones each time: the event loop may be another one, and requests still under way keep their own.
        self._request_timeouts = RequestTimeouts()
        with closing(self._request_timeouts):
            if self._session is not None:
                yield self
                return
            async with aiohttp.ClientSession(connector=_Connector(limit=0), cookie_jar=aiohttp.DummyCookieJar()) as own:
                self._session = own
                try:
                    yield self
                finally:
                    self._session = None

    async def send(self, request: Request, *, timeout: float) -> Response:
        """Send one request; see `Transport.send`."""
        if self._session is None:
            raise ConfigurationError(
                "The client is not open: use it in `async with SynchronizationClient(...) as client`."
            )
        if self._session_passed_in:
            _check_session(self._session)
        failures: list[TransportError] = []
        try:
            reset = _before_send.set(request.before_send)
            try:
                with self._request_timeouts.within(timeout):
                    return await self._exchange(self._session, request)
            finally:
                _before_send.reset(reset)
        except (_BrokenError, aiohttp.ClientError, OSError) as exc:  # a TimeoutError is an OSError
            failures.append(self._failure(request, exc.error if isinstance(exc, _BrokenError) else exc, timeout))
        # Outside the handler, where aiohttp's error would become the context of ours: it may hold the request's token,
        # and its frames hold the answer.
        raise failures.pop()

    async def _exchange(self, session: aiohttp.ClientSession, request: Request) -> Response:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", **request.headers}
        send_once = _SendOnce(headers.pop("Authorization", None))
        async with await session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers,
            data=request.body,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=True,
            timeout=self._timeout,
            middlewares=(send_once,),
        ) as answer:
            body = await self._read(answer, request)
            names = {name.lower(): value for name, value in answer.headers.items()}
            if len(names) < len(answer.headers) and "retry-after" in names:
                names["retry-after"] = ", ".join(answer.headers.getall("retry-after"))
            return Response(status=answer.status, headers=names, body=body)

    def _failure(self, request: Request, error: Exception, timeout: float) -> TransportError:
        sent = not isinstance(error, _NEVER_SENT)
        description = f"{type(error).__name__}: {excerpt(without_in_text(request.secret, str(error)), 300)}"
        cls: type[TransportError] = ConnectionLostError
        match error, sent:
            case TimeoutError(), True:
                cls, text = RequestTimeoutError, f"no whole answer after {timeout:g} s"
            case TimeoutError(), False:
                cls, text = RequestTimeoutError, f"no connection after {self._connect_timeout:g} s"
            case _, True:
                text = f"the connection broke ({description})"
            case _:
                text = f"no connection ({description})"
        return cls(text, method=request.method, url=redact(request.url), sent=sent)

    async def _read(self, answer: aiohttp.ClientResponse, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := await answer.content.readany():
            size += len(chunk)
            text = ""
            if size > self._max_body_bytes:
                text = f"the answer is larger than {self._max_body_bytes} bytes (max_body_bytes)"
            elif size > _SMALL and size > _MOST_COMPRESSED * answer.content.total_raw_bytes:
                text = f"the answer is compressed to less than 1/{_MOST_COMPRESSED}, as no answer of the service is"
            if text:
                chunks.clear()
                raise ResponseTooLargeError(text, method=request.method, url=redact(request.url), sent=True)
            chunks.append(chunk)
        return b"".join(chunks)
