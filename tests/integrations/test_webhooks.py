"""The receiver of webhooks on a real socket, and the emulator that sends them."""

import asyncio
import gzip
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import anyio
import pytest
from aiohttp import web

from bentley_sync_async import RunRef
from bentley_sync_async.emulator import Emulator, FileRule, RunRule
from bentley_sync_async.integrations.webhooks import webhook_handler
from bentley_sync_async.pacing import CompletionNotifier

pytestmark = pytest.mark.looptime(start=0)
SECRET = "s" * 32
START = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)


def now():
    return START + timedelta(seconds=anyio.current_time())


@asynccontextmanager
async def receiving(notifier, **options):
    app = web.Application()
    app.router.add_post("/hook", webhook_handler(notifier, secret=SECRET, **options))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}/hook".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def notified(start=START, **options):
    """Yield a notifier, the URL of its receiver, and what an emulator sent there when a run ended."""
    notifier = CompletionNotifier()
    async with (
        receiving(notifier, **options) as url,
        Emulator(start=start, error_rate=0, retry_rate=0) as emulator,
    ):
        emulator.add_run_rule(RunRule(queued=1, waiting=1, preprocessing=1, references=1, finalizing=1))
        emulator.add_file_rule(FileRule(queued=0, duration=1))
        async with emulator.webhook(url, SECRET) as webhook:
            run = emulator.start_run(emulator.add_connection())
            with anyio.fail_after(60):
                await notifier.wait(run.ref)
            await anyio.sleep(1)
        yield notifier, url, webhook.deliveries[0]


async def post(url, body, **headers):
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def test_the_end_of_a_run_notifies_its_waiters():
    async with notified(now=now) as (_, _, delivery):
        assert delivery.status == 204
        assert anyio.current_time() - delivery.time == pytest.approx(1.0, abs=0.01)


async def test_a_repeated_message_is_answered_and_notifies_no_waiter(caplog):
    async with notified(now=now) as (notifier, url, delivery):
        notifier._ended.clear()
        assert await post(url, delivery.body, **delivery.headers) == 200
        assert not notifier._ended
    assert "A webhook was refused: The message" in caplog.text
    assert "was received before" in caplog.text


async def test_a_forged_message_is_refused_without_a_reason(caplog):
    notifier = CompletionNotifier()
    async with (
        receiving(notifier) as url,
        aiohttp.ClientSession() as session,
        session.post(url, data=b"{}", headers={"Signature": "sha256=00"}) as answer,
    ):
        assert (answer.status, await answer.read()) == (401, b"")
    assert [record.name for record in caplog.records if record.levelno == logging.WARNING] == [
        "bentley_sync_async.webhooks"
    ]


async def test_a_message_without_a_signature_is_refused():
    async with receiving(CompletionNotifier()) as url:
        assert await post(url, b"{}") == 401


async def test_an_old_message_is_refused():
    async with notified(now=now) as (notifier, _, delivery), receiving(notifier, now=now) as another:
        await anyio.sleep(3700)
        assert await post(another, delivery.body, **delivery.headers) == 400


async def test_the_default_clock_is_the_system_time():
    async with notified(start=None) as (_, _, delivery):
        assert delivery.status == 204


async def test_the_rest_of_a_huge_body_is_not_read():
    read = 0

    async def huge():
        nonlocal read
        for _ in range(1000):
            read += 64 * 1024
            yield b" " * 64 * 1024
            await asyncio.sleep(0)

    async with receiving(CompletionNotifier()) as url, aiohttp.ClientSession() as session:
        try:
            async with session.post(url, data=huge(), headers={"Signature": "sha256=00"}) as answer:
                assert answer.status == 413
        except aiohttp.ClientConnectionError:
            pass  # the answer came before the whole body was sent
    assert read < 1000 * 64 * 1024


async def test_a_notification_names_run_and_connection():
    async with notified(now=now) as (notifier, _, delivery):
        await notifier.wait(RunRef(connection_id=delivery.run.connection_id, run_id=delivery.run.id.upper()))


# Compressed and broken bodies.

BOMB = gzip.compress(b" " * 50_000_000)
COMPRESSED = {
    "no gzip": (b"this is no gzip", "gzip"),
    "half a gzip": (gzip.compress(b"{}" * 100)[:-8], "gzip"),
    "good gzip": (gzip.compress(b"{}"), "gzip"),
    "deflate": (b"this is no deflate", "Deflate"),
    "an unknown encoding": (b"{}", "x-own"),
    "the second of two headers": (b"{}", "identity\r\nContent-Encoding: x-own"),
    "a bomb": (BOMB, "gzip"),
}


async def sent_raw(url, body, *headers, end=False):
    """Send a request as it is, and return the first line of the answer; nothing if there is none."""
    _, _, address = url.partition("//")
    host, _, path = address.partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    lines = [f"POST /{path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    if end:
        writer.close()
        await writer.wait_closed()
        return b""
    answer = await reader.readline()
    rest = await reader.read() if b" 415 " in answer else b""
    writer.close()
    assert b"Traceback" not in rest
    return answer


def errors_in(caplog):
    return [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


@pytest.mark.parametrize("name", COMPRESSED)
async def test_a_compressed_body_is_refused_before_it_is_unpacked(name, caplog):
    body, encoding = COMPRESSED[name]
    async with receiving(CompletionNotifier()) as url:
        headers = (f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}", "Signature: sha256=00")
        answer = await sent_raw(url, body, *headers)
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert errors_in(caplog) == []
    assert "A webhook was refused: The body is compressed" in caplog.text


async def test_a_body_that_ends_in_the_middle_leaves_no_traceback(caplog):
    async with receiving(CompletionNotifier()) as url:
        await sent_raw(url, b"{}", "Content-Length: 50", end=True)
        await anyio.sleep(1)
    assert errors_in(caplog) == []
    assert "The body is not valid HTTP, or not whole." in caplog.text


async def test_the_encoding_identity_is_none():
    async with receiving(CompletionNotifier()) as url:
        answer = await sent_raw(url, b"{}", "Content-Encoding: Identity", "Content-Length: 2")
    assert answer.startswith(b"HTTP/1.1 401 ")
