"""A watch whose polls or triggers fail, whose tokens expire, or whose timeout runs out."""

from itertools import pairwise

import anyio
import pytest
from support.watch import RUN_PATH, TRIGGER_PATH, completed_tasks, emulated, events_of, names, polls, triggers

from bentley_sync_async import (
    AuthenticationError,
    ClientCredentials,
    ConflictError,
    CredentialsError,
    NotFoundError,
    PollDelayed,
    RunTriggered,
    RunVanishedError,
    ServerError,
    SynchronizationClient,
    TriggerDelayed,
    UnprocessableError,
    WaitingForIModel,
    WatchFailedError,
    WatchTimeoutError,
)
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule

TRANSIENT = {
    "RateLimitedError": FaultRule(status=429, code="RateLimitExceeded", retry_after=120),
    "ServerError": FaultRule(status=502, body="<html>Bad Gateway</html>"),
    "ConnectionLostError": FaultRule(action=FaultAction.RESET_AFTER_HEADERS),
    "RequestTimeoutError": FaultRule(action=FaultAction.DELAY, delay=90),
    "DecodeError": FaultRule(action=FaultAction.HTML_BODY),
}


@pytest.mark.parametrize("cause", TRANSIENT)
async def test_failed_polls_are_reported_and_repeated_and_lose_no_event(cause):
    rule = TRANSIENT[cause]
    async with emulated() as (emulator, client):
        fault = emulator.add_fault(
            FaultRule(
                action=rule.action,
                status=rule.status,
                code=rule.code,
                body=rule.body,
                retry_after=rule.retry_after,
                delay=rule.delay,
                path=RUN_PATH,
                first=3,
                last=6,
            )
        )
        watcher = client.watch(emulator.add_connection())
        events = await events_of(watcher)
    delayed = [event for event in events if isinstance(event, PollDelayed)]
    # aiohttp itself repeats a GET once when a kept-alive connection turns out to be dead.
    assert fault.fired == 4
    assert {type(event.cause).__name__ for event in delayed} == {cause}
    assert [event.failures for event in delayed] == list(range(1, len(delayed) + 1))
    assert all(event.delay >= (rule.retry_after or 0) for event in delayed)
    assert len(completed_tasks(events)) == 1
    assert watcher.run is not None
    assert watcher.run.succeeded


async def test_failed_polls_of_a_blocking_run_are_reported_and_repeated():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        theirs = emulator.start_run(emulator.add_connection(imodel_id))
        emulator.add_fault(FaultRule(path=f"/runs/{theirs.id}", status=502, first=2, last=4))
        events = await events_of(client.watch(emulator.add_connection(imodel_id)))
    delayed = [event for event in events if isinstance(event, PollDelayed)]
    assert [event.ref.run_id for event in delayed] == [theirs.id] * 3
    assert names(events)[-1] == "RunCompleted"


async def test_truncated_and_empty_bodies_delay_a_poll():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(action=FaultAction.TRUNCATED_BODY, path=RUN_PATH, nth=2))
        emulator.add_fault(FaultRule(action=FaultAction.EMPTY_BODY, path=RUN_PATH, nth=3))
        events = await events_of(client.watch(emulator.add_connection()))
    causes = [type(event.cause).__name__ for event in events if isinstance(event, PollDelayed)]
    assert causes == ["ConnectionLostError", "DecodeError"]


async def test_no_poll_comes_before_retry_after():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=RUN_PATH, status=429, retry_after=700, nth=1))
        await client.watch(emulator.add_connection()).result()
    first, second = polls(emulator)[:2]
    assert second - first >= 700


async def test_half_an_hour_of_failures_ends_the_watch_and_it_can_be_awaited_again():
    async with emulated() as (emulator, client):
        down = emulator.add_fault(FaultRule(path=RUN_PATH, status=502, first=2, last=72))
        watcher = client.watch(emulator.add_connection())
        began = anyio.current_time()
        with pytest.raises(WatchFailedError, match=r"No good answer on run .* The run itself goes on") as caught:
            await watcher.result()
        took = anyio.current_time() - began
        run = await watcher.result()
    assert 1800 <= took <= 1800 + 2 * 30
    assert caught.value.ref == watcher.ref
    assert caught.value.run is not None
    assert down.fired >= 60
    assert run.succeeded
    assert len(emulator.runs) == 1


