"""The distribution of a run's duration, and the prior that the runs of all connections give for it. Pure.

Durations spread by factors, not by seconds, so everything is computed on their logarithms: a log-normal for usual runs,
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
"""The weight of a run relative to the next later one."""

OUTLIER = 0.02
"""The probability that a run is unlike all before it, or that the estimate from a snapshot is misleading."""

OUTLIER_SPREAD = 1.5
"""How much broader the durations of such runs spread, on the logarithm: a fifth and five times are well inside."""

_SHORTEST = 1.0  # seconds; zero has no logarithm
_CLIPPED = 2.5  # spreads from the median, to which past runs beyond are clipped
_LARGEST_STEP = 2.0  # on the logarithm, between two runs of a connection; larger ones are outliers
_SHARED = 16  # steps of all connections that count beside a connection's own
_ASSUMED = 4  # connections, or steps, for which the assumed values count beside those known
_ROOT_2, _ROOT_2_PI = sqrt(2), sqrt(2 * pi)


@frozen
class LogNormal:
    """A log-normal: `weight` of the whole, `centre` (the logarithm of its median) and `spread` of the logarithm."""

    weight: float
    centre: float
    spread: float


@frozen(kw_only=True)
class ProgressEstimate:
    """The estimate that a snapshot gives of the duration of its run.

    Attributes:
        median: Seconds from the start to the end.
        spread: The uncertainty: the standard deviation of the logarithm.
    """

    median: float = field(validator=gt(0))
    spread: float = field(validator=gt(0))


@frozen
class DurationDistribution:
    """The distribution of a run's duration: a mixture of log-normals.

    Attributes:
        parts: The log-normals; their weights add up to 1.
    """

    parts: tuple[LogNormal, ...]

    def at(self, seconds: float) -> tuple[float, float]:
        """Return the probability that the run takes longer, and the density at that duration (1/s)."""
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
        """Return the probability that a run that still goes on after `elapsed` seconds takes longer than `seconds`."""
        left = self.at(elapsed)[0]
        return min(self.at(seconds)[0] / left, 1.0) if left else 0.0

    def hazard(self, seconds: float) -> float:
        """Return the rate (1/s) at which runs end that have gone on for so long."""
        survival, density = self.at(seconds)
        return density / survival if survival else inf

    def quantile(self, probability: float, *, elapsed: float = 0.0) -> float:
        """Return the seconds within which that share (over 0, under 1) of the runs that go on at `elapsed` ends."""
        target = (1 - probability) * self.at(elapsed)[0]
        low, high = log(max(elapsed, _SHORTEST / 1e6)), log(max(elapsed, _SHORTEST)) + 1
        while self.at(exp(high))[0] > target:
            high += 1
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.at(exp(middle))[0] > target else (low, middle)
        return exp(high)

    def updated(self, estimate: ProgressEstimate) -> "DurationDistribution":
        """Return the distribution given the estimate from a snapshot, by Bayes' rule; the estimate may be wrong."""
        seen = log(estimate.median)
        parts = [
            _product(part, seen, spread, share)
            for part in self.parts
            for spread, share in ((estimate.spread, 1 - OUTLIER), (hypot(estimate.spread, OUTLIER_SPREAD), OUTLIER))
        ]
        whole = sum(part.weight for part in parts)
        if not whole:  # so far from the distribution that only the estimate counts
            return heavy_tailed(seen, estimate.spread)
        return DurationDistribution(
            tuple(
                LogNormal(part.weight / whole, part.centre, part.spread) for part in parts if part.weight > whole / 1000
            )
        )


def _product(part: LogNormal, seen: float, spread: float, share: float) -> LogNormal:
    both = hypot(part.spread, spread)
    z = (seen - part.centre) / both
    centre = part.centre + (seen - part.centre) * (part.spread / both) ** 2
    return LogNormal(share * part.weight * exp(-z * z / 2) / both, centre, part.spread * spread / both)


def heavy_tailed(centre: float, spread: float) -> DurationDistribution:
    """Return a log-normal with a heavy tail on either side."""
    return DurationDistribution(
        (LogNormal(1 - OUTLIER, centre, spread), LogNormal(OUTLIER, centre, hypot(spread, OUTLIER_SPREAD)))
    )


@frozen(kw_only=True)
class DurationPrior:
    """What is assumed of any connection's runs, fitted to all runs known; the defaults hold when none is known.

    The defaults are not a guess at the usual run, but the values that cost least when they are wrong: with them, polls
    of runs of 5, 15 or 45 minutes are about as good as the best regular ones or better (docs/pacing.md).

    Attributes:
        typical: The median duration of a connection's runs, in seconds.
        between: How much connections differ: the standard deviation of the logarithm.
        within: How much the runs of one connection differ: the standard deviation of the logarithm.
    """

    typical: float = field(default=1700.0, validator=gt(0))
    between: float = field(default=1.25, validator=gt(0))
    within: float = field(default=0.4, validator=gt(0))

    def distribution(self, past: Sequence[float] = ()) -> DurationDistribution:
        """Return the distribution of the duration of a connection's next run.

        Args:
            past: The durations of its last runs in seconds, the latest last; half a dozen are enough.
        """
        return self._distribution(tuple(past))

    @lru_cache(maxsize=1024)  # noqa: B019 - keeps few objects alive, and many watches share the distribution of a first run
    def _distribution(self, past: tuple[float, ...]) -> DurationDistribution:
        logs = [log(max(seconds, _SHORTEST)) for seconds in past]
        if not logs:
            return heavy_tailed(log(self.typical), hypot(self.between, self.within))
        own = self._spread(logs)
        middle = median(logs)
        limit = _CLIPPED * own
        weights = [RECENT**age for age in reversed(range(len(logs)))]
        mean = fmean([min(max(at, middle - limit), middle + limit) for at in logs], weights)
        variance = own * own * sum(weight * weight for weight in weights) / sum(weights) ** 2
        trust = self.between**2 / (self.between**2 + variance)
        return heavy_tailed(log(self.typical) + trust * (mean - log(self.typical)), sqrt(own * own + trust * variance))

    def _spread(self, logs: Sequence[float]) -> float:
        """Return how much a connection's runs differ, from its own steps and `_SHARED` steps of all connections."""
        steps = _steps(logs)
        return sqrt((_SHARED * self.within**2 + sum(step * step for step in steps) / 2) / (_SHARED + len(steps)))


def fit_prior(histories: Iterable[Sequence[float]]) -> DurationPrior:
    """Return the prior fitted to past runs; a handful of them changes the defaults little.

    Args:
        histories: For each connection, the durations of its runs in seconds, the latest last.
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
    """Return the difference of each run from the one before: drift hardly shows in it, and outliers are clipped."""
    return [min(abs(after - before), _LARGEST_STEP) for before, after in pairwise(logs)]
