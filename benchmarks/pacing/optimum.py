"""The pacings to compare with, each tuned in hindsight to as many requests on the runs in question."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import ceil, exp, inf, log

from attrs import define, field, frozen

from .workloads import Case, Survival

Schedule = tuple[float, ...]

_POINTS = 400
_REFINED = 9  # points on either side of each poll
_STEP = 0.15  # between two prices for which the optimum is reckoned, on the logarithm


@frozen
class Outcome:
    """The outcome of a pacing: requests a run, and the mean delay until an end was noticed, in seconds."""

    polls: float
    delay: float


def outcome_of(cases: Sequence[Case], poll: Callable[[Case], tuple[int, float]]) -> Outcome:
    """Return the outcome of a pacing, given a function of a run that returns its polls and when it notices the end."""
    seen = [poll(case) for case in cases]
    delay = sum(noticed - case.duration for case, (_, noticed) in zip(cases, seen, strict=True))
    return Outcome(sum(polls for polls, _ in seen) / len(cases), delay / len(cases))


def tuned(outcome: Callable[[float], Outcome], polls: float, *, near: float) -> Outcome:
    """Return the outcome with so many requests a run, of a way that needs the fewer the greater its one number is."""
    low = high = near
    while outcome(low).polls <= polls:
        low /= 1.5
    while outcome(high).polls > polls:
        high *= 1.5
    for _ in range(16):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if outcome(middle).polls > polls else (low, middle)
    few, many = outcome(high), outcome(low)
    # A step in between, where one more run needs one request more: as if chance chose between its two sides.
    share = (polls - few.polls) / (many.polls - few.polls)
    return Outcome(polls, few.delay + share * (many.delay - few.delay))


def best_fixed(cases: Sequence[Case], polls: float) -> Outcome:
    """Return what the best fixed interval reaches."""

    def at(interval: float) -> Outcome:
        def poll(case: Case) -> tuple[int, float]:
            count = max(ceil(case.duration / interval), 1)
            return count, count * interval

        return outcome_of(cases, poll)

    return tuned(at, polls, near=mean(cases) / polls)


def best_backoff(cases: Sequence[Case], polls: float) -> Outcome:
    """Return what the best exponential backoff reaches, of many factors and of longest waits up to none.

    All are tried on every eighth run, the best few on all.
    """
    settings = [(factor, cap) for factor in (1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0) for cap in (3.0, 10.0, 1e9)]
    settings.sort(key=lambda setting: _tuned_backoff(cases[::8], polls, *setting).delay)
    return min((_tuned_backoff(cases, polls, *setting) for setting in settings[:4]), key=lambda outcome: outcome.delay)


def _tuned_backoff(cases: Sequence[Case], polls: float, factor: float, cap: float) -> Outcome:
    end = max(case.duration for case in cases)

    def at(first: float) -> Outcome:
        instants = _backoff(first, factor, cap, end)
        return outcome_of(cases, lambda case: _noticed(instants, case.duration))

    return tuned(at, polls, near=mean(cases) / polls / 2)


def mean(cases: Sequence[Case]) -> float:
    """Return the mean duration."""
    return sum(case.duration for case in cases) / len(cases)


def _backoff(first: float, factor: float, cap: float, end: float) -> Schedule:
    instants, wait = [first], first
    while instants[-1] < end:
        wait = min(wait * factor, first * cap)
        instants.append(instants[-1] + wait)
    return tuple(instants)


def _noticed(instants: Schedule, duration: float) -> tuple[int, float]:
    index = bisect_left(instants, duration)
    return index + 1, instants[index]


@define
class Clairvoyant:
    """The optimum for a client that knows the true law of each connection, but not how long this run takes.

    For a price of a poll, the best schedule is found by dynamic programming over instants, backwards from the end of
    the law; then once more over instants close around the polls found. It knows nothing of hazards or root laws.
    """

    survival: Survival
    _schedules: dict[int, Schedule] = field(factory=dict)

    def outcome(self, cases: Sequence[Case], polls: float, *, near: float) -> Outcome:
        """Return what it reaches with so many requests a run, at one price for all runs, which is about `near`."""

        def at(price: float) -> Outcome:
            return outcome_of(cases, lambda case: self._poll(case, price))

        return tuned(at, polls, near=near)

    def _poll(self, case: Case, price: float) -> tuple[int, float]:
        schedule = self.schedule(price / case.scale)
        count, noticed = _noticed(schedule, case.duration / case.scale)
        return count, noticed * case.scale

    def schedule(self, price: float) -> Schedule:
        """Return the best schedule for about that price, for runs of the typical length 1."""
        step = round(log(price) / _STEP)
        if step not in self._schedules:
            self._schedules[step] = optimum(self.survival, exp(step * _STEP))
        return self._schedules[step]


def optimum(survival: Survival, price: float) -> Schedule:
    """Return the instants that make `price` x polls + delay least, on average over the law."""
    low, high = _where(survival, 1 - 1e-7), _where(survival, 1e-8)
    ratio = (high / low) ** (1 / _POINTS)
    schedule = _best_of([0.0, *(low * ratio**index for index in range(_POINTS + 1))], survival, price)
    for _ in range(2):
        schedule = _best_of([0.0, *_around(schedule, ratio)], survival, price)
        ratio **= 1 / _REFINED
    return (*schedule, *(schedule[-1] * 1.5**power for power in range(1, 40)))


def _around(schedule: Sequence[float], ratio: float) -> list[float]:
    steps = range(-_REFINED, _REFINED + 1)
    return sorted({at * ratio ** (step / _REFINED) for at in schedule for step in steps})


def _best_of(instants: list[float], survival: Survival, price: float) -> Schedule:
    """Return the best schedule that polls at some of the instants and at the last; the first is the start."""
    alive = [survival(at) for at in instants]
    area = [0.0]  # integral of the survival
    for before, after, s0, s1 in zip(instants, instants[1:], alive, alive[1:], strict=False):
        area.append(area[-1] + (after - before) / 6 * (s0 + 4 * survival((before + after) / 2) + s1))
    last = len(instants) - 1
    cost = [0.0] * len(instants)
    following = [last] * len(instants)
    reach = last  # the later one starts, the later the best next poll is
    for start in range(last - 1, -1, -1):
        best, now, ended = inf, alive[start], area[start]
        offset = price - instants[start]
        for end in range(reach, start, -1):
            total = now * (offset + instants[end]) - area[end] + cost[end]
            if total < best:
                best, following[start] = total, end
        cost[start] = best + ended
        reach = following[start]
    schedule, at = [], 0
    while at < last:
        at = following[at]
        schedule.append(instants[at])
    return tuple(schedule)


def _where(survival: Survival, target: float) -> float:
    low, high = 1e-6, 1e6
    for _ in range(80):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if survival(middle) > target else (low, middle)
    return high