async def test_a_slow_consumer_does_not_use_up_the_failure_budget():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(duration=7200))
        watcher = client.watch(emulator.add_connection())
        first = [await anext(watcher) for _ in range(2)]
        await anyio.sleep(1900)
        emulator.add_fault(FaultRule(path=RUN_PATH, status=503, nth=1))
        events = await events_of(watcher)
    assert names(first) == ["RunTriggered", "RunAppeared"]
    assert names(events)[0] == "PollDelayed"
    assert names(events)[-1] == "RunCompleted"


async def test_a_retry_after_of_years_is_cut_to_an_hour():
    async with emulated() as (emulator, client):
        years = {"Retry-After": "1000000000"}
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, path=RUN_PATH, headers=years, nth=1))
        emulator.add_fault(FaultRule(path=RUN_PATH, status=429, headers=years, nth=2))
        events = await events_of(client.watch(emulator.add_connection()))
    assert [later - earlier for earlier, later in pairwise(polls(emulator))] == pytest.approx([3600, 3600], abs=1)
    assert names(events)[-1] == "RunCompleted"


async def test_a_long_retry_after_does_not_end_a_watch():
    async with emulated() as (emulator, client):
        throttle = emulator.add_fault(FaultRule(path=RUN_PATH, status=429, retry_after=2000, first=2, last=3))
        events = await events_of(client.watch(emulator.add_connection()))
    assert throttle.fired == 2
    assert names(events).count("PollDelayed") == 2
    assert names(events)[-1] == "RunCompleted"


async def test_a_404_right_after_the_trigger_delays_the_poll():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=RUN_PATH, status=404, code="ConnectionRunNotFound", last=3))
        events = await events_of(client.watch(emulator.add_connection()))
    assert names(events)[:5] == ["RunTriggered", "PollDelayed", "PollDelayed", "PollDelayed", "RunAppeared"]


async def test_a_404_for_fifteen_seconds_ends_the_watch():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=RUN_PATH, status=404))
        watcher = client.watch(emulator.add_connection())
        with pytest.raises(RunVanishedError, match=r"does not know run") as caught:
            await watcher.result()
    elapsed = polls(emulator)[-1] - triggers(emulator)[0]
    assert 15 <= elapsed <= 20
    assert caught.value.ref == watcher.ref
    assert isinstance(caught.value.__cause__, NotFoundError)


async def test_a_404_later_ends_the_watch_with_the_last_snapshot():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=RUN_PATH, status=404, first=9))
        watcher = client.watch(emulator.add_connection())
        with pytest.raises(RunVanishedError) as caught:
            await watcher.result()
    assert len(polls(emulator)) == 9
    assert caught.value.run is not None
    assert caught.value.run is watcher.run


async def test_a_poll_answered_422_ends_the_watch():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=RUN_PATH, status=422, code="InvalidStorageConnectionRunRequest"))
        with pytest.raises(UnprocessableError):
            await client.watch(emulator.add_connection()).result()
    assert len(polls(emulator)) == 1


async def test_simultaneous_triggers_on_one_imodel_each_get_their_run():
    async with emulated(accept_window=0.2) as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        watchers = [client.watch(emulator.add_connection(imodel_id)) for _ in range(3)]
        events: dict[int, list] = {}

        async def follow(number: int) -> None:
            events[number] = await events_of(watchers[number])

        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(follow, number)
    conflicts = [
        event
        for each in events.values()
        for event in each
        if isinstance(event, TriggerDelayed) and isinstance(event.cause, ConflictError)
    ]
    assert len(conflicts) >= 2
    assert len(emulator.runs) == 3
    assert {watcher.run.connection_id for watcher in watchers if watcher.run} == {
        watcher.connection_id for watcher in watchers
    }
    assert all(names(each).count("RunTriggered") == 1 for each in events.values())


