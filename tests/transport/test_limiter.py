import asyncio
from functools import partial
from types import SimpleNamespace

import anyio
import pytest
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
from bentley_sync_async.transport.rate_limit.limiter import CALL, POLL, TRIGGER, Priority, RateLimiter

pytestmark = pytest.mark.looptime(start=0)
ONE, TWO = RateTier(name="One", per_minute=1), RateTier(name="Two", per_minute=2)


def limiter_of(per_minute, **options):
    return RateLimiter(RequestBudget(RateTier(name="Own", per_minute=per_minute)), **options)


async def spend(limiter, count=1, priority=CALL):
    for _ in range(count):
        with await limiter.acquire(priority) as permit:
            permit.sent = True


class Line:
    """Requests that wait at a turnstile, each a task that passes, and notes its name and the time."""

    def __init__(self, limiter, group):
        self.limiter = limiter
        self.group = group
        self.passed = []

    async def add(self, name, priority=CALL, scope=None):
        self.group.start_soon(self._wait, name, priority, scope or anyio.CancelScope())
        await anyio.lowlevel.checkpoint()

    async def _wait(self, name, priority, scope):
        with scope, await self.limiter.acquire(priority) as permit:
            permit.sent = True
            self.passed.append((name, anyio.current_time()))

    @property
    def names(self):
        return [name for name, _ in self.passed]


# Ample and short budgets.


async def test_while_there_is_room_a_request_passes_without_letting_others_run():
    limiter = limiter_of(5)
    others = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    await spend(limiter, 5)
    assert others == []


async def test_a_request_that_waits_is_let_in_where_sniffio_is_installed(monkeypatch):
    def library():
        # Like sniffio, whom anyio asks then: in a callback of the loop it knows of no library.
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


async def test_a_request_that_was_not_sent_gives_its_place_back():
    limiter = limiter_of(1)
    with await limiter.acquire(CALL):
        pass
    await spend(limiter)
    assert anyio.current_time() == 0.0


async def test_as_many_requests_are_under_way_as_may_be():
    async with anyio.create_task_group() as group:
        limiter = limiter_of(100, max_in_flight=2)
        line = Line(limiter, group)
        first, second = await limiter.acquire(CALL), await limiter.acquire(CALL)
        await line.add("third")
        assert line.names == []
        first.release()
        await anyio.wait_all_tasks_blocked()
        assert line.passed == [("third", 0.0)]
        second.leave()


# Whose turn it is.


async def test_triggers_go_before_calls_and_calls_before_polls():
    limiter = limiter_of(3)
    await spend(limiter, 3)
    async with anyio.create_task_group() as group:
        line = Line(limiter, group)
        for name, priority in (("poll", POLL), ("call", CALL), ("trigger", TRIGGER)):
            await line.add(name, priority)
    assert line.names == ["trigger", "call", "poll"]


async def test_of_polls_the_one_that_is_worth_most_goes_first():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        line = Line(limiter, group)
        for value in (0.5, 3.0, -1.0, 2.0):
            await line.add(value, Priority(kind="poll", value=partial(float, value)))
    assert line.names == [3.0, 2.0, 0.5, -1.0]
    assert [at for _, at in line.passed] == pytest.approx([60.24, 120.48, 180.72, 240.96], abs=0.3)


@pytest.mark.parametrize("priority", [TRIGGER, CALL, POLL])
async def test_among_equals_who_came_first_goes_first(priority):
    limiter = limiter_of(7)
    await spend(limiter, 7)
    async with anyio.create_task_group() as group:
        line = Line(limiter, group)
        for n in range(50):
            await line.add(n, priority)
    assert line.names == list(range(50))


async def test_a_trigger_that_comes_late_passes_all_polls_that_wait():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        line = Line(limiter, group)
        for n in range(3):
            await line.add(n, POLL)
        await anyio.sleep(100)
        await line.add("trigger", TRIGGER)
    assert line.names == [0, "trigger", 1, 2]


async def test_nobody_overtakes_those_who_wait():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        line = Line(limiter, group)
        await line.add("early")
        await anyio.sleep(60.24)
        await line.add("late")
    assert line.names == ["early", "late"]


