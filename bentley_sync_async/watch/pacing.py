"""When to look at a run again. Pure: what is known and a random number come in, seconds come out."""

from typing import Protocol

from attrs import field, frozen
from attrs.validators import ge, gt, le

from bentley_sync_async.transport.retry import backoff


class Pacing(Protocol):
    """Decides how long a watch waits between two looks. Retry-After always counts as well, whichever is later."""

    def delay(self, *, quiet: int, chance: float) -> float:
        """Return the seconds to wait before the next look.

        Args:
            quiet: How many looks in a row have brought no change; 0 right after a change.
            chance: A random number from 0 to 1.
        """
        ...


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

    def delay(self, *, quiet: int, chance: float) -> float:
        """Return the seconds to wait before the next look; see `Pacing.delay`."""
        return backoff(
            quiet,
            shortest=self.shortest,
            factor=self.factor,
            longest=self.longest,
            jitter=self.jitter,
            chance=chance,
        )
