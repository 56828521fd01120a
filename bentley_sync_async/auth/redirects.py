"""The loopback interface for a browser that comes back (RFC 8252, 7.3): a server that answers with short pages."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from html import escape
from urllib.parse import urlsplit

from attrs import frozen

from bentley_sync_async.errors import ConfigurationError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_LONGEST = 16 * 1024  # bytes of a request's head
_PATIENCE = 10.0  # seconds for a request's head; browsers open connections that they may not use
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
"""
_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
    "Cache-Control: no-store\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Connection: close\r\n"
)


@frozen
class Page:
    """What the browser shows.

    Attributes:
        title: The heading.
        text: One paragraph.
        status: The HTTP status and its phrase.
    """

    title: str
    text: str
    status: str = "200 OK"


_NOTHING = Page("Nothing here", "This is the address to which a browser returns after a sign-in.", "404 Not Found")


@asynccontextmanager
async def listening(redirect_uri: str, answer: Callable[[str], Page]) -> AsyncGenerator[str]:
    """Serve a redirect URI of this machine, and yield it with its port.

    Args:
        redirect_uri: Where the browser comes back to; without a port, any free one is taken.
        answer: Called with the query of each request for the path of that URI; returns what the browser shows.

    Raises:
        ConfigurationError: Another program has the port.
    """
    parts = urlsplit(redirect_uri)
    handlers: set[asyncio.Task[None] | None] = set()
    unused: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        handlers.add(task)
        unused.add(writer)
        try:
            head = await _head(reader)
            unused.discard(writer)
            if head is not None:
                await _respond(writer, _response(head, parts.path or "/", answer))
        finally:
            unused.discard(writer)
            writer.close()
            handlers.discard(task)

    host = parts.hostname or "localhost"
    servers = await _bound(handle, host, parts.port or 0)
    try:
        port = servers[0].sockets[0].getsockname()[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}{parts.path}"
    finally:
        for server in servers:
            server.close()
        for writer in tuple(unused):
            writer.transport.abort()
        while handlers:  # what is answered now is answered to the end
            await asyncio.wait(filter(None, handlers))
        for server in servers:
            await server.wait_closed()


async def _bound(handle: Handler, host: str, port: int) -> list[asyncio.Server]:
    first = "127.0.0.1" if host == "localhost" else host
    try:
        servers = [await asyncio.start_server(handle, first, port, limit=_LONGEST)]
        if host == "localhost":  # which a browser may resolve to either address
            port = servers[0].sockets[0].getsockname()[1]
            try:
                servers.append(await asyncio.start_server(handle, "::1", port, limit=_LONGEST))
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    servers[0].close()
                    raise
    except OSError as exc:
        raise _unusable(exc, port) from exc
    return servers


def _unusable(error: OSError, port: int | None) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} of this machine, to which the browser returns, is used by another program: end that, or use "
            "another redirect URI that is registered for the application."
        )
    return ConfigurationError(f"The browser cannot return to this machine: {error.strerror or error}.")


async def _head(reader: asyncio.StreamReader) -> str | None:
    """Return the first line of a request; `None` if none comes."""
    with suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        async with asyncio.timeout(_PATIENCE):
            return (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0].decode("latin-1")
    return None


async def _respond(writer: asyncio.StreamWriter, response: bytes) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            writer.write(response)
            await writer.drain()


def _response(request_line: str, path: str, answer: Callable[[str], Page]) -> bytes:
    method, _, rest = request_line.partition(" ")
    target = rest.rpartition(" ")[0]
    asked, _, query = target.partition("?")
    page = answer(query) if method == "GET" and asked == path else _NOTHING
    body = _PAGE.format(title=escape(page.title), text=escape(page.text)).encode()
    return f"HTTP/1.1 {page.status}\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body
