"""Response headers: Retry-After, rate limits, Date, request id. Names are in lower case (`Response.headers`)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from bentley_sync_async.redaction import excerpt

_RETRY_AFTER = ("retry-after", "itwinplatform-ratelimit-retry-after-seconds")
_TIER = ("itwinplatform-ratelimited-tier", "itwinplatform-tier")
_REMAINING = "itwinplatform-ratelimit-remainingcalls"
QUOTA = frozenset({*_TIER, _REMAINING})
"""The headers with the application's quota."""

_REQUEST_ID = ("x-correlation-id", "x-request-id", "request-id", "x-ms-request-id")

_DATE = re.compile(r"[A-Za-z]{3,9}, *[^,]+")  # with a weekday, as HTTP writes it

_LONGEST_COUNT = 9  # digits


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the service requests to wait; `None` if there is no valid header.

    It may be a number of seconds (page `get-storage-connection-runs`) or, by HTTP, a date; a date is taken relative to
    the answer's own Date header, so that the local clock matters only if there is none. Of several values, in one
    header or in both, the longest counts; what is neither a number nor a date is ignored.
    """
    waits = [seconds for name in _RETRY_AFTER if name in headers for seconds in _waits(headers[name], headers)]
    return max(waits, default=None)


def _waits(text: str, headers: Mapping[str, str]) -> list[float]:
    dates = [text, *_DATE.findall(text)]
    now = server_date(headers)
    waits = [(until - (now or datetime.now(UTC))).total_seconds() for until in map(_http_date, dates) if until]
    for part in _DATE.sub("", text).split(","):
        with suppress(ValueError):
            waits.append(float(part))
    return [max(0.0, seconds) for seconds in waits if math.isfinite(seconds)]


def rate_tier(headers: Mapping[str, str]) -> str | None:
    """Return the name of the application's tier, sent with a 429 (page `overview/rate-limits`) and perhaps others."""
    for name in _TIER:
        if name in headers and (tier := headers[name].strip()):
            return tier
    return None


def remaining_calls(headers: Mapping[str, str]) -> int | None:
    """Return how many calls the application has left; `None` if unknown (page `overview/rate-limits` of 2024)."""
    text = headers.get(_REMAINING, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT else None


def server_date(headers: Mapping[str, str]) -> datetime | None:
    """Return the instant of the answer by the server's own clock, to the second; `None` without a Date header."""
    return _http_date(headers.get("date", ""))


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id with which the service's operators can find the request."""
    return next((excerpt(headers[name]) for name in _REQUEST_ID if headers.get(name)), None)


@lru_cache(maxsize=8)  # answers of one second share it
def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
