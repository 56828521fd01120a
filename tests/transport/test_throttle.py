"""A throttle pauses every request of a client, and no other error does."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.transport import After, ScriptedTransport, answer, lost, refusal

from bentley_sync_async.config import Timeouts
from bentley_sync_async.errors import (
    ConflictError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    SynchronizationError,
)
from bentley_sync_async.transport.hooks import Hooks, RequestRecord, ThrottleRecord
from bentley_sync_async.transport.logs import LoggingHook
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.transport.rate_limit.limiter import RateLimiter
from bentley_sync_async.transport.rate_limit.throttle import CLOCK_RESOLUTION, MAX_RETRY_AFTER, Throttle
from bentley_sync_async.transport.retry import RetryPolicy
from bentley_sync_async.transport.tokens import Token

URL = "https://api.example/synchronization/x"
GET = Request(method="GET", url=URL)


class Tokens:
    async def token(self):
        return Token(value="token")

    def invalidate(self, token):
        return False


def pipeline(transport, **options):
    return Pipeline(transport, Tokens(), base_url="https://api.example", **options)


def error(cls, status, retry_after=None):
    return cls(status=status, method="GET", url=URL, retry_after=retry_after)


@pytest.mark.parametrize("throttling", [error(RateLimitedError, 429, 30.0), error(ServerError, 503, 30.0)])
def test_a_throttle_pauses_requests_for_as_long_as_retry_after_says(throttling):
    throttle = Throttle()
    throttle.observe(throttling, 100.0)
    assert (throttle.remaining(100.0), throttle.remaining(129.0), throttle.remaining(130.0), throttle.cause) == (
        30.0,
        1.0,
        0.0,
        throttling,
    )


@pytest.mark.parametrize(
    "other",
    [
        lost(sent=True),
        lost(sent=False),
        error(ServerError, 502),
        error(ServerError, 502, 30.0),
        error(ServerError, 503),
        error(NotFoundError, 404, 30.0),
        error(ConflictError, 409, 30.0),
        SynchronizationError("any other"),
    ],
)
def test_no_other_failure_pauses_requests(other):
    throttle = Throttle()
    throttle.observe(other, 100.0)
    assert throttle.remaining(100.0) == 0


def test_pauses_without_retry_after_grow_until_a_request_succeeds():
    throttle = Throttle()
    waits = []
    now = 0.0
    for _ in range(8):
        throttle.observe(error(RateLimitedError, 429), now)
        waits.append(throttle.remaining(now))
        now += waits[-1]
    throttle.observe_success()
    throttle.observe(error(RateLimitedError, 429), now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert throttle.remaining(now) == 1


def test_throttles_of_requests_that_were_under_way_together_count_as_one():
    throttle = Throttle()
    for _ in range(50):
        throttle.observe(error(RateLimitedError, 429), 0.0)
    assert throttle.remaining(0.0) == 1


def test_a_pause_is_at_most_an_hour():
    throttle = Throttle()
    throttle.observe(error(RateLimitedError, 429, 1e9), 0.0)
    assert throttle.remaining(0.0) == MAX_RETRY_AFTER == 3600.0


@pytest.mark.parametrize("now", [-1e9, 0.0, 1e9])
def test_there_is_no_pause_at_first_whatever_the_clock_says(now):
    assert Throttle().remaining(now) == 0


def test_a_pause_below_the_resolution_of_the_clock_is_none():
    assert Throttle(ends_at=CLOCK_RESOLUTION).remaining(0.0) == 0


def test_an_error_that_does_not_extend_the_pause_is_not_its_cause():
    throttle = Throttle()
    first = error(RateLimitedError, 429, 30.0)
    throttle.observe(first, 0.0)
    throttle.observe(error(RateLimitedError, 429, 30.0), 0.0)
    assert throttle.cause is first


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 5000)), max_size=20))
def test_nothing_shortens_a_pause(answers):
    throttle = Throttle()
    now = 0.0
    for later, requested in answers:
        now += later
        before = throttle.ends_at
        throttle.observe(error(RateLimitedError, 429, requested), now)
        assert throttle.ends_at >= before
        assert throttle.remaining(now) >= min(requested or 0.0, MAX_RETRY_AFTER) - CLOCK_RESOLUTION - 1e-6


async def test_a_throttle_of_many_requests_under_way_is_reported_once():
    records = []
    transport = ScriptedTransport(
        *(After(5.0 + n / 1000, refusal(429, **{"retry-after": "40"})) for n in range(50)), always=answer()
    )
    shared = pipeline(transport, hooks=Hooks([records.append]))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(shared.call, GET)

    assert [record.delay for record in records if isinstance(record, ThrottleRecord)] == [40.0]


@pytest.mark.parametrize(
    ("pauses", "reported"),
    [
        ([10.0, 10.0], [True, False]),
        ([10.0, 11.0], [True, False]),
        ([10.0, 12.0], [True, True]),
        ([10.0, 10.6, 11.2], [True, False, True]),
        ([10.0, 5.0], [True, False]),
    ],
)
def test_a_throttle_is_reported_if_its_pause_is_new_or_over_a_second_longer(pauses, reported):
    throttle = Throttle()
    assert [throttle.observe(error(RateLimitedError, 429, seconds), 0.0) for seconds in pauses] == reported


def test_a_throttle_after_the_end_of_a_pause_is_reported_again():
    throttle = Throttle()
    assert [throttle.observe(error(RateLimitedError, 429, 0.5), now) for now in (0.0, 0.4, 0.9)] == [True, False, True]


def test_an_error_that_is_no_throttle_is_not_reported():
    assert not Throttle().observe(lost(), 0.0)


async def test_a_change_that_one_caller_makes_to_the_error_is_not_seen_by_the_next():
    shared = pipeline(ScriptedTransport(refusal(429, **{"retry-after": "3000"})))
    with pytest.raises(RateLimitedError) as first:
        await shared.call(GET)
    first.value.resume_token = "of a watch"

    with pytest.raises(RateLimitedError) as second:
        await shared.call(GET)

    assert second.value.resume_token is None


async def test_a_429_pauses_every_request_of_the_client():
    transport = ScriptedTransport(refusal(429, **{"retry-after": "40"}), always=answer())
    shared = pipeline(transport)

    async def later():
        await anyio.sleep(1)
        await shared.call(GET)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shared.call, GET)
        for _ in range(20):
            tasks.start_soon(later)
    assert transport.instants[0] == 0
    assert min(transport.instants[1:]) >= 40
    assert max(transport.instants) <= 44


async def test_watches_and_single_calls_share_one_throttle_and_watches_wait_however_long_it_takes():
    transport = ScriptedTransport(refusal(429, **{"retry-after": "3000"}), always=answer())
    single = pipeline(transport)
    watch = single.without_retries()
    with pytest.raises(RateLimitedError):
        await watch.call(GET)

    with pytest.raises(RateLimitedError):
        await single.call(GET)
    at = anyio.current_time()
    await watch.call(GET)

    assert at == 0
    assert len(transport.instants) == 2
    assert 3000 <= transport.instants[1] <= 3005


async def test_a_single_call_waits_for_the_end_of_a_throttle_within_its_timeout():
    transport = ScriptedTransport(refusal(429, **{"retry-after": "500"}), always=answer())
    shared = pipeline(transport, retry=RetryPolicy(attempts=1))
    with pytest.raises(RateLimitedError):
        await shared.call(GET)
    await anyio.sleep(10)

    await shared.call(GET)

    assert 500 <= transport.instants[1] <= 505


async def test_a_single_call_is_not_sent_after_its_timeout():
    transport = ScriptedTransport(refusal(429, **{"retry-after": "100"}), always=answer())
    shared = pipeline(transport, timeouts=Timeouts(call=101.0), retry=RetryPolicy(attempts=1))
    with pytest.raises(RateLimitedError):
        await shared.call(GET)

    results = await attempted(shared, 100)

    assert {type(result) for result in results} == {RateLimitedError, Response}
    assert min(transport.timeouts) > 0


async def test_after_a_success_the_next_pause_without_retry_after_is_the_shortest_again():
    transport = ScriptedTransport(refusal(429), answer(), refusal(429), answer())
    shared = pipeline(transport)

    await shared.call(GET)
    began = anyio.current_time()
    await shared.call(GET)

    assert 1.0 <= anyio.current_time() - began <= 1.2


async def test_a_post_is_sent_after_a_throttle_without_retry_after():
    transport = ScriptedTransport(refusal(429), answer(201))

    response = await pipeline(transport).call(Request(method="POST", url=URL))

    assert response.status == 201
    assert 1.0 <= transport.instants[1] <= 1.2


# Tokens and permits.


class SlowTokens(Tokens):
    def __init__(self, seconds):
        self.seconds = seconds

    async def token(self):
        await anyio.sleep(self.seconds)
        return await super().token()


async def attempted(shared, count, request=GET):
    """Make many calls at once; return the answer or error of each."""
    results = []

    async def one():
        try:
            results.append(await shared.call(request))
        except SynchronizationError as error:
            results.append(error)

    with anyio.fail_after(1_000_000):  # a permit that is never released would block the test forever
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
    return results


async def test_requests_that_wait_for_a_permit_also_wait_for_a_throttle_that_begins_meanwhile():
    transport = ScriptedTransport(always=After(1.0, refusal(429, **{"retry-after": "600"})))

    await attempted(pipeline(transport).without_retries(), 200)

    assert len([instant for instant in transport.instants if instant < 600]) == 100


async def test_requests_that_wait_for_a_token_also_wait_for_a_throttle_that_begins_meanwhile():
    transport = ScriptedTransport(After(1.0, refusal(429, **{"retry-after": "600"})), always=answer())
    tokens = SlowTokens(0.0)
    watch = Pipeline(transport, tokens, base_url="https://api.example").without_retries()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempted, watch, 1)
        await anyio.sleep(0.5)
        tokens.seconds = 10.0
        tasks.start_soon(attempted, watch, 50)

    assert len(transport.instants) == 51
    assert min(transport.instants[1:]) >= 601


class ExpiringTokens(Tokens):
    """Returns another token every five minutes."""

    async def token(self):
        return Token(value=f"token-{int(anyio.current_time() // 300)}")


async def test_a_request_that_waited_for_a_throttle_is_sent_with_the_current_token():
    transport = ScriptedTransport(refusal(429, **{"retry-after": "600"}), always=answer())
    watch = Pipeline(transport, ExpiringTokens(), base_url="https://api.example").without_retries()

    await attempted(watch, 1)
    await attempted(watch, 1)

    assert [sent.headers["Authorization"] for sent in transport.requests] == ["Bearer token-0", "Bearer token-2"]


class Renewed(SlowTokens):
    def invalidate(self, token):
        self.seconds = 10.0
        return True


async def test_a_request_resent_with_another_token_waits_for_a_throttle_that_began_meanwhile():
    transport = ScriptedTransport(refusal(401), After(1.0, refusal(429, **{"retry-after": "600"})), always=answer())
    watch = Pipeline(transport, Renewed(0.0), base_url="https://api.example").without_retries()

    await attempted(watch, 2)

    assert transport.instants[:2] == [0, 0]
    assert transport.instants[2] >= 601


async def test_a_hundred_requests_may_be_under_way_by_default():
    transport = ScriptedTransport(always=After(1.0, answer()))

    await attempted(pipeline(transport), 101)

    assert [transport.instants.count(second) for second in (0, 1)] == [100, 1]


async def test_watches_and_single_calls_share_the_permits():
    transport = ScriptedTransport(always=After(1.0, answer()))
    single = pipeline(transport, limiter=RateLimiter(max_in_flight=1))
    watch = single.without_retries()

    await attempted(single, 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempted, single, 2)
        tasks.start_soon(attempted, watch, 2)

    assert transport.instants == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("failed", [lost(), refusal(404), refusal(302), RuntimeError("a bug")], ids=repr)
async def test_a_request_that_fails_releases_its_permit(failed):
    transport = ScriptedTransport(failed, answer())
    shared = pipeline(transport, limiter=RateLimiter(max_in_flight=1), retry=RetryPolicy(attempts=1))
    with pytest.raises(Exception):  # noqa: B017, PT011 - of any class
        await shared.call(GET)

    with anyio.fail_after(1):
        assert (await shared.call(GET)).status == 200


@pytest.mark.parametrize(
    ("number", "after"),
    [(0, 0.5), (2, 0.5), (2, 2.0), (2, 2.5)],
    ids=["under way at once", "waiting", "as its permit is granted", "under way"],
)
async def test_a_call_that_is_cancelled_releases_its_permit(number, after):
    transport = ScriptedTransport(always=After(1.0, answer()))
    shared = pipeline(transport, limiter=RateLimiter(max_in_flight=1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempted, shared, number)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(after):
            await shared.call(GET)
    began = anyio.current_time()
    with anyio.fail_after(10):
        await attempted(shared, 2)

    assert anyio.current_time() == began + 2


async def test_waiting_for_a_permit_does_not_count_towards_the_request_timeout():
    transport = ScriptedTransport(always=After(50.0, answer()))

    results = await attempted(pipeline(transport, limiter=RateLimiter(max_in_flight=1)), 5)

    assert [result.status for result in results] == [200] * 5
    assert transport.timeouts == [60.0] * 5


async def test_a_call_that_gets_no_permit_within_its_timeout_was_not_sent():
    transport = ScriptedTransport(always=After(50.0, answer()))
    single = pipeline(transport, limiter=RateLimiter(max_in_flight=1), timeouts=Timeouts(call=30.0))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempted, single.without_retries(), 2)
        await anyio.sleep(10)
        with pytest.raises(RequestTimeoutError, match="max_connections") as caught:
            await single.call(Request(method="POST", url=URL))
        failed_at = anyio.current_time()

    assert (caught.value.sent, failed_at, transport.instants) == (False, 40, [0, 30])


async def test_a_watch_waits_for_a_request_under_way_to_end_however_long_it_takes():
    transport = ScriptedTransport(always=After(50.0, answer()))
    watch = pipeline(transport, limiter=RateLimiter(max_in_flight=1), timeouts=Timeouts(call=90.0)).without_retries()

    results = await attempted(watch, 10)

    assert [result.status for result in results] == [200] * 10
    assert transport.timeouts == [60.0] * 10


async def test_a_call_that_cannot_wait_for_the_end_of_a_throttle_is_not_retried():
    records = []
    transport = ScriptedTransport(After(1.0, refusal(429)), always=answer())
    single = pipeline(
        transport, limiter=RateLimiter(max_in_flight=1), timeouts=Timeouts(call=1.4), hooks=Hooks([records.append])
    )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempted, single.without_retries(), 1)
        await anyio.sleep(0.5)
        with pytest.raises(RateLimitedError):
            await single.call(GET)

    assert [type(record) for record in records] == [RequestRecord, ThrottleRecord]


async def test_the_record_of_a_request_says_how_long_it_waited_before_it_was_sent(caplog):
    records = []
    one_at_a_time = pipeline(
        ScriptedTransport(After(50.0, answer()), always=answer()),
        limiter=RateLimiter(max_in_flight=1),
        hooks=Hooks([records.append, LoggingHook()]),
    )
    with caplog.at_level("DEBUG"):
        await attempted(one_at_a_time, 2)
    assert [record.waited for record in records if isinstance(record, RequestRecord)] == [0.0, 50.0]
    assert "after it waited for 50.0 s" in caplog.text
