"""Bulks that are left and gone on with; most of it in small worlds with all that may happen in them.

Each seed makes a world: connections, iModels, iTwins, what fails in which way, whether somebody else is at work, and
when the bulk is left. `CHAOS_SEEDS=20` for the full length.
"""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import define, field
from support.bulk import finished
from support.quick import length
from support.watch import emulated

from bentley_sync_async import BackoffPacing, StorageRun, SynchronizationClient
from bentley_sync_async.bulk import BulkEvent, BulkReport, ConnectionStarted, Outcome
from bentley_sync_async.bulk.journal.base import IModelOfConnection
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.bulk.outcomes import is_retryable, status_of_run
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, Run, RunRule

pytestmark = pytest.mark.usefixtures("no_threads", "wall_clock")

SERVICES = length(10, 25) * int(os.environ.get("CHAOS_SEEDS", "1"))
FILES = ["Good.dgn", "Also good.dgn", "Bad.dgn", "Flaky.dgn", "Hopeless.dgn"]
TRIGGER, ANY = "/run$", "/storageconnections/"
ACT = FaultAction
FAULTS: list[dict[str, Any]] = [
    {"method": "POST", "path": TRIGGER, "action": ACT.RESET_BEFORE_HEADERS, "performed": True},
    {"method": "POST", "path": TRIGGER, "action": ACT.RESET_BEFORE_HEADERS},
    {"method": "POST", "path": TRIGGER, "action": ACT.TRUNCATED_BODY},
    {"method": "POST", "path": TRIGGER, "action": ACT.NO_LOCATION},
    {"method": "POST", "path": TRIGGER, "action": ACT.DELAY, "delay": 90},
    {"method": "POST", "path": TRIGGER, "status": 504, "performed": True},
    {"method": "POST", "path": TRIGGER, "status": 409, "code": "Conflict"},
    {"path": ANY, "status": 500},
    {"path": ANY, "status": 503, "retry_after": 50},
    {"path": ANY, "status": 429, "retry_after": 70},
    {"method": "GET", "path": ANY, "action": ACT.HTML_BODY},
    {"method": "GET", "path": ANY, "action": ACT.RESET_AFTER_HEADERS},
    {"method": "GET", "path": ANY, "action": ACT.DELAY, "delay": 20},
]


@define(kw_only=True)
class World:
    """A service, a bulk to do there, and what became of it so far.

    Attributes:
        chance: Decides all there is to decide.
        emulator: The service.
        client: Asks the service how things really are.
        journal: The bulk's.
        ids: The bulk's connections.
        options: How it is to be done.
        others: Connections that somebody else runs.
        foreign: Ids of the runs of somebody else.
        finished: What the events told of each connection.
        report: What the bulk said at its end.
        left: How often it was left before.
    """

    chance: random.Random
    emulator: Emulator
    client: SynchronizationClient
    journal: Path
    ids: list[str]
    options: dict[str, Any]
    others: list[str]
    foreign: set[str] = field(factory=set)
    finished: dict[str | None, Outcome] = field(factory=dict)
    report: BulkReport | None = None
    left: int = 0

    @property
    def ours(self) -> list[Run]:
        return [run for run in self.emulator.runs if run.id not in self.foreign]


async def make_world(emulator: Emulator, client: SynchronizationClient, path: Path, seed: int) -> World:
    chance = random.Random(f"world/{seed}")
    imodels = [emulator.new_imodel_id() for _ in range(chance.randint(1, 4))]
    emulator.add_run_rule(RunRule(queued=[0, 20], waiting=[0, 100]))
    emulator.add_file_rule(FileRule(duration=[0, 400]))
    emulator.add_file_rule(FileRule(file_name="Bad*", error="SourceFileCorrupted"))
    emulator.add_file_rule(FileRule(file_name="Flaky*", nth=1, error="NetworkIssue"))
    emulator.add_file_rule(FileRule(file_name="Hopeless*", error="NetworkIssue"))
    places = {
        emulator.add_connection(imodel, [(chance.choice(FILES), "MSTN") for _ in range(chance.randint(1, 2))]): imodel
        for imodel in chance.choices(imodels, k=chance.randint(1, 6))
    }
    options = {
        "concurrency": chance.randint(1, 4),
        "per_itwin": chance.choice([None, 1, 2]),
        "retry_failed": chance.choice([0, 0, 1, 2]),
        "when_active": chance.choice(["join", "rerun"]),
        "pacing": BackoffPacing(shortest=5, longest=60),
    }
    async with SQLiteJournal(path, origin=emulator.url) as journal:  # the emulator has an iTwin for each iModel
        itwins = {imodel: chance.choice(["an iTwin", "another iTwin"]) for imodel in imodels}
        known = {one: IModelOfConnection(imodel_id=imodel, itwin_id=itwins[imodel]) for one, imodel in places.items()}
        await journal.save_resolved({one: place for one, place in known.items() if chance.random() < 0.7}, {})
    others = [emulator.add_connection(imodel) for imodel in imodels] if chance.random() < 0.5 else []
    world = World(
        chance=chance,
        emulator=emulator,
        client=client,
        journal=path,
        ids=list(places),
        options=options,
        others=others,
    )
    for rule in chance.sample(FAULTS, k=chance.randint(0, 5)):
        first = chance.randint(1, 6)
        emulator.add_fault(FaultRule(**rule, first=first, last=first + 5, probability=chance.choice([0.5, 1])))
    return world


