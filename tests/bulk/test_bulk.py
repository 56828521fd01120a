import asyncio
import random
import re

import anyio
import pytest
from support.bulk import finished, outcomes_of, progressed, runs_created
from support.quick import length
from support.watch import emulated

from bentley_sync_async import (
    AuthenticationError,
    BackoffPacing,
    ClientCredentials,
    CredentialsError,
    InvalidArgumentError,
    RunTriggered,
    SynchronizationClient,
)
from bentley_sync_async.bulk import ConnectionFinished, ConnectionProgressed, ConnectionStarted, OutcomeStatus
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule, RunRule

PACING = BackoffPacing(shortest=5, factor=1, longest=5, jitter=0)


async def test_each_connection_is_run_once_and_reported_once():
    async with emulated() as (emulator, client):
        imodels = [emulator.new_imodel_id() for _ in range(4)]
        connections = [emulator.add_connection(imodel) for imodel in imodels for _ in range(3)]
        outcomes = await outcomes_of(client.run_many(connections))
        assert set(outcomes) == set(connections)
        assert {outcome.status for outcome in outcomes.values()} == {OutcomeStatus.SUCCEEDED}
        assert runs_created(emulator) == dict.fromkeys(connections, 1)


async def test_connections_of_one_imodel_never_meet_each_others_runs():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connections = [emulator.add_connection(imodel) for _ in range(5)]
        async with client.run_many(connections) as bulk:
            events = [event async for event in bulk]
        assert {name for one in connections for name in progressed(events, one)}.isdisjoint(
            {"WaitingForIModel", "RunJoined"}
        )
        assert [request.status for request in emulator.requests if request.path.endswith("/run")] == [202] * 5


async def test_no_more_runs_are_under_way_than_the_concurrency_allows():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(12)]
        under_way: set[str] = set()
        most = 0
        async with client.run_many(connections, concurrency=3) as bulk:
            async for event in bulk:
                match event:
                    case ConnectionStarted(connection_id=str() as one):
                        under_way.add(one)
                    case ConnectionFinished(connection_id=one):
                        under_way.discard(one or "")
                most = max(most, len(under_way))
        assert most == 3


async def test_an_itwin_gets_no_more_than_its_share():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(6)]
        emulated_itwin = {(await client.storage_connections.get(one)).itwin_id for one in connections}
        assert len(emulated_itwin) == 6  # each iModel has an iTwin of its own: the bound holds nobody back
        outcomes = await outcomes_of(client.run_many(connections, per_itwin=1))
        assert len(outcomes) == 6
        assert max(run.created for run in emulator.runs) < 5


async def test_all_connections_of_an_imodel_can_be_asked_for_at_once():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connections = [emulator.add_connection(imodel) for _ in range(3)]
        emulator.add_connection()
        outcomes = await outcomes_of(client.run_many(imodel_ids=[imodel]))
        assert set(outcomes) == set(connections)


async def test_an_imodel_that_cannot_be_listed_is_an_outcome_of_its_own():
    async with emulated() as (emulator, client):
        connection = emulator.add_connection()
        outcomes = await outcomes_of(client.run_many([connection], imodel_ids=["no-imodel"]))
        assert outcomes[connection].status == OutcomeStatus.SUCCEEDED
        assert outcomes[None].status == OutcomeStatus.REFUSED
        assert outcomes[None].imodel_id == "no-imodel"


async def test_bad_ids_spoil_nothing():
    async with emulated() as (emulator, client):
        good, deleted = emulator.add_connection(), emulator.add_connection()
        await client.storage_connections.delete(deleted)
        outcomes = await outcomes_of(client.run_many([good, deleted, "", "a b", good]))
        assert outcomes[good].status == OutcomeStatus.SUCCEEDED
        assert {outcomes[one].status for one in (deleted, "", "a b")} == {OutcomeStatus.REFUSED}
        assert "404" in (outcomes[deleted].reason or "")
        assert len(emulator.runs) == 1


