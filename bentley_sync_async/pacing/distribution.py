"""How long a run may take: a distribution for one run, and what all runs known teach about any. Pure.

DurationDistribution spread by factors, not by seconds, so all reckoning is done on their logarithms: a log-normal for the usual,
and beside it a much broader one, as now and then a run takes five times as long, or a fifth (docs/pacing.md).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import erfc, exp, hypot, inf, log, pi, sqrt
from statistics import fmean, median

from attrs import field, frozen
from attrs.validators import gt

RECENT = 0.9
"""What the last run but one counts for beside the last, and so on."""

UPSET = 0.02
"""The probability that a run is like none before it, or that what a snapshot shows misleads."""

UPSET_SPREAD = 1.5
"""How much broader such runs spread, on the logarithm: a fifth and five times as long are well inside."""

_SHORTEST = 1.0  # seconds; a run that took no time would have no logarithm
_CLIPPED = 2.5  # spreads from the middle beyond which a past run counts no further
_LARGEST_STEP = 2.0  # on the logarithm, between two runs of a connection: larger ones are upsets
_SHARED = 16  # as many steps of all connections count beside a connection's own
_ASSUMED = 4  # as many connections, or steps, count for what is assumed beside those known
_ROOT_2, _ROOT_2_PI = sqrt(2), sqrt(2 * pi)


@frozen
class Part:
    """A log-normal: `weight` of the whole, `centre` (the logarithm of its median) and `spread` of the logarithm."""

    weight: float
    centre: float
    spread: float


@frozen(kw_only=True)
class ProgressEstimate:
    """What a snapshot says about the duration of its run.

    Attributes:
        median: Seconds from the start to the end, as likely too many as too few.
        spread: How sure that is: the standard deviation of the logarithm.
    """

    median: float = field(validator=gt(0))
    spread: float = field(validator=gt(0))


@frozen
class DurationDistribution:
    """The distribution of a run's duration: a mixture of log-normals.

    Attributes:
        parts: The log-normals; their weights add up to 1.
    """

    parts: tuple[Part, ...]

    def at(self, seconds: float) -> tuple[float, float]:
        """Return the probability that the run takes longer than that, and the density there (1/s)."""
        if seconds <= 0:
            return 1.0, 0.0
        at = log(seconds)
        survival = density = 0.0
        for part in self.parts:
            z = (at - part.centre) / part.spread
            survival += part.weight * erfc(z / _ROOT_2)
            density += part.weight / part.spread * exp(-z * z / 2)
        return survival / 2, density / (_ROOT_2_PI * seconds)

    def survival(self, seconds: float, *, elapsed: float = 0.0) -> float:
        """Return the probability that a run not ended after `elapsed` seconds takes longer than `seconds`."""
        left = self.at(elapsed)[0]
        return min(self.at(seconds)[0] / left, 1.0) if left else 0.0

    def hazard(self, seconds: float) -> float:
        """Return the rate (1/s) at which runs end that have taken so long."""
        survival, density = self.at(seconds)
        return density / survival if survival else inf

    def quantile(self, probability: float, *, elapsed: float = 0.0) -> float:
        """Return the seconds within which that share (over 0, under 1) of the runs not ended at `elapsed` ends."""
        target = (1 - probability) * self.at(elapsed)[0]
        low, high = log(max(elapsed, _SHORTEST / 1e6)), log(max(elapsed, _SHORTEST)) + 1
        while self.at(exp(high))[0] > target:
            high += 1
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.at(exp(middle))[0] > target else (low, middle)
        return exp(high)

    def given(self, estimate: ProgressEstimate) -> "DurationDistribution":
        """Return the distribution after what a snapshot shows, by Bayes' rule; it may mislead like any run."""
        seen = log(estimate.median)
        parts = [
            _product(part, seen, spread, share)
            for part in self.parts
            for spread, share in ((estimate.spread, 1 - UPSET), (hypot(estimate.spread, UPSET_SPREAD), UPSET))
        ]
        whole = sum(part.weight for part in parts)
        if not whole:  # so far from anything thought possible that only the snapshot counts
            return usually(seen, estimate.spread)
        return DurationDistribution(
            tuple(Part(part.weight / whole, part.centre, part.spread) for part in parts if part.weight > whole / 1000)
        )


