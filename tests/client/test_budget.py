"""An emulator that enforces a tier never answers 429 to a client with that tier, however many calls are made."""

import anyio
import pytest
from support.transport import emulated

from bentley_sync_async import ConfigurationError, RateTier, RetryPolicy, SynchronizationClient, Timeouts

pytestmark = pytest.mark.looptime(start=0)
LONG = Timeouts(call=1e6, request=600)


def most_in(instants, seconds):
    """Return the largest number of instants in any half-open interval of so many seconds."""
    most, first = 0, 0
    for n, at in enumerate(instants):
        while instants[first] <= at - seconds:
            first += 1
        most = max(most, n + 1 - first)
    return most


async def call(client, connection_id, times):
    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(client.storage_connections.get, connection_id)


def client_of(emulator, tier, **options):
    token = emulator.token(lifetime=1e9)
    return SynchronizationClient(token, base_url=emulator.url, timeouts=LONG, rate_tier=tier, **options)


async def test_a_thousand_requests_at_once_keep_to_the_community_tier():
    async with emulated(tier="community") as (emulator, _), client_of(emulator, RateTier.COMMUNITY) as client:
        connection_id = emulator.add_connection()
        await call(client, connection_id, 1000)
        arrivals = [request.time for request in emulator.requests]
        assert {request.status for request in emulator.requests} == {200}
        assert (len(arrivals), most_in(arrivals, 60.0), most_in(arrivals, 3600.0)) == (1000, 500, 1000)
        assert anyio.current_time() == pytest.approx(60.3, abs=0.3)


async def test_requests_for_several_hours_keep_to_the_limits():
    tier = RateTier(name="Own", per_minute=50, per_hour=200)
    async with emulated(per_minute=50, per_hour=200) as (emulator, _), client_of(emulator, tier) as client:
        connection_id = emulator.add_connection()
        await call(client, connection_id, 500)
        arrivals = [request.time for request in emulator.requests]
        assert {request.status for request in emulator.requests} == {200}
        assert (len(arrivals), most_in(arrivals, 60.0), most_in(arrivals, 3600.0)) == (500, 50, 200)
        assert anyio.current_time() <= 2 * 3600 * 1.02 + 120


async def test_two_clients_that_share_a_tier_stay_within_it_together():
    async with (
        emulated(tier="community") as (emulator, _),
        client_of(emulator, RateTier.COMMUNITY, share=0.7) as one,
        client_of(emulator, RateTier.COMMUNITY, share=0.3) as other,
    ):
        connection_id = emulator.add_connection()
        async with anyio.create_task_group() as group:
            group.start_soon(call, one, connection_id, 400)
            group.start_soon(call, other, connection_id, 200)
        assert {request.status for request in emulator.requests} == {200}


async def test_a_client_without_a_tier_gets_one_429_and_then_keeps_to_the_tier():
    async with emulated(tier="community") as (emulator, _), client_of(emulator, None) as client:
        connection_id = emulator.add_connection()
        await call(client, connection_id, 501)
        refusals = [request for request in emulator.requests if request.status == 429]
        assert len(refusals) == 1
        await call(client, connection_id, 1000)
        assert len([request for request in emulator.requests if request.status == 429]) == 1
        assert client.budget.tier == RateTier.COMMUNITY


@pytest.mark.parametrize("retry_after", ["seconds", "none"])
async def test_a_process_that_starts_with_a_minute_used_up_by_another_waits_for_its_end(retry_after):
    tier = RateTier(name="Own", per_minute=50, per_hour=500)
    async with (
        emulated(per_minute=50, per_hour=500, retry_after=retry_after) as (emulator, _),
        client_of(emulator, tier) as first,
        client_of(emulator, tier, retry=RetryPolicy(attempts=20)) as second,
    ):
        connection_id = emulator.add_connection()
        await call(first, connection_id, 50)
        await second.storage_connections.get(connection_id)
        await call(second, connection_id, 90)
        assert len([request for request in emulator.requests if request.status == 429]) <= 8
        assert second.budget.minute.limit == 50


async def test_the_time_that_a_watch_waits_for_a_permit_is_no_failure():
    tier = RateTier(name="Own", per_minute=3)
    async with emulated(per_minute=3) as (emulator, _), client_of(emulator, tier) as client:
        ids = [emulator.add_connection() for _ in range(10)]
        runs = []

        async def follow(connection_id):
            runs.append(await client.watch(connection_id).result())

        async with anyio.create_task_group() as group:
            for connection_id in ids:
                group.start_soon(follow, connection_id)
        assert all(run.succeeded for run in runs)
        assert {request.status for request in emulator.requests} == {200, 202}
        first = [request.operation for request in emulator.requests[:10]]
        assert first.count("run-storage-connection") == 10


# Settings.


def test_the_variables_name_the_tier():
    variables = {"BENTLEY_SYNC_TOKEN": "t", "BENTLEY_SYNC_RATE_TIER": "community"}
    assert SynchronizationClient.from_env(variables).budget.tier == RateTier.COMMUNITY


def test_without_the_variable_the_tier_is_unknown():
    client = SynchronizationClient.from_env({"BENTLEY_SYNC_TOKEN": "t"})
    assert (client.config.rate_tier, client.budget.tier) == (None, RateTier.STANDARD)


def test_a_variable_with_an_unknown_tier_is_rejected():
    with pytest.raises(ConfigurationError, match="no rate tier 'gold'"):
        SynchronizationClient.from_env({"BENTLEY_SYNC_TOKEN": "t", "BENTLEY_SYNC_RATE_TIER": "gold"})


def test_an_invalid_share_is_rejected():
    with pytest.raises(ConfigurationError, match="share must be more than 0 and at most 1, not 2"):
        SynchronizationClient("t", share=2)
