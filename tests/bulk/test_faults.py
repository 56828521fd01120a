"""Every fault at every kind of request of a bulk: each connection is run once, and everything is told once.

`CHAOS_SEEDS=20 FULL_LENGTH=1` for the full length; otherwise only the storms have every fault.
"""

import math
import os
import random
import sqlite3
from collections import defaultdict

import anyio
import pytest
from support.bulk import finished, runs_created
from support.faults import ALL_FAULTS, add_fault, chaos
from support.quick import length
from support.runs import normal
from support.watch import TRIGGER_PATH, completed_tasks, emulated

from bentley_sync_async import JournalError, RunTriggered, SynchronizationClient, fold
from bentley_sync_async.bulk import ConnectionProgressed, ConnectionStarted, OutcomeStatus
from bentley_sync_async.bulk.journal import sqlite_file
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.emulator import FileRule

pytestmark = pytest.mark.usefixtures("no_threads", "wall_clock")

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "1")))
GOOD, ALSO_GOOD, BAD, FLAKY = (
    ("Good.dgn", "MSTN"),
    ("Also good.rvt", "REVIT"),
    ("Bad.dgn", "MSTN"),
    ("Flaky.ifc", "IFC"),
)
TARGETS = {
    "trigger": ("POST", TRIGGER_PATH),
    "poll": ("GET", "/runs/."),
    "look-up": ("GET", "/storageconnections/[^/]+$"),
    "history": ("GET", "/runs$"),
    "token": ("POST", "/connect/token$"),
}
DUE = {"trigger": 5, "poll": 12, "look-up": 4, "history": 4, "token": 3}
"""How many requests of each kind even the shortest of these bulks sends."""

BULK_FAULTS = [name for name in ALL_FAULTS if name not in {"503", "429 until an instant", "delay"}]
HITS = defaultdict(
    lambda: list(TARGETS),
    {
        "409": ["trigger"],  # anything else would be refused for good, here and in the next line
        "401": ["trigger", "poll", "look-up", "history"],
        "refused for a while": ["poll"],  # the proxy cannot refuse twice at a time
        # Where many share the connections, the next answer is that to somebody else: of a run, it would be believed.
        "answered again in place of the next": ["look-up", "history", "token"],
        "answered twice with a pause": ["look-up", "history", "token"],
    },
)
"""Which requests a fault may hit."""


def flaky_rule():
    return FileRule(file_name="Flaky*", nth=1, error="NetworkIssue")


def add_connections(emulator):
    """Five connections of three iModels, and what is to come of each."""
    first, second = emulator.new_imodel_id(), emulator.new_imodel_id()
    return {
        emulator.add_connection(first, [GOOD]): (OutcomeStatus.SUCCEEDED, 1),
        emulator.add_connection(first, [GOOD, BAD]): (OutcomeStatus.PARTIAL_SUCCESS, 1),
        emulator.add_connection(second, [BAD]): (OutcomeStatus.FAILED, 1),
        emulator.add_connection(second, [GOOD, ALSO_GOOD]): (OutcomeStatus.SUCCEEDED, 1),
        emulator.add_connection(files=[GOOD, FLAKY]): (OutcomeStatus.SUCCEEDED, 2),
    }


async def check_bulk(emulator, proxy, client, journal):
    expected = add_connections(emulator)
    async with client.run_many(expected, retry_failed=1, journal=journal) as bulk:
        with anyio.fail_after(24 * 3600):
            events = [event async for event in bulk]
    assert runs_created(emulator) == {one: runs for one, (_, runs) in expected.items()}
    outcomes = finished(events)
    assert {one: (outcome.status, outcome.attempts) for one, outcome in outcomes.items()} == expected
    assert {outcome.connection_id: outcome for outcome in bulk.report.outcomes} == outcomes
    assert not any(outcome.joined for outcome in outcomes.values())
    proxy.rules.clear()
    watches = watches_of(events)
    truths = {run.ref: await client.storage_connections.runs.get(run.connection_id, run.id) for run in emulator.runs}
    assert watches.keys() == truths.keys()
    for ref, truth in truths.items():
        told = watches[ref]
        assert [event.seq for event in told] == list(range(1, len(told) + 1))
        assert normal(fold(told)) == normal(truth)
        assert sorted(completed_tasks(told)) == sorted(task.id for job in truth.jobs for task in job.tasks)
    for outcome in outcomes.values():
        truth = truths[outcome.ref]
        assert (outcome.began_at, outcome.ended_at) == (truth.start_date_time, truth.end_date_time)
        assert len(outcome.failed_files) == len(truth.failed_tasks)


def watches_of(events):
    """The events of each run's watch; a connection that was run again had two."""
    watches = defaultdict(list)
    for event in events:
        match event:
            case ConnectionStarted(connection_id=one):
                watches[one].append([])
            case ConnectionProgressed(connection_id=one):
                watches[one][-1].append(event.event)
    found = {}
    for watch in (watch for of_connection in watches.values() for watch in of_connection):
        [ref] = {event.ref for event in watch if isinstance(event, RunTriggered)}
        assert ref not in found
        found[ref] = watch
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BULK_FAULTS[:: length(6, 1)])
async def test_a_bulk_does_all_it_should_whatever_happens_to_one_request_of_each_kind(name, seed, tmp_path):
    chance = random.Random(f"{name}/{seed}")
    async with chaos(seed, flaky_rule()) as (emulator, proxy, client):
        faults = [
            add_fault(emulator, proxy, TARGETS[target], name, {chance.randint(1, DUE[target])}) for target in HITS[name]
        ]
        await check_bulk(emulator, proxy, client, tmp_path / "nightly.db")
    assert [fault.fired for fault in faults] == [1] * len(faults)


