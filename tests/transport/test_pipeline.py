import contextlib
import json
import logging
from urllib.parse import quote

import anyio
import pytest
from support.transport import After, ScriptedTransport, answer, lost, refusal, timed_out

from bentley_sync_async.config import Timeouts
from bentley_sync_async.errors import (
    APIError,
    AuthenticationError,
    ConnectionLostError,
    CredentialsError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    TokenUnavailableError,
)
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.transport.rate_limit.limiter import RateLimiter
from bentley_sync_async.transport.retry import RetryPolicy
from bentley_sync_async.transport.tokens import ReadyTokenSource, Token

BASE = "https://api.example"
URL = f"{BASE}/synchronization/imodels/storageconnections/x"
STEADY = RetryPolicy(jitter=0.0)


class Tokens:
    """Hands out one token after the other; each is good until it is invalidated."""

    def __init__(self, *values, failures=()):
        self.values = list(values or ["first", "second", "third"])
        self.failures = list(failures)
        self.invalidated = []
        self.asked = 0

    async def token(self):
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return Token(value=self.values[0])

    def invalidate(self, token):
        self.invalidated.append(token.value)
        if len(self.values) > 1:
            self.values.pop(0)
            return True
        return False


class TokensToBeOpened(Tokens):
    """Tokens of somebody who has a use of his own for a name."""

    ready = False


def pipeline(transport, tokens=None, *, timeouts=None, retry=STEADY):
    return Pipeline(transport, tokens or Tokens(), base_url=BASE, timeouts=timeouts, retry=retry)


def request(method="GET", **options):
    return Request(method=method, url=URL, **options)


async def failure(transport, method="GET", tokens=None, **options):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
        await pipeline(transport, tokens, **options).call(request(method))
    return caught.value


# What every request carries.


async def test_every_request_accepts_the_media_type_of_the_platform():
    transport = ScriptedTransport(answer())

    await pipeline(transport).call(request())

    assert transport.requests[0].headers["Accept"] == "application/vnd.bentley.itwin-platform.v1+json"


async def test_a_token_source_may_call_anything_ready():
    transport = ScriptedTransport(answer(200))

    await pipeline(transport, TokensToBeOpened()).call(request())

    assert transport.requests[0].headers["Authorization"] == "Bearer first"


async def test_every_request_carries_the_token():
    transport = ScriptedTransport(answer())

    await pipeline(transport, Tokens("secret")).call(request())

    assert transport.requests[0].headers["Authorization"] == "Bearer secret"


async def test_every_retry_carries_both_headers_as_well():
    transport = ScriptedTransport(lost(), refusal(503), refusal(401), answer())

    await pipeline(transport).call(request())

    assert [set(sent.headers) for sent in transport.requests] == [{"Accept", "Authorization"}] * 4


async def test_a_requests_own_headers_body_method_and_url_arrive():
    transport = ScriptedTransport(answer())

    await pipeline(transport).call(request("PUT", headers={"Prefer": "return=minimal"}, body=b"{}"))

    [sent] = transport.requests
    assert (sent.method, sent.url, sent.headers["Prefer"], sent.body) == ("PUT", URL, "return=minimal", b"{}")


async def test_a_request_cannot_bring_a_token_of_its_own():
    transport = ScriptedTransport(answer())

    await pipeline(transport, Tokens("ours")).call(request(headers={"Authorization": "Bearer theirs"}))

    assert transport.requests[0].headers["Authorization"] == "Bearer ours"


async def test_the_request_that_was_handed_in_is_not_changed():
    plain = request()

    await pipeline(ScriptedTransport(answer())).call(plain)

    assert plain.headers == {}


def test_urls_are_below_the_synchronization_api():
    assert pipeline(ScriptedTransport()).url("imodels/connections") == f"{BASE}/synchronization/imodels/connections"


async def test_a_303_is_an_answer_only_where_the_operation_has_it():
    given = answer(303, location="/somewhere")

    assert await pipeline(ScriptedTransport(given)).call(request(), see_other=True) is given
    with pytest.raises(ProtocolError, match="answered 303"):
        await pipeline(ScriptedTransport(given)).call(request())


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_an_answer_without_fault_is_returned_as_it_is(status):
    given = answer(status, {"run": {}}, location="/somewhere")

    assert await pipeline(ScriptedTransport(given)).call(request()) is given


