"""The receiver of the platform's webhooks: a handler for a web application of aiohttp."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from aiohttp import ClientPayloadError, web

from bentley_sync_async import ReplayGuard, WebhookError, verify_webhook
from bentley_sync_async.pacing import CompletionNotifier

_LARGEST = 64 * 1024
_BAD_REQUEST, _UNSUPPORTED = 400, 415
_LOGGER = logging.getLogger("bentley_sync_async.webhooks")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def webhook_handler(
    notifier: CompletionNotifier,
    *,
    secret: str,
    max_age: float | None = 3600.0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Handler:
    """Return a handler that notifies watches of each run whose end the platform reports.

        app.router.add_post("/webhook", webhook_handler(notifier, secret=secret))

    It answers 204 to a message that it accepts, and otherwise the status of the `WebhookError` without a reason; the
    reason is logged under `bentley_sync_async.webhooks`. A compressed body (415) or a broken one (400) is not read
    any further, and its connection is closed.

    Args:
        notifier: Notifies the watches of a client (`SynchronizationClient(completions=notifier)`).
        secret: The secret with which the webhook was created.
        max_age: Seconds after which a message is too old; `None` to accept messages of any age.
        now: Returns the current time, with its time zone.
    """
    seen = ReplayGuard(max_age=max_age)

    async def handle(request: web.Request) -> web.StreamResponse:
        instant = now()
        try:
            body = await _body(request)
            message = verify_webhook(body, request.headers, secret=secret, now=instant, seen=seen, max_age=max_age)
        except WebhookError as error:
            _LOGGER.warning("A webhook was refused: %s", error)
            response = web.Response(status=error.status)
            if error.status == _UNSUPPORTED or request.content.exception() is not None:
                await _end_connection(request, response)
            return response
        seen.add(message.message_id, instant)
        notifier.notify(message.ref)
        return web.Response(status=204)

    return handle


async def _body(request: web.Request) -> bytes:
    """Return the body; if it is too large, only as much of it as shows that.

    Raises:
        WebhookError: It is compressed, or broken.
    """
    encodings = request.headers.getall("Content-Encoding", ())
    if any(encoding.strip().lower() != "identity" for encoding in encodings):
        # The signature is that of the body as it was sent, which is unpacked only after it was checked: never.
        raise WebhookError("The body is compressed, as no message is.", status=_UNSUPPORTED)
    body = b""
    try:
        while len(body) <= _LARGEST and (part := await request.content.readany()):
            body += part
    except (web.RequestPayloadError, ClientPayloadError, ConnectionError) as exc:
        raise WebhookError("The body is not valid HTTP, or not whole.", status=_BAD_REQUEST) from exc
    return body


async def _end_connection(request: web.Request, response: web.Response) -> None:
    """Answer and close the connection: aiohttp would read the rest of the body, and unpack it."""
    response.force_close()
    with suppress(ConnectionError):
        await response.prepare(request)
        await response.write_eof()
    request.protocol.force_close()
