"""Webhooks: signed messages about ended runs (pages `webhooks-v2` and `synchronization/available-events`)."""

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

from bentley_sync_async.errors import ConfigurationError

from .store import Run, Store

SHORTEST_SECRET = 32
TIMEOUT = aiohttp.ClientTimeout(total=30.0)


@define(kw_only=True)
class Delivery:
    """A message that was sent.

    Attributes:
        run: The run that has ended.
        body: The message's bytes.
        headers: The message's headers.
        time: When the message was sent, on the event loop's clock.
        status: HTTP status of the answer; `None` without an answer.
    """

    run: Run
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    time: float
    status: int | None = None


@define(kw_only=True)
class Webhook:
    """A webhook and the messages that were sent to it.

    Attributes:
        url: The URL that receives the messages.
        secret: The key of the signatures.
        id: The webhook's id.
        deliveries: Every message so far, in the order of sending. Failed deliveries are not repeated, because no page
            says that the service does so.
    """

    url: str
    secret: str = field(repr=False)
    id: str
    deliveries: list[Delivery] = field(factory=list, repr=False)

    def sign(self, body: bytes) -> str:
        """Return the value of the `Signature` header."""
        return f"sha256={hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()}"


@asynccontextmanager
async def delivering(store: Store, url: str, secret: str | None, delay: float) -> AsyncGenerator[Webhook]:
    """Send a message for each run that ends while the context is open."""
    if secret is not None and len(secret) < SHORTEST_SECRET:
        raise ConfigurationError(f"secret must have at least {SHORTEST_SECRET} characters, not {len(secret)}.")
    rng = random.Random(f"webhooks/{store.settings.seed}/{url}")
    webhook = Webhook(url=url, secret=secret or f"{rng.getrandbits(256):064x}", id=_guid(rng))

    async with aiohttp.ClientSession(timeout=TIMEOUT) as session, anyio.create_task_group() as group:

        async def deliver(run: Run) -> None:
            await wait_for_end(run, store)
            await deliver_message(session, store, webhook, run, message_id=_guid(rng), delay=delay)

        def start(run: Run) -> None:
            group.start_soon(deliver, run)

        for run in store.runs:
            if not run.completed(store.elapsed()):
                start(run)
        store.observers.append(start)
        try:
            yield webhook
        finally:
            store.observers.remove(start)
            group.cancel_scope.cancel()


async def wait_for_end(run: Run, store: Store) -> None:
    """Wait until a run has ended."""
    while not run.completed(store.elapsed()):
        left = (_ended(run) - store.elapsed()) / store.settings.speed
        await anyio.sleep(max(left, 1e-6))  # not zero: virtual time must advance


def _ended(run: Run) -> float:
    return run.created + run.plan.timeline.ended


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
        "iTwinId": run.itwin_id,
        "messageId": message_id,
        "webhookId": webhook.id,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _us_date(instant: datetime) -> str:
    hour, half = instant.hour % 12 or 12, "PM" if instant.hour >= 12 else "AM"  # noqa: PLR2004 - twelve-hour clock
    return f"{instant.month}/{instant.day}/{instant.year} {hour}:{instant:%M:%S} {half}"


async def deliver_message(
    session: aiohttp.ClientSession, store: Store, webhook: Webhook, run: Run, *, message_id: str, delay: float = 0.0
) -> None:
    """Send the message about a run that has ended; a failure is noted in the delivery."""
    enqueued = store.running_clock.timestamp(_ended(run))
    body = _message(run, webhook, message_id=message_id, enqueued=enqueued)
    await anyio.sleep(delay)
    headers = {"Content-Type": "application/json", "Signature": webhook.sign(body)}
    delivery = Delivery(run=run, body=body, headers=headers, time=anyio.current_time())
    webhook.deliveries.append(delivery)
    try:
        async with session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as answer:
            delivery.status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        pass  # the delivery keeps its status None


def _guid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
