"""The plan of a bulk: what it will do, and the time and requests that it should take. Pure."""

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import median

from attrs import evolve, frozen

from bentley_sync_async.pacing.strategies import Pacing, PollContext
from bentley_sync_async.wire.codec import encode

from .outcomes import Outcome
from .report import counted, duration_text, outcome_lines, table
from .schedule import Item, Schedule

USUAL_DURATION = 300.0
"""The expected duration of a run in seconds when no duration is known at all."""

_MAX_POLLS = 10_000
_MAX_LINES = 40  # of a printed plan: half of them its first runs, half its last


@frozen(kw_only=True)
class PlannedRun:
    """A connection, and when its run should begin.

    Attributes:
        connection_id: The connection.
        imodel_id: Its iModel; `None` if unknown.
        itwin_id: Its iTwin; `None` if unknown.
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
    """What a bulk will do, if every run takes as long as expected and no other client uses the iModels.

    `print(plan)` shows a table of the first and the last runs.

    Attributes:
        runs: The runs, in the order in which they should begin.
        refused: The outcomes of connections that cannot be run.
        finished: Connections that an earlier process with the same journal has finished.
        concurrency: How many runs are under way at a time.
        duration: Seconds that it should take.
        lower_bound: Seconds that it takes at least, in any order: the work of the busiest iModel, or all work divided
            by the concurrency, or that of an iTwin divided by its limit.
        requests: Requests to the API that it should take, without those that resolve the connections.
    """

    runs: tuple[PlannedRun, ...]
    refused: tuple[Outcome, ...] = ()
    finished: int = 0
    concurrency: int
    duration: float
    lower_bound: float
    requests: int

    def __str__(self) -> str:
        rows = [
            (duration_text(run.begins), duration_text(run.expected), run.connection_id, run.imodel_id or "not known")
            for run in self.runs
        ]
        head, *lines = table([("begins", "lasts", "connection", "iModel"), *rows], numbers=2)
        refused = [line for outcome in self.refused for line in outcome_lines(outcome)]
        return "\n".join([*([head] if rows else []), *_first_and_last(lines), *_first_and_last(refused), self.totals()])

    def totals(self) -> str:
        """Return one line with the amount of work, and the time and requests that it should take."""
        imodels = len({run.imodel_id or run.connection_id for run in self.runs})
        text = (
            f"{counted(len(self.runs), 'connection')} to run on {counted(imodels, 'iModel')}, {self.concurrency} at a "
            f"time: about {duration_text(self.duration)} (at the least {duration_text(self.lower_bound)}) and "
            f"{counted(self.requests, 'request')}."
        )
        if self.finished:
            text += f" Finished by an earlier process: {self.finished}."
        if self.refused:
            text += f" Cannot be run: {len(self.refused)}."
        return text

    def to_json(self) -> str:
        """Return it as one JSON object, with the API's spelling of names; durations are in seconds."""
        return encode(self).decode()


def _first_and_last(lines: Sequence[str]) -> list[str]:
    """Return the lines, without those in the middle if there are many."""
    if len(lines) <= _MAX_LINES:
        return list(lines)
    half = _MAX_LINES // 2
    return [*lines[:half], f"  ... {len(lines) - 2 * half} more ...", *lines[-half:]]


def expected_durations(known: dict[str, Sequence[float]], connection_ids: Iterable[str]) -> dict[str, float]:
    """Return the expected duration of each connection's run in seconds: the median of its past runs.

    For a connection without past runs it is the median of all others.

    Args:
        known: The durations of past runs in seconds, by connection.
        connection_ids: The connections.
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
    """Return the plan.

    Args:
        items: The connections that are to be run.
        concurrency: How many may be under way at a time.
        per_itwin: How many of one iTwin may be under way at a time; `None` for no such limit.
        pacing: When runs are polled.
        refused: The outcomes of connections that cannot be run.
        finished: How many connections an earlier process has finished.
    """
    begins, duration = simulate(items, concurrency=concurrency, per_itwin=per_itwin)
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
        lower_bound=lower_bound(items, concurrency=concurrency, per_itwin=per_itwin),
        requests=len(items) + sum(expected_polls(pacing, [item.expected for item in items])),
    )


def lower_bound(items: Iterable[Item], *, concurrency: int, per_itwin: int | None) -> float:
    """Return the seconds below which no order of the runs can get. Arguments as for `make_plan`."""
    of_queue: defaultdict[str, float] = defaultdict(float)
    of_itwin: defaultdict[str, float] = defaultdict(float)
    for item in items:
        of_queue[item.queue_key] += item.expected
        if per_itwin is not None and item.itwin_id is not None:
            of_itwin[item.itwin_id] += item.expected / per_itwin
    return max(sum(of_queue.values()) / concurrency, *of_queue.values(), *of_itwin.values(), 0.0)


def simulate(items: Iterable[Item], *, concurrency: int, per_itwin: int | None) -> tuple[dict[str, float], float]:
    """Return when each connection's run begins, and when all have ended, if each takes as long as expected.

    Both are in seconds from the start. Arguments as for `make_plan`.
    """
    schedule = Schedule(items, concurrency=concurrency, per_itwin=per_itwin)
    begins: dict[str, float] = {}
    ends: list[tuple[float, int, Item]] = []
    number = count()
    now = 0.0
    while True:
        for item in schedule.start_next():
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
        waiting: Connections that were not started.
        under_way: Connections whose runs are under way, and for how many seconds; a late run is expected to end soon.
        concurrency: As for `make_plan`.
        per_itwin: As for `make_plan`.
    """
    rest = [
        evolve(item, expected=max(item.expected - elapsed, 0.1 * item.expected), under_way=True)
        for item, elapsed in under_way
    ]
    return simulate([*rest, *waiting], concurrency=concurrency, per_itwin=per_itwin)[1]


def expected_polls(pacing: Pacing, durations: Sequence[float]) -> list[int]:
    """Return the number of polls for runs of these durations, if each changes only at its start and its end."""
    longest = max(durations, default=0.0)
    instants = [0.0]
    while instants[-1] < longest and len(instants) < _MAX_POLLS:
        context = PollContext(unchanged_polls=len(instants) - 1, chance=0.5, elapsed=instants[-1])
        instants.append(instants[-1] + pacing.delay(context))
    return [min(bisect_left(instants, seconds) + 1, len(instants)) for seconds in durations]
