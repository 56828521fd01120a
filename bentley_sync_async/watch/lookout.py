"""What the watches of a client share to look at the right moment, and what one watch makes of it. Pure."""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from attrs import define, field

from bentley_sync_async.models import StorageRun

from .evidence import expected
from .experience import Experience
from .pacing import BackoffPacing, Look, Pacing
from .pricing import CHEAPEST, Demand, Pricing

if TYPE_CHECKING:
    from .completion import CompletionSignal

TOLD = 2000.0
"""What a look costs at least where ends are told, in seconds of delay: it is there for those that are not."""

AFTER_TOLD = BackoffPacing(longest=300.0)
"""For a run that has not ended although its end was told: soon, and then ever more rarely."""

_NEWS, _NOTICEABLE, _TOLD_ANEW = 1.005, 1.02, 1.1  # times the time elapsed
_NOTHING = Look(chance=0.0)


@runtime_checkable
class PricedPacing(Pacing, Protocol):
    """A pacing that goes by what is known of durations, and shares the price of a look with all other watches."""

    def demand(self, look: Look) -> Demand:
        """Return how many looks the run will need."""
        ...


@define
class Lookout:
    """What the watches of a client share.

    Attributes:
        pricing: The price of a look.
        completions: Tells the ends of runs, if anybody does.
        experience: How long runs took.
    """

    pricing: Pricing = field(factory=lambda: Pricing(lambda _: inf))
    completions: CompletionSignal | None = None
    experience: Experience = field(factory=Experience)


class Post:
    """When one watch looks."""

    __slots__ = (
        "_looked",
        "_lookout",
        "_looks",
        "_priced",
        "_reckoned",
        "_start",
        "_started",
        "_told_until",
    )

    def __init__(self, lookout: Lookout, pacing: Pacing) -> None:
        """Take a post.

        Args:
            lookout: What is shared.
            pacing: The strategy.
        """
        self._looked = self._looks = 0.0  # the last and the next look, by the time elapsed
        self._lookout = lookout
        self._priced = pacing if isinstance(pacing, PricedPacing) else None
        self._reckoned = _NOTHING
        self._told_until = 0.0  # by the time elapsed
        self._start: datetime | None = None  # of the run, by the service's clock
        self._started: float | None = None  # likewise, by the event loop's

    def wants_past(self, connection_id: str) -> bool:
        """Return whether to ask for the past runs of a connection before the first wait."""
        return self._priced is not None and connection_id not in self._lookout.experience

    def expected(self) -> None:
        """Let the others know that the watch will need looks, however many: they pay for that from now on."""
        if self._priced is not None:
            self._reckoned, self._told_until = _NOTHING, 0.0  # of another run, perhaps
            self._lookout.pricing.expect(self)

    def triggered(self, now: float) -> None:
        """Note that the run has just been triggered.

        Args:
            now: The instant by the event loop's clock.
        """
        self._start, self._started = None, now

    def saw(self, run: StorageRun, *, at: datetime, now: float) -> None:
        """Note what a look showed.

        Args:
            run: The snapshot.
            at: The instant by the service's clock.
            now: The same by the event loop's.
        """
        if run.start_date_time is None:
            self._start = self._started = None
        elif run.start_date_time != self._start:
            self._start = run.start_date_time
            self._started = now - max((at - self._start).total_seconds(), 0.0)

    def next_look(
        self,
        connection_id: str,
        run: StorageRun | None,
        *,
        now: float,
        chance: float,
        quiet: int = 0,
        cheapest: float = CHEAPEST,
    ) -> Look:
        """Return what is known for the next look, and let the others know how many there will be.

        Args:
            connection_id: Whose run it is.
            run: The latest snapshot, if there is one.
            now: The instant by the event loop's clock.
            chance: A random number from 0 to 1.
            quiet: How many looks in a row have brought no change.
            cheapest: What the look costs at least, in seconds of delay.
        """
        elapsed = max(now - self._started, 0.0) if self._started is not None else 0.0
        if self._priced is None:
            return Look(chance=chance, elapsed=elapsed, run=run, quiet=quiet)
        if elapsed >= self._reckoned.elapsed * (_NOTICEABLE if run is self._reckoned.run else _NEWS):
            self._reckon(self._priced, connection_id, run, elapsed)
        return Look(
            chance=chance,
            elapsed=elapsed,
            run=run,
            quiet=quiet,
            durations=self._reckoned.durations,
            price=max(self._lookout.pricing.price(now), cheapest),
        )

    def _reckon(self, pacing: PricedPacing, connection_id: str, run: StorageRun | None, elapsed: float) -> None:
        """Reckon how long the run may take and how many looks that will need, until that has changed noticeably."""
        experience = self._lookout.experience
        usual = experience.others.durations(experience.past(connection_id))
        durations = expected(usual, run, elapsed=elapsed)
        self._reckoned = Look(chance=0.0, elapsed=elapsed, run=run, durations=durations)
        if elapsed >= self._told_until:
            self._told_until = elapsed * _TOLD_ANEW
            self._lookout.pricing.tell(self, pacing.demand(self._reckoned))

    def waits(self, look: Look, seconds: float) -> None:
        """Note how long the watch waits for its next look."""
        self._looked, self._looks = look.elapsed, look.elapsed + seconds

    def worth(self) -> float:
        """Return what the next look is worth beside those of others: the probability that it shows the end."""
        return 1.0 - self._reckoned.durations.survival(self._looks, elapsed=self._looked)

    def leave(self) -> None:
        """Need no more looks, for now."""
        self._lookout.pricing.leave(self)

    def come_back(self) -> None:
        """Need looks again, as many as was reckoned last."""
        if self._priced is not None and self._reckoned is not _NOTHING:
            self._lookout.pricing.tell(self, self._priced.demand(self._reckoned))


def dear(look: Look) -> bool:
    """Return whether there are better uses for a look than a run that was triggered just now."""
    return look.price > CHEAPEST
