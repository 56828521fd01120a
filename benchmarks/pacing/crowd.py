"""A thousand watches that share one price: do they keep to the rate, and how soon do they notice?"""

from bisect import bisect_right
from heapq import heappop, heappush
from math import exp, log
from random import Random

from attrs import evolve, frozen

from bentley_sync_async.pacing.distribution import fit_prior
from bentley_sync_async.pacing.learned import LearnedPacing
from bentley_sync_async.pacing.price import PollPrice
from bentley_sync_async.pacing.strategies import PollContext

from .optimum import Outcome, best_fixed
from .workloads import Case

HOURLY = 4000
"""Polls in any hour: what Community allows, less a fifth for triggers and all else."""


@frozen(kw_only=True)
class Crowd:
    """What came of it.

    Attributes:
        watches: How many there were.
        minute: The most polls in any minute.
        hour: The most polls in any hour.
        learned: Polls a run and the mean delay.
        fixed: What the best fixed interval reaches with as many polls.
    """

    watches: int
    minute: int
    hour: int
    learned: Outcome
    fixed: Outcome

    def text(self) -> str:
        """Return it in a sentence."""
        return (
            f"{self.watches:,} watches of runs of 5 to 60 minutes, begun at once and steered by one price to "
            f"{HOURLY:,} polls an hour: at most {self.minute} in a minute and {self.hour:,} in an hour, "
            f"{self.learned.polls:.1f} a run, mean delay {self.learned.delay:.0f} s; the best fixed interval's "
            f"for as many polls: {self.fixed.delay:.0f} s.\n"
        )


def crowd(watches: int = 1000, *, spread: float = 0.3, past: int = 5) -> Crowd:
    """Follow as many runs, each with a few past runs known, and each re-priced whenever its watch wakes."""
    random = Random("crowd")
    scales = [exp(random.uniform(log(300), log(3600))) for _ in range(watches)]
    cases = [
        Case(
            past=tuple(scale * random.lognormvariate(0, spread) for _ in range(past)),
            duration=min(max(scale * random.lognormvariate(0, spread), 300), 3600),
            scale=scale,
        )
        for scale in scales
    ]
    prior = fit_prior(case.past for case in cases)
    polls: list[float] = []
    noticed: list[float] = []
    unchanged_polls = [0] * watches
    pacing = LearnedPacing()
    now = 0.0

    def free(seconds: float) -> float:
        return HOURLY - (len(polls) - bisect_right(polls, now - 3600 + min(seconds, 3600)))

    price = PollPrice(free)
    for number, case in enumerate(cases):
        price.update(number, pacing.demand(PollContext(chance=0.0, duration=prior.distribution(case.past))))
    wakes = [(0.0, number) for number in range(watches)]
    while wakes:
        now, number = heappop(wakes)
        case = cases[number]
        if now > 0:
            polls.append(now)
        if now >= case.duration:
            noticed.append(now - case.duration)
            price.remove(number)
            continue
        unchanged_polls[number] += 1
        context = PollContext(
            unchanged_polls=unchanged_polls[number],
            chance=random.random(),
            elapsed=now,
            duration=prior.distribution(case.past),
        )
        price.update(number, pacing.demand(context))
        heappush(wakes, (now + pacing.delay(evolve(context, price=price.current(now))), number))
    reached = Outcome(len(polls) / watches, sum(noticed) / watches)
    return Crowd(
        watches=watches,
        minute=most(polls, 60),
        hour=most(polls, 3600),
        learned=reached,
        fixed=best_fixed(cases, reached.polls),
    )


def most(instants: list[float], seconds: float) -> int:
    """Return the most of the instants, which are in order, in any stretch of so many seconds."""
    return max(bisect_right(instants, at + seconds - 1e-9) - index for index, at in enumerate(instants))
