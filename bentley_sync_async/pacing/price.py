"""The price of a poll, one for all watches of a client, at which their polls together fit the budget. Pure."""

from collections.abc import Callable, Hashable
from math import inf

from attrs import define, field, frozen
from attrs.validators import ge, gt, lt

from bentley_sync_async.errors import InvalidArgumentError

LOWEST_PRICE = 0.05
"""The lowest price, in seconds of delay: at this price, a run that may take a quarter of an hour is polled every ten
seconds."""

HIGHEST_PRICE = 1e4
"""The highest price, in seconds of delay."""

_FRESH = 0.1  # seconds for which a price holds while no demand changes
_LEAST_POLLS = 0.5  # polls per watch that no price saves: a run ends between two polls, and the later one is needed


@frozen(kw_only=True)
class PollDemand:
    """How many polls a watch will need.

    Attributes:
        polls: Polls at a price of 1; at any other price, `polls / sqrt(price)`.
        remaining: Seconds until the run is likely to end.
    """

    polls: float = field(validator=[ge(0.0), lt(inf)])  # NaN or infinity would stay in the sums for good
    remaining: float = field(validator=gt(0))


@define
class PollPrice:
    """Computes the price at which all watches together need as many polls as the budget allows.

    By the square-root law, the polls that a watch needs fall with the square root of the price. So sums over all
    watches give the price at once, and a watch that updates its demand changes them by its own part only: that costs
    the same for ten watches and for ten thousand. The watch that wakes next pays the new price.

    Attributes:
        available: Returns how many polls may be sent within so many coming seconds, without what is reserved for
            triggers.
    """

    available: Callable[[float], float]
    _demands: dict[Hashable, PollDemand] = field(factory=dict, init=False)
    _registered: set[Hashable] = field(factory=set, init=False)
    _polls: float = field(default=0.0, init=False)
    _rate: float = field(default=0.0, init=False)
    _price: float = field(default=LOWEST_PRICE, init=False)
    _stale_at: float = field(default=-inf, init=False)

    def register(self, watch: Hashable) -> None:
        """Add a watch whose demand is not known yet; until `update` it counts with the average of the others."""
        self.remove(watch)
        self._registered.add(watch)

    def update(self, watch: Hashable, demand: PollDemand) -> None:
        """Set the demand of a watch from now on; each watch updates it whenever it wakes.

        Args:
            watch: Any key for the watch.
            demand: What it will need.

        Raises:
            InvalidArgumentError: It is no `PollDemand`, as a pacing of the caller's own may return.
        """
        if not isinstance(demand, PollDemand):
            raise InvalidArgumentError(f"The demand of a pacing must be a PollDemand, not {demand!r}.")
        self.remove(watch)
        self._demands[watch] = demand
        self._polls += demand.polls
        self._rate += demand.polls / demand.remaining

    def remove(self, watch: Hashable) -> None:
        """Remove a watch that needs no more polls; one that was never added is ignored."""
        self._stale_at = -inf
        self._registered.discard(watch)
        demand = self._demands.pop(watch, None)
        if demand is not None:
            self._polls -= demand.polls
            self._rate -= demand.polls / demand.remaining
        if not self._demands:  # removes what rounding has left
            self._polls = self._rate = 0.0

    @property
    def horizon(self) -> float:
        """The seconds within which the polls are needed: the remaining time of the watches, weighted by their rates."""
        return self._polls / self._rate if self._rate > 0 else 0.0

    def current(self, now: float) -> float:
        """Return the price in seconds of delay; it is computed again after a demand has changed, and regularly.

        Args:
            now: The instant by the event loop's clock.
        """
        if now >= self._stale_at:
            self._price, self._stale_at = self._compute(), now + _FRESH
        return self._price

    def _compute(self) -> float:
        if self._polls <= 0 or self._rate <= 0:
            return LOWEST_PRICE
        known, all_watches = len(self._demands), len(self._demands) + len(self._registered)
        available = self.available(self.horizon) * known / all_watches
        above_least = max(available - _LEAST_POLLS * known, available / 4)
        price = (self._polls / above_least) ** 2 if above_least > 0 else HIGHEST_PRICE
        return min(max(price, LOWEST_PRICE), HIGHEST_PRICE)
