"""The emulator's clock: its start time, plus the time of the event loop since then multiplied by the speed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio

_TICKS = 10_000_000


class Clock:
    """Measures the time since the emulator's start and formats instants.

    Attributes:
        speed: Seconds of this clock in one second of the event loop.
    """

    def __init__(self, speed: float, start: datetime | None) -> None:
        self.speed = speed
        self._began = anyio.current_time()
        self._start = (start or datetime.now(UTC)).astimezone(UTC)

    def elapsed(self) -> float:
        """Return the seconds of this clock since the start."""
        return (anyio.current_time() - self._began) * self.speed

    def timestamp(self, elapsed: float) -> str:
        """Return the instant so many seconds after the start in the API's format: seven fraction digits and a Z."""
        ticks = round(elapsed * _TICKS)
        instant = self._start + timedelta(microseconds=ticks // 10)
        return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond:06d}{ticks % 10}Z"

    def http_date(self, later: float = 0.0) -> str:
        """Return the current instant, or one so many seconds later, in the format of HTTP headers."""
        instant = self._start + timedelta(seconds=self.elapsed() + later)
        return format_datetime(instant.replace(microsecond=0), usegmt=True)

    def unix_time(self) -> float:
        """Return the seconds since 1970 for what must agree with the clients' clocks: the speed does not count."""
        return self._start.timestamp() + anyio.current_time() - self._began
