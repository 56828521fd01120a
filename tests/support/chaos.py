"""A seeded TCP proxy that injects faults into exchanges; it runs in the test's event loop, so in virtual time."""

import asyncio
import random
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

END_OF_HEAD = b"\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing the socket sends a reset and drops unsent bytes."""


class ExchangeEndedError(Exception):
    """The proxy has closed or reset the client's connection, which ends the exchange."""


@dataclass
class Exchange:
    """One request that passes the proxy, and what a fault can do with it."""

    method: str
    path: str
    request: bytes
    rng: random.Random
    proxy: "ChaosProxy"
    client: asyncio.StreamWriter
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter]

    async def forward(self) -> bytes:
        """Send the request to the server and return the complete answer."""
        reader, writer = self.server
        writer.write(self.request)
        answer = b""
        try:
            head = answer = await reader.readuntil(END_OF_HEAD)
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            answer += await reader.readexactly(int(length[1]) if length else 0)
        except asyncio.IncompleteReadError as exc:
            await self.send(answer + exc.partial)
            self.close()
        except ConnectionError:
            await self.send(answer)
            self.reset()
        return answer

    async def send(self, data: bytes) -> None:
        self.client.write(data)
        await anyio.lowlevel.checkpoint()

    def reset(self) -> None:
        sock: socket.socket = self.client.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.client.transport.abort()
        raise ExchangeEndedError

    def close(self) -> None:
        self.client.close()
        raise ExchangeEndedError


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass
class Rule:
    """Injects a fault into some of the requests that it matches, counted from 1."""

    fault: Fault
    method: str
    path: str
    due: frozenset[int]
    matched: int = 0
    fired: int = 0

    def matches(self, exchange: Exchange) -> bool:
        if exchange.method != self.method or re.search(self.path, exchange.path) is None:
            return False
        self.matched += 1
        return self.matched in self.due


@dataclass
class ChaosProxy:
    """Stands between clients and the server on `port`."""

    port: int
    rng: random.Random
    group: TaskGroup
    rules: list[Rule] = field(default_factory=list)
    url: str = ""
    readers: list[asyncio.StreamReader] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    stale_answers: dict[asyncio.StreamWriter, bytes] = field(default_factory=dict)
    listener: asyncio.Server | None = None

    def add(self, fault: Fault, method: str, path: str, due: set[int]) -> Rule:
        self.rules.append(Rule(fault, method, path, frozenset(due)))
        return self.rules[-1]

    async def listen(self) -> None:
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        self.listener = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"

    def stop_listening(self) -> None:
        assert self.listener is not None
        self.listener.close()
        self.listener = None

    @property
    def open_connections(self) -> int:
        """The number of connections that the clients have not closed."""
        # Not at_eof(): it is also false while a stalled exchange leaves the next request unread.
        ended = [reader._eof or reader.exception() is not None for reader in self.readers]
        pairs = zip(ended, self.writers, strict=True)
        return sum(not eof and not writer.is_closing() for eof, writer in pairs)

    def drop_all(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.readers.append(reader)
        self.writers.append(writer)
        self.group.start_soon(self._serve, reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while True:
                await self._exchange(reader, writer, server)
        except (ExchangeEndedError, ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            server[1].transport.abort()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        head = await reader.readuntil(END_OF_HEAD)
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        method, path, _ = head.decode("latin-1").split(" ", 2)
        exchange = Exchange(method, path.partition("?")[0], head + body, self.rng, self, writer, server)
        due = [rule for rule in self.rules if rule.matches(exchange)]
        if (stale := self.stale_answers.pop(writer, None)) is not None:
            await exchange.send(stale)
        if not due:
            await exchange.send(await exchange.forward())
            return
        due[0].fired += 1
        await due[0].fault(exchange)


@asynccontextmanager
async def chaos_proxy(server_url: str, seed: int) -> AsyncIterator[ChaosProxy]:
    async with anyio.create_task_group() as group:
        proxy = ChaosProxy(int(server_url.rpartition(":")[2]), random.Random(seed), group)
        await proxy.listen()
        try:
            yield proxy
        finally:
            if proxy.listener is not None:
                proxy.stop_listening()
            group.cancel_scope.cancel()
            proxy.drop_all()
    await anyio.sleep(0.01)  # for the transports to close
