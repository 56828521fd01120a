from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async.wire.headers import rate_tier, remaining_calls, request_id, retry_after, server_date

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


@each(("text", "seconds"), [("3", 3.0), ("0", 0.0), ("2.5", 2.5), (" 7 ", 7.0), ("86400", 86400.0), ("-5", 0.0)])
def test_retry_after_in_seconds(text, seconds):
    assert retry_after({"retry-after": text}) == seconds


@each(
    ("until", "seconds"),
    [
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 13:00:30 +0100", 30.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun Nov 22 12:00:30 2026", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_as_a_date_counts_from_the_date_of_the_answer(until, seconds):
    assert retry_after({"retry-after": until, "date": DATE}) == seconds


@each("headers", [{}, {"date": "today"}])
def test_retry_after_as_a_date_counts_from_our_clock_without_the_date_of_the_answer(headers):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after({"retry-after": until, **headers}) == pytest.approx(100, abs=2)


@each(
    "text",
    [
        "3, 40",
        "40, 3",
        "40,soon",
        "Sun, 22 Nov 2026 12:00:40 GMT, 3",
        "3, Sun, 22 Nov 2026 12:00:40 GMT",
        "40, -1, inf",
    ],
)
def test_of_several_values_the_longest_counts(text):
    assert retry_after({"retry-after": text, "date": DATE}) == 40.0


@each(
    "text",
    [
        "",
        " ",
        "soon",
        "inf",
        "-inf",
        "nan",
        "1e999",
        "3 s",
        "0x10",
        "Sun, 31 Feb 2026 12:00:00 GMT",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +9999999999999999999999",
    ],
)
def test_retry_after_that_makes_no_sense_says_nothing(text):
    assert retry_after({"retry-after": text, "date": DATE}) is None


def test_no_retry_after_says_nothing():
    assert retry_after({"date": DATE}) is None


def test_the_rate_limit_header_of_the_platform_counts_as_well():
    assert retry_after({"itwinplatform-ratelimit-retry-after-seconds": "12"}) == 12.0


@each("text", ["3", "soon"])
def test_of_retry_after_and_the_rate_limit_header_of_the_platform_the_longer_counts(text):
    assert retry_after({"itwinplatform-ratelimit-retry-after-seconds": "12", "retry-after": text}) == 12.0


def test_the_date_of_an_answer_is_an_instant_in_utc():
    assert server_date({"date": DATE}) == datetime(2026, 11, 22, 12, tzinfo=UTC)


@each("headers", [{}, {"date": ""}, {"date": "today"}])
def test_an_answer_without_a_good_date_has_none(headers):
    assert server_date(headers) is None


def test_a_date_in_an_unknown_zone_is_taken_for_utc():
    assert server_date({"date": "Sun, 22 Nov 2026 12:00:00 -0000"}) == datetime(2026, 11, 22, 12, tzinfo=UTC)


@each("name", ["x-correlation-id", "x-request-id", "request-id", "x-ms-request-id"])
def test_the_request_id_is_found_under_any_of_its_names(name):
    assert request_id({name: "abc"}) == "abc"


@each("headers", [{}, {"x-request-id": ""}])
def test_an_answer_without_a_request_id_has_none(headers):
    assert request_id(headers) is None


@each("name", ["itwinplatform-ratelimited-tier", "itwinplatform-tier"])
def test_the_tier_is_found_under_either_of_its_names(name):
    assert rate_tier({name: " Standard "}) == "Standard"


def test_the_tier_of_a_429_counts_before_that_of_other_answers():
    assert rate_tier({"itwinplatform-tier": "a", "itwinplatform-ratelimited-tier": "b"}) == "b"


def test_an_empty_tier_is_passed_over_for_the_other():
    assert rate_tier({"itwinplatform-tier": "a", "itwinplatform-ratelimited-tier": " "}) == "a"


def test_an_answer_without_a_tier_has_none():
    assert rate_tier({"itwinplatform-ratelimit-remainingcalls": "5"}) is None


@each(("text", "calls"), [("0", 0), (" 17 ", 17), ("123456789", 123456789)])
def test_the_remaining_calls_are_a_number(text, calls):
    assert remaining_calls({"itwinplatform-ratelimit-remainingcalls": text}) == calls


@each("text", ["", "-1", "1.5", "many", "1234567890", "\N{ARABIC-INDIC DIGIT FIVE}", "\N{SUPERSCRIPT TWO}"])
def test_anything_else_is_no_number_of_remaining_calls(text):
    assert remaining_calls({"itwinplatform-ratelimit-remainingcalls": text}) is None


numbers = st.integers().map(str) | st.floats().map(str)
dates = st.builds(
    "{} {} {} {}:{}:{} {}".format,
    st.integers(),
    st.sampled_from(["Jan", "Feb", "Smarch"]),
    st.integers(),
    st.integers(-1, 99),
    st.integers(-1, 99),
    st.integers(-1, 99),
    st.sampled_from(["GMT", "+0100", "-0000", "+99999999999999999999", "PST", ""]),
)


@given(numbers | dates | st.text(max_size=40), dates | st.text(max_size=40))
def test_any_text_is_a_wait_that_is_finite_and_not_negative_or_none_at_all(text, date):
    seconds = retry_after({"retry-after": text, "date": date})
    assert seconds is None or 0 <= seconds < float("inf")
