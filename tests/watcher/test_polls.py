"""When the watches of a client poll: past runs, the shared price of a poll, and completion signals."""

import gc
import re

import anyio
import pytest
from support.transport import answer, lost, scripted
from support.watch import events_of, names, polls, triggers

from bentley_sync_async import FixedPacing, RateTier, RunRef, RunVanishedError, SynchronizationClient
from bentley_sync_async.emulator import Emulator, FaultRule, FileRule, RunRule
from bentley_sync_async.pacing import CompletionNotifier
from bentley_sync_async.pacing.price import LOWEST_PRICE

pytestmark = pytest.mark.looptime(start=0)
ID, RUN_ID = "a" * 43, "0d3c4f4c-1f33-4ad0-9ef5-0d8c1f2a4b5c"
REF = RunRef(connection_id=ID, run_id=RUN_ID)
EXECUTING = answer(200, {"run": {"id": RUN_ID, "state": "Executing"}})
COMPLETED = answer(200, {"run": {"id": RUN_ID, "state": "Completed"}})
NO_RUNS = answer(200, {"runs": []})
HISTORY = "/runs$"


def ten_minute_runs(**options):
    """An emulator whose runs take ten minutes."""
    emulator = Emulator(error_rate=0, retry_rate=0, accept_window=0, **options)
    emulator.add_run_rule(RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0))
    emulator.add_file_rule(FileRule(queued=0, duration=600))
    return emulator


def client_of(emulator, **options):
    return SynchronizationClient(emulator.token(lifetime=1e9), base_url=emulator.url, **options)


def history_requests(emulator):
    return [request.time for request in emulator.requests if re.search(HISTORY, request.path)]


def price(client):
    return client._shared_pacing.price.current(anyio.current_time())


async def test_past_runs_are_fetched_once_per_connection():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        connection_id = emulator.add_connection()
        for _ in range(2):
            await client.watch(connection_id).result()
    assert len(history_requests(emulator)) == 1


async def test_simultaneous_watches_of_one_connection_fetch_past_runs_once():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        ref = emulator.start_run(emulator.add_connection()).ref
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(client.attach(ref).result)
    assert len(history_requests(emulator)) == 1


async def test_past_runs_are_fetched_after_a_run_of_the_connection_was_seen():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        connection_id = emulator.add_connection()
        ref = emulator.start_run(connection_id).ref
        await anyio.sleep(601)
        await client.attach(ref).result()
        await client.watch(connection_id).result()
    assert len(history_requests(emulator)) == 1


async def test_past_runs_are_fetched_once_although_the_watch_is_dropped_meanwhile():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        emulator.add_fault(FaultRule(method="GET", path=HISTORY, delay=10, last=1))
        ref = emulator.start_run(emulator.add_connection()).ref
        with anyio.move_on_after(5):
            await client.attach(ref).result()
        await client.attach(ref).result()
    assert len(history_requests(emulator)) == 1


async def test_past_runs_are_fetched_before_the_first_poll():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        await client.watch(emulator.add_connection()).result()
    paths = [re.search("[^/]*$", request.path)[0] for request in emulator.requests[:2]]
    assert paths == ["run", "runs"]


async def test_a_fixed_pacing_fetches_no_past_runs():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        await client.watch(emulator.add_connection(), pacing=FixedPacing()).result()
    assert history_requests(emulator) == []


async def test_no_past_runs_are_fetched_for_a_completed_run():
    transport, client = scripted(COMPLETED)
    await client.attach(REF).result()
    assert len(transport.sent) == 1


async def test_a_failed_fetch_of_past_runs_is_not_repeated():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        emulator.add_fault(FaultRule(method="GET", path=HISTORY, status=500))
        connection_id = emulator.add_connection()
        for _ in range(2):
            await client.watch(connection_id).result()
    assert len(history_requests(emulator)) == 1


async def test_watches_of_a_connection_share_the_duration_history():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        connection_id = emulator.add_connection()
        for _ in range(2):
            await client.watch(connection_id).result()
        assert client._shared_pacing.history.durations(connection_id) == (600.0, 600.0)


async def test_a_single_watch_polls_right_after_its_trigger():
    async with ten_minute_runs() as emulator, client_of(emulator) as client:
        await client.watch(emulator.add_connection()).result()
    assert polls(emulator)[0] == triggers(emulator)[0]


async def test_no_poll_follows_the_trigger_at_once_when_the_budget_is_short():
    async with (
        ten_minute_runs() as emulator,
        client_of(emulator, rate_tier=RateTier(name="Own", per_minute=100, per_hour=20)) as client,
    ):
        await client.watch(emulator.add_connection()).result()
    assert polls(emulator)[0] > triggers(emulator)[0] + 60


async def test_watches_that_wait_for_their_trigger_count_towards_the_price():
    _, client = scripted(
        EXECUTING, NO_RUNS, always=lost(), rate_tier=RateTier(name="Own", per_minute=100, per_hour=300)
    )
    one = client.attach(REF)
    await anext(one)
    alone = price(client)
    others = [client.watch("b" * 43) for _ in range(9)]
    for other in others:
        await anext(other)
    assert price(client) > 20 * alone


async def test_a_dropped_watch_lowers_the_price():
    _, client = scripted(EXECUTING, NO_RUNS, rate_tier=RateTier(name="Own", per_minute=100, per_hour=20))
    watcher = client.attach(REF)
    await anext(watcher)
    before = price(client)
    del watcher
    gc.collect()
    assert (before > LOWEST_PRICE, price(client)) == (True, LOWEST_PRICE)


async def test_a_watch_that_ends_with_an_error_lowers_the_price():
    _, client = scripted(EXECUTING, NO_RUNS, answer(404), rate_tier=RateTier(name="Own", per_minute=100, per_hour=20))
    watcher = client.attach(REF)
    await anext(watcher)
    with pytest.raises(RunVanishedError):
        await watcher.result()
    assert price(client) == LOWEST_PRICE


