"""The bytes of answers, read from a raw socket, because an aiohttp client would hide details."""

import anyio
import pytest

from bentley_sync_async.emulator import Emulator, FaultRule

pytestmark = pytest.mark.looptime(start=0)


async def raw(emulator, method, path, extra=""):
    port = int(emulator.url.rpartition(":")[2])
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {emulator.token()}\r\nConnection: close\r\n"
    )
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(f"{request}{extra}\r\n".encode())
        received = b""
        try:
            while True:
                received += await stream.receive()
        except anyio.EndOfStream:
            return received, False
        except anyio.BrokenResourceError:
            return received, True


@pytest.mark.parametrize(
    ("method", "tail", "status"), [("POST", "/run", b"202 Accepted"), ("DELETE", "", b"204 No Content")]
)
async def test_an_answer_without_a_body_has_no_content_type(connections, method, tail, status):
    async with Emulator() as emulator:
        path = f"{connections}/{emulator.add_connection()}{tail}"
        received, _ = await raw(emulator, method, path)
        assert received.startswith(b"HTTP/1.1 " + status)
        assert received.endswith(b"\r\n\r\n")
        assert b"content-type" not in received.lower()


async def test_the_date_is_sent_once_and_aiohttp_is_not_named(connections):
    async with Emulator() as emulator:
        received, _ = await raw(emulator, "GET", connections)
        assert received.lower().count(b"\r\ndate:") == 1
        assert b"aiohttp" not in received


async def test_a_reset_after_the_headers_sends_only_headers():
    async with Emulator() as emulator:
        emulator.add_fault(FaultRule(action="reset_after_headers", status=299, performed=False, body="x" * 1000))
        received, reset = await raw(emulator, "GET", "/")
        assert received.startswith(b"HTTP/1.1 299 \r\n")
        assert received.endswith(b"\r\n\r\n")
        assert b"Content-Length: 1001" in received
        assert reset


async def test_a_reset_before_the_headers_sends_nothing():
    async with Emulator() as emulator:
        emulator.add_fault(FaultRule(action="reset_before_headers"))
        assert await raw(emulator, "GET", "/") == (b"", True)


async def test_a_truncated_body_is_shorter_than_its_content_length():
    async with Emulator() as emulator:
        emulator.add_fault(FaultRule(action="truncated_body", status=200, performed=False, body="0123456789"))
        received, reset = await raw(emulator, "GET", "/")
        assert received.endswith(b"\r\n\r\n01234")
        assert b"Content-Length: 11" in received
        assert not reset


async def test_closing_waits_neither_for_idle_connections_nor_for_answers():
    async with anyio.create_task_group() as group:
        async with Emulator() as emulator:
            emulator.add_fault(FaultRule(action="delay", delay=3600))
            port = int(emulator.url.rpartition(":")[2])
            idle = await anyio.connect_tcp("127.0.0.1", port)
            group.start_soon(raw, emulator, "GET", "/")
            await anyio.sleep(1)
            assert len(emulator.requests) == 1
            closing_at = anyio.current_time()
        assert anyio.current_time() - closing_at < 1
        await idle.aclose()


async def test_the_port_is_free_again_after_closing():
    async with Emulator() as first:
        port = int(first.url.rpartition(":")[2])
    async with Emulator(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


async def test_before_its_start_an_emulator_has_no_url_and_no_clock():
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="async with"):
        _ = emulator.url
    connection_id = emulator.add_connection()
    with pytest.raises(RuntimeError, match="async with"):
        emulator.start_run(connection_id)