async def test_a_connection_that_may_not_be_run_is_refused_with_the_reason():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        forbidden, good = emulator.add_connection(imodel), emulator.add_connection()
        emulator.forbidden_imodels.add(imodel)
        outcomes = await outcomes_of(client.run_many([forbidden, good]))
        assert outcomes[forbidden].status == OutcomeStatus.REFUSED
        assert "InsufficientPermissions" in (outcomes[forbidden].reason or "")
        assert outcomes[good].status == OutcomeStatus.SUCCEEDED


async def test_each_result_has_its_outcome_with_the_failed_files():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(file_name="bad*", error="SourceFileNotFound"))
        emulator.add_run_rule(RunRule(display_name="nothing", jobs=False, result="Skipped"))
        partial = emulator.add_connection(files=[("good.dgn", "MSTN"), ("bad.dgn", "MSTN")])
        failed = emulator.add_connection(files=[("bad.dgn", "MSTN")])
        skipped = emulator.add_connection(display_name="nothing")
        outcomes = await outcomes_of(client.run_many([partial, failed, skipped]))
        assert outcomes[partial].status == OutcomeStatus.PARTIAL_SUCCESS
        assert outcomes[failed].status == OutcomeStatus.FAILED
        assert outcomes[skipped].status == OutcomeStatus.SKIPPED
        [file] = outcomes[partial].failed_files
        assert file.error_key == "SourceFileNotFound"
        assert file.can_user_fix is True
        assert file.kb_article_link is not None


async def test_outcomes_have_the_names_of_connections_and_of_failed_files():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(file_name="Bad*", error="SourceFileCorrupted"))
        one = emulator.add_connection(files=[("Bad.dgn", "MSTN"), ("Good.dgn", "MSTN")], display_name="Station")
        async with client.run_many([one]) as bulk:
            events = [event async for event in bulk]
        [outcome] = bulk.report.outcomes
        assert events[0].display_name == outcome.display_name == "Station"
        assert [file.file_name for file in outcome.failed_files] == ["Bad.dgn"]
        assert outcome.requests == sum(request.operation != "token" for request in emulator.requests)


async def test_names_that_cannot_be_read_are_left_out():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(error="SourceFileCorrupted"))
        emulator.add_fault(FaultRule(path="/sourcefiles", status=403))
        [outcome] = (await outcomes_of(client.run_many([emulator.add_connection()]))).values()
        assert [file.file_name for file in outcome.failed_files] == [None]
        assert outcome.status == OutcomeStatus.FAILED


async def test_a_timeout_ends_the_watch_of_one_connection_only():
    async with emulated() as (emulator, client):
        slow, quick = emulator.add_connection(display_name="slow"), emulator.add_connection()
        emulator.add_run_rule(RunRule(display_name="slow", waiting=10_000))
        outcomes = await outcomes_of(client.run_many([slow, quick], timeout=3600))
        assert outcomes[slow].status == OutcomeStatus.TIMED_OUT
        assert outcomes[slow].ref == emulator.runs[0].ref or outcomes[slow].ref == emulator.runs[1].ref
        assert outcomes[quick].status == OutcomeStatus.SUCCEEDED


async def test_what_failed_for_a_cause_that_passes_is_run_again():
    async with emulated() as (emulator, client):
        connection = emulator.add_connection(files=[("flaky.dgn", "MSTN")])
        emulator.add_file_rule(FileRule(nth=1, error="NetworkIssue"))
        outcomes = await outcomes_of(client.run_many([connection], retry_failed=1))
        assert outcomes[connection].status == OutcomeStatus.SUCCEEDED
        assert outcomes[connection].attempts == 2
        assert len(emulator.runs) == 2


async def test_what_the_user_must_fix_is_not_run_again():
    async with emulated() as (emulator, client):
        connection = emulator.add_connection(files=[("gone.dgn", "MSTN")])
        emulator.add_file_rule(FileRule(error="SourceFileNotFound"))
        outcomes = await outcomes_of(client.run_many([connection], retry_failed=3))
        assert outcomes[connection].status == OutcomeStatus.FAILED
        assert len(emulator.runs) == 1