async def test_a_watch_with_a_signal_polls_when_it_comes_and_not_before():
    notifier = CompletionNotifier()
    async with ten_minute_runs() as emulator, client_of(emulator, completions=notifier) as client:
        connection_id = emulator.add_connection()
        async with anyio.create_task_group() as group:
            watcher = client.watch(connection_id)
            group.start_soon(watcher.result)
            await anyio.sleep(601)
            notifier.notify(watcher.ref)
        assert (polls(emulator), watcher.run.completed) == ([601], True)


async def test_a_completion_without_a_signal_is_found():
    async with ten_minute_runs() as emulator, client_of(emulator, completions=CompletionNotifier()) as client:
        run = await client.watch(emulator.add_connection()).result()
    assert (run.completed, len(polls(emulator)) < 5) == (True, True)


async def test_a_signal_that_comes_too_early_counts_once():
    notifier = CompletionNotifier()
    async with ten_minute_runs() as emulator, client_of(emulator, completions=notifier) as client:
        watcher = client.watch(emulator.add_connection())
        async with anyio.create_task_group() as group:
            group.start_soon(watcher.result)
            await anyio.sleep(595)
            notifier.notify(watcher.ref)
        times = polls(emulator)
    assert times[:2] == [595, pytest.approx(597, abs=0.3)]
    assert 600 <= times[-1] < 606


async def test_a_signal_from_before_the_watch_leads_to_a_poll_at_once():
    notifier = CompletionNotifier()
    notifier.notify(REF)
    transport, client = scripted(EXECUTING, NO_RUNS, COMPLETED, completions=notifier)
    events = await events_of(client.attach(REF))
    assert names(events)[-1] == "RunCompleted"
    assert [sent.at for sent in transport.sent] == [0, 0, 0]


async def test_a_cancelled_step_leaves_no_waiter_for_a_signal():
    notifier = CompletionNotifier()
    async with ten_minute_runs() as emulator, client_of(emulator, completions=notifier) as client:
        watcher = client.watch(emulator.add_connection())
        with anyio.move_on_after(100):
            await watcher.result()
    assert notifier._waiting == {}


async def test_a_blocking_run_is_polled_as_if_there_were_no_signal():
    async with ten_minute_runs() as emulator, client_of(emulator, completions=CompletionNotifier()) as client:
        imodel = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel))
        run = await client.watch(emulator.add_connection(imodel)).result()
    assert run.completed
    assert 600 <= triggers(emulator)[-1] < 640


async def test_a_signal_for_the_blocking_run_leads_to_the_trigger():
    notifier = CompletionNotifier()
    async with ten_minute_runs() as emulator, client_of(emulator, completions=notifier) as client:
        imodel = emulator.new_imodel_id()
        theirs = emulator.start_run(emulator.add_connection(imodel))
        watcher = client.watch(emulator.add_connection(imodel), pacing=FixedPacing(interval=400, jitter=0))
        async with anyio.create_task_group() as group:
            group.start_soon(watcher.result)
            await anyio.sleep(601)
            notifier.notify(theirs.ref)
            await anyio.sleep(601)
            notifier.notify(watcher.ref)
    assert (triggers(emulator)[-1], polls(emulator)[-1], watcher.run.completed) == (601, 1202, True)


async def test_a_run_joined_after_a_signalled_end_is_paced_normally():
    notifier = CompletionNotifier()
    async with ten_minute_runs() as emulator, client_of(emulator, completions=notifier) as client:
        imodel = emulator.new_imodel_id()
        theirs, mine = (emulator.add_connection(imodel) for _ in range(2))
        blocking_run = emulator.start_run(theirs)
        watcher = client.watch(mine, pacing=FixedPacing(interval=400, jitter=0))
        async with anyio.create_task_group() as group:
            group.start_soon(watcher.result)
            await anyio.sleep(601)
            emulator.start_run(mine)
            notifier.notify(blocking_run.ref)
    assert polls(emulator)[-3:] == [601, 1001, 1401]


async def test_a_cancelled_watch_lowers_the_price():
    _, client = scripted(EXECUTING, NO_RUNS, rate_tier=RateTier(name="Own", per_minute=100, per_hour=20))
    watcher = client.attach(REF)
    await anext(watcher)
    before = price(client)
    with anyio.move_on_after(1):
        await watcher.result()
    assert (before > LOWEST_PRICE, price(client), watcher.ref) == (True, LOWEST_PRICE, REF)


async def test_a_watch_that_is_awaited_again_counts_towards_the_price_again():
    _, client = scripted(EXECUTING, NO_RUNS, rate_tier=RateTier(name="Own", per_minute=100, per_hour=20))
    watcher = client.attach(REF)
    await anext(watcher)
    prices = []
    async with anyio.create_task_group() as group:
        for _ in range(3):
            with anyio.move_on_after(1):
                await watcher.result()
        group.start_soon(watcher.result)
        await anyio.sleep(1)
        prices.append(price(client))
        group.cancel_scope.cancel()
    assert prices[0] > LOWEST_PRICE


async def test_a_nearly_spent_quota_does_not_delay_a_single_watch_for_hours():
    async with (
        ten_minute_runs() as emulator,
        client_of(emulator, rate_tier=RateTier(name="Own", per_minute=200, per_hour=200)) as client,
    ):
        connection_id = emulator.add_connection()
        for _ in range(170):
            await client.storage_connections.get(connection_id)
        await anyio.sleep(60)
        await client.watch(connection_id).result()
    ended = triggers(emulator)[0] + 600
    assert polls(emulator)[-1] < ended + 300
