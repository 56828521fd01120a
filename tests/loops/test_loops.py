"""Watches and a bulk work on each kind of event loop, in real time, with an emulator on another loop."""

import asyncio

import anyio
import pytest
from loops.kinds import run_in_real_time
from support.served import served

from bentley_sync_async import FixedPacing, RunCompleted, SynchronizationClient, Timeouts
from bentley_sync_async.emulator import FaultAction, FaultRule, RunRule

PACING = FixedPacing(interval=0.05, jitter=0)
SLOW = RunRule(queued=0.1, waiting=0.3, preprocessing=0.1, references=0, finalizing=0)
pytestmark = pytest.mark.parametrize("kind", ["asyncio", "debug", "eager", "uvloop"])


@pytest.fixture
def service():
    with served(tier="premium") as running:
        yield running


def client_of(service, **options):
    return SynchronizationClient(service.token(), base_url=service.emulator.url, **options)


async def followed(watcher, seconds):
    """The events of a watch whose steps are given up after so many seconds, and how often they were."""
    events, given_up = [], 0
    while not (events and isinstance(events[-1], RunCompleted)):
        try:
            async with asyncio.timeout(seconds):
                events.append(await anext(watcher))
        except TimeoutError:
            given_up += 1
    return events, given_up


def test_a_watch_reports_every_event_once(kind, service):
    service.emulator.add_run_rule(SLOW)
    connection = service.emulator.add_connection()

    async def work():
        async with client_of(service) as client:
            watcher = client.watch(connection, pacing=PACING, timeout=60)
            events = [event async for event in watcher]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert watcher.run.succeeded

    run_in_real_time(kind, work)


def test_a_cancelled_step_leaves_its_request_to_the_next(kind, service):
    service.emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=0.5, method="POST", path="/run$"))
    connection = service.emulator.add_connection()

    async def work():
        async with client_of(service) as client:
            watcher = client.watch(connection, pacing=PACING)
            with anyio.move_on_after(0.1) as scope:
                await anext(watcher)
            assert scope.cancelled_caught
            async with asyncio.timeout(60):
                assert (await watcher.result()).succeeded

    run_in_real_time(kind, work)
    assert service.triggers() == 1


def test_thirty_watches_in_steps_of_50_ms_all_finish(kind, service):
    """Requests take longer than a step, and even longer in debug mode."""
    service.emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=0.15))
    connections = [service.emulator.add_connection() for _ in range(30)]

    async def work():
        async with client_of(service) as client, asyncio.timeout(120), asyncio.TaskGroup() as group:
            watchers = [client.watch(connection, pacing=PACING) for connection in connections]
            steps = [group.create_task(followed(watcher, 0.05)) for watcher in watchers]
        assert all(step.result()[1] > 1 for step in steps)

    run_in_real_time(kind, work)
    assert service.triggers() == 30


def test_the_end_of_a_client_leaves_no_task(kind, service):
    service.emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=0.3, method="POST", path="/run$"))
    connections = [service.emulator.add_connection() for _ in range(10)]

    async def work():
        async with client_of(service, timeouts=Timeouts(close=10)) as client:
            watchers = [client.watch(connection) for connection in connections]
            for watcher in watchers:
                with anyio.move_on_after(0.05):
                    await anext(watcher)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        known = sum(watcher.ref is not None for watcher in watchers)
        assert 0 < known == service.triggers()

    run_in_real_time(kind, work)


def test_a_bulk_of_twenty_finishes(kind, service):
    service.emulator.add_run_rule(SLOW)
    connections = [service.emulator.add_connection() for _ in range(20)]

    async def work():
        async with client_of(service) as client, client.run_many(connections, pacing=PACING) as bulk:
            async with asyncio.timeout(120):
                report = await bulk.result()
        assert len(report.outcomes) == 20
        assert report.good

    run_in_real_time(kind, work)
