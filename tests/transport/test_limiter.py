"""Permits are granted by priority while the budget has room, and every request of a client needs one."""

import asyncio
import random
import threading
from functools import partial
from types import SimpleNamespace

import anyio
import pytest
from support.quick import length
from support.transport import ScriptedTransport, answer, client_of, http, lost, raw_server, refusal

from bentley_sync_async import (
    AuthenticationError,
    ClientCredentials,
    CredentialsError,
    RateLimitedError,
    RateTier,
    RequestTimeoutError,
    SynchronizationClient,
    Timeouts,
)
from bentley_sync_async.transport.rate_limit.budget import RequestBudget
from bentley_sync_async.transport.rate_limit.limiter import CALL, POLL, TRIGGER, Permit, Priority, RateLimiter

pytestmark = pytest.mark.looptime(start=0)
ONE, TWO = RateTier(name="One", per_minute=1), RateTier(name="Two", per_minute=2)


def limiter_of(per_minute, **options):
    return RateLimiter(RequestBudget(RateTier(name="Own", per_minute=per_minute)), **options)


async def spend(limiter, count=1, priority=CALL):
    for _ in range(count):
        with await limiter.acquire(priority) as permit:
            permit.sent = True


class Waiters:
    """Requests that wait for permits, each in a task that records its name and the time when it gets one."""

    def __init__(self, limiter, group):
        self.limiter = limiter
        self.group = group
        self.granted = []

    async def add(self, name, priority=CALL, scope=None):
        self.group.start_soon(self._wait, name, priority, scope or anyio.CancelScope())
        await anyio.lowlevel.checkpoint()

    async def _wait(self, name, priority, scope):
        with scope, await self.limiter.acquire(priority) as permit:
            permit.sent = True
            self.granted.append((name, anyio.current_time()))

    @property
    def names(self):
        return [name for name, _ in self.granted]


# With and without room.


async def test_with_room_a_permit_is_granted_without_yielding_to_other_tasks():
    limiter = limiter_of(5)
    others = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    await spend(limiter, 5)
    assert others == []


async def test_a_waiting_request_is_granted_a_permit_where_sniffio_is_installed(monkeypatch):
    def library():
        # Like sniffio, which anyio uses if it is installed: in a callback of the loop it finds no library.
        if asyncio.current_task() is None:
            raise LookupError
        return "asyncio"

    sniffio = SimpleNamespace(current_async_library=library, AsyncLibraryNotFoundError=LookupError)
    monkeypatch.setattr("anyio._core._eventloop.sniffio", sniffio)
    async with asyncio.timeout(100):
        await spend(limiter_of(1), 2)
    assert anyio.current_time() == pytest.approx(60.24)


async def test_without_room_a_request_waits_until_the_minute_is_over():
    limiter = limiter_of(1)
    await spend(limiter, 2)
    assert anyio.current_time() == pytest.approx(60.24)


async def test_a_request_that_was_not_sent_is_not_counted():
    limiter = limiter_of(1)
    with await limiter.acquire(CALL):
        pass
    await spend(limiter)
    assert anyio.current_time() == 0.0


async def test_no_more_requests_are_under_way_than_max_in_flight():
    async with anyio.create_task_group() as group:
        limiter = limiter_of(100, max_in_flight=2)
        waiters = Waiters(limiter, group)
        first, second = await limiter.acquire(CALL), await limiter.acquire(CALL)
        await waiters.add("third")
        assert waiters.names == []
        first.release()
        await anyio.wait_all_tasks_blocked()
        assert waiters.granted == [("third", 0.0)]
        second.release()


# Priorities.


async def test_triggers_go_before_calls_and_calls_before_polls():
    limiter = limiter_of(3)
    await spend(limiter, 3)
    async with anyio.create_task_group() as group:
        waiters = Waiters(limiter, group)
        for name, priority in (("poll", POLL), ("call", CALL), ("trigger", TRIGGER)):
            await waiters.add(name, priority)
    assert waiters.names == ["trigger", "call", "poll"]


async def test_of_polls_the_most_valuable_goes_first():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        waiters = Waiters(limiter, group)
        for value in (0.5, 3.0, -1.0, 2.0):
            await waiters.add(value, Priority(kind="poll", value=partial(float, value)))
    assert waiters.names == [3.0, 2.0, 0.5, -1.0]
    assert [at for _, at in waiters.granted] == pytest.approx([60.24, 120.48, 180.72, 240.96], abs=0.3)


