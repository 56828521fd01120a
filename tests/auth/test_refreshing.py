"""A token is renewed early, by one fetch for all callers."""

import itertools

import anyio
import pytest
from support.quick import length

from bentley_sync_async.auth.refreshing import RefreshingTokenSource
from bentley_sync_async.errors import (
    ConfigurationError,
    ConnectionLostError,
    CredentialsError,
    SynchronizationError,
    TokenUnavailableError,
)
from bentley_sync_async.transport.tokens import Token


class Fetcher:
    """Returns `token-1`, `token-2` and so on, each after `takes` seconds."""

    def __init__(self, *, expires_in=None, takes=0.0, failures=()):
        self.expires_in = expires_in
        self.takes = takes
        self.failures = list(failures)
        self.began = []
        self.numbers = itertools.count(1)

    async def __call__(self):
        self.began.append(anyio.current_time())
        await anyio.sleep(self.takes)
        if self.failures:
            raise self.failures.pop(0)
        return Token(value=f"token-{next(self.numbers)}", expires_in=self.expires_in)


async def gathered(count, function):
    results = []

    async def one():
        try:
            results.append(await function())
        except SynchronizationError as error:
            results.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return results


async def values(source, *instants):
    found = []
    for instant in instants:
        await anyio.sleep_until(instant)
        found.append((await source.token()).value)
    return found


# One fetch at a time.


async def test_nothing_is_fetched_before_it_is_needed():
    fetcher = Fetcher()
    RefreshingTokenSource(fetcher)
    await anyio.sleep(1000)

    assert fetcher.began == []


async def test_a_thousand_callers_make_one_fetch():
    fetcher = Fetcher(takes=5.0)

    await gathered(1000, RefreshingTokenSource(fetcher).token)

    assert fetcher.began == [0.0]


async def test_a_thousand_callers_get_the_same_token():
    source = RefreshingTokenSource(Fetcher(takes=5.0))

    assert {token.value for token in await gathered(1000, source.token)} == {"token-1"}


async def test_a_thousand_callers_at_a_renewal_make_one_fetch():
    fetcher = Fetcher(expires_in=3600, takes=5.0)
    source = RefreshingTokenSource(fetcher)
    await source.token()
    await anyio.sleep_until(3600)

    await gathered(1000, source.token)

    assert fetcher.began == [0.0, 3600.0]


@pytest.mark.parametrize("failure", [CredentialsError("No."), TokenUnavailableError("Not now.", retry_after=9.0)])
async def test_a_thousand_callers_share_a_fetch_that_fails(failure):
    fetcher = Fetcher(takes=1.0, failures=[failure] * 1000)

    results = await gathered(1000, RefreshingTokenSource(fetcher).token)

    assert (fetcher.began, {type(result) for result in results}) == ([0.0], {type(failure)})


async def test_a_shared_failure_keeps_the_issuers_retry_after():
    fetcher = Fetcher(takes=1.0, failures=[TokenUnavailableError("Not now.", retry_after=9.0)] * 3)

    results = await gathered(3, RefreshingTokenSource(fetcher).token)

    assert [result.retry_after for result in results] == [9.0] * 3


async def test_a_change_that_one_caller_makes_to_a_shared_failure_is_not_seen_by_the_others():
    source = RefreshingTokenSource(Fetcher(takes=1.0, failures=[TokenUnavailableError("Not now.")] * 3))
    seen = []

    async def noting():
        try:
            await source.token()
        except TokenUnavailableError as error:
            seen.append(error.resume_token)
            error.resume_token = "of a watch"

    await gathered(3, noting)

    assert seen == [None] * 3


async def test_the_cause_of_a_shared_failure_is_the_error_of_the_callers_function():
    own = OwnError()

    first, second = await gathered(2, RefreshingTokenSource(Fetcher(takes=1.0, failures=[own])).token)

    assert (first.__cause__, second.__cause__) == (own, own)


async def test_a_call_after_a_failure_fetches_again():
    fetcher = Fetcher(takes=1.0, failures=[TokenUnavailableError("Not now.")])
    source = RefreshingTokenSource(fetcher)
    await gathered(3, source.token)

    assert [token.value for token in await gathered(3, source.token)] == ["token-1"] * 3


async def test_when_the_fetching_caller_is_cancelled_the_next_waiting_caller_fetches():
    fetcher = Fetcher(takes=5.0)
    source = RefreshingTokenSource(fetcher)
    got = []

    async def impatient():
        with anyio.move_on_after(2.0):
            await source.token()

    async def patient():
        got.append((await source.token()).value)

    async with anyio.create_task_group() as group:
        group.start_soon(impatient)
        await anyio.wait_all_tasks_blocked()
        for _ in range(10):
            group.start_soon(patient)

    assert (fetcher.began, got) == ([0.0, 2.0], ["token-1"] * 10)