async def test_no_log_line_holds_the_token(caplog):
    with caplog.at_level(logging.DEBUG):
        await pipeline(ScriptedTransport(lost(), answer()), Tokens("secret")).call(request())

    assert "secret" not in caplog.text


# Redirects.


@pytest.mark.parametrize("status", [300, 301, 302, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_redirect_other_than_303_is_refused(status, method):
    transport = ScriptedTransport(answer(status, location="https://attacker.example/"))

    with pytest.raises(ProtocolError, match=f"answered {status}; redirects are never followed"):
        await pipeline(transport).call(request(method))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_ever_followed(status):
    transport = ScriptedTransport(answer(status, location="https://attacker.example/"))

    with contextlib.suppress(ProtocolError):
        await pipeline(transport).call(request())

    assert transport.lines == [f"GET {URL}"]


# Errors.


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 422, 501])
async def test_an_error_status_that_stays_is_raised_at_once(status):
    transport = ScriptedTransport(refusal(status, "Why", "Because."))

    error = await failure(transport)

    assert (error.status, error.code, error.message, error.method, error.url) == (status, "Why", "Because.", "GET", URL)


async def test_a_lasting_error_status_is_sent_once():
    transport = ScriptedTransport(refusal(422))

    await failure(transport)

    assert len(transport.sent) == 1


async def test_the_last_failure_is_the_one_that_is_raised():
    transport = ScriptedTransport(lost(), refusal(503), timed_out(), refusal(502), refusal(504, "Last"))

    error = await failure(transport)

    assert isinstance(error, ServerError)
    assert error.code == "Last"


async def test_what_is_no_error_of_this_package_passes_through_at_once():
    transport = ScriptedTransport(RuntimeError("a bug"))

    assert isinstance(await failure(transport), RuntimeError)


async def test_an_answer_that_is_too_large_is_not_asked_for_again():
    transport = ScriptedTransport(ResponseTooLargeError("large", method="GET", url=URL, sent=True))

    assert isinstance(await failure(transport), ResponseTooLargeError)


# What a server quotes of the request.

OPAQUE = 'A1b2/C3d4+E5f6=G7h8"I9'


@pytest.mark.parametrize("quoted", [OPAQUE, quote(OPAQUE, safe=""), json.dumps(OPAQUE)], ids=["bare", "URL", "JSON"])
@pytest.mark.parametrize("status", [400, 404])
async def test_an_error_that_quotes_the_token_does_not_show_it(status, quoted):
    body = f"unknown credential {quoted}, refused".encode()
    error = await failure(ScriptedTransport(Response(status=status, body=body)), tokens=Tokens(OPAQUE))

    assert "A1b2" not in f"{error}{error!r}{error.__dict__}"


async def test_a_problem_that_quotes_the_token_keeps_its_other_words():
    step = answer(404, {"error": {"code": "Gone", "message": f"No {OPAQUE} here.", "details": [{"target": OPAQUE}]}})
    error = await failure(ScriptedTransport(step), tokens=Tokens(OPAQUE))

    assert (error.message, error.details[0].target) == ("No [hidden] here.", "[hidden]")


async def test_an_answer_that_quotes_the_token_does_not_hold_it():
    transport = ScriptedTransport(answer(200, {"run": {"id": OPAQUE}}))

    response = await pipeline(transport, Tokens(OPAQUE)).call(request())

    assert json.loads(response.body) == {"run": {"id": "[hidden]"}}


async def test_a_token_that_is_a_mere_word_may_stand_in_an_answer():
    transport = ScriptedTransport(Response(status=200, body=b"the token is good"))

    response = await pipeline(transport, Tokens("token")).call(request())

    assert response.body == b"the token is good"


# Retries, in virtual time.


async def test_attempts_are_half_a_second_then_ever_longer_apart():
    transport = ScriptedTransport(lost(), refusal(500), refusal(503), timed_out(), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 0.5, 1.5, 3.5, 7.5]


async def test_five_attempts_are_all():
    transport = ScriptedTransport(always=lost())

    error = await failure(transport)

    assert isinstance(error, ConnectionLostError)
    assert len(transport.sent) == 5


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_retry_after_is_honoured_to_the_second(status, method):
    transport = ScriptedTransport(refusal(status, retry_after="42"), answer())

    await pipeline(transport).call(request(method))

    assert transport.instants == [0.0, 42.0]


async def test_retry_after_may_be_a_date_by_the_servers_own_clock():
    headers = {"date": "Wed, 01 Jan 2020 12:00:00 GMT", "retry_after": "Wed, 01 Jan 2020 12:01:30 GMT"}
    transport = ScriptedTransport(refusal(429, **headers), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 90.0]