@pytest.mark.parametrize("priority", [TRIGGER, CALL, POLL])
async def test_of_equal_requests_the_first_to_come_goes_first(priority):
    limiter = limiter_of(7)
    await spend(limiter, 7)
    async with anyio.create_task_group() as group:
        waiters = Waiters(limiter, group)
        for n in range(50):
            await waiters.add(n, priority)
    assert waiters.names == list(range(50))


async def test_a_late_trigger_goes_before_all_waiting_polls():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        waiters = Waiters(limiter, group)
        for n in range(3):
            await waiters.add(n, POLL)
        await anyio.sleep(100)
        await waiters.add("trigger", TRIGGER)
    assert waiters.names == [0, "trigger", 1, 2]


async def test_a_new_request_does_not_overtake_an_equal_one_that_waits():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        waiters = Waiters(limiter, group)
        await waiters.add("early")
        await anyio.sleep(60.24)
        await waiters.add("late")
    assert waiters.names == ["early", "late"]


# Cancellation.


async def test_a_cancelled_waiter_leaves_its_place_to_the_next():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        waiters, scope = Waiters(limiter, group), anyio.CancelScope()
        await waiters.add("cancelled", TRIGGER, scope)
        await waiters.add("next")
        scope.cancel()
    assert waiters.granted == [("next", pytest.approx(60.24))]


async def test_a_waiter_cancelled_as_its_permit_is_granted_passes_it_to_the_next():
    limiter = limiter_of(100, max_in_flight=1)
    permit = await limiter.acquire(CALL)
    async with asyncio.TaskGroup() as group:
        cancelled = group.create_task(limiter.acquire(TRIGGER))
        waiting = group.create_task(limiter.acquire(CALL))
        await asyncio.sleep(0)
        permit.release()
        cancelled.cancel()
    assert cancelled.cancelled()
    assert waiting.done()
    assert limiter.use().minute.used == 1


async def test_no_timer_is_left_when_the_last_waiter_is_cancelled():
    limiter = limiter_of(1)
    await spend(limiter)
    with anyio.move_on_after(5):
        await limiter.acquire(CALL)
    assert limiter._timer is None
    assert limiter.use().waiting == 0


async def test_cancelled_waiters_are_removed_from_the_queue():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        waiters, scopes = Waiters(limiter, group), [anyio.CancelScope() for _ in range(1000)]
        await waiters.add("urgent", TRIGGER)
        for n, scope in enumerate(scopes):
            await waiters.add(n, CALL, scope)
        assert limiter.use().waiting == 1001
        for scope in scopes:
            scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert (limiter.use().waiting, len(limiter._queue)) == (1, 1)


POLLS = length(5000, 10_000)  # a whole number of minutes


async def test_thousands_of_waiting_polls_some_cancelled_go_in_order_of_value():
    limiter = limiter_of(500)
    await spend(limiter, 500)
    async with anyio.create_task_group() as group:
        waiters = Waiters(limiter, group)
        scopes = [anyio.CancelScope() for _ in range(POLLS)]
        for n, scope in enumerate(scopes):
            group.start_soon(waiters._wait, n, Priority(kind="poll", value=partial(float, (n * 7919) % POLLS)), scope)
        await anyio.wait_all_tasks_blocked()
        tasks = len(asyncio.all_tasks())
        for scope in scopes[::10]:
            scope.cancel()
    assert tasks <= POLLS + 2
    values = [(n * 7919) % POLLS for n in waiters.names]
    assert values == sorted(values, reverse=True)
    assert len(values) == 0.9 * POLLS
    assert anyio.current_time() == pytest.approx(0.9 * POLLS / 500 * 60.24, rel=0.01)


# In a client.


RUN, ID = {"run": {"id": "0d3c4f4c-1f33-4ad0-9ef5-0d8c1f2a4b5c", "state": "Completed"}}, "a" * 43
CONNECTION, RUNS = {"connection": {"id": ID}}, {"runs": []}


def client_with(*steps, always=None, **options):
    transport = ScriptedTransport(*steps, always=always)
    return transport, SynchronizationClient("token", transport=transport, base_url="https://api.example", **options)


async def test_every_request_of_a_client_is_counted_by_its_kind():
    location = f"https://api.example/synchronization/imodels/storageconnections/{ID}/runs/{RUN['run']['id']}"
    _, client = client_with(
        answer(202, location=location), answer(200, RUNS), answer(200, RUN), answer(200, CONNECTION)
    )
    assert (await client.watch(ID).result()).completed
    await client.storage_connections.get(ID)
    assert client.budget.hour.spent == {"trigger": 1, "poll": 1, "call": 2}


async def test_a_client_without_a_tier_has_the_limits_of_standard():
    _, client = client_with()
    assert (client.budget.tier, client.budget.minute.limit, client.budget.hour.limit) == (RateTier.STANDARD, 5000, None)


