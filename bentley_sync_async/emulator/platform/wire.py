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


async def read_call(request: web.Request) -> Call:
    """Return the request as a plain message."""
    query: dict[str, str] = {}
    for name, text in request.query.items():
        query.setdefault(name.lower(), text)
    return Call(
        method=request.method,
        path=request.path,
        root=f"{request.scheme}://{request.host}",
        query=query,
        headers={name.lower(): text for name, text in request.headers.items()},
        body=await request.read(),
    )


def response(reply: Reply, date: str) -> web.Response:
    """Return a complete answer for aiohttp to send."""
    headers = {**reply.headers, "Date": date, "Server": _SERVER}
    return web.Response(status=reply.status, body=reply.body or None, headers=headers)


async def drop_content_type(_request: web.Request, answer: web.StreamResponse) -> None:
    """Remove the content type that aiohttp adds to answers without a body; the service sends none."""
    if isinstance(answer, web.Response) and not answer.body:
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