def _product(part: Part, seen: float, spread: float, share: float) -> Part:
    both = hypot(part.spread, spread)
    z = (seen - part.centre) / both
    centre = part.centre + (seen - part.centre) * (part.spread / both) ** 2
    return Part(share * part.weight * exp(-z * z / 2) / both, centre, part.spread * spread / both)


def usually(centre: float, spread: float) -> DurationDistribution:
    """Return a log-normal with a heavy tail to either side."""
    return DurationDistribution((Part(1 - UPSET, centre, spread), Part(UPSET, centre, hypot(spread, UPSET_SPREAD))))


@frozen(kw_only=True)
class DurationPrior:
    """What all runs known teach about any; by default, what is assumed when none is known.

    The assumption is no guess at the usual run, but the one that a wrong guess costs least: with it, looks at runs of
    5, 15 or 45 minutes are about as good as the best regular ones or better (docs/pacing.md).

    Attributes:
        typical: The median duration of a connection's runs, in seconds.
        between: How much connections differ: the standard deviation of the logarithm.
        within: How much the runs of one connection differ: likewise.
    """

    typical: float = field(default=1700.0, validator=gt(0))
    between: float = field(default=1.25, validator=gt(0))
    within: float = field(default=0.4, validator=gt(0))

    def durations(self, past: Sequence[float] = ()) -> DurationDistribution:
        """Return the distribution of the next run of a connection.

        Args:
            past: The seconds that its last runs took, the latest last; half a dozen are enough.
        """
        return self._of(tuple(past))

    @lru_cache(maxsize=1024)  # noqa: B019 - no more are kept alive; many watches share what is thought of new runs
    def _of(self, past: tuple[float, ...]) -> DurationDistribution:
        logs = [log(max(seconds, _SHORTEST)) for seconds in past]
        if not logs:
            return usually(log(self.typical), hypot(self.between, self.within))
        own = self._spread(logs)
        middle = median(logs)
        reach = _CLIPPED * own
        weights = [RECENT**age for age in reversed(range(len(logs)))]
        mean = fmean([min(max(at, middle - reach), middle + reach) for at in logs], weights)
        doubt = own * own * sum(weight * weight for weight in weights) / sum(weights) ** 2
        trust = self.between**2 / (self.between**2 + doubt)
        return usually(log(self.typical) + trust * (mean - log(self.typical)), sqrt(own * own + trust * doubt))

    def _spread(self, logs: Sequence[float]) -> float:
        """Return how much a connection's runs differ: its own last steps, and as if as many as below from all."""
        steps = _steps(logs)
        return sqrt((_SHARED * self.within**2 + sum(step * step for step in steps) / 2) / (_SHARED + len(steps)))


def learn(histories: Iterable[Sequence[float]]) -> DurationPrior:
    """Return what the runs known teach about any; a handful of them changes little yet.

    Args:
        histories: For each connection, the seconds that its runs took, the latest last.
    """
    known = [[log(max(seconds, _SHORTEST)) for seconds in past] for past in histories if past]
    prior = DurationPrior()
    steps = [step for logs in known for step in _steps(logs)]
    within = sqrt((_ASSUMED * prior.within**2 + sum(step * step for step in steps) / 2) / (_ASSUMED + len(steps)))
    middles = [median(logs) for logs in known]
    count = _ASSUMED + len(middles)
    typical = (_ASSUMED * log(prior.typical) + sum(middles)) / count
    between = sqrt((_ASSUMED * prior.between**2 + sum((middle - typical) ** 2 for middle in middles)) / count)
    return DurationPrior(typical=exp(typical), between=between, within=within)


def _steps(logs: Sequence[float]) -> list[float]:
    """Return how far each run is from the one before: drift hardly shows in it, and no upset counts in full."""
    return [min(abs(after - before), _LARGEST_STEP) for before, after in pairwise(logs)]
