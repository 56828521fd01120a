"""How long a watch waits for what, and when it gives up."""

from traceback import format_exception

import pytest
from support.transport import lost, timed_out

from bentley_sync_async import BackoffPacing
from bentley_sync_async.errors import (
    APIError,
    ConfigurationError,
    ConflictError,
    CredentialsError,
    DecodeError,
    ForeignOriginError,
    LocationError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    ResponseTooLargeError,
    ServerError,
    TokenUnavailableError,
)
from bentley_sync_async.pacing.strategies import PollContext
from bentley_sync_async.watch.retry_state import FAILURE_BUDGET, RetryState, certainly_created_no_run, without_frames

URL = "https://api.example/"


def retry_state(**known):
    return RetryState(pacing=BackoffPacing(jitter=0.0), **known)


def error(cls, status, retry_after=None):
    return cls(status=status, method="GET", url=URL, retry_after=retry_after)


def throttle(retry_after=None):
    return error(RateLimitedError, 429, retry_after)


def conflict(retry_after=None):
    return error(ConflictError, 409, retry_after)


def test_polls_become_rarer_without_changes():
    patient = retry_state()
    assert [
        patient.delay_until_next_poll(PollContext(chance=0.0, unchanged_polls=patient.unchanged_polls))
        for _ in range(3)
    ] == [2.0, 3.0, 4.5]


def test_without_retry_after_the_pacing_decides():
    assert (
        RetryState(pacing=BackoffPacing(shortest=0.1, jitter=0.0)).delay_until_next_poll(PollContext(chance=0.0)) == 0.1
    )


def test_no_poll_comes_before_the_requested_wait():
    assert retry_state().delay_until_next_poll(PollContext(chance=0.0), requested=100.0) == 100.0


def test_a_short_retry_after_does_not_shorten_the_wait():
    assert retry_state().delay_until_next_poll(PollContext(chance=0.0), requested=1.0) == 2.0


def test_no_retry_after_counts_for_more_than_an_hour():
    assert retry_state().delay_until_next_poll(PollContext(chance=0.0), requested=1e9) == 3600.0


def test_failures_make_the_next_attempt_ever_later():
    patient = retry_state()
    assert [patient.delay_after_failure(lost(), chance=0.0) for _ in range(3)] == [2.0, 3.0, 4.5]


def test_failures_are_counted():
    patient = retry_state()
    for _ in range(3):
        patient.delay_after_failure(lost(), chance=0.0)
    assert patient.failures == 3


def test_failures_do_not_change_the_interval_of_polls():
    patient = retry_state()
    patient.delay_after_failure(lost(), chance=0.0)
    assert patient.delay_until_next_poll(PollContext(chance=0.0)) == 2.0


@pytest.mark.parametrize(("asked", "waited"), [(1.0, 2.0), (100.0, 100.0), (1e9, 3600.0)])
def test_the_attempt_after_a_failure_waits_for_the_service_but_an_hour_at_most(asked, waited):
    assert retry_state().delay_after_failure(throttle(asked), chance=0.0) == waited


def test_nine_conflicts_in_a_row_are_waited_for_and_the_tenth_is_one_too_many():
    patient = retry_state()
    schedule = [patient.delay_after_conflict(conflict(), chance=0.0) for _ in range(10)]
    assert schedule == [
        *(pytest.approx(wait) for wait in [1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 15, 15]),
        None,
    ]


def test_conflicts_are_counted_from_zero_after_the_last_tolerated_one():
    patient = retry_state(conflicts=9)
    assert patient.delay_after_conflict(conflict(), chance=0.0) is None
    assert patient.delay_after_conflict(conflict(), chance=0.0) == 1.0


def test_chance_takes_a_fifth_off_the_wait_after_a_conflict():
    assert retry_state().delay_after_conflict(conflict(), chance=1.0) == 0.8


@pytest.mark.parametrize(("asked", "waited"), [(0.5, 1.0), (100.0, 100.0), (1e9, 3600.0)])
def test_the_trigger_after_a_conflict_waits_for_the_service_but_an_hour_at_most(asked, waited):
    assert retry_state().delay_after_conflict(conflict(asked), chance=0.0) == waited


def test_a_good_answer_forgets_failures_and_conflicts_but_not_how_quiet_it_is():
    patient = retry_state(failing_since=1.0, unchanged_polls=5, failures=3, conflicts=4)
    patient.reset()
    assert patient == retry_state(unchanged_polls=5)


def test_a_new_retry_state_has_no_failures():
    new = retry_state()
    assert (new.failing_since, new.unchanged_polls, new.failures, new.conflicts) == (None, 0, 0, 0)


def test_failures_may_go_on_for_half_an_hour():
    patient = retry_state()
    assert FAILURE_BUDGET == 1800.0
    assert [patient.exhausted(now) for now in (100.0, 1899.0, 1900.0)] == [False, False, True]