async def test_a_retry_after_beyond_the_ceiling_ends_the_call_at_once():
    transport = ScriptedTransport(refusal(429, retry_after="601"))

    error = await failure(transport)

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, anyio.current_time()) == (601.0, 0.0)


async def test_a_retry_after_beyond_the_calls_budget_ends_the_call_at_once():
    transport = ScriptedTransport(refusal(429, retry_after="60"))

    await failure(transport, timeouts=Timeouts(call=60.0))

    assert anyio.current_time() == 0.0


@pytest.mark.parametrize(
    "first", [lost(), timed_out(), refusal(500), refusal(502), refusal(503), refusal(504)], ids=repr
)
async def test_a_post_that_may_have_been_carried_out_is_not_sent_again(first):
    transport = ScriptedTransport(first)

    await failure(transport, "POST")

    assert len(transport.sent) == 1


@pytest.mark.parametrize("first", [lost(sent=False), timed_out(sent=False)], ids=repr)
async def test_a_post_that_certainly_was_not_processed_is_sent_again(first):
    transport = ScriptedTransport(first, answer(202))

    response = await pipeline(transport).call(request("POST"))

    assert (response.status, transport.instants) == (202, [0.0, 0.5])


async def test_a_posts_body_is_the_same_the_second_time():
    transport = ScriptedTransport(refusal(429), answer(201))

    await pipeline(transport).call(request("POST", body=b'{"a":1}'))

    assert [sent.body for sent in transport.requests] == [b'{"a":1}'] * 2


async def test_jitter_never_makes_a_wait_longer_nor_takes_more_than_its_part():
    transport = ScriptedTransport(lost(), answer())

    await pipeline(transport, retry=RetryPolicy(base=10.0, jitter=0.5)).call(request())

    assert 5.0 <= transport.instants[1] <= 10.0


async def test_jitter_spreads_retries():
    instants = set()
    for _ in range(20):
        transport = ScriptedTransport(lost(), answer())
        began = anyio.current_time()
        await pipeline(transport, retry=RetryPolicy()).call(request())
        instants.add(transport.instants[1] - began)

    assert len(instants) > 10


# Budgets.


async def test_each_attempt_has_the_requests_own_timeout():
    transport = ScriptedTransport(After(100.0, answer()), After(59.0, answer()))

    await pipeline(transport).call(request())

    assert transport.timeouts == [60.0, 60.0]


async def test_a_slow_attempt_is_followed_by_another():
    transport = ScriptedTransport(After(100.0, answer()), After(59.0, answer()))

    await pipeline(transport).call(request())

    assert (transport.instants, anyio.current_time()) == ([0.0, 60.5], 119.5)


async def test_the_last_attempt_gets_only_what_is_left_of_the_calls_budget():
    transport = ScriptedTransport(always=After(1000.0, answer()))

    await failure(transport, timeouts=Timeouts(request=60.0, call=100.0))

    assert transport.timeouts == [60.0, 39.5]


async def test_a_call_ends_with_its_budget():
    transport = ScriptedTransport(always=After(1000.0, answer()))

    error = await failure(transport, timeouts=Timeouts(request=60.0, call=100.0))

    assert isinstance(error, RequestTimeoutError)
    assert anyio.current_time() == 100.0


async def test_fifteen_minutes_are_a_calls_default_budget():
    transport = ScriptedTransport(always=After(1000.0, answer()))

    await failure(transport, retry=RetryPolicy(attempts=100, jitter=0.0))

    assert anyio.current_time() == 900.0


async def test_waiting_for_a_token_counts_against_the_calls_budget():
    transport = ScriptedTransport(always=After(1000.0, answer()))

    await failure(transport, tokens=SlowTokens(70.0), timeouts=Timeouts(request=60.0, call=100.0))

    assert anyio.current_time() == 100.0


class SlowTokens(Tokens):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    async def token(self):
        await anyio.sleep(self.seconds)
        return await super().token()


async def test_a_token_that_never_comes_does_not_outlast_the_calls_budget():
    transport = ScriptedTransport()

    with anyio.fail_after(1000.0):
        await failure(transport, tokens=SlowTokens(2000.0), timeouts=Timeouts(request=60.0, call=100.0))

    assert anyio.current_time() == 100.0


