"""What the pipeline does with every request: headers, errors, retries, timeouts, and another token after a 401."""

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


SUCCESS = {"GET": 200, "POST": 201, "PUT": 200, "DELETE": 204}


class Tokens:
    """Returns one token after the other, each until it is invalidated."""

    def __init__(self, *values, failures=()):
        self.values = list(values or ["first", "second", "third"])
        self.failures = list(failures)
        self.invalidated = []
        self.requested = 0

    async def token(self):
        self.requested += 1
        if self.failures:
            raise self.failures.pop(0)
        return Token(value=self.values[0])

    def invalidate(self, token):
        self.invalidated.append(token.value)
        if len(self.values) > 1:
            self.values.pop(0)
            return True
        return False


class TokensWithOwnReady(Tokens):
    """A token source whose `ready` is unrelated to ours."""

    ready = False


def pipeline(transport, tokens=None, *, timeouts=None, retry=STEADY):
    return Pipeline(transport, tokens or Tokens(), base_url=BASE, timeouts=timeouts, retry=retry)


def request(method="GET", **options):
    return Request(method=method, url=URL, **options)


async def failure(transport, method="GET", tokens=None, **options):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers check it
        await pipeline(transport, tokens, **options).call(request(method))
    return caught.value


# Requests.


async def test_every_request_accepts_the_media_type_of_the_platform():
    transport = ScriptedTransport(answer())

    await pipeline(transport).call(request())

    assert transport.requests[0].headers["Accept"] == "application/vnd.bentley.itwin-platform.v1+json"


async def test_a_token_source_may_have_an_unrelated_ready_attribute():
    transport = ScriptedTransport(answer(200))

    await pipeline(transport, TokensWithOwnReady()).call(request())

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


async def test_the_callers_request_is_not_changed():
    plain = request()

    await pipeline(ScriptedTransport(answer())).call(plain)

    assert plain.headers == {}


def test_urls_are_below_the_synchronization_api():
    assert pipeline(ScriptedTransport()).url("imodels/connections") == f"{BASE}/synchronization/imodels/connections"


async def test_a_303_is_an_answer_only_where_the_operation_has_it():
    given = answer(303, location="/somewhere")

    assert await pipeline(ScriptedTransport(given)).call(request(), expected=frozenset({202, 303})) is given
    with pytest.raises(ProtocolError, match="answered 303"):
        await pipeline(ScriptedTransport(given)).call(request())


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 201), ("PUT", 200), ("DELETE", 204)])
async def test_an_answer_without_an_error_is_returned_unchanged(method, status):
    given = answer(status, {"run": {}}, location="/somewhere")

    assert await pipeline(ScriptedTransport(given)).call(request(method)) is given


async def test_no_log_line_holds_the_token(caplog):
    with caplog.at_level(logging.DEBUG):
        await pipeline(ScriptedTransport(lost(), answer()), Tokens("secret")).call(request())

    assert "secret" not in caplog.text


# Redirects.


@pytest.mark.parametrize("status", [300, 301, 302, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_redirect_other_than_303_is_refused(status, method):
    transport = ScriptedTransport(answer(status, location="https://attacker.example/"))

    with pytest.raises(ProtocolError, match=f"answered {status}, .*Redirects are never followed"):
        await pipeline(transport).call(request(method))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_ever_followed(status):
    transport = ScriptedTransport(answer(status, location="https://attacker.example/"))

    with contextlib.suppress(ProtocolError):
        await pipeline(transport).call(request())

    assert transport.lines == [f"GET {URL}"]


# Errors.


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 422, 501])
async def test_a_lasting_error_status_is_raised_at_once(status):
    transport = ScriptedTransport(refusal(status, "Why", "Because."))

    error = await failure(transport)

    assert (error.status, error.code, error.message, error.method, error.url) == (status, "Why", "Because.", "GET", URL)
    assert len(transport.sent) == 1


async def test_the_last_failure_is_the_one_that_is_raised():
    transport = ScriptedTransport(lost(), refusal(503), timed_out(), refusal(502), refusal(504, "Last"))

    error = await failure(transport)

    assert isinstance(error, ServerError)
    assert error.code == "Last"


async def test_an_exception_of_another_package_passes_through_at_once():
    transport = ScriptedTransport(RuntimeError("a bug"))

    assert isinstance(await failure(transport), RuntimeError)


async def test_an_answer_that_is_too_large_is_not_requested_again():
    transport = ScriptedTransport(ResponseTooLargeError("large", method="GET", url=URL, sent=True))

    assert isinstance(await failure(transport), ResponseTooLargeError)


# Answers that quote the request.

OPAQUE = 'A1b2/C3d4+E5f6=G7h8"I9'