async def test_the_requests_of_a_client_keep_to_its_share_of_the_tier():
    transport, client = client_with(always=answer(200, CONNECTION), rate_tier=RateTier.COMMUNITY, share=0.01)
    for _ in range(6):
        await client.storage_connections.get(ID)
    assert [sent.at for sent in transport.sent] == [0.0] * 5 + [pytest.approx(60.24)]


async def test_a_retry_is_counted_as_another_request():
    transport, client = client_with(lost, answer(200, CONNECTION), rate_tier=ONE)
    await client.storage_connections.get(ID)
    assert transport.sent[1].at == pytest.approx(60.24)
    assert client.budget.hour.spent == {"call": 2}


async def test_a_request_resent_with_another_token_is_counted_again():
    async def token():
        return "t" * 20

    transport = ScriptedTransport(refusal(401), refusal(401))
    client = SynchronizationClient(token, transport=transport, base_url="https://api.example", rate_tier=TWO)
    with pytest.raises(AuthenticationError):
        await client.storage_connections.get(ID)
    assert client.budget.hour.spent == {"call": 2}


async def test_a_call_that_gets_no_token_is_not_counted():
    transport = ScriptedTransport(answer(400, {"error": "invalid_client"}))
    credentials = ClientCredentials("service", "secret")
    client = SynchronizationClient(credentials, transport=transport, base_url="https://api.example")
    with pytest.raises(CredentialsError):
        await client.storage_connections.get(ID)
    assert client.budget.hour.used == 0


async def test_a_call_that_cannot_get_a_permit_in_time_fails_at_once_and_says_why():
    _, client = client_with(always=answer(200, CONNECTION), rate_tier=ONE, timeouts=Timeouts(call=30))
    await client.storage_connections.get(ID)
    with pytest.raises(RequestTimeoutError) as caught:
        await client.storage_connections.get(ID)
    assert anyio.current_time() == 0.0
    assert not caught.value.sent
    assert "and 1 were sent in a minute, 1 in an hour (tier One, share 1); wait" in str(caught.value)


async def test_a_call_that_gets_no_permit_in_time_fails_at_its_timeout():
    _, client = client_with(always=answer(200, CONNECTION), rate_tier=ONE, timeouts=Timeouts(call=90))
    await client.storage_connections.get(ID)
    caught = []

    async def get():
        try:
            await client.storage_connections.get(ID)
        except RequestTimeoutError as error:
            caught.append((anyio.current_time(), error.sent))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(get)
    assert caught == [(90.0, False), (90.0, False)]


async def test_a_watch_waits_for_a_permit_however_long_it_takes():
    transport, client = client_with(
        always=answer(200, RUN), rate_tier=RateTier(name="Rare", per_hour=1), timeouts=Timeouts(call=90)
    )
    url = client.run_url(
        client.attach(f"https://api.example/synchronization/imodels/storageconnections/{ID}/runs/r").ref
    )
    await client.attach(url).result()
    await client.attach(url).result()
    assert transport.sent[1].at == pytest.approx(3610, abs=15)


async def test_the_request_timeout_of_a_watch_begins_when_its_permit_is_granted():
    transport, client = client_with(always=answer(200, RUN), rate_tier=ONE, timeouts=Timeouts(call=40))
    url = f"https://api.example/synchronization/imodels/storageconnections/{ID}/runs/r"
    await client.attach(url).result()
    await client.attach(url).result()
    assert [sent.timeout for sent in transport.sent] == pytest.approx([40, 40])


async def test_a_client_learns_the_tier_from_a_429():
    refused = answer(429, retry_after="1", itwinplatform_ratelimited_tier="Community")
    _, client = client_with(refused, always=answer(200, CONNECTION))
    await client.storage_connections.get(ID)
    assert client.budget.tier == RateTier.COMMUNITY
    assert client.budget.hour.spent == {"rejected": 1, "call": 1}


async def test_a_client_learns_the_remaining_calls_from_any_answer():
    headers = {"itwinplatform_ratelimit_remainingcalls": "7", "itwinplatform_tier": "Community"}
    _, client = client_with(answer(200, CONNECTION, **headers))
    await client.storage_connections.get(ID)
    assert (client.budget.tier, client.budget.minute.left) == (RateTier.COMMUNITY, 7)


