"""Translates between aiohttp and plain messages; answers that a fault breaks are written to the socket directly."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import struct

from aiohttp import web

from .faults import FaultAction
from .messages import Call, Reply

_SERVER = "emulator"
_PIECE = 256 * 1024  # bytes that are read and sent at once


async def read_call(request: web.Request, *, stream: bool = False) -> Call:
    """Return the request as a plain message, on request with a body that is not read yet."""
    query: dict[str, str] = {}
    for name, text in request.query.items():
        query.setdefault(name.lower(), text)
    return Call(
        method=request.method,
        path=request.path,
        root=f"{request.scheme}://{request.host}",
        query=query,
        headers={name.lower(): text for name, text in request.headers.items()},
        body=b"" if stream else await request.read(),
        stream=request.content.iter_any() if stream else None,
    )


def response(reply: Reply, date: str) -> web.Response:
    """Return a complete answer for aiohttp to send."""
    headers = {**reply.headers, "Date": date, "Server": _SERVER}
    return web.Response(status=reply.status, body=reply.body or None, headers=headers)


async def send_parts(request: web.Request, reply: Reply, date: str) -> web.StreamResponse:
    """Send an answer whose body is in files."""
    headers = {**reply.headers, "Date": date, "Server": _SERVER}
    answer = web.StreamResponse(status=reply.status, headers=headers)
    answer.content_length = sum(part.size for part in reply.parts)
    with contextlib.suppress(ConnectionError):  # the caller has gone
        await answer.prepare(request)
        for part in reply.parts:
            with part.path.open("rb") as file:
                file.seek(part.start)
                for start in range(0, part.size, _PIECE):
                    await answer.write(file.read(min(_PIECE, part.size - start)))
        await answer.write_eof()
    return answer


async def drop_content_type(request: web.Request, answer: web.StreamResponse) -> None:
    """Remove the content type that aiohttp adds to answers without a body; the service sends none.

    An answer to HEAD describes a body that it does not have.
    """
    if isinstance(answer, web.Response) and not answer.body and request.method != "HEAD":
        answer.headers.popall("Content-Type", None)


def send_broken(request: web.Request, action: FaultAction, reply: Reply, date: str) -> web.Response:
    """End the connection before, after or in the middle of an answer; the returned response is never sent."""
    transport = request.transport
    if transport is not None:
        if action is not FaultAction.RESET_BEFORE_HEADERS:
            transport.write(_head(reply, date))
        if action is FaultAction.TRUNCATED_BODY:
            transport.write(reply.body[: len(reply.body) // 2])
            transport.close()
        else:
            _reset(transport)
    return web.Response()


def _head(reply: Reply, date: str) -> bytes:
    # One byte too many, so that even an empty body is truncated.
    headers = {**reply.headers, "Content-Length": str(len(reply.body) + 1), "Date": date, "Server": _SERVER}
    lines = [f"HTTP/1.1 {reply.status} {_reason(reply.status)}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


def _reset(transport: asyncio.Transport) -> None:
    """Close the connection immediately, with a TCP reset."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