@pytest.mark.parametrize("quoted", [OPAQUE, quote(OPAQUE, safe=""), json.dumps(OPAQUE)], ids=["bare", "URL", "JSON"])
@pytest.mark.parametrize("status", [400, 404])
async def test_an_error_that_quotes_the_token_does_not_show_it(status, quoted):
    body = f"unknown credential {quoted}, refused".encode()
    error = await failure(ScriptedTransport(Response(status=status, body=body)), tokens=Tokens(OPAQUE))

    assert "A1b2" not in f"{error}{error!r}{error.__dict__}"


async def test_an_error_body_that_quotes_the_token_keeps_its_other_text():
    step = answer(404, {"error": {"code": "Gone", "message": f"No {OPAQUE} here.", "details": [{"target": OPAQUE}]}})
    error = await failure(ScriptedTransport(step), tokens=Tokens(OPAQUE))

    assert (error.message, error.details[0].target) == ("No [hidden] here.", "[hidden]")


async def test_an_answer_that_quotes_the_token_does_not_hold_it():
    transport = ScriptedTransport(answer(200, {"run": {"id": OPAQUE}}))

    response = await pipeline(transport, Tokens(OPAQUE)).call(request())

    assert json.loads(response.body) == {"run": {"id": "[hidden]"}}


async def test_a_short_token_is_not_removed_from_an_answer():
    transport = ScriptedTransport(Response(status=200, body=b"the token is good"))

    response = await pipeline(transport, Tokens("token")).call(request())

    assert response.body == b"the token is good"


# Retries, in virtual time.


async def test_the_waits_between_attempts_double_from_half_a_second():
    transport = ScriptedTransport(lost(), refusal(500), refusal(503), timed_out(), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 0.5, 1.5, 3.5, 7.5]


async def test_a_call_makes_at_most_five_attempts():
    transport = ScriptedTransport(always=lost())

    error = await failure(transport)

    assert isinstance(error, ConnectionLostError)
    assert len(transport.sent) == 5


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_retry_waits_exactly_as_long_as_retry_after_says(status, method):
    transport = ScriptedTransport(refusal(status, retry_after="42"), answer(SUCCESS[method]))

    await pipeline(transport).call(request(method))

    assert transport.instants == [0.0, 42.0]


async def test_a_retry_after_date_is_read_by_the_clock_of_the_server():
    headers = {"date": "Wed, 01 Jan 2020 12:00:00 GMT", "retry_after": "Wed, 01 Jan 2020 12:01:30 GMT"}
    transport = ScriptedTransport(refusal(429, **headers), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 90.0]


async def test_a_retry_after_beyond_the_ceiling_ends_the_call_at_once():
    transport = ScriptedTransport(refusal(429, retry_after="601"))

    error = await failure(transport)

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, anyio.current_time()) == (601.0, 0.0)


async def test_a_retry_after_beyond_the_call_timeout_ends_the_call_at_once():
    transport = ScriptedTransport(refusal(429, retry_after="60"))

    await failure(transport, timeouts=Timeouts(call=60.0))

    assert anyio.current_time() == 0.0


@pytest.mark.parametrize(
    "first", [lost(), timed_out(), refusal(500), refusal(502), refusal(503), refusal(504)], ids=repr
)
async def test_a_post_that_may_have_been_processed_is_not_sent_again(first):
    transport = ScriptedTransport(first)

    await failure(transport, "POST")

    assert len(transport.sent) == 1


@pytest.mark.parametrize("first", [lost(sent=False), timed_out(sent=False)], ids=repr)
async def test_a_post_that_certainly_was_not_processed_is_sent_again(first):
    transport = ScriptedTransport(first, answer(201))

    response = await pipeline(transport).call(request("POST"))

    assert (response.status, transport.instants) == (201, [0.0, 0.5])


async def test_a_posts_body_is_the_same_the_second_time():
    transport = ScriptedTransport(refusal(429), answer(201))

    await pipeline(transport).call(request("POST", body=b'{"a":1}'))

    assert [sent.body for sent in transport.requests] == [b'{"a":1}'] * 2


async def test_jitter_shortens_a_wait_by_no_more_than_its_part():
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


# Timeouts.


async def test_each_attempt_has_the_request_timeout_and_a_slow_one_is_retried():
    transport = ScriptedTransport(After(100.0, answer()), After(59.0, answer()))

    await pipeline(transport).call(request())

    assert transport.timeouts == [60.0, 60.0]
    assert (transport.instants, anyio.current_time()) == ([0.0, 60.5], 119.5)


async def test_the_last_attempt_has_only_the_rest_of_the_call_timeout():
    transport = ScriptedTransport(always=After(1000.0, answer()))

    error = await failure(transport, timeouts=Timeouts(request=60.0, call=100.0))

    assert isinstance(error, RequestTimeoutError)
    assert (transport.timeouts, anyio.current_time()) == ([60.0, 39.5], 100.0)


