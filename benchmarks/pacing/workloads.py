"""Simulated runs: what a watch knows of each, its duration, and the true distribution that it was drawn from."""

from collections.abc import Callable
from math import erfc, exp, log, sqrt
from random import Random
from statistics import NormalDist

from attrs import frozen

Survival = Callable[[float], float]

BETWEEN = 1.0
"""How much connections differ: the standard deviation of the logarithm."""

_NORMAL = NormalDist()


@frozen(kw_only=True)
class Case:
    """One run.

    Attributes:
        past: The seconds that the runs before it took.
        duration: The seconds that it takes.
        scale: Its duration is distributed like `scale` times the law of its workload.
    """

    past: tuple[float, ...]
    duration: float
    scale: float


@frozen
class Law:
    """A law of durations of the typical length 1.

    Attributes:
        survival: The probability of taking longer.
        inverse: The duration that the given share of runs stays below.
    """

    survival: Survival
    inverse: Callable[[float], float]


@frozen(kw_only=True)
class Workload:
    """A kind of runs, and what is asked of LearnedPacing there.

    Attributes:
        name: As the table shows it.
        law: Of the run watched.
        past: How many runs are known of each connection.
        before: The law of those, if it is another.
        shown: Whether a watch knows those of its own connection; if not, it knows only what all teach.
        median: Seconds that the typical run of the typical connection takes.
        drift: What each run of a connection takes, over the one before it: the logarithm.
        fixed: The most that the mean delay may be of that with the best fixed interval; `None` if it is only printed.
        clairvoyant: The most that it may be of the clairvoyant optimum's; likewise.
    """

    name: str
    law: Law
    past: int = 5
    before: Law | None = None
    blocking_fingerprint: bool = True
    median: float = 900.0
    drift: float = 0.0
    fixed: float | None = 1.0
    clairvoyant: float | None = None

    def cases(self, count: int, random: Random) -> list[Case]:
        """Return that many runs of as many connections, spread evenly over both laws, in random order."""
        scales = [self.median * exp(BETWEEN * _NORMAL.inv_cdf(share)) for share in _shares(count, random)]
        lasts = [self.law.inverse(share) for share in _shares(count, random)]
        return [
            Case(past=self._past(scale, random), duration=scale * last, scale=scale)
            for scale, last in zip(scales, lasts, strict=True)
        ]

    def _past(self, scale: float, random: Random) -> tuple[float, ...]:
        law = self.before or self.law
        ages = range(self.past, 0, -1)
        return tuple(scale * exp(-self.drift * age) * law.inverse(random.uniform(1e-9, 1 - 1e-9)) for age in ages)


def _shares(count: int, random: Random) -> list[float]:
    shares = [(index + random.random()) / count for index in range(count)]
    random.shuffle(shares)
    return [min(max(share, 1e-9), 1 - 1e-9) for share in shares]


def lognormal(spread: float, centre: float = 0.0) -> Law:
    """Return the law with that median and spread of the logarithm."""
    return Law(
        lambda at: erfc((log(at) - centre) / (spread * sqrt(2))) / 2 if at > 0 else 1.0,
        lambda share: exp(centre + spread * _NORMAL.inv_cdf(share)),
    )


def weibull(shape: float) -> Law:
    """Return the law of the weakest of many links, with its median at 1."""
    return Law(
        lambda at: 2.0 ** -(at**shape) if at > 0 else 1.0,
        lambda share: (-log(1 - share) / log(2)) ** (1 / shape),
    )


def mixed(*laws: tuple[float, Law]) -> Law:
    """Return the law of a run that follows each law with the probability before it."""

    def inverse(share: float) -> float:
        below = 0.0
        for weight, law in laws:
            if share < below + weight:
                return law.inverse((share - below) / weight or 1e-12)
            below += weight
        return laws[-1][1].inverse(share)

    return Law(lambda at: sum(weight * law.survival(at) for weight, law in laws), inverse)


_JUMP = log(5)

WORKLOADS = (
    Workload(name="s = 0.15, 5 past runs", law=lognormal(0.15), fixed=1 / 3, clairvoyant=1.35),
    Workload(name="s = 0.3, 5 past runs", law=lognormal(0.3), fixed=1 / 2, clairvoyant=1.2),
    Workload(name="s = 0.3, 1 past run", law=lognormal(0.3), past=1, fixed=1 / 1.6),
    Workload(name="s = 0.6, 5 past runs", law=lognormal(0.6), fixed=1 / 1.3, clairvoyant=1.15),
    Workload(name="no history", law=lognormal(0.3), past=0),
    Workload(name="no history, median 5 min", law=lognormal(0.3), past=0, median=300.0, fixed=None),
    Workload(name="no history, median 45 min", law=lognormal(0.3), past=0, median=2700.0, fixed=None),
    Workload(name="no history, others known", law=lognormal(0.3), blocking_fingerprint=False),
    Workload(
        name="10 % jump x5 or /5",
        law=mixed((0.9, lognormal(0.3)), (0.05, lognormal(0.3, _JUMP)), (0.05, lognormal(0.3, -_JUMP))),
        before=lognormal(0.3),
    ),
    Workload(name="two modes", law=mixed((0.6, lognormal(0.2, log(0.7))), (0.4, lognormal(0.2, log(2.1))))),
    Workload(name="Weibull ends", law=weibull(2.0)),
    Workload(name="drifting durations", law=lognormal(0.3), drift=0.1),
)
