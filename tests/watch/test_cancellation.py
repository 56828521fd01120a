"""A watch that is cancelled once, at every one of the steps that it takes, loses no event and creates one run.

A step is one suspension: the watch hands control to the event loop. The task that awaits the watch is cancelled there,
as `asyncio.timeout` or a task group would do it, over a real socket; then the same watch is asked again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support_runs import normal
from support_watch import completed_tasks, emulated, names

from bentley_sync_async import (
    BackoffPacing,
    ClientCredentials,
    ConnectorType,
    JobAppeared,
    JobCompleted,
    RunAppeared,
    RunCompleted,
    RunWatcher,
    SynchronizationClient,
    TaskAppeared,
    TaskCompleted,
    WatchEvent,
    fold,
)
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule

PACING = BackoffPacing(shortest=20, longest=60, jitter=0)  # few looks, and at the same instants each time


class Steps:
    """Awaits coroutines one after the other, counts their suspensions, and cancels the task at one of them."""

    def __init__(self, cancel_at: int | None) -> None:
        self.taken = 0
        self.cancel_at = cancel_at

    async def run(self, awaitable: Awaitable[Any]) -> Any:
        return await _Counted(awaitable, self)

    def suspended(self) -> None:
        self.taken += 1
        if self.taken == self.cancel_at:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)


class _Counted:
    def __init__(self, awaitable: Awaitable[Any], steps: Steps) -> None:
        self._awaitable = awaitable
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        try:
            waiting_for = inner.send(None)
            while True:
                self._steps.suspended()
                try:
                    yield waiting_for
                except BaseException as exc:  # noqa: BLE001 - whatever the loop throws goes in
                    waiting_for = inner.throw(exc)
                else:
                    waiting_for = inner.send(None)
        except StopIteration as done:
            return done.value


async def follow(watcher: RunWatcher, steps: Steps) -> tuple[list[WatchEvent], int]:
    """Return the events of a watch and how often it was cancelled on the way."""
    events: list[WatchEvent] = []
    cancelled = 0
    while not (events and isinstance(events[-1], RunCompleted)):
        task = asyncio.get_running_loop().create_task(steps.run(anext(watcher)))
        try:
            events.append(await task)
        except asyncio.CancelledError:
            assert task.cancelled()
            cancelled += 1
    return events, cancelled


@asynccontextmanager
async def plain() -> AsyncIterator[tuple[Emulator, RunWatcher, int]]:
    async with emulated() as (emulator, client):
        files = [("a.dgn", ConnectorType.MSTN), ("b.dwg", ConnectorType.DWG)]
        yield emulator, client.watch(emulator.add_connection(files=files), pacing=PACING), 1


@asynccontextmanager
async def busy_imodel() -> AsyncIterator[tuple[Emulator, RunWatcher, int]]:
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel_id))
        yield emulator, client.watch(emulator.add_connection(imodel_id), pacing=PACING), 2


@asynccontextmanager
async def lost_answer_and_new_tokens() -> AsyncIterator[tuple[Emulator, RunWatcher, int]]:
    async with emulated(token_lifetime=100) as (emulator, _):
        emulator.add_fault(
            FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, performed=True, method="POST", path="/run$", nth=1)
        )
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=emulator.url, issuer=emulator.url) as client:
            yield emulator, client.watch(emulator.add_connection(), timeout=3600, pacing=PACING), 1


Scene = Callable[[], Any]
SCENES: list[Scene] = [plain, busy_imodel, lost_answer_and_new_tokens]


async def steps_of(scene: Scene) -> tuple[int, list[WatchEvent]]:
    steps = Steps(cancel_at=None)
    async with scene() as (_, watcher, _):
        events, _ = await follow(watcher, steps)
    return steps.taken, events


@pytest.mark.parametrize("scene", SCENES)
async def test_a_watch_that_is_cancelled_at_any_step_loses_nothing_and_creates_one_run(scene, record_property):
    number, undisturbed = await steps_of(scene)
    assert number > 20
    for step in range(1, number + 1):
        async with scene() as (emulator, watcher, runs):
            events, cancelled = await follow(watcher, Steps(cancel_at=step))
        where = f"cancelled at step {step} of {number}"
        assert cancelled == 1, where
        assert len(emulator.runs) == runs, where
        assert [event.seq for event in events] == list(range(1, len(events) + 1)), where
        assert _once(events) == _once(undisturbed), where
        assert names(events).count("RunTriggered") == 1, where
        assert len(set(completed_tasks(events))) == len(completed_tasks(events)), where
        folded = fold(events)
        assert folded is not None, where
        assert normal(folded) == normal(watcher.run), where
    record_property("steps", f"{scene.__name__}: cancelled at each of {number}")


async def test_a_watch_that_is_cancelled_again_and_again_comes_to_its_end():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(), pacing=PACING)
        events: list[WatchEvent] = []
        cancelled = 0
        while not (events and isinstance(events[-1], RunCompleted)):
            try:
                async with asyncio.timeout(7):
                    events.append(await anext(watcher))
            except TimeoutError:
                cancelled += 1
    assert cancelled > 20
    assert len(emulator.runs) == 1
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def _once(events: list[WatchEvent]) -> list[tuple[str, str]]:
    """The events that each thing has once; which states are seen in between depends on the instants of the looks."""
    kinds = {
        RunAppeared: "run",
        JobAppeared: "job",
        TaskAppeared: "task",
        RunCompleted: "run",
        JobCompleted: "job",
        TaskCompleted: "task",
    }
    return sorted(
        (type(event).__name__, getattr(event, kinds[type(event)]).id) for event in events if type(event) in kinds
    )