class ReadyTokens(Tokens, ReadyTokenSource):
    """Has the second token at once, and the first and the third only for those who wait."""

    def ready(self):
        return Token(value=self.values[0]) if self.values[0] == "second" else None


async def test_a_token_that_is_ready_is_not_waited_for():
    transport = ScriptedTransport(refusal(401), answer())
    tokens = ReadyTokens()

    await pipeline(transport, tokens).call(request())

    assert tokens.asked == 1
    assert [sent.request.headers["Authorization"] for sent in transport.sent] == ["Bearer first", "Bearer second"]


async def test_a_token_that_is_ready_does_not_pass_a_closed_gate():
    transport = ScriptedTransport(refusal(503, **{"retry-after": "30"}), answer())
    once = pipeline(transport, ReadyTokens("second"), retry=RetryPolicy(attempts=1))

    with pytest.raises(ServerError):
        await once.call(request())
    await once.call(request())

    assert [sent.at for sent in transport.sent] == [0.0, pytest.approx(31.5, abs=1.5)]


async def test_a_token_that_is_ready_waits_for_its_turn():
    transport = ScriptedTransport(After(20.0, answer()), answer())
    one_by_one = Pipeline(transport, ReadyTokens("second"), base_url=BASE, limiter=RateLimiter(max_in_flight=1))

    async with anyio.create_task_group() as group:
        group.start_soon(one_by_one.call, request())
        group.start_soon(one_by_one.call, request())

    assert [sent.at for sent in transport.sent] == [0.0, 20.0]


async def test_a_refused_tokens_second_request_stays_within_the_calls_budget():
    transport = ScriptedTransport(After(20.0, refusal(401)), always=After(1000.0, answer()))

    await failure(transport, timeouts=Timeouts(request=60.0, call=30.0))

    assert anyio.current_time() == 30.0


# 401.


async def test_a_refused_token_is_invalidated_and_the_request_sent_with_the_next():
    transport, tokens = ScriptedTransport(refusal(401), answer()), Tokens("old", "new")

    await pipeline(transport, tokens).call(request())

    assert [sent.headers["Authorization"] for sent in transport.requests] == ["Bearer old", "Bearer new"]


async def test_the_token_that_is_invalidated_is_the_one_that_was_refused():
    tokens = Tokens("old", "new")

    await pipeline(ScriptedTransport(refusal(401), answer()), tokens).call(request())

    assert tokens.invalidated == ["old"]


async def test_a_refused_token_is_replaced_without_waiting():
    transport = ScriptedTransport(refusal(401), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 0.0]


async def test_a_refused_post_is_repeated_as_well():
    transport = ScriptedTransport(refusal(401), answer(202))

    assert (await pipeline(transport).call(request("POST"))).status == 202


async def test_a_second_refusal_is_the_end():
    transport = ScriptedTransport(refusal(401), refusal(401))

    error = await failure(transport)

    assert isinstance(error, AuthenticationError)
    assert len(transport.sent) == 2


async def test_without_another_token_the_first_refusal_is_the_end():
    transport = ScriptedTransport(refusal(401))

    error = await failure(transport, tokens=Tokens("only"))

    assert isinstance(error, AuthenticationError)
    assert len(transport.sent) == 1


async def test_the_second_request_after_a_refusal_may_fail_and_be_retried_like_any_other():
    transport = ScriptedTransport(refusal(401), refusal(503), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 0.0, 0.5]


async def test_each_attempt_may_replace_its_token():
    transport = ScriptedTransport(refusal(401), lost(), refusal(401), answer())

    await pipeline(transport, Tokens("a", "b", "c")).call(request())

    assert [sent.headers["Authorization"][-1] for sent in transport.requests] == ["a", "b", "b", "c"]


# Tokens that cannot be had.


async def test_refused_credentials_end_the_call_and_nothing_is_sent():
    transport = ScriptedTransport()

    error = await failure(transport, tokens=Tokens(failures=[CredentialsError("No.")]))

    assert isinstance(error, CredentialsError)
    assert transport.sent == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_token_that_is_not_to_be_had_for_now_is_asked_for_again(method):
    transport, tokens = ScriptedTransport(answer()), Tokens(failures=[TokenUnavailableError("Not now.")])

    await pipeline(transport, tokens).call(request(method))

    assert transport.instants == [0.5]


async def test_the_issuers_retry_after_is_honoured():
    transport, tokens = ScriptedTransport(answer()), Tokens(failures=[TokenUnavailableError("?", retry_after=33.0)])

    await pipeline(transport, tokens).call(request())

    assert transport.instants == [33.0]


