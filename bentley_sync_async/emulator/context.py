"""What all products of one emulator share: its options, its clock, and the generators of new ids."""

from __future__ import annotations

from datetime import UTC, datetime

from .platform.clock import Clock
from .platform.ids import Ids
from .settings import Settings


class Context:
    """Options, clock and ids of one emulator.

    Attributes:
        settings: The emulator's options.
        clock: The emulator's clock; `None` until the emulator is started.
        ids: Generates the ids of connections, source files, runs, jobs and tasks.
        product_ids: Generates the ids of everything else, so that it does not change those.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: Clock | None = None
        self.ids = Ids(settings.seed)
        self.product_ids = Ids(f"{settings.seed}/products")

    @property
    def running_clock(self) -> Clock:
        """The clock of the running emulator."""
        if self.clock is None:
            raise RuntimeError("The emulator is not running: enter it first, with `async with`.")
        return self.clock

    def elapsed(self) -> float:
        """Return the clock's elapsed seconds."""
        return self.running_clock.elapsed()

    def now(self) -> str:
        """Return the current instant in the API's format; before the start, that of the start."""
        if self.clock is None:
            return f"{(self.settings.start or datetime.now(UTC)).astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"
        return self.clock.timestamp(self.clock.elapsed())

    def renew_ids(self, generation: int) -> None:
        """Go on with other ids than those of an earlier emulator of the same seed and state."""
        self.ids = Ids(f"{self.settings.seed}/{generation}")
        self.product_ids = Ids(f"{self.settings.seed}/{generation}/products")