async def test_when_a_waiting_caller_is_cancelled_the_fetch_continues():
    fetcher = Fetcher(takes=5.0)
    source = RefreshingTokenSource(fetcher)

    async def impatient():
        with anyio.move_on_after(2.0):
            await source.token()

    async with anyio.create_task_group() as group:
        group.start_soon(source.token)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(impatient)

    assert (fetcher.began, anyio.current_time()) == ([0.0], 5.0)


async def test_a_source_works_after_its_only_caller_was_cancelled():
    source = RefreshingTokenSource(Fetcher(takes=5.0))
    with anyio.move_on_after(2.0):
        await source.token()

    assert (await source.token()).value == "token-1"


# Renewal ahead of expiry.


@pytest.mark.parametrize(
    ("expires_in", "renewed_at"),
    [(3600.0, 3540.0), (600.0, 540.0), (599.0, 539.1), (100.0, 90.0), (10.0, 9.0), (1.0, 0.9)],
)
async def test_a_token_is_renewed_a_minute_or_a_tenth_of_its_life_ahead(expires_in, renewed_at):
    source = RefreshingTokenSource(Fetcher(expires_in=expires_in))
    await source.token()

    assert await values(source, renewed_at - 0.01, renewed_at) == ["token-1", "token-2"]


async def test_the_lifetime_of_a_token_counts_from_its_request():
    fetcher = Fetcher(expires_in=3600, takes=30.0)
    source = RefreshingTokenSource(fetcher)

    assert await values(source, 0.0, 3539.9, 3540.0) == ["token-1", "token-1", "token-2"]


async def test_a_token_without_a_lifetime_is_kept():
    source = RefreshingTokenSource(Fetcher(expires_in=None))

    assert await values(source, 0.0, 1e6) == ["token-1", "token-1"]


async def test_a_function_that_returns_a_string_is_called_once():
    async def fetch():
        return "Bearer abc"

    source = RefreshingTokenSource(fetch)

    assert await values(source, 0.0, 1e6) == ["abc", "abc"]


async def test_a_day_of_hourly_tokens_takes_a_fetch_every_59_minutes():
    fetcher = Fetcher(expires_in=3600)
    source = RefreshingTokenSource(fetcher)

    await values(source, *range(0, 24 * 3600, 60))

    assert fetcher.began == [n * 3540.0 for n in range(len(fetcher.began))]


# Refused tokens.


async def test_a_refused_token_is_replaced():
    source = RefreshingTokenSource(Fetcher())
    source.invalidate(await source.token())

    assert (await source.token()).value == "token-2"


async def test_invalidate_says_that_there_may_be_another_token():
    source = RefreshingTokenSource(Fetcher())

    assert source.invalidate(await source.token()) is True


async def test_a_thousand_refusals_of_one_token_make_one_fetch():
    fetcher = Fetcher(takes=1.0)
    source = RefreshingTokenSource(fetcher)
    refused = await source.token()

    async def refused_call():
        source.invalidate(refused)
        return await source.token()

    tokens = await gathered(1000, refused_call)

    assert (len(fetcher.began), {token.value for token in tokens}) == (2, {"token-2"})


async def test_a_late_refusal_of_the_old_token_does_not_drop_the_new_one():
    fetcher = Fetcher()
    source = RefreshingTokenSource(fetcher)
    old = await source.token()
    source.invalidate(old)
    new = await source.token()

    source.invalidate(old)

    assert (await source.token(), len(fetcher.began)) == (new, 2)


async def test_invalidate_of_the_old_token_also_says_that_there_may_be_another():
    source = RefreshingTokenSource(Fetcher())
    old = await source.token()
    source.invalidate(old)
    await source.token()

    assert source.invalidate(old) is True


async def test_an_equal_token_is_not_the_same_token():
    async def fetch():
        return "abc"

    source = RefreshingTokenSource(fetch)
    current = await source.token()

    source.invalidate(Token(value="abc"))

    assert await source.token() is current


async def test_an_invalidation_does_not_shorten_the_life_of_the_next_token():
    source = RefreshingTokenSource(Fetcher(expires_in=3600))
    source.invalidate(await source.token())

    assert await values(source, 100.0, 3639.0, 3640.0) == ["token-2", "token-2", "token-3"]


# The caller's own code.


class OwnError(Exception):
    pass


async def test_an_exception_of_the_callers_function_is_an_unavailable_token():
    own = OwnError("hush")
    source = RefreshingTokenSource(Fetcher(failures=[own]))

    with pytest.raises(TokenUnavailableError, match="OwnError") as caught:
        await source.token()

    assert caught.value.__cause__ is own


async def test_the_text_of_the_callers_error_is_not_quoted():
    with pytest.raises(TokenUnavailableError) as caught:
        await RefreshingTokenSource(Fetcher(failures=[OwnError("hush")])).token()

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("own", [CredentialsError("No."), TokenUnavailableError("?"), ConfigurationError("?")])
async def test_errors_of_this_package_pass_unchanged(own):
    with pytest.raises(type(own)) as caught:
        await RefreshingTokenSource(Fetcher(failures=[own])).token()

    assert caught.value is own


