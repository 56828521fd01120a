"""A transport that answers from a script and remembers what it was asked, and a server that sends raw bytes."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from attrs import frozen

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.config import Timeouts
from bentley_sync_async.emulator import Emulator
from bentley_sync_async.errors import ConnectionLostError, RequestTimeoutError
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.transport.retry import RetryPolicy

Make = Callable[[Request], "Response | BaseException | Awaitable[Response]"]


@frozen
class After:
    """An answer that takes its time; past the request's timeout it becomes a `RequestTimeoutError`."""

    seconds: float
    answer: Response | BaseException | Make


Step = Response | BaseException | Make | After


@frozen(kw_only=True)
class Sent:
    request: Request
    at: float
    timeout: float


class ScriptedTransport:
    """Gives its answers one after the other: a `Response`, an exception, a function of the request, or `After` one.

    `always` answers what the script does not; without it a request too many is an `AssertionError`.
    """

    def __init__(self, *script: Step, always: Step | None = None) -> None:
        self.script = list(script)
        self.always = always
        self.sent: list[Sent] = []

    @property
    def requests(self) -> list[Request]:
        return [sent.request for sent in self.sent]

    @property
    def instants(self) -> list[float]:
        return [sent.at for sent in self.sent]

    @property
    def timeouts(self) -> list[float]:
        return [sent.timeout for sent in self.sent]

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.requests]

    @property
    def bodies(self) -> list[object]:
        return [None if request.body is None else json.loads(request.body) for request in self.requests]

    async def send(self, request: Request, *, timeout: float) -> Response:
        self.sent.append(Sent(request=request, at=anyio.current_time(), timeout=timeout))
        step = self.script.pop(0) if self.script else self.always
        if isinstance(step, After):
            await anyio.sleep(min(step.seconds, timeout))
            if step.seconds >= timeout:
                raise timed_out(request)
            step = step.answer
        if callable(step) and not isinstance(step, BaseException):
            made = step(request)
            step = await made if inspect.isawaitable(made) else made
        if isinstance(step, BaseException):
            raise step
        assert step is not None, f"nothing in the script answers {request.method} {request.url}"
        return step


def answer(status: int = 200, json_body: object = None, /, **headers: str) -> Response:
    """Return an answer; `retry_after="3"` is the header `retry-after: 3`."""
    body = b"" if json_body is None else json.dumps(json_body).encode()
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status=status, headers=names, body=body)


def refusal(status: int, code: str = "SomeCode", message: str = "Some message.", /, **headers: str) -> Response:
    """Return an error answer with the API's error object."""
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


def lost(method: str = "GET", url: str = "https://api.example/", *, sent: bool = True) -> ConnectionLostError:
    return ConnectionLostError("the connection broke", method=method, url=url, sent=sent)


def timed_out(request: Request | None = None, *, sent: bool = True) -> RequestTimeoutError:
    method, url = (request.method, request.url) if request is not None else ("GET", "https://api.example/")
    return RequestTimeoutError("no whole answer", method=method, url=url, sent=sent)


Answering = bytes | Callable[[asyncio.Transport], None]


class RawServer:
    """A server that sends the bytes of its script, one element for each request, whatever HTTP has to say of them.

    An element is what to write, or a function of the connection's transport. After the last one it stays silent.
    """

    def __init__(self, *script: Answering, repeat: bool = False) -> None:
        self.script = list(script)
        self.repeat = repeat
        self.requests: list[bytes] = []
        self.transports: list[asyncio.Transport] = []
        self.url = ""

    @property
    def connections(self) -> int:
        return len(self.transports)

    def header(self, name: str, nth: int = -1) -> str | None:
        """Return a header of a request as it was on the wire."""
        lines = self.requests[nth].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return next((text.strip() for key, _, text in pairs if key.lower() == name.lower()), None)

    @property
    def targets(self) -> list[str]:
        """The second word of each request line."""
        return [request.split(b" ", 2)[1].decode("latin-1") for request in self.requests]

    def answer(self, transport: asyncio.Transport) -> None:
        if not self.script:
            return
        step = self.script[0] if self.repeat else self.script.pop(0)
        if isinstance(step, bytes):
            transport.write(step)
        else:
            step(transport)


class _RawConnection(asyncio.Protocol):
    def __init__(self, server: RawServer) -> None:
        self.server = server
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.transports.append(transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        lengths = re.findall(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if end and len(body) >= int(lengths[0] if lengths else 0):
            self.server.requests.append(self.received)
            self.received = b""
            self.server.answer(self.transport)


@asynccontextmanager
async def raw_server(*script: Answering, repeat: bool = False) -> AsyncGenerator[RawServer]:
    """Serve a script on a loopback port."""
    server = RawServer(*script, repeat=repeat)
    listening = await asyncio.get_running_loop().create_server(lambda: _RawConnection(server), "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        listening.close()
        for transport in server.transports:
            transport.abort()
        await asyncio.sleep(0)


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a reset."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def then(*steps: Answering) -> Callable[[asyncio.Transport], None]:
    """Return a step that does several: `then(b"HTTP/1.1 200 OK", reset)`."""

    def run(transport: asyncio.Transport) -> None:
        for step in steps:
            if isinstance(step, bytes):
                transport.write(step)
            else:
                step(transport)

    return run


def http(status: str = "200 OK", body: bytes = b"", /, **headers: str) -> bytes:
    """Return an answer as it is on the wire."""
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


@asynccontextmanager
async def emulated(*, timeouts: Timeouts | None = None, retry: RetryPolicy | None = None, **options: Any):
    """Open a client of an emulator that has no quirks but those asked for; yields both."""
    async with Emulator(**{"error_rate": 0, "retry_rate": 0, **options}) as emulator:
        client = SynchronizationClient(emulator.token(), base_url=emulator.url, timeouts=timeouts, retry=retry)
        async with client:
            yield emulator, client


def scripted(
    *script: Step, always: Step | None = None, **options: Any
) -> tuple[ScriptedTransport, SynchronizationClient]:
    """Return a scripted transport and a client upon it, which needs no entering."""
    transport = ScriptedTransport(*script, always=always)
    return transport, SynchronizationClient("token", transport=transport, base_url="https://api.example", **options)


def client_of(server: RawServer) -> SynchronizationClient:
    """Return a client of a raw server, to be entered."""
    return SynchronizationClient("token", base_url=server.url)
