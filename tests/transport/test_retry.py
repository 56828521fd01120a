"""Which failures of a single call are retried, and after how long."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each
from support.transport import lost, timed_out

from bentley_sync_async.errors import (
    ConfigurationError,
    CredentialsError,
    DecodeError,
    LocationError,
    ProtocolError,
    ResponseTooLargeError,
    SynchronizationError,
    TokenUnavailableError,
)
from bentley_sync_async.transport.retry import RetryPolicy, is_transient, not_processed, requested_wait
from bentley_sync_async.wire.problems import api_error

STEADY = RetryPolicy(jitter=0.0)


def status(code, retry_after=None):
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return api_error(status=code, headers=headers, body=b"", method="GET", url="https://api.example/")


def too_large(*, sent=True):
    return ResponseTooLargeError("too large", method="GET", url="https://api.example/", sent=sent)


def wait(error, method="GET", *, policy=STEADY, attempt=1, left=900.0, chance=0.0):
    return policy.wait(error, method=method, attempt=attempt, left=left, chance=chance)


IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE")

TRANSIENT = {
    "connection lost": lost(),
    "never connected": lost(sent=False),
    "timed out": timed_out(),
    "timed out while connecting": timed_out(sent=False),
    "429": status(429),
    "429 with Retry-After": status(429, 1),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "503 with Retry-After": status(503, 1),
    "504": status(504),
    "504 with Retry-After": status(504, 1),
    "no token for now": TokenUnavailableError("No token."),
}
CERTAINLY_NOT_PROCESSED = {
    "never connected",
    "timed out while connecting",
    "429",
    "429 with Retry-After",
    "503 with Retry-After",
    "no token for now",
}
LASTING = {
    **{str(code): status(code) for code in (400, 401, 403, 404, 405, 408, 409, 410, 413, 422, 501, 505, 507)},
    "409 with Retry-After": status(409, 1),
    "501 with Retry-After": status(501, 1),
    "too large": too_large(),
    "too large, not sent": too_large(sent=False),
    "credentials rejected": CredentialsError("No."),
    "not JSON": DecodeError("not JSON"),
    "redirect": ProtocolError("301"),
    "no Location": LocationError("no Location"),
    "configuration": ConfigurationError("not open"),
}


@each("method", IDEMPOTENT)
@each("failure", TRANSIENT)
def test_a_transient_failure_is_retried_for_every_idempotent_method(method, failure):
    assert wait(TRANSIENT[failure], method) is not None


@each("failure", TRANSIENT)
def test_a_post_is_retried_only_if_it_certainly_was_not_processed(failure):
    assert (wait(TRANSIENT[failure], "POST") is not None) == (failure in CERTAINLY_NOT_PROCESSED)


@each("method", ["PATCH", "LOCK", "get"])
def test_an_unknown_method_is_treated_like_a_post(method):
    assert wait(lost(), method) is None


@each("method", [*IDEMPOTENT, "POST"])
@each("failure", LASTING)
def test_a_lasting_failure_is_never_retried(method, failure):
    assert wait(LASTING[failure], method) is None


@each("failure", TRANSIENT)
def test_every_failure_of_the_table_is_transient(failure):
    assert is_transient(TRANSIENT[failure])


@each("failure", TRANSIENT)
def test_not_processed_is_what_a_post_is_retried_for(failure):
    assert not_processed(TRANSIENT[failure]) == (failure in CERTAINLY_NOT_PROCESSED)


@each("failure", [CredentialsError("No."), DecodeError("?"), status(404), status(500)])
def test_other_failures_may_have_been_processed(failure):
    assert not not_processed(failure)


def test_waits_grow_by_the_factor_up_to_the_longest():
    policy = RetryPolicy(attempts=10, base=1.0, factor=3.0, longest=20.0, jitter=0.0)

    assert [wait(lost(), policy=policy, attempt=n) for n in range(1, 6)] == [1.0, 3.0, 9.0, 20.0, 20.0]


def test_the_default_waits_are_half_a_second_doubling():
    assert [wait(lost(), attempt=n) for n in range(1, 5)] == [0.5, 1.0, 2.0, 4.0]


def test_the_default_waits_keep_doubling_up_to_half_a_minute():
    assert [STEADY.wait_after(n, chance=0.0) for n in range(4, 9)] == [4.0, 8.0, 16.0, 30.0, 30.0]


def test_five_attempts_are_the_default():
    assert [wait(lost(), attempt=n) is not None for n in (4, 5, 6)] == [True, False, False]


def test_one_attempt_means_no_retry():
    assert wait(lost(), policy=RetryPolicy(attempts=1)) is None


def test_jitter_shortens_a_wait_in_proportion_to_chance():
    policy = RetryPolicy(base=8.0, jitter=0.25)

    assert [policy.wait_after(1, chance=chance) for chance in (0.0, 0.5, 1.0)] == [8.0, 7.0, 6.0]


def test_the_thousandth_wait_is_the_longest():
    assert wait(lost(), policy=RetryPolicy(attempts=10_000, jitter=0.0), attempt=5_000) == 30.0


def test_without_jitter_chance_has_no_effect():
    assert STEADY.wait_after(3, chance=1.0) == STEADY.wait_after(3, chance=0.0)


@each("failure", [status(429, 17), status(503, 17), TokenUnavailableError("?", retry_after=17)])
def test_a_longer_retry_after_prolongs_the_wait(failure):
    assert wait(failure) == 17


def test_a_shorter_retry_after_does_not_shorten_the_wait():
    assert wait(status(429, 1), policy=RetryPolicy(base=8.0, jitter=0.0)) == 8.0


def test_jitter_does_not_shorten_a_retry_after():
    assert wait(status(429, 17), policy=RetryPolicy(jitter=1.0), chance=1.0) == 17


@each(("requested", "expected"), [(599.0, 599.0), (600.0, 600.0), (601.0, None)])
def test_a_retry_after_beyond_ten_minutes_ends_the_call(requested, expected):
    assert wait(status(429, requested), left=3600.0) == expected


def test_the_ceiling_of_retry_after_can_be_set():
    assert wait(status(429, 6), policy=RetryPolicy(retry_after_ceiling=5.0)) is None


def test_the_ceiling_does_not_limit_waits_without_retry_after():
    assert wait(lost(), policy=RetryPolicy(base=8.0, jitter=0.0, retry_after_ceiling=0.0)) == 8.0


@each(("left", "expected"), [(0.6, 0.5), (0.5, None), (0.4, None), (0.0, None), (-1.0, None)])
def test_a_call_ends_if_a_wait_would_leave_no_time_for_another_attempt(left, expected):
    assert wait(lost(), left=left) == expected


def test_a_retry_after_beyond_the_time_left_ends_the_call():
    assert wait(status(429, 100), left=100.0) is None


@each("error", [lost(), status(429), TokenUnavailableError("?"), DecodeError("?")])
def test_without_retry_after_no_wait_is_requested(error):
    assert requested_wait(error) == 0.0


@each(
    ("setting", "value"),
    [
        ("attempts", 0),
        ("base", 0.0),
        ("factor", 0.9),
        ("longest", 0.0),
        ("jitter", -0.1),
        ("retry_after_ceiling", -1.0),
    ],
)
def test_an_invalid_policy_is_rejected(setting, value):
    with pytest.raises(ValueError, match=setting):
        RetryPolicy(**{setting: value})


def test_the_settings_of_a_policy_are_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        RetryPolicy(5)


def test_a_policy_whose_waits_would_be_negative_is_rejected():
    with pytest.raises(ValueError, match="jitter"):
        RetryPolicy(jitter=1.1)


# Laws.

seconds = st.floats(0, 10_000)
chances = st.floats(0, 1)
methods = st.sampled_from([*IDEMPOTENT, "POST", "PATCH"])
failures = st.one_of(
    st.sampled_from([*TRANSIENT.values(), *LASTING.values()]),
    st.builds(status, st.sampled_from([401, 429, 500, 503]), st.none() | seconds),
    st.builds(lambda requested: TokenUnavailableError("?", retry_after=requested), st.none() | seconds),
)
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10),
    base=st.floats(0.001, 100),
    factor=st.floats(1, 10),
    longest=st.floats(0.001, 1000),
    jitter=chances,
    retry_after_ceiling=seconds,
)
calls = st.fixed_dictionaries(
    {"method": methods, "attempt": st.integers(1, 10), "left": st.floats(-10, 20_000), "chance": chances}
)


@given(policies, failures, calls)
def test_a_wait_is_never_shorter_than_retry_after(policy, failure, call):
    delay = policy.wait(failure, **call)

    assert delay is None or delay >= requested_wait(failure)


@given(policies, failures, calls)
def test_a_wait_ends_before_the_call_does(policy, failure, call):
    delay = policy.wait(failure, **call)

    assert delay is None or 0 <= delay < call["left"]


@given(policies, failures, calls)
def test_a_wait_is_bounded_by_the_longest_wait_or_retry_after(policy, failure, call):
    delay = policy.wait(failure, **call)

    assert delay is None or delay <= max(policy.longest, policy.retry_after_ceiling)


@given(policies, failures, methods, chances)
def test_there_are_never_more_attempts_than_allowed(policy, failure, method, chance):
    attempt = 1
    while policy.wait(failure, method=method, attempt=attempt, left=1e9, chance=chance) is not None:
        attempt += 1

    assert attempt <= policy.attempts


@given(policies, chances)
def test_waits_never_shrink_from_one_attempt_to_the_next(policy, chance):
    waits = [policy.wait_after(attempt, chance=chance) for attempt in range(1, 30)]

    assert all(before <= after for before, after in pairwise(waits))


@given(policies, failures, calls)
def test_a_post_is_never_retried_where_a_get_is_not(policy, failure, call):
    post, get = (policy.wait(failure, **{**call, "method": method}) for method in ("POST", "GET"))

    assert post is None or post == get


@given(policies, failures, calls)
def test_a_post_is_repeated_only_if_it_certainly_was_not_processed(policy, failure, call):
    delay = policy.wait(failure, **{**call, "method": "POST"})

    assert delay is None or not_processed(failure)


def test_an_error_of_the_base_class_is_not_transient():
    assert not is_transient(SynchronizationError("?"))
