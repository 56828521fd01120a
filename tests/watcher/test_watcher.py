"""A watch against the emulator, over real sockets, in virtual time."""

import time
from itertools import pairwise

import anyio
import pytest
from support.runs import normal
from support.watch import RUN_PATH, completed_tasks, emulated, events_of, names, polls, triggers

from bentley_sync_async import (
    AuthenticationType,
    BackoffPacing,
    ClientCredentials,
    ConnectorType,
    ExecutionResult,
    IModelBusyError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    RunCompleted,
    RunFailedError,
    RunJoined,
    RunRef,
    RunStateChanged,
    RunTriggered,
    SynchronizationClient,
    WaitingForIModel,
    fold,
)
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, RunRule

TWO_FILES = [("a.dgn", ConnectorType.MSTN), ("b.dwg", ConnectorType.DWG)]


async def test_a_connection_is_triggered_once_and_followed_until_completed():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection(files=TWO_FILES)
        watcher = client.watch(connection_id)
        events = await events_of(watcher)
        run = await client.storage_connections.runs.get(connection_id, emulator.runs[0].id)
    assert names(events)[:2] == ["RunTriggered", "RunAppeared"]
    assert isinstance(events[-1], RunCompleted)
    assert len(emulator.runs) == 1
    assert watcher.run == run
    assert sorted(completed_tasks(events)) == sorted(task.id for task in run.tasks)


async def test_the_events_of_a_watch_fold_to_its_last_snapshot_and_are_numbered_without_holes():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(files=TWO_FILES))
        events = await events_of(watcher)
    folded = fold(events)
    assert folded is not None
    assert watcher.run is not None
    assert normal(folded) == normal(watcher.run)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert sorted(events, key=lambda event: event.at) == events


async def test_result_needs_no_iteration():
    async with emulated() as (emulator, client):
        run = await client.watch(emulator.add_connection()).result()
    assert run.succeeded


async def test_result_continues_after_an_iteration():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        first = await anext(watcher)
        run = await watcher.result()
        again = await watcher.result()
    assert isinstance(first, RunTriggered)
    assert run.succeeded
    assert again is run
    assert len(emulator.runs) == 1


async def test_nothing_is_sent_before_the_first_step():
    async with emulated() as (emulator, client):
        client.watch(emulator.add_connection())
        await anyio.sleep(60)
    assert emulator.requests == []


async def test_a_failed_run_is_data_until_raise_for_result():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(file_name="b.dwg", error="SourceFileNotFound"))
        run = await client.watch(emulator.add_connection(files=TWO_FILES)).result()
    assert run.completed
    assert run.result == ExecutionResult.PARTIAL_SUCCESS
    with pytest.raises(RunFailedError, match=r"SourceFileNotFound.*the user can fix it.*KB0098398") as caught:
        run.raise_for_result()
    assert [task.error.description_key for task in caught.value.failed_tasks if task.error] == ["SourceFileNotFound"]


async def test_a_user_connection_without_consent_ends_with_its_reason():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection(authentication_type=AuthenticationType.USER)
        run = await client.watch(connection_id).result()
    assert run.error is not None
    assert run.error.error_key == "UserNotAuthenticated"


async def test_an_active_run_of_the_connection_is_joined():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        theirs = emulator.start_run(connection_id)
        events = await events_of(client.watch(connection_id))
    assert isinstance(events[0], RunJoined)
    assert not events[0].foreign
    assert events[0].ref.run_id == theirs.id
    assert len(emulator.runs) == 1


async def test_rerun_waits_for_the_active_run_and_triggers_after_it():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        theirs = emulator.start_run(connection_id)
        watcher = client.watch(connection_id, when_active="rerun")
        events = await events_of(watcher)
    first, second = emulator.runs
    waiting = [event for event in events if isinstance(event, WaitingForIModel)]
    assert first is theirs
    assert {event.ref.run_id for event in waiting} == {theirs.id}
    assert waiting[-1].run is not None
    assert waiting[-1].run.completed
    assert watcher.ref is not None
    assert watcher.ref.run_id == second.id


