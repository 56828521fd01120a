"""The emulator's clock: its start time, plus the time of the event loop since then multiplied by the speed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_TICKS = 10_000_000


class Clock:
    """Measures the time since the emulator's start and formats instants.

    Attributes:
        speed: Seconds of this clock in one second of the event loop.
    """

    def __init__(self, speed: float, start: datetime | None, elapsed: float = 0.0) -> None:
        """Start the clock; one that goes on from a kept state begins with the seconds that have elapsed until then."""
        self.speed = speed
        self._time = asyncio.get_running_loop().time  # an emulator may be asked from another thread
        self._began = self._time()
        self._before = elapsed
        self._start = (start or datetime.now(UTC)).astimezone(UTC)

    @property
    def start(self) -> datetime:
        """The instant of the start."""
        return self._start

    def elapsed(self) -> float:
        """Return the seconds of this clock since the start."""
        return self._before + (self._time() - self._began) * self.speed

    def unscaled(self) -> datetime:
        """Return the current instant by the event loop's clock, whatever the speed, as a client's clock has it."""
        return self._start + timedelta(seconds=self._before + self._time() - self._began)

    def timestamp(self, elapsed: float) -> str:
        """Return the instant so many seconds after the start in the API's format: seven fraction digits and a Z."""
        ticks = round(elapsed * _TICKS)
        instant = self._start + timedelta(microseconds=ticks // 10)
        return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond:06d}{ticks % 10}Z"

    def http_date(self, later: float = 0.0) -> str:
        """Return the current instant, or one so many seconds later, in the format of HTTP headers."""
        instant = self._start + timedelta(seconds=self.elapsed() + later)
        return format_datetime(instant.replace(microsecond=0), usegmt=True)
