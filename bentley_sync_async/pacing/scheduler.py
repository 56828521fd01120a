"""What a pacing is told before each poll of a watch: elapsed time, estimate, price of a poll. Pure."""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from attrs import define, field

from bentley_sync_async.models import StorageRun

from .history import DurationHistory
from .price import LOWEST_PRICE, PollDemand, PollPrice
from .progress import with_progress
from .strategies import BackoffPacing, Pacing, PollContext

if TYPE_CHECKING:
    from .completion import CompletionSignal

LOWEST_PRICE_WITH_SIGNAL = 2000.0
"""The lowest price of a poll, in seconds of delay, where completions are signalled: polls then only find the ends whose
signal was lost."""

AFTER_SIGNAL = BackoffPacing(longest=300.0)
"""For a run that has not ended although its completion was signalled: soon, and then at growing intervals."""

# Factors of the time elapsed, after which the estimate is renewed: of a new snapshot, of the same one, and its demand.
_NEW_SNAPSHOT, _SAME_SNAPSHOT, _DEMAND = 1.005, 1.02, 1.1
_NO_ESTIMATE = PollContext(chance=0.0)


@runtime_checkable
class DemandPacing(Pacing, Protocol):
    """A pacing that uses the distribution of durations, and shares the price of a poll with all other watches."""

    def demand(self, context: PollContext) -> PollDemand:
        """Return how many polls the run will need."""
        ...


@define
class SharedPacing:
    """What the watches of a client share.

    Attributes:
        price: The price of a poll.
        completions: Signals the ends of runs; `None` if nothing does.
        history: The durations of past runs.
    """

    price: PollPrice = field(factory=lambda: PollPrice(lambda _: inf))
    completions: CompletionSignal | None = None
    history: DurationHistory = field(factory=DurationHistory)


class PollScheduler:
    """Schedules the polls of one watch."""

    __slots__ = (
        "_demand_holds_until",
        "_estimated",
        "_next_poll_at",
        "_pacing",
        "_polled_at",
        "_shared",
        "_start",
        "_started_at",
    )

    def __init__(self, shared: SharedPacing, pacing: Pacing) -> None:
        """Make a scheduler.

        Args:
            shared: What the watches of the client share.
            pacing: The strategy of this watch.
        """
        self._polled_at = self._next_poll_at = 0.0  # seconds since the start of the run
        self._shared = shared
        self._pacing = pacing if isinstance(pacing, DemandPacing) else None
        self._estimated = _NO_ESTIMATE
        self._demand_holds_until = 0.0  # seconds since the start of the run
        self._start: datetime | None = None  # of the run, by the service's clock
        self._started_at: float | None = None  # the same by the event loop's clock

    def needs_history(self, connection_id: str) -> bool:
        """Return whether to request the past runs of a connection before the first wait."""
        return self._pacing is not None and not self._shared.history.was_requested(connection_id)

    def register(self) -> None:
        """Count the watch towards the price of a poll from now on, before its own demand is known."""
        if self._pacing is not None:
            self._estimated, self._demand_holds_until = _NO_ESTIMATE, 0.0  # they may be of another run
            self._shared.price.register(self)

    def note_triggered(self, now: float) -> None:
        """Take a run as started that has just been triggered.

        Args:
            now: The instant by the event loop's clock.
        """
        self._start, self._started_at = None, now

    def observe(self, run: StorageRun, *, at: datetime, now: float) -> None:
        """Take the start of the run from a snapshot.

        Args:
            run: The snapshot.
            at: The instant by the service's clock.
            now: The same instant by the event loop's clock.
        """
        if run.start_date_time is None:
            self._start = self._started_at = None
        elif run.start_date_time != self._start:
            self._start = run.start_date_time
            self._started_at = now - max((at - self._start).total_seconds(), 0.0)

    def next_context(
        self,
        connection_id: str,
        run: StorageRun | None,
        *,
        now: float,
        chance: float,
        unchanged_polls: int = 0,
        lowest_price: float = LOWEST_PRICE,
    ) -> PollContext:
        """Return what the pacing needs to know for the next poll, and update the demand of this watch.

        Args:
            connection_id: The connection of the run.
            run: The latest snapshot; `None` before the first.
            now: The instant by the event loop's clock.
            chance: A random number from 0 to 1.
            unchanged_polls: How many polls in a row have brought no change.
            lowest_price: The least that the price is taken for, in seconds of delay.
        """
        elapsed = max(now - self._started_at, 0.0) if self._started_at is not None else 0.0
        if self._pacing is None:
            return PollContext(chance=chance, elapsed=elapsed, run=run, unchanged_polls=unchanged_polls)
        factor = _SAME_SNAPSHOT if run is self._estimated.run else _NEW_SNAPSHOT
        if elapsed >= self._estimated.elapsed * factor:
            self._estimate(self._pacing, connection_id, run, elapsed)
        return PollContext(
            chance=chance,
            elapsed=elapsed,
            run=run,
            unchanged_polls=unchanged_polls,
            duration=self._estimated.duration,
            price=max(self._shared.price.current(now), lowest_price),
        )

    def _estimate(self, pacing: DemandPacing, connection_id: str, run: StorageRun | None, elapsed: float) -> None:
        """Estimate the run's duration and the polls that it needs; both hold until they have changed noticeably."""
        history = self._shared.history
        usual = history.prior.distribution(history.durations(connection_id))
        duration = with_progress(usual, run, elapsed=elapsed)
        self._estimated = PollContext(chance=0.0, elapsed=elapsed, run=run, duration=duration)
        if elapsed >= self._demand_holds_until:
            self._demand_holds_until = elapsed * _DEMAND
            self._shared.price.update(self, pacing.demand(self._estimated))

    def note_scheduled(self, context: PollContext, seconds: float) -> None:
        """Record how long the watch waits for its next poll."""
        self._polled_at, self._next_poll_at = context.elapsed, context.elapsed + seconds

    def value(self) -> float:
        """Return the value of the next poll beside those of other watches: the probability that it shows the end."""
        return 1.0 - self._estimated.duration.survival(self._next_poll_at, elapsed=self._polled_at)

    def suspend(self) -> None:
        """Need no polls for now."""
        self._shared.price.remove(self)

    def resume(self) -> None:
        """Need polls again, as many as was estimated last."""
        if self._pacing is not None and self._estimated is not _NO_ESTIMATE:
            self._shared.price.update(self, self._pacing.demand(self._estimated))


def is_expensive(context: PollContext) -> bool:
    """Return whether the budget has better uses for a poll than a run that was triggered just now."""
    return context.price > LOWEST_PRICE