async def test_a_busy_imodel_is_waited_for_and_only_waiting_events_have_the_blocking_run():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        theirs = emulator.start_run(emulator.add_connection(imodel_id))
        ours = emulator.add_connection(imodel_id)
        watcher = client.watch(ours)
        events = await events_of(watcher)
    assert all(isinstance(event, WaitingForIModel) for event in events if getattr(event, "ref", None) != watcher.ref)
    assert isinstance(events[0], WaitingForIModel)
    assert events[0].ref.run_id == theirs.id
    assert names(events).count("RunTriggered") == 1
    assert [run.connection_id for run in emulator.runs] == [theirs.connection_id, ours]
    assert watcher.run is not None
    assert watcher.run.connection_id == ours


async def test_the_run_on_a_busy_imodel_can_be_joined():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        theirs = emulator.start_run(emulator.add_connection(imodel_id))
        watcher = client.watch(emulator.add_connection(imodel_id), when_busy="join")
        events = await events_of(watcher)
    assert isinstance(events[0], RunJoined)
    assert events[0].foreign
    assert watcher.run is not None
    assert watcher.run.id == theirs.id
    assert len(emulator.runs) == 1


async def test_a_busy_imodel_can_be_an_error_that_names_the_run():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        theirs = emulator.start_run(emulator.add_connection(imodel_id))
        watcher = client.watch(emulator.add_connection(imodel_id), when_busy="fail")
        with pytest.raises(IModelBusyError, match=theirs.id) as caught:
            await anext(watcher)
        await anyio.sleep(1000)
        run = await watcher.result()
    assert caught.value.ref == RunRef(connection_id=theirs.connection_id, run_id=theirs.id)
    assert run.connection_id == watcher.connection_id


@pytest.mark.parametrize("status", [403, 404])
async def test_an_invisible_blocking_run_is_waited_for_by_triggering(status):
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        theirs = emulator.start_run(emulator.add_connection(imodel_id))
        hidden = emulator.add_fault(FaultRule(path=f"/runs/{theirs.id}", status=status, code="Hidden"))
        ours = emulator.add_connection(imodel_id)
        run = await client.watch(ours).result()
    assert hidden.fired > 1
    assert run.connection_id == ours
    assert [run.connection_id for run in emulator.runs].count(ours) == 1
    assert all(later - earlier >= 1.8 for earlier, later in pairwise(triggers(emulator)))


async def test_the_run_of_a_manifest_connection_on_the_imodel_is_waited_for():
    async with emulated() as (emulator, client):
        location = "/synchronization/imodels/manifestconnections/m/runs/r"
        busy = FaultRule(
            method="POST", action=FaultAction.FOREIGN_LOCATION, performed=False, status=303, location=location, nth=1
        )
        emulator.add_fault(busy)
        emulator.add_fault(
            FaultRule(path="manifestconnections/m/runs/r", status=200, body='{"run":{"id":"r","state":"Completed"}}')
        )
        events = await events_of(client.watch(emulator.add_connection()))
    assert isinstance(events[0], WaitingForIModel)
    assert events[0].ref == RunRef(connection_id="m", run_id="r", kind="manifest")
    assert names(events)[:3] == ["WaitingForIModel", "WaitingForIModel", "RunTriggered"]


async def test_a_run_of_another_client_is_followed_by_its_url():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        theirs = emulator.start_run(connection_id)
        connection = await client.storage_connections.get(connection_id)
        assert connection.links.last_run is not None
        assert connection.links.last_run.href is not None
        watcher = client.attach(connection.links.last_run.href)
        events = await events_of(watcher)
    assert names(events)[0] == "RunAppeared"
    assert names(events)[-1] == "RunCompleted"
    assert watcher.run is not None
    assert watcher.run.id == theirs.id
    assert triggers(emulator) == []


async def test_attaching_to_an_unknown_run_raises_at_once():
    async with emulated() as (emulator, client):
        ref = RunRef(connection_id=emulator.add_connection(), run_id=emulator.new_imodel_id())
        with pytest.raises(NotFoundError, match=ref.run_id) as caught:
            await anext(client.attach(ref))
    assert caught.value.__cause__ is None
    assert len(emulator.requests) == 1


async def test_a_trigger_answered_403_ends_the_watch():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        emulator.forbidden_imodels.add(imodel_id)
        with pytest.raises(PermissionDeniedError):
            await anext(client.watch(emulator.add_connection(imodel_id)))
    assert len(emulator.requests) == 1