async def test_the_next_trigger_waits_for_the_retry_after_of_a_conflict():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=TRIGGER_PATH, status=409, retry_after=20, nth=1))
        await client.watch(emulator.add_connection()).result()
    first, second = triggers(emulator)
    assert second - first >= 20


async def test_ten_conflicts_in_about_a_minute_end_the_watch():
    async with emulated() as (emulator, client):
        code = "ConflictWithAnotherIModelRequest"
        emulator.add_fault(FaultRule(path=TRIGGER_PATH, status=409, code=code, last=10))
        watcher = client.watch(emulator.add_connection())
        with pytest.raises(ConflictError, match=code):
            await watcher.result()
        at = triggers(emulator)
        run = await watcher.result()
    assert len(at) == 10
    assert 45 <= at[-1] - at[0] <= 65
    assert all(earlier < later for earlier, later in pairwise(at))
    assert run.succeeded


async def test_conflicts_are_counted_from_zero_after_a_busy_imodel():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel_id))
        # Triggers 1 to 6 and 8 to 13 are in conflict; the seventh is answered with the run of another connection.
        emulator.add_fault(FaultRule(path=TRIGGER_PATH, status=409, first=8, last=13))
        emulator.add_fault(FaultRule(path=TRIGGER_PATH, status=409, last=6))
        events = await events_of(client.watch(emulator.add_connection(imodel_id)))
    attempts = [event.attempt for event in events if isinstance(event, TriggerDelayed)]
    assert len(attempts) == 12
    assert names(events)[-1] == "RunCompleted"


async def test_a_watch_waits_for_all_runs_of_other_connections_and_triggers_once():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        others = [emulator.add_connection(imodel_id) for _ in range(5)]
        watcher = client.watch(emulator.add_connection(imodel_id))

        async def other_connections() -> None:
            for other in others:
                run = emulator.start_run(other)
                await anyio.sleep_until(run.created + run.plan.timeline.ended)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other_connections)
            await anyio.sleep(1)
            events = await events_of(watcher)
    waited_for = [event.ref.connection_id for event in events if isinstance(event, WaitingForIModel)]
    ours = [event for event in events if isinstance(event, RunTriggered)]
    assert list(dict.fromkeys(waited_for)) == others
    assert len(ours) == 1
    assert [run.connection_id for run in emulator.runs] == [*others, watcher.connection_id]
    assert all(event.ref == watcher.ref for event in events[events.index(ours[0]) :])


async def test_no_poll_is_sent_after_the_timeout_of_a_watch():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(), timeout=100)
        await anyio.sleep(500)  # it counts from the first step
        began = anyio.current_time()
        with pytest.raises(
            WatchTimeoutError, match=r"timeout of 100 s, last seen \w+\. The run itself goes on"
        ) as caught:
            await watcher.result()
        took = anyio.current_time() - began
        sent = len(emulator.requests)
        with pytest.raises(WatchTimeoutError):
            await anext(watcher)
        later = await client.attach(caught.value.ref).result() if caught.value.ref else None
    assert took == pytest.approx(100, abs=0.1)
    assert len(emulator.requests) - sent > 1
    assert all(at <= began + 100.1 for at in polls(emulator)[: sent - 1])
    assert caught.value.run is watcher.run
    assert later is not None
    assert later.succeeded
    assert isinstance(caught.value, TimeoutError)


async def test_the_timeout_interrupts_a_request():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=50, path=TRIGGER_PATH))
        watcher = client.watch(emulator.add_connection(), timeout=20)
        began = anyio.current_time()
        with pytest.raises(WatchTimeoutError, match="It may have been triggered: list its runs") as caught:
            await watcher.result()
        assert anyio.current_time() - began == pytest.approx(20, abs=0.1)
    assert caught.value.ref is None


