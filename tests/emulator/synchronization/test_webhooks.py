"""Messages of webhooks."""

import hashlib
import hmac
import json
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
import pytest
from aiohttp import web

from bentley_sync_async import ConfigurationError
from bentley_sync_async.emulator import Emulator, FileRule, RunRule

pytestmark = pytest.mark.looptime(start=0)
SECRET = "s" * 32
NOON = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)


class Receiver:
    def __init__(self, status):
        self.status = status
        self.received = []
        self.url = ""

    async def receive(self, request):
        self.received.append((anyio.current_time(), request.headers, await request.read()))
        return web.Response(status=self.status)

    @property
    def messages(self):
        return [json.loads(body) for _, _, body in self.received]


@asynccontextmanager
async def receiving(status=204):
    receiver = Receiver(status)
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = "http://{}:{}/hook".format(*runner.addresses[0][:2])
    try:
        yield receiver
    finally:
        await runner.cleanup()


def emulator_of(**options):
    emulator = Emulator(error_rate=0, retry_rate=0, start=NOON, **options)
    emulator.add_run_rule(RunRule(queued=10, waiting=20, preprocessing=10, references=10, finalizing=10))
    emulator.add_file_rule(FileRule(queued=0, duration=40))
    return emulator


async def test_a_message_is_sent_when_a_run_has_ended():
    async with receiving() as receiver, emulator_of() as emulator, emulator.webhook(receiver.url, SECRET) as webhook:
        run = emulator.start_run(emulator.add_connection())
        await anyio.sleep(run.plan.timeline.ended - 0.01)
        assert receiver.received == []
        await anyio.sleep(0.02)
        (message,) = receiver.messages
        assert message["content"] == {
            "synchronizationId": run.id,
            "iModelId": run.imodel_id,
            "connectionId": run.connection_id,
            "result": "success",
        }
        assert (message["eventType"], message["webhookId"]) == ("synchronization.jobCompleted.v1", webhook.id)
        assert emulator.state(run).value == "Completed"


async def test_the_date_has_the_us_format():
    async with receiving() as receiver, emulator_of() as emulator, emulator.webhook(receiver.url, SECRET):
        run = emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        minutes, seconds = divmod(int(run.plan.timeline.ended), 60)
        assert receiver.messages[0]["enqueuedDateTime"] == f"3/9/2026 12:{minutes:02}:{seconds:02} PM"


async def test_a_message_is_signed_as_the_page_says():
    async with receiving() as receiver, emulator_of() as emulator, emulator.webhook(receiver.url, SECRET) as webhook:
        emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        ((_, headers, body),) = receiver.received
        assert headers["Signature"] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["Content-Type"] == "application/json"
        (delivery,) = webhook.deliveries
        assert (delivery.body, delivery.headers["Signature"], delivery.status) == (body, headers["Signature"], 204)


async def test_a_run_that_is_active_when_the_webhook_is_added_is_reported():
    async with receiving() as receiver, emulator_of() as emulator:
        connection_id = emulator.add_connection()
        emulator.start_run(connection_id)
        await anyio.sleep(300)
        under_way = emulator.start_run(connection_id)
        async with emulator.webhook(receiver.url, SECRET):
            await anyio.sleep(300)
        assert [message["content"]["synchronizationId"] for message in receiver.messages] == [under_way.id]


async def test_a_message_is_delayed_in_seconds_of_the_loop_whatever_the_speed():
    async with (
        receiving() as receiver,
        emulator_of(speed=10) as emulator,
        emulator.webhook(receiver.url, SECRET, delay=3.0),
    ):
        run = emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        assert receiver.received[0][0] == pytest.approx(run.plan.timeline.ended / 10 + 3.0, abs=0.01)


async def test_a_message_contains_the_result_of_the_run():
    async with receiving() as receiver, emulator_of() as emulator, emulator.webhook(receiver.url, SECRET):
        emulator.add_file_rule(FileRule(error="SourceFileCorrupted"))
        emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        assert receiver.messages[0]["content"]["result"] == "error"


async def test_every_webhook_gets_every_message_with_its_own_ids():
    async with (
        receiving() as receiver,
        emulator_of() as emulator,
        emulator.webhook(receiver.url, SECRET),
        emulator.webhook(receiver.url + "?second") as second,
    ):
        emulator.start_run(emulator.add_connection())
        emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        assert len({message["messageId"] for message in receiver.messages}) == 4
        assert len({message["webhookId"] for message in receiver.messages}) == 2
        assert re.fullmatch("[0-9a-f]{64}", second.secret)


@pytest.mark.parametrize("status", [400, 500, 302])
async def test_a_refused_message_is_not_sent_again(status):
    async with (
        receiving(status) as receiver,
        emulator_of() as emulator,
        emulator.webhook(receiver.url, SECRET) as webhook,
    ):
        emulator.start_run(emulator.add_connection())
        await anyio.sleep(3000)
        assert len(receiver.received) == 1
        assert webhook.deliveries[0].status == status


async def test_an_unreachable_url_is_a_delivery_without_a_status():
    async with emulator_of() as emulator, emulator.webhook("http://127.0.0.1:1/", SECRET) as webhook:
        emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        assert [delivery.status for delivery in webhook.deliveries] == [None]


async def test_no_message_is_sent_after_the_context_is_closed():
    async with receiving() as receiver, emulator_of() as emulator:
        async with emulator.webhook(receiver.url, SECRET):
            emulator.start_run(emulator.add_connection())
        emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        assert receiver.received == []


async def test_a_webhook_does_not_change_the_ids_of_a_seed():
    async with (
        receiving() as receiver,
        emulator_of(seed=7) as without,
        emulator_of(seed=7) as with_webhook,
        with_webhook.webhook(receiver.url, SECRET),
    ):
        for emulator in (without, with_webhook):
            emulator.start_run(emulator.add_connection())
        await anyio.sleep(300)
        assert len(receiver.received) == 1
        assert without.new_imodel_id() == with_webhook.new_imodel_id()


async def test_a_short_secret_is_refused():
    async with emulator_of() as emulator:
        with pytest.raises(ConfigurationError, match="secret must have at least 32 characters, not 5"):
            async with emulator.webhook("http://127.0.0.1:1/", "short"):
                pass


async def test_a_repr_does_not_show_the_secret():
    async with emulator_of() as emulator, emulator.webhook("http://127.0.0.1:1/", SECRET) as webhook:
        assert SECRET not in repr(webhook)
