"""Messages of the platform's webhooks: signature, age, contents.

The header `Signature: sha256=<hex>` is the HMAC-SHA256 of the raw body with the webhook's secret (page `webhooks`,
"Security"). `enqueuedDateTime` has the form `11/3/2023 8:07:01 PM` (page `synchronization/available-events`). It is
assumed to be UTC, as no page names a time zone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bentley_sync_async.errors import DecodeError, InvalidArgumentError, WebhookError
from bentley_sync_async.models import WebhookContent, WebhookMessage
from bentley_sync_async.redaction import excerpt

from .codec import parse
from .ids import check_id

EVENT_TYPE = "synchronization.jobCompleted.v1"
LARGEST = 64 * 1024
"""The largest body that is accepted, in bytes; a few hundred are usual."""

MAX_AGE = 3600.0
_AHEAD = 300.0  # seconds that the platform's clock may be ahead of ours
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (0?[1-9]|1[0-2]):(\d{2}):(\d{2}) ([AP])M", re.ASCII)
_OK, _BAD_REQUEST, _UNAUTHORIZED, _TOO_LARGE = 200, 400, 401, 413


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secret: str,
    now: datetime,
    seen: Container[str],
    max_age: float | None = MAX_AGE,
) -> WebhookMessage:
    """Return the message of a webhook if it is from the platform, recent, and new.

    Pure, so it works with any web framework: add the `message_id` of what it returns to `seen`, such as a
    `ReplayGuard`.

    Args:
        body: The body of the request, unchanged.
        headers: The headers of the request; case does not matter.
        secret: The secret of the webhook.
        now: The instant, with its time zone.
        seen: The ids of earlier messages, as far back as `max_age`.
        max_age: Seconds after which a message is too old; `None` for no check of the age.

    Raises:
        WebhookError: The message is not from the platform, repeated, too old, or not about the end of a run.
        InvalidArgumentError: There is no secret, or `now` has no time zone.
    """
    if not secret or now.tzinfo is None:
        raise InvalidArgumentError("secret must not be empty." if not secret else "now must have a zone, such as UTC.")
    if len(body) > LARGEST:
        raise WebhookError(f"The body has {len(body)} bytes; no message has more than {LARGEST}.", status=_TOO_LARGE)
    _check_signature(body, headers, secret)
    message = _decode(body)
    if max_age is not None:
        _check_age((now - message.enqueued_date_time).total_seconds(), max_age)
    if message.message_id in seen:
        raise WebhookError(f"The message {excerpt(message.message_id)} was received before.", status=_OK)
    return message


class ReplayGuard:
    """Guards against replays: the ids of the messages received, for as long as they could be repeated."""

    def __init__(self, *, max_age: float | None = MAX_AGE) -> None:
        """Start empty.

        Args:
            max_age: As for `verify_webhook`; with `None` all ids are kept.
        """
        self._keep = timedelta.max if max_age is None else timedelta(seconds=max_age + _AHEAD)
        self._received: dict[str, datetime] = {}

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._received

    def __len__(self) -> int:
        return len(self._received)

    def add(self, message_id: str, now: datetime) -> None:
        """Add an id, and remove those that are too old to matter.

        Args:
            message_id: The id of the message.
            now: The instant, with its time zone.
        """
        while self._received and now - self._received[oldest := next(iter(self._received))] > self._keep:
            del self._received[oldest]
        self._received[message_id] = now


def sign(body: bytes, secret: str) -> str:
    """Return the value of the header `Signature`."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _check_signature(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    given = next((text for name, text in headers.items() if name.lower() == "signature"), None)
    if given is None:
        raise WebhookError("The header Signature is missing.", status=_UNAUTHORIZED)
    if not hmac.compare_digest(sign(body, secret).encode(), given.strip().lower().encode("utf-8", "replace")):
        raise WebhookError(
            "The signature does not match the body: the secret is wrong, or the body is not what the platform sent.",
            status=_UNAUTHORIZED,
        )


def _check_age(age: float, max_age: float) -> None:
    if age > max_age:
        raise WebhookError(f"The message is {age:.0f} s old; {max_age:g} s are allowed.", status=_BAD_REQUEST)
    if age < -_AHEAD:
        raise WebhookError(
            f"The message is dated {-age:.0f} s in the future; check the clock of this machine.", status=_BAD_REQUEST
        )


def _decode(body: bytes) -> WebhookMessage:
    try:
        members = parse(body)
        event_type = _text(members, "eventType")
        if event_type != EVENT_TYPE:
            raise WebhookError(f"The event {excerpt(event_type)} is not {EVENT_TYPE}.", status=_OK)
        content = members.get("content")
        return WebhookMessage(
            content=WebhookContent(
                synchronization_id=check_id(_text(content, "synchronizationId"), "synchronizationId"),
                imodel_id=_text(content, "iModelId"),
                connection_id=check_id(_text(content, "connectionId"), "connectionId"),
                result=_text(content, "result"),
            ),
            event_type=event_type,
            enqueued_date_time=_date(_text(members, "enqueuedDateTime")),
            itwin_id=_text(members, "iTwinId"),
            message_id=_text(members, "messageId"),
            webhook_id=_text(members, "webhookId"),
        )
    except (DecodeError, InvalidArgumentError) as exc:
        raise WebhookError(f"The body is not a message about the end of a run: {exc}", status=_BAD_REQUEST) from exc


def _text(members: Any, name: str) -> str:
    value = members.get(name) if isinstance(members, dict) else None
    if not isinstance(value, str) or not value:
        raise DecodeError("expected a non-empty string", path=f"$..{name}")
    return value


def _date(text: str) -> datetime:
    """Return the instant. Without `strptime`, whose AM and PM depend on the locale of the process."""
    found = _US_DATE.fullmatch(text)
    try:
        if found is None:
            parsed = datetime.fromisoformat(text)
            return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        month, day, year, hour, minute, second = map(int, found.groups()[:6])
        return datetime(year, month, day, hour % 12 + 12 * (found[7] == "P"), minute, second, tzinfo=UTC)
    except ValueError as exc:
        raise DecodeError(
            "expected a date like 11/3/2023 8:07:01 PM", path="$.enqueuedDateTime", excerpt=excerpt(text)
        ) from exc
