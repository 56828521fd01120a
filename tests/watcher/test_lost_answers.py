"""Triggers whose answer was lost: no second run is created, and no old run counts as ours."""

import json
from datetime import UTC, datetime

import anyio
import pytest
from support.watch import TRIGGER_PATH, emulated, events_of, names, triggers

from bentley_sync_async import (
    CredentialsError,
    ForeignOriginError,
    RunTriggered,
    SynchronizationClient,
    TokenUnavailableError,
    TriggerDelayed,
)
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule, RunRule

LOST = {
    "reset before the headers": FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, performed=True),
    "reset after the headers": FaultRule(action=FaultAction.RESET_AFTER_HEADERS),
    "no Location": FaultRule(action=FaultAction.NO_LOCATION),
    "a Location that names no run": FaultRule(action=FaultAction.FOREIGN_LOCATION, location="/somewhere"),
    "500 though the run was created": FaultRule(status=500, performed=True),
    "503 without Retry-After though the run was created": FaultRule(status=503, performed=True),
    "504 though the run was created": FaultRule(status=504, performed=True),
    "an answer later than the timeout": FaultRule(action=FaultAction.DELAY, delay=90),
    "a web page with status 200": FaultRule(status=200, body="<html>It works!</html>", performed=True),
    "nothing with status 204": FaultRule(status=204, performed=True),
    "a redirect": FaultRule(status=302, performed=True),
    "an answer cut off in its body": FaultRule(action=FaultAction.TRUNCATED_BODY),
}
SHORT = RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0)


def lose(emulator, how, **changes):
    rule = LOST[how]
    fresh = FaultRule(
        action=rule.action,
        performed=rule.performed,
        status=rule.status,
        body=rule.body,
        location=rule.location,
        delay=rule.delay,
        method="POST",
        path=TRIGGER_PATH,
        **({"nth": 1} | changes),
    )
    return emulator.add_fault(fresh)


@pytest.mark.parametrize("how", LOST)
async def test_the_run_of_a_lost_answer_is_found_and_no_second_one_is_created(how):
    async with emulated() as (emulator, client):
        lost = lose(emulator, how)
        watcher = client.watch(emulator.add_connection())
        events = await events_of(watcher)
    assert lost.fired == 1
    assert len(emulator.runs) == 1
    assert names(events)[:2] == ["TriggerDelayed", "RunTriggered"]
    assert isinstance(events[1], RunTriggered)
    assert events[1].recovered
    assert watcher.run is not None
    assert watcher.run.succeeded


@pytest.mark.parametrize("year", [1999, 2026, 2077])
async def test_a_run_that_ended_before_the_search_is_recognised_by_the_servers_clock(year):
    async with emulated(start=datetime(year, 6, 1, tzinfo=UTC)) as (emulator, client):
        emulator.add_run_rule(SHORT)
        emulator.add_file_rule(FileRule(queued=0, duration=1))
        connection_id = emulator.add_connection()
        await client.watch(connection_id).result()  # an older run, which must not count as ours
        await anyio.sleep(30)
        lose(emulator, "reset before the headers")
        run = await client.watch(connection_id).result()
    assert len(emulator.runs) == 2
    assert run.id == emulator.runs[1].id


@pytest.mark.parametrize("year", [1999, 2077])
async def test_a_trigger_that_never_arrived_is_repeated_although_an_old_run_exists(year):
    async with emulated(start=datetime(year, 6, 1, tzinfo=UTC)) as (emulator, client):
        connection_id = emulator.add_connection()
        await client.watch(connection_id).result()
        lost = emulator.add_fault(
            FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, method="POST", path=TRIGGER_PATH, nth=1)
        )
        events = await events_of(client.watch(connection_id))
    triggered = [event for event in events if isinstance(event, RunTriggered)]
    assert lost.fired == 1
    assert len(emulator.runs) == 2
    assert [event.recovered for event in triggered] == [False]
    assert triggered[0].ref.run_id == emulator.runs[1].id


async def test_rerun_follows_the_run_of_its_own_lost_trigger():
    async with emulated() as (emulator, client):
        lose(emulator, "reset before the headers")
        events = await events_of(client.watch(emulator.add_connection(), when_active="rerun"))
    assert len(emulator.runs) == 1
    assert "WaitingForIModel" not in names(events)