@pytest.mark.parametrize(
    "headers",
    [
        {"itwinplatform_ratelimit_remainingcalls": "many"},
        {"itwinplatform_ratelimit_remainingcalls": "-1"},
        {"itwinplatform_ratelimit_remainingcalls": "9" * 5000},
        {"itwinplatform_ratelimit_remainingcalls": "٣"},
        {"itwinplatform_ratelimit_remainingcalls": "1", "itwinplatform_tier": "Gold"},
        {"itwinplatform_tier": " "},
    ],
)
async def test_invalid_quota_headers_are_ignored(headers):
    _, client = client_with(answer(200, CONNECTION, **headers))
    await client.storage_connections.get(ID)
    assert client.budget.tier == RateTier.STANDARD


async def test_quota_headers_are_recognized_in_any_case():
    headers = {"ITwinPlatform-RateLimited-Tier": "Community", "Retry-After": "3600"}
    async with raw_server(http("429 Too Many Requests", **headers)) as server, client_of(server) as client:
        with pytest.raises(RateLimitedError):
            await client.storage_connections.get(ID)
        assert client.budget.tier == RateTier.COMMUNITY


def test_the_budget_can_be_read_when_no_event_loop_runs():
    _, client = client_with(answer(200, CONNECTION))
    asyncio.run(client.storage_connections.get(ID))
    assert client.budget.minute.spent == {"call": 1}


async def take_part(limiter, held, chance):
    """One waiter that gets its permit or ends: cancelled, closed, or both at the instant when it is granted."""
    waiting = limiter.acquire(CALL)
    try:
        waiting.send(None)
    except StopIteration as granted:
        held.append(granted.value)
        return
    if held and chance.random() < 0.5:
        held.pop().release()
    match chance.choice(["close", "cancel", "interrupt"]):
        case "close":
            waiting.close()
        case "cancel":
            with pytest.raises(asyncio.CancelledError):
                waiting.throw(asyncio.CancelledError)
        case "interrupt":
            with pytest.raises(KeyboardInterrupt):
                waiting.throw(KeyboardInterrupt)


def test_a_waiter_whose_loop_is_closed_leaves_its_place_in_many_schedules():
    other_loop = asyncio.new_event_loop()
    for seed in range(length(200, 2000)):
        chance = random.Random(seed)
        limiter, remains = RateLimiter(max_in_flight=2), []
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave_waiters(limiter, remains, chance))
        loop.close()
        if remains and chance.random() < 0.5:
            free(remains, chance)
        limiter.reset()
        granted = other_loop.run_until_complete(granted_after(limiter, remains, chance))
        assert granted == [True, True, False]
    other_loop.close()


async def leave_waiters(limiter, remains, chance):
    """Leave permits and waiters, tasks and bare coroutines, in a loop that will be closed."""
    for _ in range(chance.randrange(6)):
        waiting = limiter.acquire(CALL)
        if chance.random() < 0.3:
            task = asyncio.get_running_loop().create_task(waiting)
            task._log_destroy_pending = False
            remains.append(task)
            await asyncio.sleep(0)
            continue
        try:
            waiting.send(None)
        except StopIteration as granted:
            remains.append(granted.value)
        else:
            remains.append(waiting)
    if remains and chance.random() < 0.5:
        free(remains, chance)


def free(remains, chance):
    """Free some of what is left: of permits and coroutines, that is giving them back."""
    chance.shuffle(remains)
    for one in [remains.pop() for _ in range(chance.randrange(len(remains) + 1))]:
        if isinstance(one, Permit):
            one.release()
        elif not isinstance(one, asyncio.Task):
            one.close()
        elif one.done():
            one.result().release()


async def granted_after(limiter, remains, chance):
    free(remains, chance)
    for one in remains:
        if isinstance(one, Permit):
            one.release()
    remains.clear()
    assert (limiter.use().under_way, limiter.use().waiting) == (0, 0)
    now = anyio.current_time()
    return [limiter.try_acquire(CALL, now) is not None for _ in range(3)]


async def test_a_permit_that_is_given_back_in_another_thread_wakes_the_next():
    limiter = RateLimiter(max_in_flight=1)
    permit = await limiter.acquire(CALL)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(limiter.acquire(CALL))
        await asyncio.sleep(0)
        thread = threading.Thread(target=permit.release)
        thread.start()
        thread.join()
    assert waiting.done()


async def test_a_waiter_may_end_in_any_way_and_leaves_its_place_in_many_schedules():
    for seed in range(length(200, 2000)):
        chance = random.Random(seed)
        limiter = RateLimiter(max_in_flight=2)
        held = []
        for _ in range(20):
            await take_part(limiter, held, chance)
        for permit in held:
            permit.release()
        assert [limiter.try_acquire(CALL, anyio.current_time()) is not None for _ in range(3)] == [True, True, False]
