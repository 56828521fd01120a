"""What a bulk is going to do, and how long and how many requests that should take. Pure."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import median

from attrs import evolve, frozen

from bentley_sync_async.watch.pacing import Pacing

from .outcomes import Outcome
from .schedule import Item, Schedule

USUAL_DURATION = 300.0
"""Seconds that a run is taken to last when nothing at all is known."""

_MOST_LOOKS = 10_000


@frozen(kw_only=True)
class PlannedRun:
    """A connection, and when its run should begin.

    Attributes:
        connection_id: The connection.
        imodel_id: Its iModel; `None` if nobody could tell.
        itwin_id: Its iTwin; `None` if nobody could tell.
        begins: Seconds from the start of the bulk.
        expected: Seconds that the run should take.
    """

    connection_id: str
    imodel_id: str | None
    itwin_id: str | None
    begins: float
    expected: float


@frozen(kw_only=True)
class BulkPlan:
    """What a bulk is going to do, if every run takes as long as expected and nobody else uses the iModels.

    Attributes:
        runs: The runs, in the order in which they should begin.
        refused: What cannot be run, and why.
        finished: Connections that an earlier process with the same journal has finished.
        concurrency: How many runs are under way at a time.
        duration: Seconds that it should take.
        requests: Requests to the API that it should take, the look-ups before it not counted.
    """

    runs: tuple[PlannedRun, ...]
    refused: tuple[Outcome, ...] = ()
    finished: int = 0
    concurrency: int
    duration: float
    requests: int

    @property
    def lower_bound(self) -> float:
        """Seconds that it takes at the least: the work of the busiest iModel, or all work over the concurrency."""
        work: defaultdict[str, float] = defaultdict(float)
        for run in self.runs:
            work[run.imodel_id or run.connection_id] += run.expected
        return max(sum(work.values()) / self.concurrency, *work.values(), 0.0)


def expected_durations(known: dict[str, Sequence[float]], connection_ids: Iterable[str]) -> dict[str, float]:
    """Return the seconds that each connection's run should take: the median of its past runs.

    Of a connection without any, it is the median of all others.

    Args:
        known: Seconds that past runs took, by connection.
        connection_ids: Whose runs are to be expected.
    """
    own = {connection_id: median(past) for connection_id, past in known.items() if past}
    usual = median(own.values()) if own else USUAL_DURATION
    return {connection_id: own.get(connection_id, usual) for connection_id in connection_ids}


def make_plan(
    items: Sequence[Item],
    *,
    concurrency: int,
    per_itwin: int | None,
    pacing: Pacing,
    refused: Sequence[Outcome] = (),
    finished: int = 0,
) -> BulkPlan:
    """Return what is going to happen.

    Args:
        items: What is to be run.
        concurrency: How many may be under way at a time.
        per_itwin: How many of one iTwin; `None` for no such bound.
        pacing: How often runs are looked at.
        refused: What cannot be run.
        finished: How many an earlier process has finished.
    """
    begins, duration = rehearse(items, concurrency=concurrency, per_itwin=per_itwin)
    runs = [
        PlannedRun(
            connection_id=item.connection_id,
            imodel_id=item.imodel_id,
            itwin_id=item.itwin_id,
            begins=begins[item.connection_id],
            expected=item.expected,
        )
        for item in items
    ]
    return BulkPlan(
        runs=tuple(sorted(runs, key=lambda run: run.begins)),
        refused=tuple(refused),
        finished=finished,
        concurrency=concurrency,
        duration=duration,
        requests=sum(1 + expected_looks(pacing, item.expected) for item in items),
    )


def rehearse(items: Iterable[Item], *, concurrency: int, per_itwin: int | None) -> tuple[dict[str, float], float]:
    """Return when each connection's run begins, and when all have ended, if each takes as long as expected.

    Both are in seconds from the start. Arguments as for `make_plan`.
    """
    schedule = Schedule(items, concurrency=concurrency, per_itwin=per_itwin)
    begins: dict[str, float] = {}
    ends: list[tuple[float, int, Item]] = []
    number = count()
    now = 0.0
    while True:
        for item in schedule.take():
            begins[item.connection_id] = now
            heapq.heappush(ends, (now + item.expected, next(number), item))
        if not ends:
            return begins, now
        now, _, item = heapq.heappop(ends)
        schedule.finish(item)


def seconds_left(
    waiting: Iterable[Item], under_way: Iterable[tuple[Item, float]], *, concurrency: int, per_itwin: int | None
) -> float:
    """Return the seconds until all runs should have ended.

    Args:
        waiting: What has not begun.
        under_way: What has, and for how many seconds; a run that is late is taken to end soon.
        concurrency: As for `make_plan`.
        per_itwin: As for `make_plan`.
    """
    rest = [
        evolve(item, expected=max(item.expected - elapsed, 0.1 * item.expected), under_way=True)
        for item, elapsed in under_way
    ]
    return rehearse([*rest, *waiting], concurrency=concurrency, per_itwin=per_itwin)[1]


def expected_looks(pacing: Pacing, seconds: float) -> int:
    """Return how many looks follow a run of so many seconds in which nothing changes but at its start and its end."""
    elapsed = 0.0
    for looks in range(1, _MOST_LOOKS):
        elapsed += pacing.delay(quiet=looks - 1, chance=0.5)
        if elapsed >= seconds:
            return looks + 1
    return _MOST_LOOKS
