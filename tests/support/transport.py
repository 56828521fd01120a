"""Clients of a scripted transport, of an emulator, and of a server that sends raw bytes."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bentley_sync_async import ConnectionLostError, RetryPolicy, SynchronizationClient, Timeouts, testing
from bentley_sync_async.emulator import Emulator
from bentley_sync_async.testing import After, ScriptedTransport, Step, answer, refusal, timed_out
from bentley_sync_async.transport import Request

__all__ = [
    "After",
    "RawServer",
    "ScriptedTransport",
    "Step",
    "answer",
    "client_of",
    "emulated",
    "http",
    "lost",
    "raw_server",
    "refusal",
    "reset",
    "scripted",
    "then",
    "timed_out",
]


def lost(method: str = "GET", url: str = "https://api.example/", *, sent: bool = True) -> ConnectionLostError:
    return testing.lost(Request(method=method, url=url), sent=sent)


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
        self.greeting = b""  # what it sends before anybody asks

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
        if self.server.greeting:
            transport.write(self.server.greeting)

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
    listening = await asyncio.get_running_loop().create_server(
        lambda: _RawConnection(server), "127.0.0.1", 0, backlog=1000
    )
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
