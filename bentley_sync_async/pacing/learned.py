"""The pacing that learns: it polls when the run is likely to have ended, by the square-root law of inspection. Pure."""

from math import exp, inf, sqrt

from attrs import field, frozen

from bentley_sync_async.transport.retry import backoff

from .distribution import DurationDistribution
from .price import LOWEST_PRICE, PollDemand
from .strategies import BackoffPacing, PollContext, is_part, is_seconds

# Instants at which the law is evaluated: in spreads from the centre of each log-normal, and as factors of the time
# elapsed.
_NODES = tuple(step / 2 for step in range(-8, 10))
_SOON = 0.2  # of the time elapsed, and of the spread
_AHEAD = (1.02, 1.1, 1.3, 1.8, 3.0, 6.0)


@frozen(kw_only=True)
class LearnedPacing:
    """Polls when the run is likely to have ended, by the past runs of its connection and by its snapshots.

    Attributes:
        shortest: Seconds that a wait lasts at least.
        longest: Seconds that a wait lasts at most at the lowest price of a poll, so that the caller sees the run
            advance; after a change it is much less at first. The limit grows in proportion to the price.
        jitter: The part of the usual gap between two polls by which a wait may be shortened at random, 0 to 1, so that
            many watches do not poll at once.
    """

    shortest: float = field(default=2.0, validator=is_seconds)
    longest: float = field(default=30.0, validator=is_seconds)
    jitter: float = field(default=0.1, validator=is_part)

    def delay(self, context: PollContext) -> float:
        """Return the seconds to wait before the next poll."""
        if context.failed:
            return _AFTER_FAILURE.delay(context)
        at = next_poll(context.duration, elapsed=context.elapsed, price=context.price)
        wait = at - context.elapsed
        gap = wait if wait < _SOON * context.elapsed else min(wait, _gap(context.duration, at, context.price))
        wait -= self.jitter * context.chance * gap
        return max(min(wait, self._limit(context)), self.shortest)

    def _limit(self, context: PollContext) -> float:
        """Return the longest wait; at the lowest price, a poll follows soon after a change."""
        relative_price = max(context.price / LOWEST_PRICE, 1.0)
        soon = backoff(
            context.unchanged_polls, shortest=self.shortest, factor=1.5, longest=self.longest, jitter=0.0, chance=0.0
        )
        return min(soon * relative_price**2, self.longest * relative_price)

    def demand(self, context: PollContext) -> PollDemand:
        """Return how many polls the run will need, for `PollPrice`."""
        return demand(context.duration, elapsed=context.elapsed)


_AFTER_FAILURE = BackoffPacing()


def next_poll(duration: DurationDistribution, *, elapsed: float, price: float) -> float:
    """Return when to poll next, in seconds from the start of the run.

    A poll costs as much as `price` seconds of delay. The expected cost of everything still to come,
    `price` x polls + delay, is lowest if the next poll after `elapsed`, at t, satisfies

        P(ended since the last poll) = sqrt(2 price f(t) S(t)) + 2/3 price f(t)

    with the density f and the survival S. For short gaps this is the square-root law, with its gap sqrt(2 price / h)
    (J. B. Keller, Management Science 21, 1974); the last term corrects it for few polls: it is exact to the
    next order where the hazard is steady. Of several such instants, the best is taken.
    """
    gap = _gap(duration, elapsed, price)
    if gap < _SOON * elapsed * min(part.spread for part in duration.parts):  # the hazard is steady enough until then
        return elapsed + _gap(duration, elapsed + gap / 2, price)
    surviving = duration.at(elapsed)[0]
    nodes = _nodes(duration, elapsed)
    slopes = [_slope(duration, at, surviving=surviving, price=price) for at in nodes]
    cost = lowest = 0.0
    best = 0
    for index in range(1, len(nodes)):
        cost += (slopes[index - 1] + slopes[index]) / 2 * (nodes[index] - nodes[index - 1])
        if cost < lowest:
            lowest, best = cost, index
    ends = (best, min(best + 1, len(nodes) - 1)) if slopes[best] < 0 else (max(best - 1, 0), best)
    (before, after), (falls, rises) = (nodes[end] for end in ends), (slopes[end] for end in ends)
    return before + (after - before) * falls / (falls - rises) if falls < 0 < rises else after


def _gap(duration: DurationDistribution, at: float, price: float) -> float:
    """Return the seconds to the next poll while runs end at a steady rate."""
    hazard = duration.hazard(at)
    return sqrt(2 * price / hazard) + price * 2 / 3 if hazard > 0 else inf


def _slope(duration: DurationDistribution, at: float, *, surviving: float, price: float) -> float:
    """Return how the expected cost changes with the instant of the next poll; 0 where the law holds."""
    survival, density = duration.at(at)
    return surviving - survival - sqrt(2 * price * density * survival) - price * density * 2 / 3


def _nodes(duration: DurationDistribution, elapsed: float) -> list[float]:
    nodes = [exp(part.centre + step * part.spread) for part in duration.parts for step in _NODES]
    nodes = [at for at in nodes if at > elapsed]
    if elapsed > 0:
        nodes += [elapsed] + [elapsed * factor for factor in _AHEAD]
    return sorted(nodes)


def demand(duration: DurationDistribution, *, elapsed: float) -> PollDemand:
    """Return how many polls the law makes at a price of 1, and for how long: integrals of sqrt(f S / 2) and S."""
    polls = remaining = 0.0
    before, surviving = elapsed, duration.at(elapsed)
    last = surviving
    for after in _nodes(duration, elapsed):
        now = duration.at(after)
        width = (after - before) / 2
        polls += width * (sqrt(last[0] * last[1] / 2) + sqrt(now[0] * now[1] / 2))
        remaining += width * (last[0] + now[0])
        before, last = after, now
    return PollDemand(polls=polls / surviving[0], remaining=max(remaining / surviving[0], 1.0))
