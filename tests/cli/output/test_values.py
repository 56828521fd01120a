from datetime import UTC, datetime, timedelta, timezone

import pytest

from bentley_sync_async import ExecutionResult
from bentley_sync_async.cli.output.values import (
    age_text,
    last_part,
    printable,
    result_text,
    seconds_text,
    size_text,
    time_text,
    yes_or_no,
)

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=9.9), "just now"),
        (timedelta(seconds=10), "10 seconds ago"),
        (timedelta(seconds=59.9), "59 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=3, seconds=59), "3 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=61), "2 months ago"),
        (timedelta(days=365), "1 year ago"),
        (timedelta(minutes=-5), "in 5 minutes"),
    ],
)
def test_an_age_is_told_as_people_do(ago, text):
    assert age_text(NOW - ago, NOW) == text


def test_an_instant_is_told_in_the_time_zone_of_the_reader():
    there = NOW.astimezone(timezone(timedelta(hours=2)))
    assert time_text(NOW - timedelta(hours=1), there) == "2026-11-27 13:00:00 (1 hour ago)"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (2_000_000, "2.0 MB"),
        (3 * 10**9, "3.0 GB"),
        (10**15, "1000.0 TB"),
    ],
)
def test_a_size_has_a_unit(count, text):
    assert size_text(count) == text


def test_what_is_not_known_has_no_text():
    assert (seconds_text(None), yes_or_no(None), last_part(None), result_text(ExecutionResult.UNDETERMINED)) == (
        "",
    ) * 4


def test_words_for_the_others():
    assert (seconds_text(308), yes_or_no(True), yes_or_no(False)) == ("5m 08s", "yes", "no")
    assert (last_part("https://api.example/runs/r1/"), result_text(ExecutionResult.SUCCESS)) == ("r1", "Success")


@pytest.mark.parametrize("odd", ["\x1b[31m", "\r", "\x07", "\u202e", "\n"])
def test_a_name_cannot_control_the_terminal(odd):
    assert printable(f"a{odd}b").isprintable()