async def test_rerun_waits_for_a_run_that_was_active_before_its_lost_trigger():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        emulator.start_run(connection_id)
        await anyio.sleep(30)
        lose(emulator, "reset before the headers")
        watcher = client.watch(connection_id, when_active="rerun")
        await watcher.result()
    assert len(emulator.runs) == 2
    assert watcher.ref is not None
    assert watcher.ref.run_id == emulator.runs[1].id


async def test_many_lost_answers_in_a_row_create_one_run():
    async with emulated() as (emulator, client):
        lost = lose(emulator, "reset before the headers", nth=None, last=3)
        searches = emulator.add_fault(FaultRule(method="GET", path="storageconnections/[^/]+$", status=502, last=4))
        events = await events_of(client.watch(emulator.add_connection()))
    assert lost.fired == 1
    assert searches.fired == 4
    assert len(emulator.runs) == 1
    assert names(events)[:6] == ["TriggerDelayed"] * 5 + ["RunTriggered"]


@pytest.mark.parametrize("links", ["none", "foreign", "junk"])
async def test_without_a_usable_link_to_the_last_run_the_list_is_searched(links):
    href = {"none": None, "foreign": "https://other.example/synchronization/x", "junk": "?"}[links]
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        await client.watch(connection_id).result()
        body = {"connection": {"id": connection_id, "_links": {"lastRun": href and {"href": href}}}}
        emulator.add_fault(
            FaultRule(method="GET", path=f"storageconnections/{connection_id}$", status=200, body=json.dumps(body))
        )
        lose(emulator, "reset before the headers")
        run = await client.watch(connection_id).result()
    assert len(emulator.runs) == 2
    assert run.id == emulator.runs[1].id


@pytest.mark.parametrize("newest_first", [True, False])
async def test_the_active_or_latest_run_of_the_list_is_recovered(newest_first):
    async with emulated(newest_first=newest_first) as (emulator, client):
        connection_id = emulator.add_connection()
        for _ in range(3):
            await client.watch(connection_id).result()
        nothing = json.dumps({"connection": {"id": connection_id}})
        emulator.add_fault(
            FaultRule(method="GET", path=f"storageconnections/{connection_id}$", status=200, body=nothing)
        )
        lose(emulator, "reset before the headers")
        while_active = client.watch(connection_id)
        await while_active.result()
        emulator.add_run_rule(SHORT)
        emulator.add_file_rule(FileRule(queued=0, duration=1))
        lose(emulator, "an answer later than the timeout")
        after_its_end = client.watch(connection_id)
        await after_its_end.result()
    assert len(emulator.runs) == 5
    assert while_active.ref == emulator.runs[3].ref
    assert after_its_end.ref == emulator.runs[4].ref


async def test_a_run_named_by_the_second_trigger_is_recognised_as_ours():
    """The search comes before the service shows the run; then the next trigger is answered with our own run (303)."""
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        nothing = json.dumps({"connection": {"id": connection_id}})
        emulator.add_fault(
            FaultRule(method="GET", path=f"storageconnections/{connection_id}$", status=200, body=nothing, nth=1)
        )
        emulator.add_fault(FaultRule(method="GET", path="/runs$", status=200, body='{"runs":[]}', nth=1))
        lose(emulator, "reset before the headers")
        events = await events_of(client.watch(connection_id, when_active="rerun"))
    assert len(emulator.runs) == 1
    assert len(triggers(emulator)) == 2
    assert names(events)[:2] == ["TriggerDelayed", "RunTriggered"]


async def test_a_run_that_has_not_started_counts_as_ours_after_a_lost_answer():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        lose(emulator, "reset before the headers")
        fault = emulator.add_fault(
            FaultRule(path="/runs/", status=200, body='{"run":{"id":"r","state":"NotStarted"}}', nth=1)
        )
        events = await events_of(client.watch(connection_id, when_active="rerun"))
    assert fault.fired == 1
    assert len(emulator.runs) == 1
    assert names(events)[:2] == ["TriggerDelayed", "RunTriggered"]


async def test_a_404_during_the_search_delays_the_trigger():
    async with emulated() as (emulator, client):
        lose(emulator, "reset after the headers")
        hidden = emulator.add_fault(FaultRule(path="/runs/", status=404, code="ConnectionRunNotFound", nth=1))
        events = await events_of(client.watch(emulator.add_connection()))
    assert hidden.fired == 1
    assert len(emulator.runs) == 1
    assert names(events)[:3] == ["TriggerDelayed", "TriggerDelayed", "RunTriggered"]


