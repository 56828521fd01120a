"""Answers on the wire: whole ones through aiohttp, broken ones by hand."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import struct

from aiohttp import web

from .faults import FaultAction
from .messages import Reply

_SERVER = "emulator"


def response(reply: Reply, date: str) -> web.Response:
    """Return a whole answer for aiohttp to send."""
    headers = {**reply.headers, "Date": date, "Server": _SERVER}
    return web.Response(status=reply.status, body=reply.body or None, headers=headers)


async def drop_content_type(_request: web.Request, answer: web.StreamResponse) -> None:
    """Take off the content type that aiohttp gives to answers without a body; the service has none there."""
    if isinstance(answer, web.Response) and not answer.body:
        answer.headers.popall("Content-Type", None)


def send_broken(request: web.Request, action: FaultAction, reply: Reply, date: str) -> web.Response:
    """End the connection before, after or amid an answer; what is returned reaches nobody."""
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
    # One byte more than there is: even a body that is empty is cut short then.
    headers = {**reply.headers, "Content-Length": str(len(reply.body) + 1), "Date": date, "Server": _SERVER}
    lines = [f"HTTP/1.1 {reply.status} {_reason(reply.status)}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


def _reset(transport: asyncio.Transport) -> None:
    """Close at once and with a reset, not with an orderly end."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
