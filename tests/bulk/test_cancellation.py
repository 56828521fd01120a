"""A bulk that is cancelled at any of its steps, and gone on with by another client, runs each connection once.

A step is one suspension of any of its tasks. The task that holds the bulk is cancelled there, as `asyncio.timeout` or
a task group would do it; then a bulk with the same journal goes on. `CHAOS_SEEDS=20` cancels at every step.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from support.bulk import finished, runs_created
from support.quick import length
from support.suspensions import Counted
from support.watch import emulated

from bentley_sync_async import BackoffPacing, ClientCredentials, SynchronizationClient
from bentley_sync_async.bulk import BulkEvent, BulkReport, ConnectionStarted, Outcome, OutcomeStatus
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule

pytestmark = pytest.mark.usefixtures("no_threads", "wall_clock")

SEEDS = int(os.environ.get("CHAOS_SEEDS", "1"))
STRIDE = max(length(60, 20) // SEEDS, 1)
MOST_CANCELLATIONS = 12
PACING = BackoffPacing(shortest=60, longest=120, jitter=0)  # few looks, and at the same instants each time

COUNTING: ContextVar["Steps | None"] = ContextVar("COUNTING", default=None)


class Steps:
    """Counts the suspensions of a task and of all that it starts, and cancels the task at one of them."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.taken = 0
        self.cancel_at = cancel_at
        self.task: asyncio.Task[Any] | None = None

    async def run(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work in a task of its own; return whether that was cancelled."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(_task)
        COUNTING.set(self)
        self.task = loop.create_task(work())
        COUNTING.set(None)
        try:
            await self.task
        except asyncio.CancelledError:
            return True
        finally:
            loop.set_task_factory(None)
        return False

    def suspended(self) -> None:
        self.taken += 1
        if self.taken == self.cancel_at:
            assert self.task is not None
            asyncio.get_running_loop().call_soon(self.task.cancel)


def _task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
    steps = COUNTING.get()  # a task inherits it from whoever starts it: those of the emulator have none
    return asyncio.Task(coroutine if steps is None else _counted(coroutine, steps), loop=loop, **options)


async def _counted(coroutine: Any, steps: Steps) -> Any:
    return await Counted(coroutine, steps.suspended)


@frozen(kw_only=True)
class Scene:
    """What a bulk is to do, and what is to come of it.

    Attributes:
        emulator: The service.
        runs: How many runs each of its connections has in the end.
        ids: The connections of the bulk.
        joined: Those whose run was there before.
        twice: Those that are run once more.
        options: How it is to be done.
    """

    emulator: Emulator
    runs: dict[str, int]
    ids: list[str]
    joined: frozenset[str] = frozenset()
    twice: frozenset[str] = frozenset()
    options: dict[str, Any] = field(factory=dict)


Stage = Callable[[AsyncExitStack], Awaitable[Scene]]


async def _opened(stack: AsyncExitStack, **options: Any) -> Emulator:
    emulator, _ = await stack.enter_async_context(emulated(**options))
    return emulator


async def plain(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack)
    imodel = emulator.new_imodel_id()
    ids = [emulator.add_connection(imodel), emulator.add_connection(imodel), emulator.add_connection()]
    return Scene(emulator=emulator, ids=ids, runs=dict.fromkeys(ids, 1))


async def lost_answers_and_new_tokens(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack, token_lifetime=100)
    lost = FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, performed=True, method="POST", path="/run$", last=2)
    emulator.add_fault(lost)
    ids = [emulator.add_connection(), emulator.add_connection()]
    return Scene(emulator=emulator, ids=ids, runs=dict.fromkeys(ids, 1), options={"timeout": 3600})


async def slow_answers(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack)
    emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=20, method="POST", path="/run$"))
    ids = [emulator.add_connection(), emulator.add_connection()]
    return Scene(emulator=emulator, ids=ids, runs=dict.fromkeys(ids, 1), options={"concurrency": 1})


async def a_busy_imodel(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack)
    imodel = emulator.new_imodel_id()
    foreign = emulator.add_connection(imodel)
    emulator.start_run(foreign)
    ids = [emulator.add_connection(imodel), emulator.add_connection()]
    return Scene(emulator=emulator, ids=ids, runs=dict.fromkeys([foreign, *ids], 1), options={"concurrency": 1})


async def a_run_of_the_connection_itself_to_join(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack)
    joined, other = ids = [emulator.add_connection(), emulator.add_connection()]
    emulator.start_run(joined)
    await asyncio.sleep(5)  # a run that began within a second of the trigger passes for ours if the answer is lost
    return Scene(emulator=emulator, ids=ids, runs={joined: 1, other: 1}, joined=frozenset({joined}))


async def a_run_of_the_connection_itself_to_wait_for(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack)
    again, other = ids = [emulator.add_connection(), emulator.add_connection()]
    emulator.start_run(again)
    await asyncio.sleep(15)
    return Scene(emulator=emulator, ids=ids, runs={again: 2, other: 1}, options={"when_active": "rerun"})


async def failures_that_pass(stack: AsyncExitStack) -> Scene:
    emulator = await _opened(stack)
    emulator.add_file_rule(FileRule(file_name="flaky*", nth=1, error="NetworkIssue"))
    imodel = emulator.new_imodel_id()
    flaky = emulator.add_connection(imodel, files=[("flaky.dgn", "MSTN")])
    other = emulator.add_connection(imodel)
    return Scene(
        emulator=emulator,
        ids=[flaky, other],
        runs={flaky: 2, other: 1},
        twice=frozenset({flaky}),
        options={"retry_failed": 1},
    )


