"""The server to which a browser comes back: what it answers, and that it leaves nothing behind."""

import asyncio
import re
import socket
from contextlib import suppress

import anyio
import pytest

from bentley_sync_async import ConfigurationError
from bentley_sync_async.auth.redirects import Page, listening


async def spoken(uri, text):
    """Send bytes to the server, and return its whole answer."""
    host, port = re.fullmatch(r"http://(.+):(\d+)/.*", uri).groups()
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.write(text)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


def heard():
    queries = []

    def answer(query):
        queries.append(query)
        return Page("Thank <you>", "Text & more.")

    return queries, answer


async def test_the_query_is_taken_and_the_page_is_shown():
    queries, answer = heard()
    async with listening("http://127.0.0.1/back", answer) as uri:
        shown = await spoken(uri, b"GET /back?code=a%26b&state=c HTTP/1.1\r\nHost: x\r\n\r\n")
    assert queries == ["code=a%26b&state=c"]
    head, _, body = shown.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Cache-Control: no-store" in head
    assert "Content-Security-Policy: default-src 'none'" in head
    assert f"Content-Length: {len(body.encode())}" in head
    assert "<h1>Thank &lt;you&gt;</h1>" in body
    assert "Text &amp; more." in body


@pytest.mark.parametrize(
    "request_line",
    [
        *("GET /favicon.ico HTTP/1.1", "GET /back/more?code=a HTTP/1.1", "GET / HTTP/1.1"),
        *("POST /back?code=a HTTP/1.1", "OPTIONS /back HTTP/1.1", "nonsense", ""),
    ],
)
async def test_any_other_request_finds_nothing(request_line):
    queries, answer = heard()
    async with listening("http://127.0.0.1/back", answer) as uri:
        shown = await spoken(uri, f"{request_line}\r\nHost: x\r\n\r\n".encode())
    assert shown.startswith("HTTP/1.1 404 Not Found\r\n")
    assert queries == []


@pytest.mark.parametrize("text", [b"GET /back HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"GET /back HT"])
async def test_a_head_that_is_too_long_or_does_not_end_has_no_answer(text):
    queries, answer = heard()
    async with listening("http://127.0.0.1/back", answer) as uri:
        assert await spoken(uri, text) == ""
    assert queries == []


async def test_a_connection_that_is_not_used_keeps_nobody_waiting():
    _, answer = heard()
    async with listening("http://127.0.0.1/back", answer) as uri:
        port = int(re.search(r":(\d+)/", uri)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await anyio.lowlevel.checkpoint()
        began = anyio.current_time()
    assert anyio.current_time() - began < 1
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_localhost_is_either_address_if_the_machine_has_both():
    _, answer = heard()
    async with listening("http://localhost/back", answer) as uri:
        assert re.fullmatch(r"http://localhost:\d+/back", uri)
        port = int(re.search(r":(\d+)/", uri)[1])
        four = await spoken(f"http://127.0.0.1:{port}/", b"GET /back HTTP/1.1\r\n\r\n")
        six = await spoken(f"http://[::1]:{port}/", b"GET /back HTTP/1.1\r\n\r\n") if has_six() else four
    assert four == six
    assert "200 OK" in four


def has_six():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_six(), reason="this machine has no IPv6")
async def test_a_uri_may_name_the_address_of_ipv6_and_a_port_that_is_used_there_is_named():
    _, answer = heard()
    async with listening("http://[::1]/back", answer) as uri:
        assert "200 OK" in await spoken(uri, b"GET /back HTTP/1.1\r\n\r\n")
        port = int(re.search(r":(\d+)/", uri)[1])
        with pytest.raises(ConfigurationError, match=f"Port {port} of this machine"):
            async with listening(f"http://localhost:{port}/back", answer):
                pass


async def test_a_port_that_nobody_may_have_is_an_error(monkeypatch):
    async def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio, "start_server", refuse)
    with pytest.raises(ConfigurationError, match="cannot return to this machine: Permission denied"):
        async with listening("http://127.0.0.1:80/back", print):
            pass