def test_the_failure_budget_starts_over_when_the_watch_is_awaited_again():
    patient = retry_state(failing_since=100.0)
    assert [patient.exhausted(now) for now in (1900.0, 1901.0, 3700.0, 3701.0)] == [True, False, False, True]


TOO_LARGE = ResponseTooLargeError("too large", method="GET", url=URL, sent=True)


@pytest.mark.parametrize("passing", [lost(), throttle(), DecodeError("not JSON"), TOO_LARGE])
def test_a_failure_of_the_connection_a_throttle_and_a_garbled_body_may_pass(passing):
    assert retry_state().may_retry(passing)


def test_a_refusal_does_not_pass_but_where_it_is_expected():
    missing = error(NotFoundError, 404)
    assert not retry_state().may_retry(missing)
    assert retry_state().may_retry(missing, NotFoundError)


def test_an_answer_that_leads_elsewhere_does_not_pass_though_garbled_ones_do():
    assert retry_state().may_retry(LocationError("no run"), ProtocolError)
    assert not retry_state().may_retry(ForeignOriginError("elsewhere"), ProtocolError)


@pytest.mark.parametrize(
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
def test_a_trigger_that_was_turned_down_or_never_left_created_no_run(failure):
    assert certainly_created_no_run(failure)


@pytest.mark.parametrize(
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
def test_a_trigger_whose_answer_says_nothing_may_have_created_a_run(failure):
    assert not certainly_created_no_run(failure)


def test_the_time_that_the_service_asked_to_wait_is_no_failure():
    patient = retry_state()
    assert not patient.exhausted(0.0)
    patient.delay_after_failure(throttle(2000.0), chance=0.0)
    assert [patient.exhausted(now) for now in (2000.0, 3799.0, 3800.0)] == [False, False, True]


def test_of_a_wait_of_years_the_hour_that_is_waited_is_no_failure():
    patient = retry_state()
    assert not patient.exhausted(0.0)
    patient.delay_after_failure(throttle(1e9), chance=0.0)
    assert patient.failing_since == 3600.0


def test_a_wait_of_our_own_choice_is_time_of_failure():
    patient = retry_state()
    assert not patient.exhausted(100.0)
    patient.delay_after_failure(lost(), chance=0.0)
    assert patient.failing_since == 100.0


class Picky(Exception):  # noqa: N818 - it is what it is
    """Cannot be made of what it keeps."""

    def __init__(self, answer):
        super().__init__(f"refused with {answer.status}")


def raised(error, cause=None):
    """The error after it was raised, so that it holds a frame."""
    try:
        raise error from cause
    except type(error) as exc:
        return exc


def chain(error):
    """The error and all that led to it, each once."""
    found, left = {}, [error]
    while left:
        link = left.pop()
        if link is not None and id(link) not in found:
            found[id(link)] = link
            left += [link.__context__, link.__cause__]
    return list(found.values())


def test_an_error_that_is_kept_holds_no_frames_nor_do_those_that_led_to_it():
    cause, context = raised(ValueError("cause"), raised(KeyError("first"))), raised(LookupError("context"))
    error = raised(DecodeError("not JSON"), cause)
    error.__context__ = context
    kept = chain(without_frames(error))
    assert [str(link) for link in kept] == [str(link) for link in chain(error)]
    assert [type(link) for link in kept] == [DecodeError, ValueError, KeyError, LookupError]
    assert {link.__traceback__ for link in kept} == {None}


def test_the_errors_that_led_to_one_that_is_kept_stay_as_they_were():
    error = raised(DecodeError("not JSON"), raised(ValueError("the caller's own")))
    frames = [link.__traceback__ for link in chain(error)]
    without_frames(error)
    assert None not in frames
    assert [link.__traceback__ for link in chain(error)] == frames


def test_an_error_that_is_kept_shows_what_led_to_it_as_before():
    def blocking_fingerprint(error):
        return "".join(line for line in format_exception(error.with_traceback(None)) if "  " not in line)

    error = TokenUnavailableError("No token.")
    error.__cause__, error.__context__ = ValueError("why"), KeyError("meanwhile")
    hidden = raised(TokenUnavailableError("No token."), None)
    hidden.__context__ = KeyError("of no interest")
    for original in (error, hidden):
        assert blocking_fingerprint(without_frames(original)) == blocking_fingerprint(original)


def test_errors_that_led_to_each_other_are_kept():
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__context__ = second, first
    kept = without_frames(raised(TokenUnavailableError("No token."), first))
    assert kept.__cause__.__cause__.__context__ is kept.__cause__


def test_of_an_error_that_cannot_be_copied_its_class_and_words_are_kept():
    picky = raised(Picky(throttle()))
    kept = without_frames(raised(TokenUnavailableError("No token."), picky)).__cause__
    assert kept.args == ("Picky", "refused with 429")
    assert kept.__traceback__ is None


def test_an_error_that_is_kept_carries_all_that_it_carried():
    kept = without_frames(throttle(7.0))
    assert (type(kept), kept.status, kept.url, kept.retry_after) == (RateLimitedError, 429, URL, 7.0)
