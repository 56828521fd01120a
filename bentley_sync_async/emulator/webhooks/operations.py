"""The operations on webhooks (pages `webhooks-v2/operations/*`)."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bentley_sync_async.emulator.itwins.store import ACCOUNT_ID
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.platform.routing import Operation
from bentley_sync_async.emulator.requests.bodies import Body
from bentley_sync_async.emulator.synchronization.webhooks import SHORTEST_SECRET

from .store import Subscription, Webhooks

_CODE = "InvalidWebhookRequest"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_WEBHOOK = "/webhooks/(?P<webhookId>[^/]+)"


def create_webhook(webhooks: Webhooks, call: Call) -> Reply:
    """Answer `create-webhook`: it is inactive, and only this answer contains its secret."""
    body = Body(call, _CODE)
    url = _url(body, required=True)
    scope = body.one_of("scope", ("Account", "iTwin"), required=True)
    scope_id = body.string("scopeId", required=scope == "iTwin")
    if scope == "iTwin" and scope_id and webhooks.itwins.get(scope_id) is None:
        body.invalid("scopeId")
    secret, event_types = _secret(body), _event_types(body, required=True)
    body.check()
    now = webhooks.context.now()
    webhook = Subscription(
        id=webhooks.context.product_ids.guid(),
        callback_url=url or "",
        scope=scope or "",
        scope_id=(scope_id if scope == "iTwin" else None) or ACCOUNT_ID,
        event_types=event_types,
        secret=secret or secrets.token_hex(32),
        created=now,
        modified=now,
    )
    webhooks.subscriptions[webhook.id] = webhook
    return Reply.of_json(201, {"webhook": {**_shown(webhook), "secret": webhook.secret}})


def list_webhooks(webhooks: Webhooks, call: Call) -> Reply:
    """Answer `get-webhooks`."""
    return page(
        call,
        webhooks.context.settings,
        code=_CODE,
        name="webhooks",
        items=list(webhooks.subscriptions.values()),
        show=_shown,
        path="/webhooks",
    )


def get_webhook(webhooks: Webhooks, call: Call) -> Reply:
    """Answer `get-webhook`."""
    return Reply.of_json(200, {"webhook": _shown(_webhook(webhooks, call))})


def update_webhook(webhooks: Webhooks, call: Call) -> Reply:
    """Answer `update-webhook`, which activates or deactivates it, or changes where its messages go."""
    webhook = _webhook(webhooks, call)
    body = Body(call, _CODE)
    active, url, secret = body.other("active", bool), _url(body), _secret(body)
    event_types = _event_types(body)
    body.check()
    webhook.active = webhook.active if active is None else active
    webhook.callback_url = url or webhook.callback_url
    webhook.secret = secret or webhook.secret
    webhook.event_types = event_types or webhook.event_types
    webhook.modified = webhooks.context.now()
    webhooks.activated()
    return Reply.of_json(200, {"webhook": _shown(webhook)})


def delete_webhook(webhooks: Webhooks, call: Call) -> Reply:
    """Answer `delete-webhook`."""
    del webhooks.subscriptions[_webhook(webhooks, call).id]
    return Reply(204)


def operations(webhooks: Webhooks) -> tuple[Operation, ...]:
    """Return the operations on webhooks."""
    table = (
        ("create-webhook", "POST", "/webhooks/?", create_webhook),
        ("get-webhooks", "GET", "/webhooks/?", list_webhooks),
        ("get-webhook", "GET", _WEBHOOK, get_webhook),
        ("update-webhook", "PATCH", _WEBHOOK, update_webhook),
        ("delete-webhook", "DELETE", _WEBHOOK, delete_webhook),
    )
    return tuple(
        Operation("webhooks", name, method, path, partial(answer, webhooks)) for name, method, path, answer in table
    )


def _webhook(webhooks: Webhooks, call: Call) -> Subscription:
    webhook = webhooks.subscriptions.get(call.path_parameters["webhookId"].lower())
    if webhook is None:
        raise ProblemError(404, "WebhookNotFound", "Requested webhook is not available.")
    return webhook


def _shown(webhook: Subscription) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "scope": webhook.scope,
        "scopeId": webhook.scope_id,
        "active": webhook.active,
        "callbackUrl": webhook.callback_url,
        "eventTypes": webhook.event_types,
        "created": webhook.created,
        "modified": webhook.modified,
    }


def _url(body: Body, *, required: bool = False) -> str | None:
    """Return the callback URL, which must be https; plain http is for loopback only, where tests listen."""
    url = body.string("callbackUrl", required=required)
    if url:
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if not parts.hostname or (
            parts.scheme != "https" and (parts.scheme, parts.hostname in _LOOPBACK) != ("http", True)
        ):
            body.invalid("callbackUrl")
    return url


def _secret(body: Body) -> str | None:
    secret = body.string("secret")
    if secret is not None and len(secret) < SHORTEST_SECRET:
        body.invalid("secret")
    return secret


def _event_types(body: Body, *, required: bool = False) -> list[str]:
    types: list[str] | None = body.other("eventTypes", list)
    if not types:
        if required or types is not None:
            body.missing("eventTypes")
        return []
    if not all(isinstance(one, str) and one for one in types):
        body.invalid("eventTypes")
    return types
