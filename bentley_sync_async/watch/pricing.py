"""One price of a look for all watches of a client, so that together they keep to a rate. Pure."""

from math import sqrt

from attrs import define, field, frozen
from attrs.validators import gt

CHEAPEST = 0.05
"""What a look costs at least, in seconds of delay: at this price, a run that may take a quarter of an hour is looked
at every ten seconds."""

DEAREST = 1e6
"""What a look costs at most, in seconds of delay."""

_AT_LEAST = 0.5  # looks that no price saves: the end falls between two looks, and the later one notices it


@frozen(kw_only=True)
class Demand:
    """How many looks a watch will need.

    Attributes:
        looks: How many at a price of 1, as far as they depend on the price: at any other, `looks / sqrt(price)`.
        left: Seconds until the run is likely to end, over which they spread.
    """

    looks: float
    left: float = field(validator=gt(0))


@define
class Pricing:
    """Finds the price at which the watches look as often as is allowed, all together.

    The rate of a watch that looks by the square-root law falls with the root of the price. So two sums over all
    watches give the price at once, and a watch that tells its demand changes the sums by its own part only. It costs
    the same for ten watches and for ten thousand.

    Attributes:
        allowed: Looks per second, for all watches. It may be changed at any time.
        cheapest: What a look costs at least, in seconds of delay, however few the watches are.
    """

    allowed: float = field(validator=gt(0))
    cheapest: float = field(default=CHEAPEST, validator=gt(0), kw_only=True)
    _demands: dict[object, Demand] = field(factory=dict, init=False)
    _elastic: float = field(default=0.0, init=False)
    _fixed: float = field(default=0.0, init=False)

    def tell(self, watch: object, demand: Demand) -> None:
        """Note what a watch will need from now on; each tells it at its wake.

        Args:
            watch: Whatever names the watch, such as the watch itself.
            demand: What it will need.
        """
        self.leave(watch)
        self._demands[watch] = demand
        self._add(demand, 1)

    def leave(self, watch: object) -> None:
        """Forget a watch that has ended, if it ever told anything."""
        demand = self._demands.pop(watch, None)
        if demand is not None:
            self._add(demand, -1)
        if not self._demands:  # what rounding has left behind
            self._elastic = self._fixed = 0.0

    def _add(self, demand: Demand, sign: int) -> None:
        self._elastic += sign * demand.looks / demand.left
        self._fixed += sign * _AT_LEAST / demand.left

    @property
    def price(self) -> float:
        """What a look costs now, in seconds of delay."""
        elastic, room = max(self._elastic, 0.0), self.allowed - self._fixed
        if room <= elastic / sqrt(DEAREST):
            return DEAREST
        return max((elastic / room) ** 2, self.cheapest)

    @property
    def rate(self) -> float:
        """How many looks per second the watches need at this price."""
        return max(self._elastic, 0.0) / sqrt(self.price) + max(self._fixed, 0.0)