async def test_no_connection_gets_more_runs_than_were_allowed():
    async with emulated() as (emulator, client):
        connection = emulator.add_connection()
        emulator.add_file_rule(FileRule(error="NetworkIssue"))
        outcomes = await outcomes_of(client.run_many([connection], retry_failed=2))
        assert outcomes[connection].status == OutcomeStatus.FAILED
        assert len(emulator.runs) == outcomes[connection].attempts == 3


async def test_a_connection_waits_for_a_foreign_run_without_taking_a_place():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        foreign, waiting = emulator.add_connection(imodel, display_name="long"), emulator.add_connection(imodel)
        emulator.add_run_rule(RunRule(display_name="long", waiting=3600))
        emulator.start_run(foreign)
        others = [emulator.add_connection() for _ in range(3)]
        async with client.run_many([waiting, *others], concurrency=1) as bulk:
            ended = [event.connection_id async for event in bulk if isinstance(event, ConnectionFinished)]
        assert ended[-1] == waiting
        assert set(ended) == {waiting, *others}
        assert runs_created(emulator) == {foreign: 1, waiting: 1, **dict.fromkeys(others, 1)}


async def test_an_active_run_of_a_connection_itself_is_joined_or_followed_by_another():
    async with emulated() as (emulator, client):
        joined, again = emulator.add_connection(), emulator.add_connection()
        for one in (joined, again):
            emulator.start_run(one)
        told = await outcomes_of(client.run_many([joined]))
        assert told[joined].joined
        emulator.start_run(again)
        told = await outcomes_of(client.run_many([again], when_active="rerun"))
        assert not told[again].joined
        assert runs_created(emulator)[joined] == 1


async def test_an_exception_of_the_consumer_comes_out_as_itself_and_the_runs_go_on():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(3)]
        bulk = client.run_many(connections)

        async def stumble() -> None:
            async with bulk:
                async for event in bulk:
                    if isinstance(event, ConnectionProgressed) and isinstance(event.event, RunTriggered):
                        raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await stumble()
        assert {outcome.status for outcome in bulk.report.outcomes} == {OutcomeStatus.DETACHED}
        before = len(emulator.requests)
        await anyio.sleep(1000)
        assert len(emulator.requests) == before


def ours() -> set[asyncio.Task[object]]:
    """The tasks there are, but for those that serve the emulator's sockets."""
    return {task for task in asyncio.all_tasks() if "RequestHandler" not in repr(task)}


async def test_leaving_the_block_detaches_and_leaves_no_task():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(3)]
        before = ours()
        async with client.run_many(connections) as bulk:
            async for event in bulk:
                if isinstance(event, ConnectionProgressed) and isinstance(event.event, RunTriggered):
                    break
        assert ours() == before
        detached = [outcome for outcome in bulk.report.outcomes if outcome.ref is not None]
        assert detached
        assert all("goes on" in (outcome.reason or "") for outcome in detached)
        assert [event async for event in bulk][-1:] != []
        assert [event async for event in bulk] == []


async def test_cancelling_a_step_loses_no_event():
    async def events(hurried: bool) -> list[str]:
        async with emulated() as (emulator, client):
            connections = [emulator.add_connection() for _ in range(2)]
            found = []
            async with client.run_many(connections, pacing=PACING) as bulk:
                while True:
                    with anyio.move_on_after(3.7 if hurried else 1e6) as scope:
                        try:
                            event = await anext(bulk)
                        except StopAsyncIteration:
                            return sorted(found)
                        name = type(event.event if isinstance(event, ConnectionProgressed) else event).__name__
                        found.append(f"{connections.index(event.connection_id or '')} {name}")
                    assert hurried or not scope.cancelled_caught

    assert await events(hurried=True) == await events(hurried=False)


