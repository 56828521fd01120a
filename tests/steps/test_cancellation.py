"""A watch that is cancelled once, at any of its suspensions, loses no event and creates one run.

At a suspension the watch hands control to the event loop. The task that awaits the watch is cancelled there, as
`asyncio.timeout` or a task group would do it, over a real socket. Then the same watch is awaited
again, or another client resumes it.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest
from attrs import evolve, field, frozen
from support.runs import normal
from support.suspensions import Counted
from support.watch import completed_tasks, emulated, names

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
    WaitingForIModel,
    WatchEvent,
    fold,
)
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule

FILES = [("a.dgn", ConnectorType.MSTN), ("b.dwg", ConnectorType.DWG)]
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)  # few polls, and at the same instants each time

EVERY = int(os.environ.get("CANCEL_EVERY", "12"))
"""Every how many suspensions one is cancelled, from a random one on; 1 cancels at each."""


class Steps:
    """Awaits coroutines one after the other, counts their suspensions, and cancels the task at one of them."""

    def __init__(self, cancel_at: int | None) -> None:
        self.suspensions = 0
        self.cancel_at = cancel_at

    async def run(self, awaitable: Awaitable[Any]) -> Any:
        return await Counted(awaitable, self.suspended)

    def suspended(self) -> None:
        self.suspensions += 1
        if self.suspensions == self.cancel_at:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)


@frozen(kw_only=True)
class Scene:
    """A watch in some state, and the runs that it must lead to.

    Attributes:
        emulator: The service.
        watcher: The watch.
        new_client: Opens another client of the service.
        before: The events that were taken from the watch that this one resumes.
        runs: How many runs there must be in the end.
    """

    emulator: Emulator
    watcher: RunWatcher
    new_client: Callable[[], Awaitable[SynchronizationClient]]
    before: list[WatchEvent] = field(factory=list)
    runs: int = 1


Continue = Callable[[Scene, RunWatcher], Awaitable[RunWatcher]]
Stage = Callable[[AsyncExitStack], Awaitable[Scene]]


async def same_watcher(scene: Scene, watcher: RunWatcher) -> RunWatcher:
    return watcher


async def resumed_in_a_new_client(scene: Scene, watcher: RunWatcher) -> RunWatcher:
    return (await scene.new_client()).resume(watcher.resume_token(), pacing=PACING)


async def follow(
    scene: Scene, steps: Steps, continue_watch: Continue = same_watcher
) -> tuple[list[WatchEvent], int, RunWatcher]:
    """Return the events of a watch, how often it was cancelled, and the watcher that reported the completion."""
    events, watcher = list(scene.before), scene.watcher
    cancelled = 0
    while not (events and isinstance(events[-1], RunCompleted)):
        task = asyncio.get_running_loop().create_task(steps.run(anext(watcher)))
        try:
            events.append(await task)
        except asyncio.CancelledError:
            assert task.cancelled()
            cancelled += 1
            watcher = await continue_watch(scene, watcher)
    return events, cancelled, watcher


async def opened(stack: AsyncExitStack, **options: Any) -> tuple[Emulator, Callable[[], Awaitable[Any]]]:
    """Start an emulator; return it and a function that opens a client of it."""
    emulator, _ = await stack.enter_async_context(emulated(**options))

    async def new_client() -> SynchronizationClient:
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        client = SynchronizationClient(credentials, base_url=emulator.url, issuer=emulator.url)
        return await stack.enter_async_context(client)

    return emulator, new_client


async def resumed(scene: Scene) -> Scene:
    """Resume the watch in another client."""
    return evolve(scene, watcher=await resumed_in_a_new_client(scene, scene.watcher))


async def plain(stack: AsyncExitStack) -> Scene:
    emulator, new_client = await opened(stack)
    connection_id = emulator.add_connection(files=FILES)
    watcher = (await new_client()).watch(connection_id, pacing=PACING)
    return Scene(emulator=emulator, watcher=watcher, new_client=new_client)


async def busy_imodel(stack: AsyncExitStack) -> Scene:
    emulator, new_client = await opened(stack)
    imodel_id = emulator.new_imodel_id()
    emulator.start_run(emulator.add_connection(imodel_id))
    watcher = (await new_client()).watch(emulator.add_connection(imodel_id), pacing=PACING)
    return Scene(emulator=emulator, watcher=watcher, new_client=new_client, runs=2)


async def lost_answer_and_new_tokens(stack: AsyncExitStack) -> Scene:
    emulator, new_client = await opened(stack, token_lifetime=100)
    lost = FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, performed=True, method="POST", path="/run$", nth=1)
    emulator.add_fault(lost)
    watcher = (await new_client()).watch(emulator.add_connection(), timeout=3600, pacing=PACING)
    return Scene(emulator=emulator, watcher=watcher, new_client=new_client)


async def left_before_the_answer_to_the_trigger(stack: AsyncExitStack) -> Scene:
    scene = await plain(stack)
    scene.emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=30, method="POST", path="/run$", nth=1))
    with anyio.move_on_after(5):
        await anext(scene.watcher)
    return await resumed(scene)


async def left_while_waiting_for_a_busy_imodel(stack: AsyncExitStack) -> Scene:
    scene = await busy_imodel(stack)
    scene.before.extend([await anext(scene.watcher) for _ in range(2)])
    assert isinstance(scene.before[-1], WaitingForIModel)
    return await resumed(scene)


async def left_between_two_events_of_one_poll(stack: AsyncExitStack) -> Scene:
    scene = await plain(stack)
    scene.emulator.add_file_rule(FileRule(duration=900))
    while not (scene.before and isinstance(scene.before[-1], JobAppeared)):
        scene.before.append(await anext(scene.watcher))
    return await resumed(scene)


STAGES: list[Stage] = [
    plain,
    busy_imodel,
    lost_answer_and_new_tokens,
    left_before_the_answer_to_the_trigger,
    left_while_waiting_for_a_busy_imodel,
    left_between_two_events_of_one_poll,
]


@pytest.mark.parametrize("continue_watch", [same_watcher, resumed_in_a_new_client])
@pytest.mark.parametrize("stage", STAGES)
async def test_a_watch_cancelled_at_any_suspension_loses_no_event_and_creates_one_run(
    stage, continue_watch, record_property
):
    steps = Steps(cancel_at=None)
    async with AsyncExitStack() as stack:
        undisturbed, _, _ = await follow(await stage(stack), steps)
    number = steps.suspensions
    assert number > 20
    for step in range(random.randint(1, EVERY), number + 1, EVERY):
        async with AsyncExitStack() as stack:
            scene = await stage(stack)
            events, cancelled, watcher = await follow(scene, Steps(cancel_at=step), continue_watch)
        where = f"cancelled at suspension {step} of {number}"
        assert cancelled == 1, where
        assert len(scene.emulator.runs) == scene.runs, where
        assert [event.seq for event in events] == list(range(1, len(events) + 1)), where
        assert _once(events) == _once(undisturbed), where
        assert names(events).count("RunTriggered") == 1, where
        assert len(set(completed_tasks(events))) == len(completed_tasks(events)), where
        folded = fold(events)
        assert folded is not None, where
        assert normal(folded) == normal(watcher.run), where
    record_property("steps", f"{stage.__name__}, {continue_watch.__name__}: cancelled at every {EVERY}. of {number}")


async def test_a_watch_cancelled_every_few_seconds_completes():
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
    """The events that come once per run, job or task; which states a watch sees in between depends on when it polls."""
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