@pytest.mark.parametrize("broken", ["", None, 7, "two words"])
async def test_a_value_that_is_no_token_is_rejected(broken):
    async def fetch():
        return broken

    with pytest.raises(ConfigurationError, match="The access token"):
        await RefreshingTokenSource(fetch).token()


async def test_a_plain_function_in_place_of_a_coroutine_function_is_an_error():
    with pytest.raises(ConfigurationError, match=r"must be a coroutine function \(async def\): it returned str"):
        await RefreshingTokenSource(lambda: "abc").token()


async def test_after_a_failure_the_next_caller_gets_a_token():
    source = RefreshingTokenSource(Fetcher(failures=[ConnectionLostError("?", method="GET", url="", sent=True)]))
    with pytest.raises(ConnectionLostError):
        await source.token()

    assert (await source.token()).value == "token-1"


# A renewal that fails while the token is still valid.


async def test_a_valid_token_is_used_while_the_issuer_is_down():
    fetcher = Fetcher(expires_in=3600)
    source = RefreshingTokenSource(fetcher)
    await source.token()
    fetcher.failures = [TokenUnavailableError("Not now.")] * 2

    assert await values(source, 3545, 3546, 3551, 3557) == ["token-1", "token-1", "token-1", "token-2"]
    assert fetcher.began == [0.0, 3545.0, 3551.0, 3557.0]


async def test_an_expired_token_is_not_used_while_the_issuer_is_down():
    fetcher = Fetcher(expires_in=3600)
    source = RefreshingTokenSource(fetcher)
    await source.token()
    fetcher.failures = [TokenUnavailableError("Not now.")]
    await anyio.sleep_until(3600)

    with pytest.raises(TokenUnavailableError):
        await source.token()


async def test_rejected_credentials_are_raised_although_the_token_is_still_valid():
    fetcher = Fetcher(expires_in=3600)
    source = RefreshingTokenSource(fetcher)
    await source.token()
    fetcher.failures = [CredentialsError("No.")]
    await anyio.sleep_until(3550)

    with pytest.raises(CredentialsError):
        await source.token()


# A token is renewed early, and callers wait for the renewal only if it has expired.

CALLERS = length(1000, 10_000)


async def test_thousands_of_callers_in_the_last_minute_make_one_fetch_and_only_the_fetching_one_waits():
    fetcher = Fetcher(expires_in=3600, takes=5.0)
    source = RefreshingTokenSource(fetcher)
    await source.token()
    await anyio.sleep_until(3550)
    instants = []

    async def call():
        token = await source.token()
        instants.append((anyio.current_time(), token.value))

    async with anyio.create_task_group() as group:
        for _ in range(CALLERS):
            group.start_soon(call)
    assert fetcher.began == [0.0, 3550.0]
    assert instants.count((3550.0, "token-1")) == CALLERS - 1
    assert instants[-1] == (3555.0, "token-2")


async def test_a_refused_token_is_not_returned_while_it_is_renewed():
    fetcher = Fetcher(expires_in=3600, takes=5.0)
    source = RefreshingTokenSource(fetcher)
    source.invalidate(await source.token())

    tokens = await gathered(100, source.token)

    assert {token.value for token in tokens} == {"token-2"}
    assert len(fetcher.began) == 2


async def test_thousands_of_callers_over_hours_make_one_fetch_a_lifetime():
    fetcher = Fetcher(expires_in=3600, takes=1.0)
    source = RefreshingTokenSource(fetcher)
    for hour in range(4):
        await anyio.sleep_until(hour * 3600 + 1800)
        await gathered(CALLERS, source.token)

    assert len(fetcher.began) == 4


@pytest.mark.parametrize(("instant", "expected"), [(10.0, "token-1"), (3539.0, "token-1"), (3540.0, None)])
async def test_a_token_is_ready_until_it_is_about_to_expire(instant, expected):
    source = RefreshingTokenSource(Fetcher(expires_in=3600.0))
    await source.token()
    await anyio.sleep_until(instant)

    ready = source.ready()

    assert (ready and ready.value) == expected


async def test_a_token_that_was_refused_is_not_ready():
    source = RefreshingTokenSource(Fetcher())
    source.invalidate(await source.token())

    assert source.ready() is None


async def test_a_token_that_was_not_fetched_is_not_ready():
    assert RefreshingTokenSource(Fetcher()).ready() is None


async def test_no_caller_asks_the_issuer_before_its_retry_after():
    fetcher = Fetcher(failures=[TokenUnavailableError("Not now.", retry_after=5.0)])
    source = RefreshingTokenSource(fetcher)
    for _ in range(8):
        with pytest.raises(TokenUnavailableError) as caught:
            await source.token()
        assert caught.value.retry_after == pytest.approx(5 - anyio.current_time(), abs=0.01)
        await anyio.sleep(0.5)
    assert len(fetcher.began) == 1
    await anyio.sleep(1.1)
    assert (await source.token()).value