async def test_a_token_that_is_never_to_be_had_ends_the_call_after_five_attempts():
    tokens = Tokens(failures=[TokenUnavailableError("Not now.") for _ in range(9)])

    error = await failure(ScriptedTransport(), tokens=tokens)

    assert isinstance(error, TokenUnavailableError)
    assert tokens.asked == 5


# DELETE.


@pytest.mark.parametrize(
    "first", [lost(), timed_out(), refusal(500), refusal(502), refusal(503), refusal(504)], ids=repr
)
async def test_a_delete_whose_earlier_answer_was_lost_and_that_finds_nothing_has_succeeded(first):
    transport = ScriptedTransport(first, refusal(404))

    assert (await pipeline(transport).call(request("DELETE"))).status == 204


async def test_a_first_404_to_a_delete_is_an_error():
    assert isinstance(await failure(ScriptedTransport(refusal(404)), "DELETE"), NotFoundError)


@pytest.mark.parametrize(
    "first",
    [refusal(429), refusal(503, retry_after="1"), lost(sent=False), timed_out(sent=False)],
    ids=repr,
)
async def test_a_404_to_a_delete_that_had_not_been_processed_is_an_error(first):
    transport = ScriptedTransport(first, refusal(404))

    assert isinstance(await failure(transport, "DELETE"), NotFoundError)


async def test_a_404_to_a_delete_after_a_token_that_was_not_to_be_had_is_an_error():
    tokens = Tokens(failures=[TokenUnavailableError("Not now.")])

    assert isinstance(await failure(ScriptedTransport(refusal(404)), "DELETE", tokens), NotFoundError)


async def test_a_404_to_a_delete_after_a_replaced_token_is_an_error():
    transport = ScriptedTransport(refusal(401), refusal(404))

    assert isinstance(await failure(transport, "DELETE"), NotFoundError)


async def test_a_lost_delete_is_remembered_over_later_refusals():
    transport = ScriptedTransport(lost(), refusal(429), refusal(404))

    assert (await pipeline(transport).call(request("DELETE"))).status == 204


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_404_after_a_lost_answer_is_an_error_for_other_methods(method):
    assert isinstance(await failure(ScriptedTransport(lost(), refusal(404)), method), NotFoundError)


async def test_another_refusal_of_a_delete_after_a_lost_answer_is_an_error():
    error = await failure(ScriptedTransport(lost(), refusal(409, "ConnectionAlreadyInUse")), "DELETE")

    assert error.code == "ConnectionAlreadyInUse"


# Without retries.


@pytest.mark.parametrize("first", [lost(sent=False), refusal(429), refusal(503)], ids=repr)
async def test_without_retries_the_first_failure_is_raised(first):
    transport = ScriptedTransport(first)

    with pytest.raises((ConnectionLostError, APIError)):
        await pipeline(transport).without_retries().call(request())

    assert len(transport.sent) == 1


async def test_without_retries_a_refused_token_is_still_replaced():
    transport = ScriptedTransport(refusal(401), answer())

    await pipeline(transport).without_retries().call(request())

    assert len(transport.sent) == 2


async def test_without_retries_everything_else_is_the_same():
    transport = ScriptedTransport(answer())
    plain = pipeline(transport, Tokens("ours"), timeouts=Timeouts(request=7.0)).without_retries()

    await plain.call(request())

    assert (plain.base_url, transport.timeouts, transport.requests[0].headers["Authorization"]) == (
        BASE,
        [7.0],
        "Bearer ours",
    )


async def test_the_pipeline_it_was_made_from_keeps_its_retries():
    transport = ScriptedTransport(lost(), answer())
    with_retries = pipeline(transport)
    with_retries.without_retries()

    await with_retries.call(request())

    assert len(transport.sent) == 2


# Defaults and cancelling.


async def test_a_pipeline_has_patience_of_its_own_accord():
    transport = ScriptedTransport(lost(), answer())

    await Pipeline(transport, Tokens(), base_url=BASE).call(request())

    assert transport.timeouts == [60.0, 60.0]


async def test_a_call_that_is_cancelled_while_it_waits_sends_nothing_more():
    transport = ScriptedTransport(lost(), answer())

    with anyio.move_on_after(0.4):
        await pipeline(transport).call(request())
    await anyio.sleep(1000)

    assert len(transport.sent) == 1