async def test_the_default_call_timeout_is_fifteen_minutes():
    transport = ScriptedTransport(always=After(1000.0, answer()))

    await failure(transport, retry=RetryPolicy(attempts=100, jitter=0.0))

    assert anyio.current_time() == 900.0


async def test_waiting_for_a_token_counts_towards_the_call_timeout():
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


async def test_a_call_without_a_token_ends_at_its_timeout():
    transport = ScriptedTransport()

    with anyio.fail_after(1000.0):
        await failure(transport, tokens=SlowTokens(2000.0), timeouts=Timeouts(request=60.0, call=100.0))

    assert anyio.current_time() == 100.0


class ReadyTokens(Tokens, ReadyTokenSource):
    """Has only the second token ready; the others have to be awaited."""

    def ready(self):
        return Token(value=self.values[0]) if self.values[0] == "second" else None


async def test_a_token_that_is_ready_is_not_waited_for():
    transport = ScriptedTransport(refusal(401), answer())
    tokens = ReadyTokens()

    await pipeline(transport, tokens).call(request())

    assert tokens.requested == 1
    assert [sent.request.headers["Authorization"] for sent in transport.sent] == ["Bearer first", "Bearer second"]


async def test_a_request_with_a_ready_token_waits_for_the_end_of_a_throttle():
    transport = ScriptedTransport(refusal(503, **{"retry-after": "30"}), answer())
    once = pipeline(transport, ReadyTokens("second"), retry=RetryPolicy(attempts=1))

    with pytest.raises(ServerError):
        await once.call(request())
    await once.call(request())

    assert [sent.at for sent in transport.sent] == [0.0, pytest.approx(31.5, abs=1.5)]


async def test_a_request_with_a_ready_token_waits_for_a_permit():
    transport = ScriptedTransport(After(20.0, answer()), answer())
    one_by_one = Pipeline(transport, ReadyTokens("second"), base_url=BASE, limiter=RateLimiter(max_in_flight=1))

    async with anyio.create_task_group() as group:
        group.start_soon(one_by_one.call, request())
        group.start_soon(one_by_one.call, request())

    assert [sent.at for sent in transport.sent] == [0.0, 20.0]


async def test_a_request_resent_with_another_token_stays_within_the_call_timeout():
    transport = ScriptedTransport(After(20.0, refusal(401)), always=After(1000.0, answer()))

    await failure(transport, timeouts=Timeouts(request=60.0, call=30.0))

    assert anyio.current_time() == 30.0


# 401.


async def test_after_a_401_the_request_is_sent_with_another_token():
    transport, tokens = ScriptedTransport(refusal(401), answer()), Tokens("old", "new")

    await pipeline(transport, tokens).call(request())

    assert [sent.headers["Authorization"] for sent in transport.requests] == ["Bearer old", "Bearer new"]


async def test_after_a_401_the_token_that_was_sent_is_invalidated():
    tokens = Tokens("old", "new")

    await pipeline(ScriptedTransport(refusal(401), answer()), tokens).call(request())

    assert tokens.invalidated == ["old"]


async def test_after_a_401_the_request_is_resent_without_a_wait():
    transport = ScriptedTransport(refusal(401), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 0.0]


async def test_a_post_is_resent_after_a_401_too():
    transport = ScriptedTransport(refusal(401), answer(201))

    assert (await pipeline(transport).call(request("POST"))).status == 201


async def test_a_second_401_is_raised():
    transport = ScriptedTransport(refusal(401), refusal(401))

    error = await failure(transport)

    assert isinstance(error, AuthenticationError)
    assert len(transport.sent) == 2


async def test_without_another_token_the_first_401_is_raised():
    transport = ScriptedTransport(refusal(401))

    error = await failure(transport, tokens=Tokens("only"))

    assert isinstance(error, AuthenticationError)
    assert len(transport.sent) == 1


async def test_a_request_resent_after_a_401_is_retried_like_any_other():
    transport = ScriptedTransport(refusal(401), refusal(503), answer())

    await pipeline(transport).call(request())

    assert transport.instants == [0.0, 0.0, 0.5]


async def test_every_attempt_may_resend_after_a_401():
    transport = ScriptedTransport(refusal(401), lost(), refusal(401), answer())

    await pipeline(transport, Tokens("a", "b", "c")).call(request())

    assert [sent.headers["Authorization"][-1] for sent in transport.requests] == ["a", "b", "b", "c"]


# Unavailable tokens.


async def test_rejected_credentials_end_the_call_and_nothing_is_sent():
    transport = ScriptedTransport()

    error = await failure(transport, tokens=Tokens(failures=[CredentialsError("No.")]))

    assert isinstance(error, CredentialsError)
    assert transport.sent == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unavailable_token_is_requested_again(method):
    transport = ScriptedTransport(answer(SUCCESS[method]))

    await pipeline(transport, Tokens(failures=[TokenUnavailableError("Not now.")])).call(request(method))

    assert transport.instants == [0.5]


