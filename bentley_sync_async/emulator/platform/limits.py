"""The rate limits of each client: sliding windows on the event loop's clock."""

from __future__ import annotations

import math
from collections import deque

import anyio

from bentley_sync_async.emulator.settings import Settings

from .clock import Clock
from .problems import rate_limited
from .routing import Operation

_TIERS: dict[str, tuple[float, float]] = {
    "community": (500, 5000),
    "standard": (5000, math.inf),
    "premium": (5000, math.inf),
    "custom": (5000, math.inf),
    "unlimited": (math.inf, math.inf),
}


class _Window:
    def __init__(self, limit: float, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._requests: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Return the seconds until one more request fits."""
        while self._requests and self._requests[0] <= now - self._seconds:
            self._requests.popleft()
        return 0.0 if len(self._requests) < self._limit else self._requests[0] + self._seconds - now

    def count(self, now: float) -> None:
        if self._limit != math.inf:
            self._requests.append(now)


class RateLimits:
    """Counts the requests of every client. A refused request does not count."""

    def __init__(self, settings: Settings) -> None:
        per_minute, per_hour = _TIERS[settings.tier]
        self._settings = settings
        self._limits = ((settings.per_minute or per_minute, 60.0), (settings.per_hour or per_hour, 3600.0))
        self._clients: dict[str, list[_Window]] = {}

    def count(self, client_id: str, operation: Operation, clock: Clock) -> None:
        """Count one request.

        Raises:
            ProblemError: 429 if a quota is exhausted.
        """
        now = anyio.current_time()
        windows = self._clients.setdefault(client_id, [_Window(limit, seconds) for limit, seconds in self._limits])
        wait = max(window.wait(now) for window in windows)
        if wait > 0:
            headers = self._headers(client_id, operation, math.ceil(wait), clock)
            settings = self._settings
            raise rate_limited(settings.rate_limit_code, wrapped=settings.wrapped_errors, headers=headers)
        for window in windows:
            window.count(now)

    def _headers(self, client_id: str, operation: Operation, wait: int, clock: Clock) -> dict[str, str]:
        headers = {
            "ITwinPlatform-RateLimited-Tier": self._settings.tier.capitalize(),
            "ITwinPlatform-RateLimited-API": operation.api or "",
            "ITwinPlatform-RateLimited-Operation": operation.name,
            "ITwinPlatform-RateLimited-Application": client_id,
        }
        if self._settings.retry_after != "none":
            in_seconds = self._settings.retry_after == "seconds"
            headers["Retry-After"] = str(wait) if in_seconds else clock.http_date(wait)
        return headers
