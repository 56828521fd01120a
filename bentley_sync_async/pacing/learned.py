"""Pacing that learns: look when the run is likely to have ended, by the square-root law of optimal inspection. Pure."""

from math import exp, inf, sqrt

from attrs import field, frozen

from bentley_sync_async.transport.retry import backoff

from .distribution import DurationDistribution
from .price import LOWEST_PRICE, PollDemand
from .strategies import BackoffPacing, PollContext, is_part, is_seconds

# Where the law is tried, in spreads from each part's centre, and as factors of the time elapsed.
_NODES = tuple(step / 2 for step in range(-8, 10))
_SOON = 0.2  # of the time elapsed, and of the spread
_AHEAD = (1.02, 1.1, 1.3, 1.8, 3.0, 6.0)


@frozen(kw_only=True)
class LearnedPacing:
    """Looks when the run is likely to have ended, as far as its connection's past and its snapshots tell.

    Attributes:
        shortest: Seconds that a wait lasts at least.
        longest: Seconds that a wait lasts at most while looks are cheapest, so that one sees the run advance, and after
            a change much less at first; the limit grows in proportion to the price.
        jitter: The part of the usual gap between two looks that chance may take off, 0 to 1, so that many watches do
            not look at once.
    """

    shortest: float = field(default=2.0, validator=is_seconds)
    longest: float = field(default=30.0, validator=is_seconds)
    jitter: float = field(default=0.1, validator=is_part)

    def delay(self, context: PollContext) -> float:
        """Return the seconds to wait before the next look."""
        if context.failed:
            return _AFTER_FAILURE.delay(context)
        at = next_poll(context.durations, elapsed=context.elapsed, price=context.price)
        wait = at - context.elapsed
        gap = wait if wait < _SOON * context.elapsed else min(wait, _gap(context.durations, at, context.price))
        wait -= self.jitter * context.chance * gap
        return max(min(wait, self._limit(context)), self.shortest)

    def _limit(self, context: PollContext) -> float:
        """Return how long to wait at the most: where looks cost next to nothing, one more follows soon on a change."""
        is_expensive = max(context.price / LOWEST_PRICE, 1.0)
        soon = backoff(
            context.unchanged_polls, shortest=self.shortest, factor=1.5, longest=self.longest, jitter=0.0, chance=0.0
        )
        return min(soon * is_expensive**2, self.longest * is_expensive)

    def demand(self, context: PollContext) -> PollDemand:
        """Return how many looks the run will need, for `PollPrice`."""
        return demand(context.durations, elapsed=context.elapsed)


_AFTER_FAILURE = BackoffPacing()


def next_poll(durations: DurationDistribution, *, elapsed: float, price: float) -> float:
    """Return when to look next, in seconds from the start of the run.

    A look costs as much as `price` seconds of delay. The expected cost of all that is to come,
    `price` x looks + delay, is least if looks at t, the next after `elapsed`, keep to

        P(ended since the last look) = sqrt(2 price f(t) S(t)) + 2/3 price f(t)

    with the density f and the survival S. For short gaps this is the square-root law, with its gap sqrt(2 price / h)
    (J. B. Keller, Management Science 21, 1974); the last term makes it right for few looks, too: it is exact to the
    next order where the hazard is steady. Of several such instants, the best is taken.
    """
    gap = _gap(durations, elapsed, price)
    if gap < _SOON * elapsed * min(part.spread for part in durations.parts):  # the hazard is steady enough until then
        return elapsed + _gap(durations, elapsed + gap / 2, price)
    alive = durations.at(elapsed)[0]
    nodes = _nodes(durations, elapsed)
    slopes = [_slope(durations, at, alive=alive, price=price) for at in nodes]
    cost = lowest = 0.0
    best = 0
    for index in range(1, len(nodes)):
        cost += (slopes[index - 1] + slopes[index]) / 2 * (nodes[index] - nodes[index - 1])
        if cost < lowest:
            lowest, best = cost, index
    ends = (best, min(best + 1, len(nodes) - 1)) if slopes[best] < 0 else (max(best - 1, 0), best)
    (before, after), (falls, rises) = (nodes[end] for end in ends), (slopes[end] for end in ends)
    return before + (after - before) * falls / (falls - rises) if falls < 0 < rises else after


def _gap(durations: DurationDistribution, at: float, price: float) -> float:
    """Return the seconds to the next look while runs end at a steady rate."""
    hazard = durations.hazard(at)
    return sqrt(2 * price / hazard) + price * 2 / 3 if hazard > 0 else inf


def _slope(durations: DurationDistribution, at: float, *, alive: float, price: float) -> float:
    """Return how the expected cost changes with the instant of the next look; 0 where the law holds."""
    survival, density = durations.at(at)
    return alive - survival - sqrt(2 * price * density * survival) - price * density * 2 / 3


def _nodes(durations: DurationDistribution, elapsed: float) -> list[float]:
    nodes = [exp(part.centre + step * part.spread) for part in durations.parts for step in _NODES]
    nodes = [at for at in nodes if at > elapsed]
    if elapsed > 0:
        nodes += [elapsed] + [elapsed * factor for factor in _AHEAD]
    return sorted(nodes)


def demand(durations: DurationDistribution, *, elapsed: float) -> PollDemand:
    """Return how many looks the law makes at a price of 1, and over how long: integrals of sqrt(f S / 2) and S."""
    polls = left = 0.0
    before, alive = elapsed, durations.at(elapsed)
    last = alive
    for after in _nodes(durations, elapsed):
        now = durations.at(after)
        width = (after - before) / 2
        polls += width * (sqrt(last[0] * last[1] / 2) + sqrt(now[0] * now[1] / 2))
        left += width * (last[0] + now[0])
        before, last = after, now
    return PollDemand(polls=polls / alive[0], left=max(left / alive[0], 1.0))