async def somebody_else(world: World) -> None:
    """Trigger runs on the bulk's iModels, of connections that are not the bulk's."""
    while True:
        await anyio.sleep(world.chance.expovariate(1 / 200))
        known = {run.id for run in world.emulator.runs}
        run = world.emulator.start_run(world.chance.choice(world.others))
        world.foreign |= {run.id} - known


async def live(world: World, seconds: float | None) -> None:
    """Go on with the bulk for so many seconds, or to its end, in a client of its own."""
    events: list[BulkEvent] = []
    token = world.emulator.token(lifetime=1e9)
    try:
        async with (
            asyncio.timeout(seconds),
            SynchronizationClient(token, base_url=world.emulator.url) as client,
            client.run_many(world.ids, journal=world.journal, **world.options) as bulk,
        ):
            async for event in bulk:
                events.append(event)  # noqa: PERF401 - what came before a cancellation counts
            world.report = bulk.report
    except TimeoutError:
        world.left += 1
    started = {event.connection_id for event in events if isinstance(event, ConnectionStarted)}
    told = finished(events)
    assert world.finished.keys().isdisjoint(started | told.keys()), "a connection that was done with was begun again"
    world.finished |= told


@pytest.mark.parametrize("seed", range(SERVICES))
async def test_a_bulk_keeps_its_promises_in_any_world(seed, tmp_path, record_property):
    async with emulated(seed=seed, tier="unlimited") as (emulator, client), anyio.create_task_group() as group:
        world = await make_world(emulator, client, tmp_path / "nightly.db", seed)
        if world.others:
            group.start_soon(somebody_else, world)
        lives = world.chance.choice([0, 0, 1, 2, 5])
        for _ in range(lives):
            if world.report is None:
                await live(world, world.chance.choice([0.5, 100, 400]) * world.chance.random())
                await anyio.sleep(world.chance.choice([0, 0, 1000]) * world.chance.random())
        if world.report is None:
            await live(world, None)
        emulator._faults.rules.clear()
        await check(world)
        group.cancel_scope.cancel()
    record_property("left", world.left)
    record_property("foreign runs", len(world.foreign))


async def check(world: World) -> None:
    assert world.report is not None
    assert [outcome.connection_id for outcome in world.report.outcomes] == world.ids
    for outcome in world.report.outcomes:
        assert outcome.ref is not None
        assert world.finished.get(outcome.connection_id, outcome) == outcome
        runs = [run for run in world.ours if run.connection_id == outcome.connection_id]
        truths = [await truth_of(world, run) for run in runs]
        assert outcome.ref == runs[-1].ref
        assert not outcome.joined
        assert outcome.attempts == len(runs) <= 1 + world.options["retry_failed"]
        assert (outcome.status, outcome.result) == (status_of_run(truths[-1]), truths[-1].result)
        assert len(outcome.failed_files) == len(truths[-1].failed_tasks)
        assert [is_retryable(truth) for truth in truths[:-1]] == [True] * (len(runs) - 1)
        assert not is_retryable(truths[-1]) or len(runs) == 1 + world.options["retry_failed"]
    if not (world.others and world.left):
        assert most_at_a_time(world) <= world.options["concurrency"]


async def truth_of(world: World, run: Run) -> StorageRun:
    return await world.client.storage_connections.runs.get(run.connection_id, run.id)


def most_at_a_time(world: World) -> int:
    """How many runs of ours there were at one time, by the emulator's clock."""
    spans = [(run.created, run.created + run.plan.timeline.ended) for run in world.ours]
    return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)


async def test_a_bulk_is_entered_once():
    async with emulated() as (emulator, client):
        bulk = client.run_many([emulator.add_connection()])
        async with bulk:
            await bulk.result()
        with pytest.raises(RuntimeError, match="run_many"):
            async with bulk:
                pass
        assert len(emulator.runs) == 1


async def left_after(seconds: float, client: SynchronizationClient, ids: list[str], journal: Path) -> BulkReport:
    """Leave a bulk after so many seconds and return its report."""
    bulk = client.run_many(ids, journal=journal)
    with anyio.move_on_after(seconds):
        async with bulk:
            await bulk.result()
    return bulk.report


@pytest.mark.parametrize("seconds", [5, 100], ids=["before the answer to its trigger", "in its run"])
async def test_connections_started_by_an_earlier_bulk_are_reported_as_resumed(seconds, tmp_path):
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(action=ACT.DELAY, delay=20, method="POST", path=TRIGGER))
        ids = [emulator.add_connection()]
        await left_after(seconds, client, ids, tmp_path / "nightly.db")
        async with client.run_many(ids, journal=tmp_path / "nightly.db") as bulk:
            [started] = [event async for event in bulk if isinstance(event, ConnectionStarted)]
        assert started == ConnectionStarted(
            connection_id=ids[0], imodel_id=emulator.runs[0].imodel_id, attempt=1, resumed=True
        )


async def test_a_bulk_that_ends_early_does_not_deny_the_triggers_of_an_earlier_one(tmp_path):
    async with emulated() as (emulator, client):
        ids = [emulator.add_connection()]
        await left_after(100, client, ids, tmp_path / "nightly.db")
        emulator.add_fault(FaultRule(action=ACT.DELAY, delay=20))
        report = await left_after(10, client, ids, tmp_path / "nightly.db")
        [outcome] = report.outcomes
        assert outcome.reason == "The bulk ended before it was triggered."
