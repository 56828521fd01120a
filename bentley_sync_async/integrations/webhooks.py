"""A receiver of the platform's webhooks for a web application of aiohttp."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from bentley_sync_async import ReplayGuard, WebhookError, verify_webhook
from bentley_sync_async.pacing import CompletionNotifier

_LARGEST = 64 * 1024
_LOGGER = logging.getLogger("bentley_sync_async.webhooks")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def webhook_handler(
    notifier: CompletionNotifier,
    *,
    secret: str,
    max_age: float | None = 3600.0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Handler:
    """Return a handler that announces each run whose end the platform tells.

        app.router.add_post("/webhook", webhook_handler(announcements, secret=secret))

    It answers 204 to what it announces, and otherwise the status of the `WebhookError`, without saying why; that goes
    to the log, under `bentley_sync_async.webhooks`.

    Args:
        announcements: Whom to tell.
        secret: The secret of the webhook, from when it was created.
        max_age: Seconds after which a message is too old; `None` if its time does not matter.
        now: Tells the instant, with its zone.
    """
    seen = ReplayGuard(max_age=max_age)

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        instant = now()
        try:
            message = verify_webhook(body, request.headers, secret=secret, now=instant, seen=seen, max_age=max_age)
        except WebhookError as error:
            _LOGGER.warning("A webhook was refused: %s", error)
            return web.Response(status=error.status)
        seen.add(message.message_id, instant)
        notifier.notify(message.ref)
        return web.Response(status=204)

    return handle


async def _body(request: web.Request) -> bytes:
    """Return the body, or of one that is too large as much as shows that it is."""
    body = b""
    while len(body) <= _LARGEST and (part := await request.content.readany()):
        body += part
    return body
