"""What the platform sends when a run has ended (pages `webhooks-v2` and `synchronization/available-events`)."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
import anyio
from attrs import define, field

from bentley_sync_async.emulator.platform.ids import itwin_of
from bentley_sync_async.errors import ConfigurationError

from .store import Run, Store

_SHORTEST_SECRET = 32
_TIMEOUT = aiohttp.ClientTimeout(total=30.0)


@define(kw_only=True)
class Delivery:
    """A message that was sent.

    Attributes:
        run: The run that has ended.
        body: The message, as it was sent.
        headers: Its headers.
        time: When it was sent, on the event loop's clock.
        status: What it was answered with; `None` if it was not.
    """

    run: Run
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    time: float
    status: int | None = None


@define(kw_only=True)
class Webhook:
    """A webhook, and what was sent to it.

    Attributes:
        url: Where messages go.
        secret: What signs them.
        id: Its id.
        deliveries: Every message so far, in the order in which they were sent. None is repeated: no page says that one
            is.
    """

    url: str
    secret: str = field(repr=False)
    id: str
    deliveries: list[Delivery] = field(factory=list, repr=False)

    def sign(self, body: bytes) -> str:
        """Return the value of the header `Signature`."""
        return f"sha256={hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()}"


@asynccontextmanager
async def delivering(store: Store, url: str, secret: str | None, delay: float) -> AsyncGenerator[Webhook]:
    """Send a message for each run that ends, for as long as the context lasts."""
    if secret is not None and len(secret) < _SHORTEST_SECRET:
        raise ConfigurationError(f"secret must have at least {_SHORTEST_SECRET} characters, not {len(secret)}.")
    chance = random.Random(f"webhooks/{store.settings.seed}/{url}")
    webhook = Webhook(url=url, secret=secret or f"{chance.getrandbits(256):064x}", id=_guid(chance))

    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, anyio.create_task_group() as group:

        async def deliver(run: Run) -> None:
            await _end_of(run, store)
            body = _message(run, webhook, message_id=_guid(chance), enqueued=store.running_clock.timestamp(_ended(run)))
            await anyio.sleep(delay)
            await _post(session, webhook, run, body)

        def begin(run: Run) -> None:
            group.start_soon(deliver, run)

        for run in store.runs:
            if not run.completed(store.elapsed()):
                begin(run)
        store.observers.append(begin)
        try:
            yield webhook
        finally:
            store.observers.remove(begin)
            group.cancel_scope.cancel()


async def _end_of(run: Run, store: Store) -> None:
    while not run.completed(store.elapsed()):
        left = (_ended(run) - store.elapsed()) / store.settings.speed
        await anyio.sleep(max(left, 1e-6))  # a clock that is asked too early must go on all the same


def _ended(run: Run) -> float:
    return run.created + run.plan.track.ended


def _message(run: Run, webhook: Webhook, *, message_id: str, enqueued: str) -> bytes:
    message = {
        "content": {
            "synchronizationId": run.id,
            "iModelId": run.imodel_id,
            "connectionId": run.connection_id,
            "result": run.plan.result.value.lower(),
        },
        "eventType": "synchronization.jobCompleted.v1",
        "enqueuedDateTime": _us_date(datetime.fromisoformat(enqueued[:19])),
        "iTwinId": itwin_of(run.imodel_id),
        "messageId": message_id,
        "webhookId": webhook.id,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _us_date(instant: datetime) -> str:
    hour, half = instant.hour % 12 or 12, "PM" if instant.hour >= 12 else "AM"  # noqa: PLR2004 - on a dial
    return f"{instant.month}/{instant.day}/{instant.year} {hour}:{instant:%M:%S} {half}"


async def _post(session: aiohttp.ClientSession, webhook: Webhook, run: Run, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Signature": webhook.sign(body)}
    delivery = Delivery(run=run, body=body, headers=headers, time=anyio.current_time())
    webhook.deliveries.append(delivery)
    try:
        async with session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as answer:
            delivery.status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        pass  # nobody hears of it


def _guid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
