"""When to look at a run again. Pure: what is known and a random number come in, seconds come out."""

from typing import Protocol

from attrs import field, frozen
from attrs.validators import ge, gt, le

from bentley_sync_async.models import StorageRun
from bentley_sync_async.transport.retry import backoff

from .durations import Durations, Population
from .pricing import CHEAPEST

UNKNOWN = Population().durations()
"""How long a run may take of which nothing is known, nor of any other."""


@frozen(kw_only=True)
class Look:
    """What is known right after a look at a run.

    Attributes:
        quiet: How many looks in a row have brought no change; 0 right after a change.
        chance: A random number from 0 to 1.
        failed: Whether the look failed; `quiet` then is how many had failed before it.
        elapsed: Seconds since the run started.
        run: What the look showed, or the last that did not fail; `None` before the first.
        durations: How long the run may take, by its connection's past, by all runs known and by what the look showed.
        price: The seconds of delay that a look must save to be worth it.
    """

    quiet: int = 0
    chance: float
    failed: bool = False
    elapsed: float = 0.0
    run: StorageRun | None = None
    durations: Durations = field(default=UNKNOWN)
    price: float = field(default=CHEAPEST, validator=gt(0))


class Pacing(Protocol):
    """Decides how long a watch waits between two looks. Retry-After always counts as well, whichever is later."""

    def delay(self, look: Look) -> float:
        """Return the seconds to wait before the next look."""
        ...


@frozen(kw_only=True)
class FixedPacing:
    """Looks at regular intervals.

    Attributes:
        interval: Seconds between two looks.
        jitter: The part of a wait that chance may take off, 0 to 1, so that many watches do not look at once.
    """

    interval: float = field(default=10.0, validator=gt(0))
    jitter: float = field(default=0.1, validator=[ge(0), le(1)])

    def delay(self, look: Look) -> float:
        """Return the seconds to wait before the next look."""
        return self.interval * (1 - self.jitter * look.chance)


@frozen(kw_only=True)
class BackoffPacing:
    """Looks often while something happens, and ever more rarely while nothing does.

    Attributes:
        shortest: Seconds after a change.
        factor: What each wait without a change grows by.
        longest: Seconds that no wait exceeds.
        jitter: The part of a wait that chance may take off, 0 to 1, so that many watches do not look at once.
    """

    shortest: float = field(default=2.0, validator=gt(0))
    factor: float = field(default=1.5, validator=ge(1))
    longest: float = field(default=30.0, validator=gt(0))
    jitter: float = field(default=0.1, validator=[ge(0), le(1)])

    def delay(self, look: Look) -> float:
        """Return the seconds to wait before the next look."""
        return backoff(
            look.quiet,
            shortest=self.shortest,
            factor=self.factor,
            longest=self.longest,
            jitter=self.jitter,
            chance=look.chance,
        )
