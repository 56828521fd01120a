"""What the watches of a client share to look at the right moment, and what one watch makes of it. Pure."""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from attrs import define, field

from bentley_sync_async.models import StorageRun

from .history import DurationHistory
from .price import LOWEST_PRICE, PollDemand, PollPrice
from .progress import expected
from .strategies import BackoffPacing, Pacing, PollContext

if TYPE_CHECKING:
    from .completion import CompletionSignal

TOLD = 2000.0
"""What a look costs at least where ends are told, in seconds of delay: it is there for those that are not."""

AFTER_NOTIFICATION = BackoffPacing(longest=300.0)
"""For a run that has not ended although its end was told: soon, and then ever more rarely."""

_NEWS, _NOTICEABLE, _TOLD_ANEW = 1.005, 1.02, 1.1  # times the time elapsed
_NOTHING = PollContext(chance=0.0)


@runtime_checkable
class DemandPacing(Pacing, Protocol):
    """A pacing that goes by what is known of durations, and shares the price of a look with all other watches."""

    def demand(self, context: PollContext) -> PollDemand:
        """Return how many looks the run will need."""
        ...


@define
class SharedPacing:
    """What the watches of a client share.

    Attributes:
        pricing: The price of a look.
        completions: Tells the ends of runs, if anybody does.
        experience: How long runs took.
    """

    price: PollPrice = field(factory=lambda: PollPrice(lambda _: inf))
    completions: CompletionSignal | None = None
    history: DurationHistory = field(factory=DurationHistory)


class PollScheduler:
    """When one watch looks."""

    __slots__ = (
        "_polled_at",
        "_shared_pacing",
        "_next_poll_at",
        "_priced",
        "_estimated",
        "_start",
        "_started",
        "_told_until",
    )

    def __init__(self, shared_pacing: SharedPacing, pacing: Pacing) -> None:
        """Take a post.

        Args:
            lookout: What is shared.
            pacing: The strategy.
        """
        self._polled_at = self._next_poll_at = 0.0  # the last and the next look, by the time elapsed
        self._shared_pacing = shared_pacing
        self._priced = pacing if isinstance(pacing, DemandPacing) else None
        self._estimated = _NOTHING
        self._told_until = 0.0  # by the time elapsed
        self._start: datetime | None = None  # of the run, by the service's clock
        self._started: float | None = None  # likewise, by the event loop's

    def needs_history(self, connection_id: str) -> bool:
        """Return whether to ask for the past runs of a connection before the first wait."""
        return self._priced is not None and connection_id not in self._shared_pacing.history

    def expected(self) -> None:
        """Let the others know that the watch will need looks, however many: they pay for that from now on."""
        if self._priced is not None:
            self._estimated, self._told_until = _NOTHING, 0.0  # of another run, perhaps
            self._shared_pacing.price.expect(self)

    def triggered(self, now: float) -> None:
        """Note that the run has just been triggered.

        Args:
            now: The instant by the event loop's clock.
        """
        self._start, self._started = None, now

    def observe(self, run: StorageRun, *, at: datetime, now: float) -> None:
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

    def next_poll(
        self,
        connection_id: str,
        run: StorageRun | None,
        *,
        now: float,
        chance: float,
        unchanged_polls: int = 0,
        cheapest: float = LOWEST_PRICE,
    ) -> PollContext:
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
            return PollContext(chance=chance, elapsed=elapsed, run=run, unchanged_polls=unchanged_polls)
        if elapsed >= self._estimated.elapsed * (_NOTICEABLE if run is self._estimated.run else _NEWS):
            self._estimate(self._priced, connection_id, run, elapsed)
        return PollContext(
            chance=chance,
            elapsed=elapsed,
            run=run,
            unchanged_polls=unchanged_polls,
            durations=self._estimated.durations,
            price=max(self._shared_pacing.price.price(now), cheapest),
        )

    def _estimate(self, pacing: DemandPacing, connection_id: str, run: StorageRun | None, elapsed: float) -> None:
        """Reckon how long the run may take and how many looks that will need, until that has changed noticeably."""
        history = self._shared_pacing.history
        usual = history.others.durations(history.past(connection_id))
        durations = expected(usual, run, elapsed=elapsed)
        self._estimated = PollContext(chance=0.0, elapsed=elapsed, run=run, durations=durations)
        if elapsed >= self._told_until:
            self._told_until = elapsed * _TOLD_ANEW
            self._shared_pacing.price.update(self, pacing.demand(self._estimated))

    def schedule(self, context: PollContext, seconds: float) -> None:
        """Note how long the watch waits for its next look."""
        self._polled_at, self._next_poll_at = context.elapsed, context.elapsed + seconds

    def value(self) -> float:
        """Return what the next look is worth beside those of others: the probability that it shows the end."""
        return 1.0 - self._estimated.durations.survival(self._next_poll_at, elapsed=self._polled_at)

    def leave(self) -> None:
        """Need no more looks, for now."""
        self._shared_pacing.price.leave(self)

    def resume_polling(self) -> None:
        """Need looks again, as many as was reckoned last."""
        if self._priced is not None and self._estimated is not _NOTHING:
            self._shared_pacing.price.update(self, self._priced.demand(self._estimated))


def is_expensive(context: PollContext) -> bool:
    """Return whether there are better uses for a look than a run that was triggered just now."""
    return context.price > LOWEST_PRICE