# Cancellation.


async def test_who_no_longer_waits_leaves_the_turn_to_the_next():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        line, scope = Line(limiter, group), anyio.CancelScope()
        await line.add("gone", TRIGGER, scope)
        await line.add("next")
        scope.cancel()
    assert line.passed == [("next", pytest.approx(60.24))]


async def test_who_is_cancelled_at_the_instant_of_the_turn_leaves_it_to_the_next():
    limiter = limiter_of(100, max_in_flight=1)
    permit = await limiter.acquire(CALL)
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(limiter.acquire(TRIGGER))
        coming = group.create_task(limiter.acquire(CALL))
        await asyncio.sleep(0)
        permit.release()
        gone.cancel()
    assert gone.cancelled()
    assert coming.done()
    assert limiter.use().minute.used == 1


async def test_when_the_last_who_waits_is_gone_no_timer_is_left():
    limiter = limiter_of(1)
    await spend(limiter)
    with anyio.move_on_after(5):
        await limiter.acquire(CALL)
    assert limiter._timer is None
    assert limiter.use().waiting == 0


async def test_those_who_are_gone_leave_nothing_behind():
    limiter = limiter_of(1)
    await spend(limiter)
    async with anyio.create_task_group() as group:
        line, scopes = Line(limiter, group), [anyio.CancelScope() for _ in range(1000)]
        await line.add("urgent", TRIGGER)
        for n, scope in enumerate(scopes):
            await line.add(n, CALL, scope)
        assert limiter.use().waiting == 1001
        for scope in scopes:
            scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert (limiter.use().waiting, len(limiter._queue)) == (1, 1)


async def test_ten_thousand_wait_and_all_pass_in_order_of_worth_some_cancelled():
    limiter = limiter_of(500)
    await spend(limiter, 500)
    async with anyio.create_task_group() as group:
        line = Line(limiter, group)
        scopes = [anyio.CancelScope() for _ in range(10_000)]
        for n, scope in enumerate(scopes):
            group.start_soon(line._wait, n, Priority(kind="poll", value=partial(float, (n * 7919) % 10_000)), scope)
        await anyio.wait_all_tasks_blocked()
        tasks = len(asyncio.all_tasks())
        for scope in scopes[::10]:
            scope.cancel()
    assert tasks <= 10_002
    values = [(n * 7919) % 10_000 for n in line.names]
    assert values == sorted(values, reverse=True)
    assert len(values) == 9000
    assert anyio.current_time() == pytest.approx(18 * 60.24, rel=0.01)


# In a client.


RUN, ID = {"run": {"id": "0d3c4f4c-1f33-4ad0-9ef5-0d8c1f2a4b5c", "state": "Completed"}}, "a" * 43
CONNECTION, RUNS = {"connection": {"id": ID}}, {"runs": []}


def client_with(*steps, always=None, **options):
    transport = ScriptedTransport(*steps, always=always)
    return transport, SynchronizationClient("token", transport=transport, base_url="https://api.example", **options)


async def test_every_request_of_a_client_is_counted_by_what_it_is_for():
    location = f"https://api.example/synchronization/imodels/storageconnections/{ID}/runs/{RUN['run']['id']}"
    _, client = client_with(
        answer(202, location=location), answer(200, RUNS), answer(200, RUN), answer(200, CONNECTION)
    )
    assert (await client.watch(ID).result()).completed
    await client.storage_connections.get(ID)
    assert client.budget.hour.spent == {"trigger": 1, "poll": 1, "call": 2}


async def test_a_client_without_a_tier_has_that_of_standard():
    _, client = client_with()
    assert (client.budget.tier, client.budget.minute.limit, client.budget.hour.limit) == (RateTier.STANDARD, 5000, None)


async def test_the_requests_of_a_client_keep_to_its_share_of_the_tier():
    transport, client = client_with(always=answer(200, CONNECTION), rate_tier=RateTier.COMMUNITY, share=0.01)
    for _ in range(6):
        await client.storage_connections.get(ID)
    assert [sent.at for sent in transport.sent] == [0.0] * 5 + [pytest.approx(60.24)]


