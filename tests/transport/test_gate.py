"""One throttle pauses every request of a client, and nothing else does."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_transport import ScriptedTransport, answer, lost, refusal

from bentley_sync_async.errors import (
    ConflictError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    SynchronizationError,
)
from bentley_sync_async.transport.gate import CLOCK, LONGEST_ASKED, Gate
from bentley_sync_async.transport.messages import Request
from bentley_sync_async.transport.pipeline import Pipeline
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


@pytest.mark.parametrize("closing", [error(RateLimitedError, 429, 30.0), error(ServerError, 503, 30.0)])
def test_a_throttle_closes_the_gate_for_as_long_as_it_asks(closing):
    gate = Gate()
    gate.note(closing, 100.0)
    assert (gate.wait(100.0), gate.wait(129.0), gate.wait(130.0), gate.cause) == (30.0, 1.0, 0.0, closing)


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
def test_no_other_failure_closes_the_gate(other):
    gate = Gate()
    gate.note(other, 100.0)
    assert gate.wait(100.0) == 0


def test_throttles_that_do_not_say_how_long_close_the_gate_ever_longer_until_a_request_is_taken():
    gate = Gate()
    waits = []
    now = 0.0
    for _ in range(8):
        gate.note(error(RateLimitedError, 429), now)
        waits.append(gate.wait(now))
        now += waits[-1]
    gate.passed()
    gate.note(error(RateLimitedError, 429), now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert gate.wait(now) == 1


def test_throttles_of_requests_that_were_under_way_together_count_as_one():
    gate = Gate()
    for _ in range(50):
        gate.note(error(RateLimitedError, 429), 0.0)
    assert gate.wait(0.0) == 1


def test_a_wait_of_years_is_cut():
    gate = Gate()
    gate.note(error(RateLimitedError, 429, 1e9), 0.0)
    assert gate.wait(0.0) == LONGEST_ASKED == 3600.0


@pytest.mark.parametrize("now", [-1e9, 0.0, 1e9])
def test_a_gate_is_open_at_first_whatever_the_clock_says(now):
    assert Gate().wait(now) == 0


def test_a_wait_too_short_for_a_clock_to_tell_is_none():
    assert Gate(opens_at=CLOCK).wait(0.0) == 0


def test_a_throttle_that_closes_the_gate_for_no_longer_is_not_its_cause():
    gate = Gate()
    first = error(RateLimitedError, 429, 30.0)
    gate.note(first, 0.0)
    gate.note(error(RateLimitedError, 429, 30.0), 0.0)
    assert gate.cause is first


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 5000)), max_size=20))
def test_nothing_opens_the_gate_early(notes):
    gate = Gate()
    now = 0.0
    for later, asked in notes:
        now += later
        before = gate.opens_at
        gate.note(error(RateLimitedError, 429, asked), now)
        assert gate.opens_at >= before
        assert gate.wait(now) >= min(asked or 0.0, LONGEST_ASKED) - CLOCK - 1e-6


async def test_a_throttle_of_one_request_pauses_all_others_of_the_client():
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


async def test_watches_and_single_calls_share_one_gate_and_watches_wait_however_long_it_takes():
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


async def test_a_single_call_does_not_wait_at_the_gate_beyond_its_budget():
    transport = ScriptedTransport(refusal(429, **{"retry-after": "500"}), always=answer())
    shared = pipeline(transport, retry=RetryPolicy(attempts=1))
    with pytest.raises(RateLimitedError):
        await shared.call(GET)
    await anyio.sleep(10)

    await shared.call(GET)

    assert 500 <= transport.instants[1] <= 505


async def test_a_throttle_without_retry_after_pauses_a_post_and_lets_it_pass_then():
    transport = ScriptedTransport(refusal(429), answer(202))

    response = await pipeline(transport).call(Request(method="POST", url=URL))

    assert response.status == 202
    assert 1.0 <= transport.instants[1] <= 1.2
