"""Operations on webhooks, and the messages that active ones receive."""

import hashlib
import hmac
import json

import anyio
import pytest
from aiohttp import web

from tests.emulator import schemas

pytestmark = pytest.mark.looptime(start=0)
UNKNOWN = "22acf21e-0575-4faf-849b-bcd538718269"
EVENT = "synchronization.jobCompleted.v1"
BODY = {"callbackUrl": "https://a.example/hook", "scope": "Account", "eventTypes": [EVENT]}


class Receiver:
    def __init__(self):
        self.messages = []
        self.url = ""

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/", self._receive)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _receive(self, request):
        self.messages.append((await request.read(), request.headers["Signature"]))
        return web.Response()


async def test_a_webhook_is_created_inactive_and_only_then_shows_its_secret(serving):
    async with serving() as api:
        answer = await api.post("/webhooks", json=BODY)
        assert answer.status == 201
        created = answer.json["webhook"]
        schemas.validate(created, schemas.CREATED_WEBHOOK)
        assert not created["active"]
        secret = created.pop("secret")
        path = f"/webhooks/{created['id']}"
        assert (await api.get(path)).json == {"webhook": created}
        listed = (await api.get("/webhooks")).json
        schemas.validate(listed, schemas.closed(webhooks=schemas.listed(schemas.WEBHOOK), _links=schemas.PAGING))
        await anyio.sleep(1)
        active = await api.patch(path, json={"active": True})
        assert (active.status, active.json["webhook"]["active"]) == (200, True)
        assert active.json["webhook"]["modified"] > created["modified"]
        assert secret not in active.body.decode()
        assert (await api.delete(path)).status == 204
        assert (await api.get("/webhooks")).json["webhooks"] == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"callbackUrl": None}, ("MissingRequiredProperty", "callbackUrl")),
        ({"callbackUrl": "http://a.example/"}, ("InvalidValue", "callbackUrl")),
        ({"callbackUrl": "https://[a"}, ("InvalidValue", "callbackUrl")),
        ({"scope": "Everything"}, ("InvalidValue", "scope")),
        ({"scope": "iTwin"}, ("MissingRequiredProperty", "scopeId")),
        ({"scope": "iTwin", "scopeId": UNKNOWN}, ("InvalidValue", "scopeId")),
        ({"secret": "x" * 31}, ("InvalidValue", "secret")),
        ({"eventTypes": []}, ("MissingRequiredProperty", "eventTypes")),
        ({"eventTypes": None}, ("MissingRequiredProperty", "eventTypes")),
        ({"eventTypes": [1]}, ("InvalidValue", "eventTypes")),
        ({"eventTypes": EVENT}, ("InvalidValue", "eventTypes")),
    ],
)
async def test_an_invalid_webhook_is_unprocessable(serving, body, detail):
    async with serving() as api:
        answer = await api.post("/webhooks", json=BODY | body)
        assert (answer.status, answer.error["code"]) == (422, "InvalidWebhookRequest")
        assert detail in answer.details
        assert (await api.get("/webhooks")).json["webhooks"] == []


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_webhook_is_not_found(serving, method):
    async with serving() as api:
        answer = await api.send(method, f"/webhooks/{UNKNOWN}", json={"active": True})
        assert (answer.status, answer.error["code"]) == (404, "WebhookNotFound")


async def create(api, url, **more):
    body = {**BODY, "callbackUrl": url, **more}
    webhook = (await api.post("/webhooks", json=body)).json["webhook"]
    return webhook, f"/webhooks/{webhook['id']}"


async def test_an_active_webhook_receives_a_signed_message_when_a_run_has_ended(serving):
    async with serving() as api, Receiver() as receiver:
        webhook, path = await create(api, receiver.url)
        connection_id = api.emulator.add_connection()
        silent = api.emulator.start_run(connection_id)
        await anyio.sleep(silent.plan.timeline.ended + 1)
        assert receiver.messages == []
        run = api.emulator.start_run(connection_id)
        await api.patch(path, json={"active": True})  # during the run
        await anyio.sleep(run.plan.timeline.ended + 1)
        [(body, signature)] = receiver.messages
        expected = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).hexdigest()
        assert signature == f"sha256={expected}"
        message = json.loads(body)
        assert (message["eventType"], message["webhookId"]) == (EVENT, webhook["id"])
        assert message["content"] == {
            "synchronizationId": run.id,
            "iModelId": run.imodel_id,
            "connectionId": connection_id,
            "result": "success",
        }
        assert message["iTwinId"] == run.itwin_id
        next_run = api.emulator.start_run(connection_id)
        await anyio.sleep(next_run.plan.timeline.ended + 1)
        assert len(receiver.messages) == 2
        last = api.emulator.start_run(connection_id)
        await api.patch(path, json={"active": False})
        await anyio.sleep(last.plan.timeline.ended + 1)
        assert len(receiver.messages) == 2


async def test_a_webhook_of_an_itwin_receives_messages_about_that_itwin_only(serving):
    async with serving() as api, Receiver() as receiver:
        emulator = api.emulator
        itwin_id = emulator.add_itwin()
        secret = "s" * 32
        webhook, path = await create(api, receiver.url, scope="iTwin", scopeId=itwin_id, secret=secret)
        assert webhook["secret"] == secret
        _, other = await create(api, receiver.url, eventTypes=["iModels.iModelDeleted.v1"])
        for one in (path, other):
            await api.patch(one, json={"active": True})
        runs = [emulator.start_run(emulator.add_connection(imodel)) for imodel in (emulator.add_imodel(itwin_id), None)]
        await anyio.sleep(max(run.plan.timeline.ended for run in runs) + 1)
        assert [json.loads(body)["content"]["synchronizationId"] for body, _ in receiver.messages] == [runs[0].id]


async def test_a_receiver_that_does_not_answer_does_no_harm(serving):
    async with serving() as api, Receiver() as receiver:
        for url in ("http://127.0.0.1:9/", receiver.url):
            _, path = await create(api, url)
            await api.patch(path, json={"active": True})
        run = api.emulator.start_run(api.emulator.add_connection())
        await anyio.sleep(run.plan.timeline.ended + 60)
        assert len(receiver.messages) == 1


async def test_an_emulator_ends_while_a_webhook_waits(serving):
    async with serving() as api:
        _, path = await create(api, "http://127.0.0.1:9/")
        await api.patch(path, json={"active": True})
        api.emulator.start_run(api.emulator.add_connection())
        await anyio.sleep(1)
        task = api.emulator._world.background._task
        assert not task.done()
    assert task.done()
