"""A TCP proxy that breaks what passes it: seeded, in the test's own event loop, and so in virtual time."""

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
AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: a close is a reset, and drops what was not sent."""


class GoneError(Exception):
    """The connection is no more; the exchange ends here."""


@dataclass
class Exchange:
    """One request on its way through the proxy, and what a fault may do with it."""

    method: str
    path: str
    request: bytes
    chance: random.Random
    proxy: "ChaosProxy"
    client: asyncio.StreamWriter
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter]

    async def ask(self) -> bytes:
        """Hand the request on and return the whole answer."""
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
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.client.transport.abort()
        raise GoneError

    def close(self) -> None:
        self.client.close()
        raise GoneError


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass
class Rule:
    """Lets a fault at some of the requests that it meets, counted from 1."""

    fault: Fault
    method: str
    path: str
    due: frozenset[int]
    met: int = 0
    fired: int = 0

    def meets(self, exchange: Exchange) -> bool:
        if exchange.method != self.method or re.search(self.path, exchange.path) is None:
            return False
        self.met += 1
        return self.met in self.due


@dataclass
class ChaosProxy:
    """Stands between clients and the server on `port`."""

    port: int
    chance: random.Random
    group: TaskGroup
    rules: list[Rule] = field(default_factory=list)
    url: str = ""
    readers: list[asyncio.StreamReader] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    behind: dict[asyncio.StreamWriter, bytes] = field(default_factory=dict)
    listener: asyncio.Server | None = None

    def add(self, fault: Fault, method: str, path: str, due: set[int]) -> Rule:
        self.rules.append(Rule(fault, method, path, frozenset(due)))
        return self.rules[-1]

    async def listen(self) -> None:
        own = int(self.url.rpartition(":")[2]) if self.url else 0
        self.listener = await asyncio.start_server(self._accept, "127.0.0.1", own)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"

    def refuse(self) -> None:
        assert self.listener is not None
        self.listener.close()
        self.listener = None

    @property
    def held_open(self) -> int:
        """How many connections the clients have not closed."""
        # Not at_eof(): that is false as well while a stalled exchange leaves the next request unread.
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
        except (GoneError, ConnectionError, asyncio.IncompleteReadError):
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
        exchange = Exchange(method, path.partition("?")[0], head + body, self.chance, self, writer, server)
        due = [rule for rule in self.rules if rule.meets(exchange)]
        if (stale := self.behind.pop(writer, None)) is not None:
            await exchange.send(stale)
        if not due:
            await exchange.send(await exchange.ask())
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
                proxy.refuse()
            group.cancel_scope.cancel()
            proxy.drop_all()
    await anyio.sleep(0.01)  # for the transports to close


# Faults. Those whose request is never handed on say so in their names.


def _head_length(answer: bytes) -> int:
    return answer.index(END_OF_HEAD) + len(END_OF_HEAD)


def _cut(answer: bytes, where: str, chance: random.Random) -> int:
    """The number of bytes that pass: at least one less than all."""
    line, head = answer.index(b"\r\n"), _head_length(answer)
    spans = {
        "nothing": (0, 0),
        "the status line": (1, line),
        "the headers": (line + 2, head - 1),
        "the body": (min(head, len(answer) - 1), len(answer) - 1),
        "the last byte": (len(answer) - 1, len(answer) - 1),
    }
    return chance.randint(*spans[where])


def delayed(seconds: float) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.ask()
        await anyio.sleep(seconds)
        await exchange.send(answer)

    return fault


def delayed_before_it_arrives(seconds: float) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await anyio.sleep(seconds)
        await exchange.send(await exchange.ask())

    return fault


def in_segments(most: int, pause: float = 0.0) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.ask()
        while answer:
            size = exchange.chance.randint(1, most)
            await exchange.send(answer[:size])
            await anyio.sleep(pause)
            answer = answer[size:]

    return fault


def stalled_after(where: str, seconds: float = 3600.0) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.ask()
        passed = _cut(answer, where, exchange.chance)
        await exchange.send(answer[:passed])
        await anyio.sleep(seconds)
        await exchange.send(answer[passed:])

    return fault


def reset_after(where: str) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.ask()
        await exchange.send(answer[: _cut(answer, where, exchange.chance)])
        exchange.reset()

    return fault


def closed_after(where: str) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.ask()
        await exchange.send(answer[: _cut(answer, where, exchange.chance)])
        exchange.close()

    return fault


async def reset_before_it_arrives(exchange: Exchange) -> None:
    exchange.reset()


async def closed_before_it_arrives(exchange: Exchange) -> None:
    exchange.close()


async def refused_for_a_while(exchange: Exchange) -> None:
    """The request is reset, and for two seconds nobody listens."""

    async def come_back() -> None:
        await anyio.sleep(2)
        await exchange.proxy.listen()

    exchange.proxy.refuse()
    exchange.proxy.group.start_soon(come_back)
    exchange.proxy.drop_all()
    exchange.reset()


async def answered_twice(exchange: Exchange) -> None:
    answer = await exchange.ask()
    await exchange.send(answer + answer)


async def answered_twice_with_a_pause(exchange: Exchange) -> None:
    """The second answer comes when the connection waits for its next request."""
    answer = await exchange.ask()
    await exchange.send(answer)
    await anyio.sleep(0.5)
    await exchange.send(answer)


async def answered_again_in_place_of_the_next(exchange: Exchange) -> None:
    """The connection is one answer behind from now on."""
    answer = await exchange.ask()
    await exchange.send(answer)
    exchange.proxy.behind[exchange.client] = answer


def followed_by(extra: bytes) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.send(await exchange.ask() + extra)

    return fault


async def last_bytes_twice(exchange: Exchange) -> None:
    answer = await exchange.ask()
    await exchange.send(answer + answer[-exchange.chance.randint(1, 40) :])


async def closed_after_the_answer(exchange: Exchange) -> None:
    await exchange.send(await exchange.ask())
    exchange.close()


async def reset_in_the_pool(exchange: Exchange) -> None:
    await exchange.send(await exchange.ask())
    await anyio.sleep(0.5)
    exchange.reset()


def preceded_by(extra: bytes) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.send(extra + await exchange.ask())

    return fault


async def without_a_length_and_cut(exchange: Exchange) -> None:
    """The end of the connection is the end of the body, so that nobody can tell that some is missing."""
    answer = await exchange.ask()
    head = _head_length(answer)
    bare = re.sub(rb"(?i)\r\ncontent-length: *\d+", b"", answer[:head])
    await exchange.send(bare + answer[head : _cut(answer, "the body", exchange.chance)])
    exchange.close()


def chunked(*, whole: bool) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.ask()
        head, body = answer[: _head_length(answer)], answer[_head_length(answer) :]
        await exchange.send(re.sub(rb"(?i)content-length: *\d+", b"Transfer-Encoding: chunked", head))
        while body:
            size = exchange.chance.randint(1, 50)
            await exchange.send(b"%x\r\n%b\r\n" % (len(body[:size]), body[:size]))
            body = body[size:]
        if not whole:
            exchange.close()
        await exchange.send(b"0\r\n\r\n")

    return fault


async def bad_gateway(exchange: Exchange) -> None:
    """The request arrives, and a web page comes back."""
    await exchange.ask()
    page = b"<html>Bad Gateway</html>"
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    await exchange.send(head + page)


FAULTS: dict[str, Fault] = {
    "delayed": delayed(5),
    "delayed before it arrives": delayed_before_it_arrives(5),
    "byte by byte": in_segments(1),
    "in small segments": in_segments(30),
    "in segments with pauses": in_segments(60, pause=0.1),
    "a trickle slower than the timeout": in_segments(1, pause=2),
    "stalled before the status line": stalled_after("nothing"),
    "stalled in the status line": stalled_after("the status line"),
    "stalled in the headers": stalled_after("the headers"),
    "stalled in the body": stalled_after("the body"),
    "stalled and then whole": stalled_after("the headers", 20),
    "reset before it arrives": reset_before_it_arrives,
    "reset before the status line": reset_after("nothing"),
    "reset in the status line": reset_after("the status line"),
    "reset in the headers": reset_after("the headers"),
    "reset in the body": reset_after("the body"),
    "reset before the last byte": reset_after("the last byte"),
    "closed before it arrives": closed_before_it_arrives,
    "closed before the status line": closed_after("nothing"),
    "closed in the status line": closed_after("the status line"),
    "closed in the headers": closed_after("the headers"),
    "closed in the body": closed_after("the body"),
    "closed before the last byte": closed_after("the last byte"),
    "closed after the answer": closed_after_the_answer,
    "reset in the pool": reset_in_the_pool,
    "refused for a while": refused_for_a_while,
    "answered twice": answered_twice,
    "answered twice with a pause": answered_twice_with_a_pause,
    "answered again in place of the next": answered_again_in_place_of_the_next,
    "its last bytes twice": last_bytes_twice,
    "followed by junk": followed_by(b"\x00\xffjunk\r\n\r\n"),
    "preceded by junk": preceded_by(b"\x00\xffjunk\r\n\r\n"),
    "preceded by an early hint": preceded_by(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"),
    "without a length and cut": without_a_length_and_cut,
    "in chunks": chunked(whole=True),
    "in chunks without the last": chunked(whole=False),
    "bad gateway": bad_gateway,
}
