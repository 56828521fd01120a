"""A server of canned bytes, in a process of its own: so quick that what is measured is the client.

    python -m benchmarks.server

It prints its port and ends when its standard input does.
"""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from .canned import KINDS, SIZES, numbered

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Answers:
    """What the server answers, and how often it was asked."""

    def __init__(self) -> None:
        """Prepare all bodies, still without numbers."""
        self.asked = 0
        self._bodies = {(size, kind): make(size) for size in SIZES for kind, make in KINDS.items()}
        self._times: Counter[str] = Counter()
        self._common = (
            f"Date: {formatdate(usegmt=True)}\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
            "x-correlation-id: 4a8dc3a7-5e0d-4b47-8a3e-6f1f0e8b3a11\r\n"
            "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
        )

    def to(self, head: bytes, host: str) -> bytes:
        """Return the answer to a request of which this is the head."""
        method, path, _ = head.partition(b"\r\n")[0].decode().split(" ")
        if path == "/count":
            return self._answer("200 OK", b"%d" % self.asked)
        self.asked += 1
        if method == "POST":
            return self._answer("202 Accepted", b"", self._location(path, host))
        if path.endswith("/runs"):
            return self._answer("200 OK", b'{"runs": []}')
        size, kind, number = path.rpartition("/")[2].split("-")
        bodies = self._bodies[size, kind]
        if len(bodies) > 1:
            self._times[path] += 1
        return self._answer("200 OK", numbered(bodies[self._times[path] % len(bodies)], int(number)))

    def _answer(self, status: str, body: bytes, more: str = "") -> bytes:
        return f"HTTP/1.1 {status}\r\n{self._common}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body

    @staticmethod
    def _location(path: str, host: str) -> str:
        if path.startswith("/azure/"):
            return f"Operation-Location: http://{host}{path}\r\n"
        return f"Location: http://{host}{path}s/1x1-steady-00000000\r\n"


class Connection(asyncio.Protocol):
    """Answers the requests on one connection, one after another."""

    def __init__(self, answers: Answers) -> None:
        """Serve a new connection."""
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to send answers."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        address, port = transport.get_extra_info("sockname")
        self._host = f"{address}:{port}"

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived in full."""
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head = self._received[:end]
            whole = end + len(_END) + _body_length(head)
            if len(self._received) < whole:
                break
            self._received = self._received[whole:]
            self._transport.write(self._answers.to(head, self._host))


def _body_length(head: bytes) -> int:
    if head.startswith(b"GET"):
        return 0
    _, found, after = head.lower().partition(_LENGTH)
    return int(after.partition(b"\r\n")[0]) if found else 0


@contextmanager
def serving() -> Generator[str]:
    """Start a server and yield its origin, such as `http://127.0.0.1:40001`."""
    command = [sys.executable, "-m", "benchmarks.server"]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait()


async def asked(origin: str) -> int:
    """Return how many requests the server has been asked; needs no HTTP library, as those are what is measured."""
    address, _, port = origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    writer.write(b"GET /count HTTP/1.1\r\n\r\n")
    head = await reader.readuntil(_END)
    count = int(await reader.readexactly(_body_length(b"." + head)))
    writer.close()
    await writer.wait_closed()
    return count


async def _serve() -> None:
    loop, answers, done = asyncio.get_running_loop(), Answers(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", 0, backlog=1024)
    loop.add_reader(sys.stdin, done.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
