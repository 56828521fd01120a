"""What version 0.1 stored is still read: the resume tokens and the journal in `fixtures/0.1` were written by it."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bentley_sync_async import FixedPacing, RunTriggered, SynchronizationClient
from bentley_sync_async.bulk import OutcomeStatus
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.testing import ScriptedTransport, answer, refusal
from bentley_sync_async.watch.resume_state import ResumeState

FIXTURES = Path(__file__).parents[1] / "fixtures" / "0.1"
STORED = json.loads((FIXTURES / "tokens.json").read_text("utf-8"))
ORIGIN = STORED.pop("origin")
UNDER_WAY = STORED["following"]["connection_id"]
JOURNAL_WRITTEN_AT = 1_795_000_000.0  # seconds since 1970
# The values that version 0.1 gave to the statuses of a bulk's outcomes.
STATUSES = {
    "connection-succeeded": OutcomeStatus.SUCCEEDED,
    "connection-partially": OutcomeStatus.PARTIAL_SUCCESS,
    "connection-failed": OutcomeStatus.FAILED,
    "connection-skipped": OutcomeStatus.SKIPPED,
    "connection-timed_out": OutcomeStatus.TIMED_OUT,
    "connection-refused": OutcomeStatus.REFUSED,
    "connection-detached": OutcomeStatus.DETACHED,
}


def client_of(transport: ScriptedTransport) -> SynchronizationClient:
    return SynchronizationClient("token", base_url=ORIGIN, transport=transport)


@pytest.mark.parametrize("name", STORED)
def test_a_token_says_which_run_is_followed_and_how_many_events_were_taken(name):
    stored = STORED[name]
    state = ResumeState.from_token(stored["token"], origin=ORIGIN)
    run_id = state.ref.run_id if state.ref is not None else None
    assert (state.connection_id, run_id, state.seq) == (stored["connection_id"], stored.get("run_id"), stored["seq"])


async def test_a_watch_that_was_left_between_two_events_goes_on_with_the_events_that_version_0_1_reported_next():
    stored = STORED["following"]
    transport = ScriptedTransport(answer(200, stored["snapshot"]), answer(200, stored["final"]))
    async with client_of(transport) as client:
        events = [event async for event in client.resume(stored["token"], pacing=FixedPacing())]
    assert [type(event).__name__ for event in events] == stored["events_left"]
    assert [event.seq for event in events] == [stored["seq"] + n for n in range(1, len(events) + 1)]
    assert transport.lines == [f"GET {ORIGIN}{stored['path']}"] * 2


async def test_a_watch_whose_last_event_was_taken_has_no_more_events_and_still_has_its_result():
    stored = STORED["completed"]
    transport = ScriptedTransport(answer(200, STORED["following"]["final"]))
    async with client_of(transport) as client:
        watcher = client.resume(stored["token"])
        assert [event async for event in watcher] == []
        assert (await watcher.result()).id == stored["run_id"]


async def test_a_watch_that_waited_for_a_busy_imodel_polls_the_blocking_run_before_it_triggers():
    stored = STORED["busy"]
    location = f"/synchronization/imodels/storageconnections/{stored['connection_id']}/runs/ours"
    transport = ScriptedTransport(answer(200, STORED["following"]["final"]), answer(202, location=location))
    async with client_of(transport) as client:
        watcher = client.resume(stored["token"])
        while not isinstance(await anext(watcher), RunTriggered):
            pass
    assert transport.lines == [
        f"GET {ORIGIN}{STORED['following']['path']}",
        f"POST {ORIGIN}/synchronization/imodels/storageconnections/{stored['connection_id']}/run",
    ]


async def test_the_run_of_a_possible_trigger_is_searched_before_another_trigger():
    stored = STORED["intent"]
    transport = ScriptedTransport(refusal(404, "StorageConnectionNotFound"))
    async with client_of(transport) as client:
        with pytest.raises(Exception, match="404"):
            await anext(client.resume(stored["token"]))
    connection = f"{ORIGIN}/synchronization/imodels/storageconnections/{stored['connection_id']}"
    assert transport.lines == [f"GET {connection}"]


@pytest.fixture
async def journal(tmp_path):
    path = tmp_path / "journal.db"
    shutil.copy(FIXTURES / "journal.db", path)
    with closing(sqlite3.connect(path)) as db:  # its token was taken from another watch than its connection's
        db.execute("UPDATE items SET connection_id = ? WHERE token IS NOT NULL", (UNDER_WAY,))
        db.commit()
    return SQLiteJournal(path, origin=ORIGIN, now=lambda: JOURNAL_WRITTEN_AT + 60.0)


async def test_a_journal_has_the_outcome_of_every_connection_that_was_finished(journal):
    async with journal:
        stored = await journal.unfinished()
    assert {one: stored[one].outcome.status for one in stored if stored[one].outcome is not None} == STATUSES
    assert [file.error_key for file in stored["connection-partially"].outcome.failed_files] == ["SourceFileCorrupted"]


async def test_a_journal_has_the_token_of_a_connection_that_was_under_way_and_nothing_of_one_that_waited(journal):
    async with journal:
        stored = await journal.unfinished()
    under_way, waiting = stored[UNDER_WAY], stored["connection-waiting"]
    assert (under_way.attempt, under_way.joined) == (1, True)
    assert ResumeState.from_token(under_way.token, origin=ORIGIN).seq == STORED["following"]["seq"]
    assert (waiting.attempt, waiting.token, waiting.outcome) == (0, None, None)


async def test_a_journal_has_the_durations_of_past_runs(journal):
    async with journal:
        assert await journal.durations(["connection-succeeded"]) == {"connection-succeeded": [100.0, 120.0]}
