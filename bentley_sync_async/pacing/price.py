"""One price of a look for all watches of a client, so that together they keep to its budget. Pure."""

from collections.abc import Callable, Hashable
from math import inf

from attrs import define, field, frozen
from attrs.validators import ge, gt, lt

from bentley_sync_async.errors import InvalidArgumentError

LOWEST_PRICE = 0.05
"""What a look costs at least, in seconds of delay: at this price, a run that may take a quarter of an hour is looked
at every ten seconds."""

HIGHEST_PRICE = 1e4
"""What a look costs at most, in seconds of delay."""

_FRESH = 0.1  # seconds that a price holds while no demand changes
_AT_LEAST = 0.5  # looks that no price saves: an end falls between two looks, and the later one notices it


@frozen(kw_only=True)
class PollDemand:
    """What a watch will need.

    Attributes:
        polls: How many polls at a price of 1; at any other, `polls / sqrt(price)`.
        left: Seconds until the run is likely to end.
    """

    polls: float = field(validator=[ge(0.0), lt(inf)])  # one that is no number would be in the sums for good
    left: float = field(validator=gt(0))


@define
class PollPrice:
    """Finds the price at which all watches together need as many looks as may be sent.

    By the square-root law, what a watch needs falls with the root of the price. So sums over all watches give the
    price at once, and a watch that tells its demand changes them by its own part only: it costs the same for ten
    watches and for ten thousand. Whoever wakes next pays the new price.

    Attributes:
        free: Says how many looks may be sent within so many coming seconds, with what is kept for triggers taken off.
    """

    free: Callable[[float], float]
    _demands: dict[Hashable, PollDemand] = field(factory=dict, init=False)
    _coming: set[Hashable] = field(factory=set, init=False)
    _polls: float = field(default=0.0, init=False)
    _rate: float = field(default=0.0, init=False)
    _price: float = field(default=LOWEST_PRICE, init=False)
    _stale_at: float = field(default=-inf, init=False)

    def expect(self, watch: Hashable) -> None:
        """Note that a watch will tell its demand; until then it is taken to need what the others need on average."""
        self.leave(watch)
        self._coming.add(watch)

    def update(self, watch: Hashable, demand: PollDemand) -> None:
        """Note what a watch will need from now on; each tells it whenever it wakes.

        Args:
            watch: Whatever names the watch.
            demand: What it will need.
        """
        if not isinstance(demand, PollDemand):  # a pacing of somebody's own has told it
            raise InvalidArgumentError(f"The demand of a pacing must be a Demand, not {demand!r}.")
        self.leave(watch)
        self._demands[watch] = demand
        self._polls += demand.polls
        self._rate += demand.polls / demand.left

    def leave(self, watch: Hashable) -> None:
        """Forget a watch that needs no more looks, if it ever told any need."""
        self._stale_at = -inf
        self._coming.discard(watch)
        demand = self._demands.pop(watch, None)
        if demand is not None:
            self._polls -= demand.polls
            self._rate -= demand.polls / demand.left
        if not self._demands:  # what rounding has left behind
            self._polls = self._rate = 0.0

    @property
    def horizon(self) -> float:
        """The seconds within which the looks will be needed: how long the watches go on, weighted by their rates."""
        return self._polls / self._rate if self._rate > 0 else 0.0

    def price(self, now: float) -> float:
        """Return what a look costs, in seconds of delay; it is reckoned anew when a demand has changed, and by and by.

        Args:
            now: The instant by the event loop's clock.
        """
        if now >= self._stale_at:
            self._price, self._stale_at = self._estimate(), now + _FRESH
        return self._price

    def _estimate(self) -> float:
        if self._polls <= 0 or self._rate <= 0:
            return LOWEST_PRICE
        free = self.free(self.horizon) * len(self._demands) / (len(self._demands) + len(self._coming))
        room = max(free - _AT_LEAST * len(self._demands), free / 4)
        price = (self._polls / room) ** 2 if room > 0 else HIGHEST_PRICE
        return min(max(price, LOWEST_PRICE), HIGHEST_PRICE)
