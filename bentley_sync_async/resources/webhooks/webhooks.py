"""Webhooks: created, activated, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar
from urllib.parse import urlsplit

from bentley_sync_async.config import LOOPBACK
from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models.platform import Webhook, WebhookScope
from bentley_sync_async.resources.base import Listing, Resource, given
from bentley_sync_async.transport.messages import WEBHOOKS, Product
from bentley_sync_async.wire.ids import check_id, path_segment

JOB_COMPLETED = "synchronization.jobCompleted.v1"
"""The event that a run has ended."""

_SHORTEST_SECRET = 32


class Webhooks(Resource):
    """`client.webhooks`: where the platform sends its events. Only a service application may use it."""

    _product: ClassVar[Product] = WEBHOOKS

    def list(self) -> Listing[Webhook]:
        """List the webhooks of the calling application, in one page (`get-webhooks`).

        Raises:
            PermissionDeniedError: The application lacks the permission `webhooks_maintainer` (on iteration).
        """
        return self._listing("", "webhooks", Webhook)

    async def create(
        self,
        callback_url: str,
        *,
        itwin_id: str | None = None,
        event_types: Iterable[str] = (JOB_COMPLETED,),
        secret: str | None = None,
    ) -> Webhook:
        """Create a webhook, which is inactive until `activate` (`create-webhook`).

        It is not repeated when its answer is lost; then list the webhooks before creating it again.

        Args:
            callback_url: Where events are sent: https, or http on loopback for an emulator.
            itwin_id: The iTwin whose events are sent; `None` for those of the application's account.
            event_types: Which events; by default that a run has ended.
            secret: What messages are signed with, at least 32 characters; `None` lets the service make one.

        Returns:
            The webhook with its `secret`, which `verify_webhook` needs. Keep it: other answers are without it.

        Raises:
            InvalidArgumentError: The URL is not https, there is no event type, or the secret is too short; nothing was
                sent.
            PermissionDeniedError: The application lacks the permission `webhooks_maintainer`.
            UnprocessableError: The service does not accept something; its details say what.
        """
        if not isinstance(callback_url, str) or not _may_be_called(callback_url):
            raise InvalidArgumentError("callback_url must be an https URL: the platform sends events to no other.")
        types = [event_types] if isinstance(event_types, str) else list(event_types)
        if not types:
            raise InvalidArgumentError("A webhook needs at least one event type.")
        if secret is not None and len(secret) < _SHORTEST_SECRET:
            raise InvalidArgumentError(f"The secret needs at least {_SHORTEST_SECRET} characters.")
        scope = WebhookScope.ACCOUNT if itwin_id is None else WebhookScope.ITWIN
        scope_id = None if itwin_id is None else check_id(itwin_id, "itwin_id")
        body = {"callbackUrl": callback_url, "scope": scope, "scopeId": scope_id, "secret": secret, "eventTypes": types}
        return await self._one(self._request("POST", "", body=given(body)), "webhook", Webhook)

    async def get(self, webhook_id: str) -> Webhook:
        """Return a webhook, without its secret (`get-webhook`).

        Args:
            webhook_id: The webhook.

        Raises:
            NotFoundError: There is no such webhook.
        """
        return await self._one(self._request("GET", _path(webhook_id)), "webhook", Webhook)

    async def activate(self, webhook_id: str) -> Webhook:
        """Let events be sent to a webhook (`update-webhook`).

        Args:
            webhook_id: The webhook.

        Raises:
            NotFoundError: There is no such webhook.
        """
        return await self._update(webhook_id, active=True)

    async def deactivate(self, webhook_id: str) -> Webhook:
        """Let no more events be sent to a webhook, until it is activated again (`update-webhook`).

        Args:
            webhook_id: The webhook.

        Raises:
            NotFoundError: There is no such webhook.
        """
        return await self._update(webhook_id, active=False)

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook (`delete-webhook`).

        Args:
            webhook_id: The webhook.

        Raises:
            NotFoundError: There is no such webhook.
        """
        await self._pipeline.call(self._request("DELETE", _path(webhook_id)))

    async def _update(self, webhook_id: str, *, active: bool) -> Webhook:
        request = self._request("PATCH", _path(webhook_id), body={"active": active})
        return await self._one(request, "webhook", Webhook)


def _may_be_called(url: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    return False


def _path(webhook_id: str) -> str:
    return path_segment(webhook_id, "webhook_id")