STAGES: list[Stage] = [
    plain,
    lost_answers_and_new_tokens,
    slow_answers,
    a_busy_imodel,
    a_run_of_the_connection_itself_to_join,
    a_run_of_the_connection_itself_to_wait_for,
    failures_that_pass,
]


class Night:
    """A bulk of one scene and journal, begun and left as often as a test wants it."""

    def __init__(self, scene: Scene, journal: Path) -> None:
        self.scene = scene
        self.journal = journal
        self.finished: dict[str | None, Outcome] = {}
        self.report: BulkReport | None = None

    async def go_on(self, steps: Steps) -> bool:
        """Run the bulk in a client of its own; return whether it was cancelled."""
        events: list[BulkEvent] = []
        emulator = self.scene.emulator

        async def bulk_to_its_end() -> None:
            credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
            async with (
                SynchronizationClient(credentials, base_url=emulator.url) as client,
                client.run_many(self.scene.ids, journal=self.journal, pacing=PACING, **self.scene.options) as bulk,
            ):
                async for event in bulk:
                    events.append(event)  # noqa: PERF401 - what came before a cancellation counts
                self.report = bulk.report

        before = _tasks()
        cancelled = await steps.run(bulk_to_its_end)
        assert _tasks() == before
        self.add(events)
        return cancelled

    async def ended(self) -> bool:
        """Whether the journal knows of nothing to go on with, and there is a report."""
        async with SQLiteJournal(self.journal, origin=self.scene.emulator.url) as journal:
            return self.report is not None and await journal.unfinished() == {}

    def add(self, events: list[BulkEvent]) -> None:
        told = finished(events)
        started = [event.connection_id for event in events if isinstance(event, ConnectionStarted)]
        assert self.finished.keys().isdisjoint(told), "a connection was finished twice"
        assert self.finished.keys().isdisjoint(started), "a connection was begun again after its end"
        self.finished |= told

    async def check(self, where: str) -> None:
        """Each connection was run as often as it should, and the report tells what came of each."""
        scene = self.scene
        assert runs_created(scene.emulator) == scene.runs, where
        assert self.report is not None, where
        outcomes = {outcome.connection_id: outcome for outcome in self.report.outcomes}
        assert [outcome.connection_id for outcome in self.report.outcomes] == scene.ids, where
        assert {outcome.status for outcome in self.report.outcomes} == {OutcomeStatus.SUCCEEDED}, where
        latest = {run.connection_id: run.ref for run in scene.emulator.runs}
        assert {one: outcome.ref for one, outcome in outcomes.items()} == {one: latest[one] for one in scene.ids}, where
        assert {one for one, outcome in outcomes.items() if outcome.joined} == scene.joined, where
        assert {one for one, outcome in outcomes.items() if outcome.attempts != 1} == scene.twice, where
        assert all(outcomes[one] == outcome for one, outcome in self.finished.items()), where
        assert await self.ended(), where


def _tasks() -> set["asyncio.Task[Any]"]:
    """The tasks there are, but for those that serve the emulator's sockets."""
    return {task for task in asyncio.all_tasks() if "RequestHandler" not in repr(task)}


async def steps_of(stage: Stage, journal: Path) -> int:
    """Return how many steps a bulk takes that nobody cancels."""
    steps = Steps()
    async with AsyncExitStack() as stack:
        night = Night(await stage(stack), journal)
        assert not await night.go_on(steps)
        await night.check("never cancelled")
        assert night.finished.keys() == set(night.scene.ids)
    return steps.taken


@pytest.mark.parametrize("stage", STAGES)
async def test_a_bulk_that_is_cancelled_at_any_step_is_gone_on_with_and_runs_each_connection_once(
    stage, tmp_path, record_property
):
    number = await steps_of(stage, tmp_path / "0.db")
    assert number > 50
    places = range(random.randint(1, STRIDE), number + 1, STRIDE)
    for place in places:
        where = f"cancelled at step {place} of {number}"
        async with AsyncExitStack() as stack:
            night = Night(await stage(stack), tmp_path / f"{place}.db")
            assert await night.go_on(Steps(cancel_at=place)), where
            if not await night.ended():
                assert not await night.go_on(Steps())
            await night.check(where)
    record_property("steps", f"{stage.__name__}: cancelled at {len(places)} of {number}")


@pytest.mark.parametrize("seed", range(2 * SEEDS))
@pytest.mark.parametrize("stage", STAGES)
async def test_a_bulk_that_is_cancelled_again_and_again_runs_each_connection_once(
    stage, seed, tmp_path, record_property
):
    chance = random.Random(f"{stage.__name__}/{seed}")
    places = []
    async with AsyncExitStack() as stack:
        night = Night(await stage(stack), tmp_path / "nightly.db")
        while not await night.ended():
            place = chance.randint(1, 100) if len(places) < MOST_CANCELLATIONS else None
            places += [place] * await night.go_on(Steps(cancel_at=place))
        await night.check(f"cancelled at {places}")
    record_property("cancelled", f"{stage.__name__}: {len(places)} times")