async def test_access_tokens_are_renewed_during_a_watch():
    async with emulated(token_lifetime=100) as (emulator, _):
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        emulator.add_file_rule(FileRule(duration=1000))
        async with SynchronizationClient(credentials, base_url=emulator.url, issuer=emulator.url) as client:
            events = await events_of(client.watch(emulator.add_connection()))
    refused = [request for request in emulator.requests if request.status == 401]
    assert names(events)[-1] == "RunCompleted"
    assert "PollDelayed" not in names(events)
    assert refused == []


async def test_a_revoked_access_token_is_renewed_without_an_event():
    async with emulated() as (emulator, _):
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=emulator.url, issuer=emulator.url) as client:
            watcher = client.watch(emulator.add_connection())
            assert isinstance(await anext(watcher), RunTriggered)
            emulator.revoke_tokens()
            events = await events_of(watcher)
    assert [request.status for request in emulator.requests].count(401) == 1
    assert "PollDelayed" not in names(events)


async def test_an_expired_fixed_access_token_ends_the_watch():
    async with (
        emulated() as (emulator, _),
        SynchronizationClient(emulator.token(lifetime=60), base_url=emulator.url) as client,
    ):
        watcher = client.watch(emulator.add_connection())
        with pytest.raises(AuthenticationError, match="expired"):
            await watcher.result()
    assert watcher.run is not None


async def test_an_issuer_that_is_down_delays_the_watch_and_wrong_credentials_end_it():
    async with emulated(token_lifetime=100) as (emulator, _):
        down = emulator.add_fault(FaultRule(path="/connect/token", status=503, first=2, last=8))
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        wrong = ClientCredentials(emulator.client_id, "wrong")
        async with SynchronizationClient(credentials, base_url=emulator.url, issuer=emulator.url) as client:
            events = await events_of(client.watch(emulator.add_connection()))
        async with SynchronizationClient(wrong, base_url=emulator.url, issuer=emulator.url) as client:
            with pytest.raises(CredentialsError, match="invalid_client"):
                await client.watch(emulator.add_connection()).result()
    causes = [type(event.cause).__name__ for event in events if isinstance(event, PollDelayed)]
    assert down.fired == 7
    assert set(causes) == {"TokenUnavailableError"}
    assert names(events)[-1] == "RunCompleted"
    assert len(emulator.runs) == 1


async def test_one_throttle_pauses_all_watches_of_a_client():
    async with emulated() as (emulator, client):
        watchers = [client.watch(emulator.add_connection()) for _ in range(30)]
        throttle = emulator.add_fault(FaultRule(path=RUN_PATH, status=429, retry_after=200, nth=100))
        results = []

        async def follow(watcher) -> None:
            results.append(await watcher.result())

        async with anyio.create_task_group() as tasks:
            for watcher in watchers:
                tasks.start_soon(follow, watcher)
    closed = next(request.time for request in emulator.requests if request.status == 429)
    during = [request for request in emulator.requests if closed + 0.1 < request.time < closed + 199.9]
    assert throttle.fired == 1
    assert during == []
    assert all(run.succeeded for run in results)
    assert len(results) == len(emulator.runs) == 30


async def test_the_timeout_error_names_the_latest_failure():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=RUN_PATH, status=502, first=2))
        watcher = client.watch(emulator.add_connection(), timeout=120)
        with pytest.raises(WatchTimeoutError, match=r"The latest attempt failed: GET .* answered 502") as caught:
            await watcher.result()
    assert isinstance(caught.value.__cause__, ServerError)


async def test_the_timeout_error_names_the_latest_conflict():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(path=TRIGGER_PATH, status=409, code="ConflictWithAnotherIModelRequest"))
        watcher = client.watch(emulator.add_connection(), timeout=10)
        with pytest.raises(WatchTimeoutError, match=r"The latest attempt failed: POST .* answered 409") as caught:
            await watcher.result()
    assert isinstance(caught.value.__cause__, ConflictError)