async def test_a_token_request_waits_as_long_as_the_issuers_retry_after_says():
    transport, tokens = ScriptedTransport(answer()), Tokens(failures=[TokenUnavailableError("?", retry_after=33.0)])

    await pipeline(transport, tokens).call(request())

    assert transport.instants == [33.0]


async def test_a_token_that_stays_unavailable_ends_the_call_after_five_attempts():
    tokens = Tokens(failures=[TokenUnavailableError("Not now.") for _ in range(9)])

    error = await failure(ScriptedTransport(), tokens=tokens)

    assert isinstance(error, TokenUnavailableError)
    assert tokens.requested == 5


# DELETE.


@pytest.mark.parametrize(
    "first", [lost(), timed_out(), refusal(500), refusal(502), refusal(503), refusal(504)], ids=repr
)
async def test_a_delete_that_gets_404_after_a_lost_answer_has_succeeded(first):
    transport = ScriptedTransport(first, refusal(404))

    assert (await pipeline(transport).call(request("DELETE"))).status == 204


async def test_a_delete_that_gets_404_at_first_fails():
    assert isinstance(await failure(ScriptedTransport(refusal(404)), "DELETE"), NotFoundError)


@pytest.mark.parametrize(
    "first",
    [refusal(429), refusal(503, retry_after="1"), lost(sent=False), timed_out(sent=False)],
    ids=repr,
)
async def test_a_delete_that_gets_404_after_an_unprocessed_attempt_fails(first):
    transport = ScriptedTransport(first, refusal(404))

    assert isinstance(await failure(transport, "DELETE"), NotFoundError)


async def test_a_delete_that_gets_404_after_an_unavailable_token_fails():
    tokens = Tokens(failures=[TokenUnavailableError("Not now.")])

    assert isinstance(await failure(ScriptedTransport(refusal(404)), "DELETE", tokens), NotFoundError)


async def test_a_delete_that_gets_404_after_a_401_fails():
    transport = ScriptedTransport(refusal(401), refusal(404))

    assert isinstance(await failure(transport, "DELETE"), NotFoundError)


async def test_a_delete_that_gets_404_after_a_lost_answer_and_a_429_has_succeeded():
    transport = ScriptedTransport(lost(), refusal(429), refusal(404))

    assert (await pipeline(transport).call(request("DELETE"))).status == 204


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_another_method_that_gets_404_after_a_lost_answer_fails(method):
    assert isinstance(await failure(ScriptedTransport(lost(), refusal(404)), method), NotFoundError)


async def test_a_delete_that_gets_another_error_after_a_lost_answer_fails():
    error = await failure(ScriptedTransport(lost(), refusal(409, "ConnectionAlreadyInUse")), "DELETE")

    assert error.code == "ConnectionAlreadyInUse"


# Without retries.


@pytest.mark.parametrize("first", [lost(sent=False), refusal(429), refusal(503)], ids=repr)
async def test_without_retries_the_first_failure_is_raised(first):
    transport = ScriptedTransport(first)

    with pytest.raises((ConnectionLostError, APIError)):
        await pipeline(transport).without_retries().call(request())

    assert len(transport.sent) == 1


async def test_without_retries_a_request_is_still_resent_after_a_401():
    transport = ScriptedTransport(refusal(401), answer())

    await pipeline(transport).without_retries().call(request())

    assert len(transport.sent) == 2


async def test_without_retries_base_url_timeouts_and_tokens_are_the_same():
    transport = ScriptedTransport(answer())
    plain = pipeline(transport, Tokens("ours"), timeouts=Timeouts(request=7.0)).without_retries()

    await plain.call(request())

    assert (plain.base_url, transport.timeouts, transport.requests[0].headers["Authorization"]) == (
        BASE,
        [7.0],
        "Bearer ours",
    )


async def test_the_original_pipeline_keeps_its_retries():
    transport = ScriptedTransport(lost(), answer())
    with_retries = pipeline(transport)
    with_retries.without_retries()

    await with_retries.call(request())

    assert len(transport.sent) == 2


# Defaults and cancellation.


async def test_a_pipeline_has_default_timeouts_and_retries():
    transport = ScriptedTransport(lost(), answer())

    await Pipeline(transport, Tokens(), base_url=BASE).call(request())

    assert transport.timeouts == [60.0, 60.0]


async def test_a_call_that_is_cancelled_while_it_waits_sends_nothing_more():
    transport = ScriptedTransport(lost(), answer())

    with anyio.move_on_after(0.4):
        await pipeline(transport).call(request())
    await anyio.sleep(1000)

    assert len(transport.sent) == 1
