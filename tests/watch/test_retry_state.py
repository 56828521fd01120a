"""The failures of a watch: how long it waits after each, and when it gives up."""

from traceback import format_exception

import pytest
from support.quick import each
from support.transport import lost, timed_out

from bentley_sync_async import BackoffPacing
from bentley_sync_async.errors import (
    APIError,
    ConfigurationError,
    ConflictError,
    CredentialsError,
    DecodeError,
    ForeignOriginError,
    InvalidArgumentError,
    LocationError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    ResponseTooLargeError,
    ServerError,
    TokenUnavailableError,
)
from bentley_sync_async.pacing.strategies import PollContext
from bentley_sync_async.watch.retry_state import (
    FAILURE_BUDGET,
    RetryState,
    certainly_created_no_run,
    may_retry,
    without_frames,
)

URL = "https://api.example/"


def retry_state(**values):
    return RetryState(pacing=BackoffPacing(jitter=0.0), **values)


def error(cls, status, retry_after=None):
    return cls(status=status, method="GET", url=URL, retry_after=retry_after)


def throttle(retry_after=None):
    return error(RateLimitedError, 429, retry_after)


def conflict(retry_after=None):
    return error(ConflictError, 409, retry_after)


def test_polls_become_rarer_without_changes():
    state = retry_state()
    assert [
        state.delay_until_next_poll(PollContext(chance=0.0, unchanged_polls=state.unchanged_polls)) for _ in range(3)
    ] == [2.0, 3.0, 4.5]


def test_without_retry_after_the_delay_is_that_of_the_pacing():
    assert (
        RetryState(pacing=BackoffPacing(shortest=0.1, jitter=0.0)).delay_until_next_poll(PollContext(chance=0.0)) == 0.1
    )


def test_delays_grow_with_each_failure():
    state = retry_state()
    assert [state.delay_after_failure(chance=0.0) for _ in range(3)] == [2.0, 3.0, 4.5]


def test_failures_are_counted():
    state = retry_state()
    for _ in range(3):
        state.delay_after_failure(chance=0.0)
    assert state.failures == 3


def test_failures_do_not_change_the_interval_of_polls():
    state = retry_state()
    state.delay_after_failure(chance=0.0)
    assert state.delay_until_next_poll(PollContext(chance=0.0)) == 2.0


def test_nine_conflicts_in_a_row_are_tolerated_and_the_tenth_is_not():
    state = retry_state()
    schedule = [state.delay_after_conflict(chance=0.0) for _ in range(10)]
    assert schedule == [
        *(pytest.approx(wait) for wait in [1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 15, 15]),
        None,
    ]


def test_conflicts_are_counted_from_zero_after_the_last_tolerated_one():
    state = retry_state(conflicts=9)
    assert state.delay_after_conflict(chance=0.0) is None
    assert state.delay_after_conflict(chance=0.0) == 1.0


def test_jitter_shortens_the_wait_after_a_conflict_by_a_fifth():
    assert retry_state().delay_after_conflict(chance=1.0) == 0.8


def test_a_good_answer_resets_failures_and_conflicts_and_keeps_unchanged_polls():
    state = retry_state(failing_since=1.0, unchanged_polls=5, failures=3, conflicts=4)
    state.reset()
    assert state == retry_state(unchanged_polls=5)


def test_a_new_retry_state_has_no_failures():
    new = retry_state()
    assert (new.failing_since, new.unchanged_polls, new.failures, new.conflicts) == (None, 0, 0, 0)


def test_the_failure_budget_is_half_an_hour():
    state = retry_state()
    assert FAILURE_BUDGET == 1800.0
    assert [state.budget_exhausted(now) for now in (100.0, 1899.0, 1900.0)] == [False, False, True]


def test_the_failure_budget_starts_over_when_the_watch_is_awaited_again():
    state = retry_state(failing_since=100.0)
    assert [state.budget_exhausted(now) for now in (1900.0, 1901.0, 3700.0, 3701.0)] == [True, False, False, True]


TOO_LARGE = ResponseTooLargeError("too large", method="GET", url=URL, sent=True)


@each("failure", [lost(), throttle(), DecodeError("not JSON"), TOO_LARGE])
def test_transient_failures_are_retried(failure):
    assert may_retry(failure)


def test_a_404_is_retried_only_where_it_counts_as_transient():
    missing = error(NotFoundError, 404)
    assert not may_retry(missing)
    assert may_retry(missing, NotFoundError)


def test_a_foreign_origin_is_never_retried():
    assert may_retry(LocationError("no run"), ProtocolError)
    assert not may_retry(ForeignOriginError("elsewhere"), ProtocolError)