async def test_a_consumer_that_is_slow_holds_the_bulk_up_and_loses_nothing():
    async with emulated() as (emulator, client):
        files = [(f"{number}.dgn", "MSTN") for number in range(200)]
        connections = [emulator.add_connection(files=files) for _ in range(3)]
        emulator.add_run_rule(RunRule(parallel=50))
        async with client.run_many(connections) as bulk:
            await anyio.sleep(20_000)
            waiting = len(bulk._events)
            events = [event async for event in bulk]
        assert waiting == 1000
        assert len(finished(events)) == 3
        for one in connections:
            assert progressed(events, one).count("TaskCompleted") == 200
            assert progressed(events, one)[-1] == "RunCompleted"


async def test_the_result_can_be_awaited_without_iterating():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(3)]
        async with client.run_many(connections) as bulk:
            report = await bulk.result()
        assert report.good
        assert {outcome.connection_id for outcome in report.outcomes} == set(connections)
        assert report.requests == sum(outcome.requests for outcome in report.outcomes)
        assert report.duration > 300


async def test_the_requests_of_each_connection_are_counted():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(3)]
        async with client.run_many([*connections, "no-connection"]) as bulk:
            report = await bulk.result()
        for outcome in report.outcomes:
            assert outcome.connection_id is not None
            sent = [request for request in emulator.requests if outcome.connection_id in request.path]
            assert outcome.requests == len(sent) > 0


async def test_a_plan_triggers_nothing():
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connections = [emulator.add_connection(imodel) for _ in range(3)]
        plan = await client.run_many([*connections, "a b"], concurrency=2).plan()
        assert [run.connection_id for run in plan.runs] == connections
        assert [outcome.connection_id for outcome in plan.refused] == ["a b"]
        assert plan.duration == plan.lower_bound == 3 * 300
        assert not emulator.runs
        assert not any(request.method == "POST" for request in emulator.requests)


async def test_what_past_runs_took_decides_who_goes_first():
    async with emulated() as (emulator, client):
        emulator.add_run_rule(RunRule(display_name="long", waiting=4000))
        short, long = emulator.add_connection(), emulator.add_connection(display_name="long")
        for one in (short, long):
            await client.watch(one).result()
        plan = await client.run_many([short, long], concurrency=1).plan()
        assert [run.connection_id for run in plan.runs] == [long, short]
        assert plan.runs[0].expected > 4000 > plan.runs[1].expected


async def test_the_history_costs_one_request_a_connection():
    async with emulated() as (emulator, client):
        connection = emulator.add_connection()
        await client.watch(connection).result()
        emulator.requests.clear()
        await client.run_many([connection]).plan()
        assert sorted(request.path.rsplit("/", 1)[-1] for request in emulator.requests) == [connection, "runs"]


async def test_a_refused_token_ends_the_bulk_at_once():
    async with emulated() as (emulator, _):
        connections = [emulator.add_connection() for _ in range(40)]
        async with SynchronizationClient("not-the-token", base_url=emulator.url) as client:
            bulk = client.run_many(connections)
            with pytest.raises(AuthenticationError):
                await outcomes_of(bulk)
        assert len(emulator.requests) < 40
        assert {outcome.status for outcome in bulk.report.outcomes} <= {OutcomeStatus.DETACHED}


async def test_refused_credentials_end_the_bulk_without_a_consumer():
    async with emulated() as (emulator, _):
        credentials = ClientCredentials(emulator.client_id, "wrong")
        async with SynchronizationClient(credentials, base_url=emulator.url) as client:
            with pytest.raises(CredentialsError):
                async with client.run_many([emulator.add_connection()]):
                    await anyio.sleep(10)


async def test_a_connection_that_cannot_be_resolved_now_is_run_anyway():
    async with emulated() as (emulator, client):
        connection = emulator.add_connection()
        emulator.add_fault(FaultRule(method="GET", path=f"{connection}$", status=502))
        outcomes = await outcomes_of(client.run_many([connection]))
        assert outcomes[connection].status == OutcomeStatus.SUCCEEDED
        assert outcomes[connection].imodel_id is None