async def test_a_relative_location_is_followed():
    async with emulated(location="relative") as (emulator, client):
        run = await client.watch(emulator.add_connection()).result()
    assert run.succeeded


async def test_jobs_may_be_null_at_the_start():
    async with emulated(jobs_at_start="null") as (emulator, client):
        events = await events_of(client.watch(emulator.add_connection()))
    assert names(events)[1] == "RunAppeared"
    assert names(events).count("JobAppeared") == 1


async def test_polls_start_at_once_and_become_rarer_until_a_change():
    async with emulated() as (emulator, client):
        emulator.add_run_rule(RunRule(states=[["NotStarted", 300]]))
        await client.watch(emulator.add_connection(), pacing=BackoffPacing()).result()
    (triggered,) = triggers(emulator)
    times = polls(emulator)
    schedule = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == triggered
    for wait, longest in zip(schedule, [2, 3, 4.5, 6.75, 10.125, 15.1875, 22.78, 30, 30], strict=False):
        assert 0.9 * longest - 0.01 <= wait <= longest + 0.01
    assert max(schedule) <= 30


async def test_after_a_change_polls_are_frequent_again():
    async with emulated() as (emulator, client):
        emulator.add_run_rule(RunRule(states=[["NotStarted", 300], ["Queued", 300]]))
        watcher = client.watch(emulator.add_connection(), pacing=BackoffPacing(jitter=0))
        async for event in watcher:
            if isinstance(event, RunStateChanged):
                break
        interval_before = polls(emulator)[-1] - polls(emulator)[-2]
        await anext(watcher)
    changed = polls(emulator).index(next(at for at in polls(emulator) if at >= 300))
    schedule = [later - earlier for earlier, later in pairwise(polls(emulator)[changed:])]
    assert interval_before == pytest.approx(30, abs=0.1)
    assert schedule[:3] == pytest.approx([2, 3, 4.5], abs=0.1)


async def test_no_poll_comes_before_the_retry_after_of_a_good_answer():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, path=RUN_PATH, headers={"Retry-After": "75"}))
        await client.watch(emulator.add_connection()).result()
    times = polls(emulator)
    assert all(later - earlier >= 75 for earlier, later in pairwise(times))


async def test_two_tasks_cannot_await_one_watcher():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        refused = []

        async def step() -> None:
            try:
                await anext(watcher)
            except RuntimeError as error:
                refused.append(str(error))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(step)
            tasks.start_soon(step)
    assert refused == ["This watcher is being awaited by another task; one watcher serves one consumer."]


@pytest.mark.parametrize(
    ("name", "value"),
    [("timeout", 0), ("timeout", -1), ("timeout", float("nan")), ("when_active", "wait"), ("when_busy", "rerun")],
)
async def test_impossible_arguments_are_refused_and_nothing_is_sent(name, value):
    async with emulated() as (emulator, client):
        with pytest.raises(InvalidArgumentError, match=name):
            client.watch(emulator.add_connection(), **{name: value})
    assert emulator.requests == []


async def test_the_repr_of_a_watcher_has_its_run_and_state():
    async with emulated() as (emulator, client):
        connection_id = emulator.add_connection()
        watcher = client.watch(connection_id)
        before = repr(watcher)
        await watcher.result()
    assert before == f"<RunWatcher of connection {connection_id}: not seen yet>"
    assert repr(watcher) == f"<RunWatcher of run {emulator.runs[0].id} of connection {connection_id}: Completed>"


async def test_the_access_token_is_renewed_during_a_run_of_three_hours(record_property):
    real = time.perf_counter()
    async with Emulator(error_rate=0, retry_rate=0) as emulator:
        emulator.add_file_rule(FileRule(duration=3 * 3600))
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=emulator.url, issuer=emulator.url) as client:
            began = anyio.current_time()
            events = await events_of(client.watch(emulator.add_connection()))
            virtual = anyio.current_time() - began
    tokens = [each for each in emulator.requests if each.operation == "token"]
    took = f"{time.perf_counter() - real:.2f} s"
    record_property("real time", f"{virtual / 3600:.2f} virtual hours and {len(emulator.requests)} requests in {took}")
    assert isinstance(events[-1], RunCompleted)
    assert virtual > 3 * 3600
    assert len(tokens) == 4
    assert {each.status for each in emulator.requests} == {200, 202}