@each(
    "failure",
    [
        *(error(APIError, status) for status in (400, 401, 404, 422, 499)),
        conflict(),
        throttle(),
        error(ServerError, 503, 1.0),
        CredentialsError("No."),
        TokenUnavailableError("No token."),
        ConfigurationError("not open"),
        lost(sent=False),
        timed_out(sent=False),
    ],
)
def test_a_trigger_that_was_refused_or_not_sent_created_no_run(failure):
    assert certainly_created_no_run(failure)


@each(
    "failure",
    [
        *(error(ServerError, status) for status in (500, 502, 503, 504)),
        error(ServerError, 504, 1.0),
        lost(sent=True),
        timed_out(sent=True),
        DecodeError("not JSON"),
        LocationError("no Location"),
    ],
)
def test_a_trigger_without_a_conclusive_answer_may_have_created_a_run(failure):
    assert not certainly_created_no_run(failure)


def test_excluded_seconds_do_not_count_towards_the_failure_budget():
    state = retry_state()
    state.exclude(500.0)
    assert not state.budget_exhausted(0.0)
    state.exclude(2000.0)
    state.exclude(-100.0)
    assert [state.budget_exhausted(now) for now in (2000.0, 3799.0, 3800.0)] == [False, False, True]


def test_our_own_backoff_counts_towards_the_failure_budget():
    state = retry_state()
    assert not state.budget_exhausted(100.0)
    state.delay_after_failure(chance=0.0)
    assert state.failing_since == 100.0


class UncopyableError(Exception):
    """An error whose constructor does not accept its own args."""

    def __init__(self, error):
        super().__init__(f"refused with {error.status}")


def raised(error, cause=None):
    """The error after it was raised, so that it has a traceback."""
    try:
        raise error from cause
    except type(error) as exc:
        return exc


def chain(error):
    """The error with its causes and contexts, each once."""
    found, left = {}, [error]
    while left:
        link = left.pop()
        if link is not None and id(link) not in found:
            found[id(link)] = link
            left += [link.__context__, link.__cause__]
    return list(found.values())


def test_a_copied_error_and_its_causes_have_no_tracebacks():
    cause, context = raised(ValueError("cause"), raised(KeyError("first"))), raised(LookupError("context"))
    error = raised(DecodeError("not JSON"), cause)
    error.__context__ = context
    copied = chain(without_frames(error))
    assert [str(link) for link in copied] == [str(link) for link in chain(error)]
    assert [type(link) for link in copied] == [DecodeError, ValueError, KeyError, LookupError]
    assert {link.__traceback__ for link in copied} == {None}


def test_the_originals_of_a_copied_error_keep_their_tracebacks():
    error = raised(DecodeError("not JSON"), raised(ValueError("the caller's error")))
    frames = [link.__traceback__ for link in chain(error)]
    without_frames(error)
    assert None not in frames
    assert [link.__traceback__ for link in chain(error)] == frames


def test_a_copied_error_is_formatted_with_the_same_causes():
    def formatted(error):
        return "".join(line for line in format_exception(error.with_traceback(None)) if "  " not in line)

    error = TokenUnavailableError("No token.")
    error.__cause__, error.__context__ = ValueError("why"), KeyError("meanwhile")
    hidden = raised(TokenUnavailableError("No token."), None)
    hidden.__context__ = KeyError("suppressed")
    for original in (error, hidden):
        assert formatted(without_frames(original)) == formatted(original)


def test_errors_that_are_causes_of_each_other_are_copied():
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__context__ = second, first
    copied = without_frames(raised(TokenUnavailableError("No token."), first))
    assert copied.__cause__.__cause__.__context__ is copied.__cause__


def test_an_error_that_cannot_be_copied_keeps_its_class_name_and_text():
    uncopyable = raised(UncopyableError(throttle()))
    copied = without_frames(raised(TokenUnavailableError("No token."), uncopyable)).__cause__
    assert copied.args == ("UncopyableError", "refused with 429")
    assert copied.__traceback__ is None


def test_a_copied_error_keeps_its_attributes():
    copied = without_frames(throttle(7.0))
    assert (type(copied), copied.status, copied.url, copied.retry_after) == (RateLimitedError, 429, URL, 7.0)


@each("delay", ["soon", None, -1.0, float("inf"), float("nan")])
def test_a_pacing_that_returns_no_seconds_is_named(delay):
    class Mine:
        def delay(self, _context):
            return delay

    with pytest.raises(InvalidArgumentError, match=r"Mine\.delay must return a number of seconds"):
        RetryState(pacing=Mine()).delay_until_next_poll(PollContext(chance=0.5))
