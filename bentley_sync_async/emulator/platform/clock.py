"""The emulator's time: the event loop's, times the speed, on top of the wall clock's instant at the start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio

EMPTY_DATE = "0001-01-01T00:00:00"
"""What the service sends for an instant that has not come yet."""

_TICKS = 10_000_000


class Clock:
    """Tells how long the emulator has been there, and what it takes for the time.

    Attributes:
        speed: How many seconds pass in one second of the event loop.
    """

    def __init__(self, speed: float, start: datetime | None) -> None:
        self.speed = speed
        self._began = anyio.current_time()
        self._start = (start or datetime.now(UTC)).astimezone(UTC)

    def elapsed(self) -> float:
        """Return the seconds since the start, times the speed."""
        return (anyio.current_time() - self._began) * self.speed

    def timestamp(self, elapsed: float) -> str:
        """Return an instant as the API writes it: seven fraction digits and a Z."""
        ticks = round(elapsed * _TICKS)
        instant = self._start + timedelta(microseconds=ticks // 10)
        return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond:06d}{ticks % 10}Z"

    def http_date(self, later: float = 0.0) -> str:
        """Return the present instant, or one some seconds later, as HTTP headers write it."""
        instant = self._start + timedelta(seconds=self.elapsed() + later)
        return format_datetime(instant.replace(microsecond=0), usegmt=True)