@pytest.mark.parametrize(
    "fault", [FaultAction.RESET_BEFORE_HEADERS, FaultAction.TRUNCATED_BODY, FaultAction.EMPTY_BODY]
)
async def test_lost_answers_to_triggers_double_nothing(fault):
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(6)]
        rule = emulator.add_fault(FaultRule(method="POST", path="/run$", action=fault, performed=True, last=4))
        outcomes = await outcomes_of(client.run_many(connections))
        assert rule.fired == 4
        assert {outcome.status for outcome in outcomes.values()} == {OutcomeStatus.SUCCEEDED}
        assert runs_created(emulator) == dict.fromkeys(connections, 1)


@pytest.mark.parametrize("seed", range(length(1, 3)))
async def test_runs_of_another_client_on_the_same_imodels_never_count_as_ours(seed, record_property):
    chance = random.Random(seed)
    async with emulated(seed=seed) as (emulator, client):
        imodels = [emulator.new_imodel_id() for _ in range(length(4, 10))]
        ours = [emulator.add_connection(imodel) for imodel in imodels for _ in range(chance.randint(1, 4))]
        theirs = {imodel: emulator.add_connection(imodel) for imodel in imodels}
        foreign: set[str] = set()

        async def second_party() -> None:
            while True:
                await anyio.sleep(chance.expovariate(1 / 60))
                active = {run.id for run in emulator.runs}
                wanted = chance.choice([*theirs.values(), *ours])
                run = emulator.start_run(wanted)
                if run.id not in active:
                    foreign.add(run.id)

        began = {}
        async with anyio.create_task_group() as group:
            group.start_soon(second_party)
            async with client.run_many(ours, when_active="rerun", concurrency=5) as bulk:
                events = [event async for event in bulk]
            group.cancel_scope.cancel()
        outcomes = finished(events)
        record_property("foreign runs", len(foreign))
        assert foreign
        assert set(outcomes) == set(ours)
        for one in ours:
            outcome = outcomes[one]
            assert outcome.status == OutcomeStatus.SUCCEEDED
            assert outcome.ref is not None
            assert outcome.ref.run_id not in foreign
            assert outcome.ref.connection_id == one
            created = [run for run in emulator.runs if run.connection_id == one and run.id not in foreign]
            assert [run.id for run in created] == [outcome.ref.run_id]
        del began


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 2.5}, "concurrency"),
        ({"concurrency": None}, "concurrency"),
        ({"per_itwin": 0}, "per_itwin"),
        ({"retry_failed": -1}, "retry_failed"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"when_active": "fail"}, "when_active"),
        ({"connection_ids": "one-id"}, "connection_ids"),
        ({"imodel_ids": "one-id"}, "imodel_ids"),
    ],
)
async def test_impossible_arguments_are_refused_by_name(arguments, named):
    async with SynchronizationClient("token", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(InvalidArgumentError, match=re.escape(named)):
            client.run_many(**arguments)


async def test_nothing_to_run_is_a_report_of_nothing():
    async with emulated() as (_, client), client.run_many([]) as bulk:
        report = await bulk.result()
    assert report.outcomes == ()
    assert report.good
    assert "0 connections" in str(report)


async def test_progress_counts_what_waits_is_under_way_and_is_done():
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(4)]
        async with client.run_many([*connections, "a b"], concurrency=1) as bulk:
            assert bulk.progress.total == 0
            seen = [bulk.progress async for event in bulk if isinstance(event, ConnectionFinished)]
        assert [progress.finished for progress in seen] == [1, 2, 3, 4, 5]
        assert all(progress.total == 5 for progress in seen[1:])
        lefts = [progress.seconds_left or 0 for progress in seen[1:]]
        assert lefts == sorted(lefts, reverse=True)
        assert bulk.progress.counts == {OutcomeStatus.REFUSED: 1, OutcomeStatus.SUCCEEDED: 4}
        assert bulk.progress.seconds_left == 0
