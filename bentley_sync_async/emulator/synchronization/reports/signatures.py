"""Signed URLs of reports: valid for an hour, for one report, without a token, as those of a blob store are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from bentley_sync_async.emulator.platform.clock import Clock

_LIFETIME = 3600.0  # seconds of the event loop


class Signer:
    """Signs URLs of reports, and checks them."""

    def __init__(self, seed: int) -> None:
        self._key = random.Random(f"reports/{seed}").randbytes(32)

    def query(self, path: str, clock: Clock) -> str:
        """Return the query of a URL that permits to read what is behind a path."""
        expiry = clock.timestamp(clock.elapsed() + _LIFETIME * clock.speed)
        values = {"sv": "2021-12-02", "se": expiry, "sr": "b", "sp": "r", "sig": self._signature(path, expiry)}
        return urlencode(values, quote_via=quote, safe="")

    def permits(self, path: str, query: Mapping[str, str], clock: Clock) -> bool:
        """Return whether a URL permits to read what is behind its path, now."""
        expiry = query.get("se", "")
        signed = hmac.compare_digest(query.get("sig", "").encode(), self._signature(path, expiry).encode())
        return signed and clock.timestamp(clock.elapsed()) < expiry

    def _signature(self, path: str, expiry: str) -> str:
        digest = hmac.new(self._key, f"r\n{expiry}\n{path}".encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()