@pytest.mark.parametrize("seed", range(4 * len(SEEDS)))
async def test_a_bulk_in_a_storm_of_faults_does_all_it_should(seed, tmp_path, record_property):
    """Fifty faults at random requests; a bulk may end before it meets them all."""
    chance = random.Random(f"storm/{seed}")
    async with chaos(seed, flaky_rule()) as (emulator, proxy, client):
        faults = [
            add_fault(emulator, proxy, TARGETS[chance.choice(HITS[name])], name, {chance.randint(1, 20)})
            for name in chance.sample(BULK_FAULTS, k=50)  # none twice: two 401 in a row are a refusal
        ]
        await check_bulk(emulator, proxy, client, tmp_path / "nightly.db")
    fired = sum(fault.fired for fault in faults)
    record_property("faults", fired)
    assert fired >= 15


# A full disk.


class Disk:
    """Takes so many transactions of a journal, then refuses some; `room` is `None` for as many as there may be."""

    def __init__(self):
        self.room = None
        self.refusals = math.inf
        self.taken = 0

    def take(self):
        if self.room == 0 and self.refusals > 0:
            self.refusals -= 1
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        if self.room:
            self.room -= 1
        self.taken += 1


@pytest.fixture
def disk(monkeypatch):
    disk = Disk()

    class Connection(sqlite3.Connection):
        def execute(self, sql, *arguments):
            if sql == "COMMIT":
                disk.take()
            return super().execute(sql, *arguments)

    def connect(path, *, timeout):
        return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False, factory=Connection)

    monkeypatch.setattr(sqlite_file, "_connect", connect)
    return disk


async def test_a_disk_that_is_full_from_the_start_ends_a_bulk_before_anything_is_sent(disk, tmp_path):
    disk.room = 0
    async with emulated() as (emulator, client):
        bulk = client.run_many([emulator.add_connection()], journal=tmp_path / "nightly.db")
        with pytest.raises(JournalError, match="Make room"):
            async with bulk:
                await bulk.result()
        assert emulator.requests == []


async def a_night(disk, path, room, refusals):
    """A bulk on a disk with so much room, then another one with enough of it."""
    disk.room, disk.refusals = room, refusals
    async with emulated() as (emulator, client):
        emulator.add_file_rule(flaky_rule())
        imodel = emulator.new_imodel_id()
        connections = [emulator.add_connection(imodel, [file]) for file in (GOOD, FLAKY)]
        expected = dict(zip([*connections, emulator.add_connection()], [1, 2, 1], strict=True))

        async def bulk():
            async with client.run_many(expected, journal=path, retry_failed=1) as bulk:
                return await bulk.result()

        if room is not None:
            with pytest.raises(JournalError, match="Make room"):
                await bulk()
            before = len(emulator.requests)
            await anyio.sleep(1000)
            assert len(emulator.requests) == before
            disk.room = None
            async with SQLiteJournal(path, origin=emulator.url) as journal:
                noted = await journal.unfinished()
            assert all(noted[one].attempt >= runs for one, runs in runs_created(emulator).items())
        report = await bulk()
        assert report.good
        assert {one.connection_id: one.attempts for one in report.outcomes} == runs_created(emulator) == expected


@pytest.mark.parametrize("refusals", [1, math.inf], ids=["for a moment", "for good"])
async def test_a_disk_that_becomes_full_at_any_note_ends_the_bulk_and_the_next_one_goes_on(
    refusals, disk, tmp_path, record_property
):
    await a_night(disk, tmp_path / "0.db", None, 0)
    notes = disk.taken
    rooms = range(notes) if len(SEEDS) > 1 else random.sample(range(notes), k=2)
    for room in rooms:
        await a_night(disk, tmp_path / f"{room + 1}.db", room, refusals)
    record_property("full", f"at {len(rooms)} of {notes} notes")


async def test_the_report_names_every_run_that_was_triggered_before_the_disk_became_full(disk, tmp_path):
    async with emulated() as (emulator, client):
        told = []
        for room in range(1, 7):
            connection = emulator.add_connection()
            disk.room = room
            bulk = client.run_many([connection], journal=tmp_path / f"{room}.db")
            with pytest.raises(JournalError):
                async with bulk:
                    await bulk.result()
            [outcome] = bulk.report.outcomes
            told.append(outcome.ref)
            disk.room = None
            refs = [run.ref for run in emulator.runs if run.connection_id == connection]
            assert [outcome.ref] == (refs or [None])
        assert told[0] is None
        assert told[-1] is not None


# What is nobody's fault but the caller's.


class Stumbling:
    """A token source with a mistake."""

    async def token(self):
        raise ZeroDivisionError

    def invalidate(self, token):
        return False


async def test_a_mistake_of_the_callers_own_comes_out_as_itself(tmp_path):
    async with SynchronizationClient(Stumbling(), base_url="http://127.0.0.1:1") as client:
        bulk = client.run_many([f"connection-{number}" for number in range(3)])
        with pytest.raises(ZeroDivisionError):
            async with bulk:
                await bulk.result()
