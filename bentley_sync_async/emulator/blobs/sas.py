"""Signed URLs of blobs: shared access signatures of one blob, made with an account key as Azure Blob Storage does."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from attrs import field, frozen

SERVICE_VERSION = "2021-12-02"
_SIGNED_HEADERS = ("rscc", "rscd", "rsce", "rscl", "rsct")


@frozen(kw_only=True)
class Signer:
    """Signs and checks URLs of blobs in one container.

    Attributes:
        account: The storage account.
        key: The account's key, base64.
    """

    account: str
    key: str = field(repr=False)

    def query(self, blob: str, *, permissions: str, now: datetime, lifetime: float) -> str:
        """Return the query of a URL that permits something (`r`, `w`, ...) on a blob, given as `container/name`."""
        values = {
            "sv": SERVICE_VERSION,
            "st": _stamp(now - timedelta(minutes=5)),  # for clocks that are late
            "se": _stamp(now + timedelta(seconds=lifetime)),
            "sr": "b",
            "sp": permissions,
        }
        return urlencode({**values, "sig": self._signature(blob, values)}, quote_via=quote, safe="")

    def refusal(self, blob: str, query: Mapping[str, str], *, needed: str, now: datetime) -> str | None:
        """Return why a URL does not permit any of the needed permissions: a code of the blob store, or `None`."""
        sent, made = query.get("sig", ""), self._signature(blob, query)
        if not hmac.compare_digest(sent.encode(), made.encode()):
            return "AuthenticationFailed"
        begins, ends = _instant(query.get("st", "")), _instant(query.get("se", ""))
        if ends is None or now >= ends or (begins is not None and now < begins):
            return "AuthenticationFailed"
        return None if set(needed) & set(query.get("sp", "")) else "AuthorizationPermissionMismatch"

    def _signature(self, blob: str, values: Mapping[str, str]) -> str:
        def value(name: str) -> str:
            return values.get(name, "")

        lines = [
            value("sp"),
            value("st"),
            value("se"),
            f"/blob/{self.account}/{blob}",
            value("si"),
            value("sip"),
            value("spr"),
            value("sv"),
            value("sr"),
            value("snapshot"),
            value("ses"),
            *(value(name) for name in _SIGNED_HEADERS),
        ]
        digest = hmac.new(base64.b64decode(self.key), "\n".join(lines).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