async def test_a_second_request_of_a_call_is_a_request_of_its_own():
    transport, client = client_with(lost, answer(200, CONNECTION), rate_tier=ONE)
    await client.storage_connections.get(ID)
    assert transport.sent[1].at == pytest.approx(60.24)
    assert client.budget.hour.spent == {"call": 2}


async def test_a_request_with_another_token_is_a_request_of_its_own():
    async def token():
        return "t" * 20

    transport = ScriptedTransport(refusal(401), refusal(401))
    client = SynchronizationClient(token, transport=transport, base_url="https://api.example", rate_tier=TWO)
    with pytest.raises(AuthenticationError):
        await client.storage_connections.get(ID)
    assert client.budget.hour.spent == {"call": 2}


async def test_a_call_that_gets_no_token_costs_nothing():
    transport = ScriptedTransport(answer(400, {"error": "invalid_client"}))
    credentials = ClientCredentials("service", "secret")
    client = SynchronizationClient(credentials, transport=transport, base_url="https://api.example")
    with pytest.raises(CredentialsError):
        await client.storage_connections.get(ID)
    assert client.budget.hour.used == 0


async def test_a_call_whose_turn_cannot_come_in_time_fails_at_once_and_says_why():
    _, client = client_with(always=answer(200, CONNECTION), rate_tier=ONE, timeouts=Timeouts(call=30))
    await client.storage_connections.get(ID)
    with pytest.raises(RequestTimeoutError) as caught:
        await client.storage_connections.get(ID)
    assert anyio.current_time() == 0.0
    assert not caught.value.sent
    assert "and 1 were sent in a minute, 1 in an hour (tier One, share 1); wait" in str(caught.value)


async def test_a_call_whose_turn_does_not_come_in_time_fails_when_its_time_is_up():
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


async def test_a_watch_waits_for_its_turn_however_long_it_takes():
    transport, client = client_with(
        always=answer(200, RUN), rate_tier=RateTier(name="Rare", per_hour=1), timeouts=Timeouts(call=90)
    )
    url = client.run_url(
        client.attach(f"https://api.example/synchronization/imodels/storageconnections/{ID}/runs/r").ref
    )
    await client.attach(url).result()
    await client.attach(url).result()
    assert transport.sent[1].at == pytest.approx(3610, abs=15)


async def test_the_time_for_an_answer_begins_with_its_turn_in_a_watch():
    transport, client = client_with(always=answer(200, RUN), rate_tier=ONE, timeouts=Timeouts(call=40))
    url = f"https://api.example/synchronization/imodels/storageconnections/{ID}/runs/r"
    await client.attach(url).result()
    await client.attach(url).result()
    assert [sent.timeout for sent in transport.sent] == pytest.approx([40, 40])


async def test_a_client_learns_the_tier_from_a_refusal():
    refused = answer(429, retry_after="1", itwinplatform_ratelimited_tier="Community")
    _, client = client_with(refused, always=answer(200, CONNECTION))
    await client.storage_connections.get(ID)
    assert client.budget.tier == RateTier.COMMUNITY
    assert client.budget.hour.spent == {"rejected": 1, "call": 1}


async def test_a_client_learns_what_is_left_from_any_answer():
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
async def test_headers_that_mean_nothing_do_no_harm(headers):
    _, client = client_with(answer(200, CONNECTION, **headers))
    await client.storage_connections.get(ID)
    assert client.budget.tier == RateTier.STANDARD


async def test_headers_on_the_wire_are_understood_in_any_case():
    headers = {"ITwinPlatform-RateLimited-Tier": "Community", "Retry-After": "3600"}
    async with raw_server(http("429 Too Many Requests", **headers)) as server, client_of(server) as client:
        with pytest.raises(RateLimitedError):
            await client.storage_connections.get(ID)
        assert client.budget.tier == RateTier.COMMUNITY


def test_the_budget_can_be_read_when_no_event_loop_runs():
    _, client = client_with(answer(200, CONNECTION))
    asyncio.run(client.storage_connections.get(ID))
    assert client.budget.minute.spent == {"call": 1}