async def test_a_lost_trigger_is_repeated_when_the_last_run_is_no_longer_shown():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        old = emulator.start_run(connection_id)
        await anyio.sleep(1000)
        emulator.add_fault(FaultRule(path=f"/runs/{old.id}", status=404, code="ConnectionRunNotFound"))
        emulator.add_fault(FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, method="POST", path=TRIGGER_PATH, nth=1))
        run = await client.watch(connection_id).result()
    assert len(emulator.runs) == 2
    assert run.id == emulator.runs[1].id


async def test_a_run_that_ended_without_a_start_is_recognised_by_its_end():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        lose(emulator, "reset before the headers")
        completed = '{"run":{"id":"r","state":"Completed","result":"Error","endDateTime":"2999-01-01T00:00:00Z"}}'
        emulator.add_fault(FaultRule(path="/runs/", status=200, body=completed))
        run = await client.watch(connection_id).result()
    assert len(triggers(emulator)) == 1
    assert run.result == "Error"


@pytest.mark.parametrize("refusal", [CredentialsError("No."), TokenUnavailableError("Not now.")])
async def test_a_trigger_without_an_access_token_is_repeated_without_a_search(refusal):
    async with emulated() as (emulator, _):
        failures = [refusal]

        async def token() -> str:
            if failures:
                raise failures.pop()
            return emulator.token(lifetime=1e9)

        async with SynchronizationClient(token, base_url=emulator.url) as client:
            watcher = client.watch(emulator.add_connection())
            events = []
            while not events or not isinstance(events[-1], RunTriggered):
                try:
                    events.append(await anext(watcher))
                except CredentialsError:
                    await anyio.sleep(5)
    assert [request.method for request in emulator.requests] == ["POST"]
    assert not events[-1].recovered


async def test_a_completed_run_of_unknown_start_is_not_taken_for_ours():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        await client.watch(connection_id).result()
        emulator.add_fault(FaultRule(action=FaultAction.RESET_BEFORE_HEADERS, method="POST", path=TRIGGER_PATH, nth=1))
        emulator.add_fault(FaultRule(path="/runs/", status=200, body='{"run":{"id":"r","state":"Completed"}}', nth=1))
        await client.watch(connection_id).result()
    assert len(emulator.runs) == 2


async def test_a_delayed_trigger_reports_the_cause_and_the_delay():
    async with emulated() as (emulator, client):
        emulator.add_fault(
            FaultRule(method="POST", path=TRIGGER_PATH, status=429, code="TooManyRequests", retry_after=33, nth=1)
        )
        watcher = client.watch(emulator.add_connection())
        first, second = await anext(watcher), await anext(watcher)
    assert isinstance(first, TriggerDelayed)
    assert (type(first.cause).__name__, first.attempt, first.delay) == ("RateLimitedError", 1, 33)
    assert first.connection_id == watcher.connection_id
    assert isinstance(second, RunTriggered)
    earlier, later = triggers(emulator)
    assert later - earlier >= 33


async def test_a_trigger_that_was_not_processed_is_repeated_without_a_search():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(method="POST", path=TRIGGER_PATH, status=503, retry_after=5, nth=1))
        watcher = client.watch(emulator.add_connection())
        assert names([await anext(watcher), await anext(watcher)]) == ["TriggerDelayed", "RunTriggered"]
    assert [request.method for request in emulator.requests] == ["POST", "POST"]


async def test_nothing_is_sent_to_a_location_on_another_origin():
    contacted = []

    async def serve(stream):
        contacted.append(stream)

    async with emulated() as (emulator, client), anyio.create_task_group() as tasks:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        location = f"http://127.0.0.1:{port}/synchronization/imodels/storageconnections/c/runs/r"
        emulator.add_fault(FaultRule(action=FaultAction.FOREIGN_LOCATION, path=TRIGGER_PATH, location=location))
        with pytest.raises(ForeignOriginError, match=rf"127\.0\.0\.1:{port}.*Nothing was sent there"):
            await client.watch(emulator.add_connection()).result()
        await anyio.sleep(600)
        tasks.cancel_scope.cancel()
    await listener.aclose()
    assert contacted == []
