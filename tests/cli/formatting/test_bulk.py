from datetime import UTC, datetime, timedelta

from support.quick import each

from bentley_sync_async import ExecutionResult, RateTier, RunRef
from bentley_sync_async.bulk import BulkProgress, BulkReport, FailedFile, Outcome, OutcomeStatus
from bentley_sync_async.cli.formatting.bulk import (
    activity_text,
    counts_text,
    detached_text,
    done_text,
    one_line,
    outcome_lines,
    outcome_name,
    outcome_style,
    report_text,
)
from bentley_sync_async.transport.rate_limit.budget import RequestBudget

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DONE, FAILED, DETACHED = OutcomeStatus.SUCCEEDED, OutcomeStatus.FAILED, OutcomeStatus.DETACHED
REF = RunRef(connection_id="c", run_id="r")


def outcome(status=DONE, connection_id="c", **rest):
    return Outcome(connection_id=connection_id, status=status, **rest)


def progress(**some):
    none = {"total": 200, "waiting": 0, "active": 0, "finished": 0, "counts": {}, "requests": 0, "seconds_left": None}
    return BulkProgress(**(none | some))


def report(*outcomes):
    return BulkReport(outcomes=outcomes, began_at=AT, duration=60.0)


def file(**some):
    return FailedFile(**({"storage_file_id": "f", "result": ExecutionResult.ERROR} | some))


def test_an_end_says_how_long_the_run_took():
    assert outcome_lines(outcome(began_at=AT, ended_at=AT + timedelta(seconds=125))) == ["succeeded after 2m 05s"]


def test_an_end_that_is_not_good_says_why():
    assert outcome_lines(outcome(FAILED, error_key="Key", reason="It\nbroke.")) == ["failed: Key: It broke."]


def test_an_end_that_is_good_needs_no_reason():
    assert outcome_lines(outcome(OutcomeStatus.SKIPPED, reason="Nothing to do.")) == ["skipped"]


def test_a_file_that_failed_says_why_and_who_can_fix_it():
    [_, line] = outcome_lines(outcome(FAILED, failed_files=(file(error_key="K", description="D", can_user_fix=True),)))
    assert line == "  file f: K: D (fixable by the user: yes)"


def test_a_file_that_failed_without_a_reason_says_what_came_of_it():
    [_, line] = outcome_lines(outcome(FAILED, failed_files=(file(storage_file_id=None),)))
    assert line == "  a file without an id: Error, no reason given (fixable by the user: ?)"


def test_of_many_failed_files_a_few_are_listed_and_the_rest_counted():
    lines = outcome_lines(outcome(FAILED, failed_files=(file(),) * 10))
    assert len(lines) == 5
    assert lines[-1] == "  and 7 more files"


@each(
    ("given", "name"),
    [
        ({"connection_id": "c"}, "c"),
        ({"connection_id": None, "imodel_id": "i"}, "iModel i"),
        ({"connection_id": ""}, ""),
    ],
)
def test_an_outcome_is_called_by_its_connection_or_else_its_imodel(given, name):
    assert outcome_name(outcome(**given)) == name


def test_a_text_of_the_service_cannot_move_the_cursor():
    assert one_line("red \x1b[31m\r\n\ttext ") == "red [31m text"


def test_a_text_of_the_service_is_shortened():
    assert one_line("x" * 1000) == "x" * 300 + "..."


@each(("status", "style"), [(DONE, "green"), (FAILED, "red"), (OutcomeStatus.PARTIAL_SUCCESS, "yellow")])
def test_an_outcome_has_a_colour(status, style):
    assert outcome_style(status) == style


def test_the_finished_percentage_is_rounded_down():
    assert done_text(progress(total=5000, finished=4999)) == "4,999 of 5,000 (99 %)"


def test_nothing_is_done_before_it_is_known_what_there_is_to_do():
    assert done_text(progress(total=0)) == "0 of 0 (0 %)"


def test_only_what_happened_is_counted():
    assert counts_text({FAILED: 2, DONE: 1200, DETACHED: 0}) == "1,200 succeeded, 2 failed"


def test_what_goes_on_has_its_cost_and_its_end():
    told = activity_text(progress(active=50, waiting=3716, requests=12345, seconds_left=4800.0), 0)
    assert told == "50 active, 3,716 waiting; 12,345 requests; about 1h 20m left"


def test_the_cost_is_shown_with_what_is_left_of_the_hour():
    use = RequestBudget(RateTier.COMMUNITY).use(0.0)
    assert activity_text(progress(requests=812), 0, use).endswith("; 812 requests, 5,000 left this hour")


def test_where_the_hour_has_no_limit_nothing_is_said_of_what_is_left():
    use = RequestBudget(RateTier.STANDARD).use(0.0)
    assert activity_text(progress(requests=812), 0, use).endswith("; 812 requests")


def test_what_waits_for_a_busy_imodel_is_counted():
    assert activity_text(progress(active=3), 2).startswith("3 active (2 waiting for a busy iModel), ")


def test_no_time_left_is_shown_that_is_not_known():
    assert activity_text(progress(seconds_left=None), 0).endswith("; 0 requests")


def test_before_the_connections_are_known_they_are_being_resolved():
    assert activity_text(progress(total=0, requests=7), 0) == "resolving the connections; 7 requests"


def test_a_report_that_fits_on_a_page_is_shown_in_full():
    whole = report(*[outcome(connection_id=f"c{number}") for number in range(50)])
    assert report_text(whole) == str(whole)


def test_a_long_report_shows_what_needs_attention_and_the_totals():
    whole = report(*[outcome(connection_id=f"good{n}") for n in range(60)], outcome(FAILED, "bad", reason="Broken."))
    text = report_text(whole)
    assert "bad failed: Broken." in text
    assert "good" not in text
    assert text.splitlines()[-1] == whole.totals()
    assert text.count("failed; ") == 1


def test_a_long_report_of_failures_is_cut():
    whole = report(*[outcome(FAILED, f"bad{number:04}") for number in range(5000)])
    text = report_text(whole)
    assert "bad0049" in text
    assert "bad0050" not in text
    assert text.splitlines()[-2:] == ["and 4,950 more like these; --junit PATH and --json list all.", whole.totals()]


def test_a_long_report_without_failures_is_its_totals():
    whole = report(*[outcome(connection_id=f"c{number}") for number in range(51)])
    assert report_text(whole) == whole.totals()


def test_unfinished_connections_and_runs_are_reported():
    left = report(outcome(), outcome(DETACHED, ref=REF), outcome(DETACHED, ref=REF), outcome(DETACHED))
    assert detached_text(left) == ("Finished connections: 1 of 4. Runs that go on, as the API cannot cancel them: 2.")


def test_nothing_is_left_behind_that_was_not_triggered():
    assert detached_text(report(outcome(DETACHED))) == "Finished connections: 0 of 1."


def test_an_outcome_has_the_name_that_tells_its_connection_from_namesakes():
    one = Outcome(connection_id="c", status=OutcomeStatus.FAILED, display_name="Station")
    assert outcome_name(one) == "Station"
    assert outcome_name(one, {"c": "Station (...0002)"}) == "Station (...0002)"
