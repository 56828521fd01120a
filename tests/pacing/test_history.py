"""What is kept of the durations of runs."""

from datetime import UTC, datetime, timedelta

from support.quick import each

from bentley_sync_async.models import ExecutionState, StorageRun
from bentley_sync_async.pacing.distribution import DurationPrior, fit_prior
from bentley_sync_async.pacing.history import KEPT, DurationHistory, durations_of

START = datetime(2030, 1, 1, tzinfo=UTC)


def ended(seconds, **members):
    end = START + timedelta(seconds=seconds)
    known = {"state": ExecutionState.COMPLETED, "start_date_time": START, "end_date_time": end} | members
    return StorageRun(id="r", **known)


def test_the_past_of_a_connection_was_not_asked_for_at_first():
    assert not DurationHistory().was_requested("a")


def test_that_a_connection_had_no_runs_is_known_too():
    history = DurationHistory()
    history.record_listed("a", ())
    assert (history.was_requested("a"), history.durations("a")) == (True, ())


def test_a_run_that_has_ended_is_not_all_of_the_past():
    history = DurationHistory()
    history.record("a", 10.0)
    assert not history.was_requested("a")


def test_a_run_that_has_ended_counts_once_though_it_is_listed_too():
    history = DurationHistory()
    history.record("a", 20.0)
    history.record_listed("a", [10.0, 20.0])
    assert history.durations("a") == (10.0, 20.0)


def test_a_list_that_shows_nothing_takes_nothing_away():
    history = DurationHistory()
    history.record("a", 20.0)
    history.record_listed("a", ())
    assert history.durations("a") == (20.0,)


def test_a_cancelled_history_request_does_not_count():
    history = DurationHistory()
    history.mark_requested("a")
    asked = history.was_requested("a")
    history.unmark_requested("a")
    assert (asked, history.was_requested("a")) == (True, False)


def test_runs_are_kept_in_their_order_by_connection():
    history = DurationHistory()
    history.record("a", 10.0, 20.0)
    history.record("b", 99.0)
    history.record("a", 30.0)
    assert (history.durations("a"), history.durations("b"), history.durations("c")) == ((10.0, 20.0, 30.0), (99.0,), ())


def test_only_the_last_runs_are_kept():
    history = DurationHistory()
    history.record("a", *map(float, range(1, KEPT + 4)))
    assert history.durations("a") == tuple(map(float, range(4, KEPT + 4)))


def test_the_first_runs_teach_at_once():
    history = DurationHistory()
    history.record("a", 10.0, 20.0)
    assert history.prior == fit_prior([(10.0, 20.0)])


def test_nothing_known_teaches_what_is_assumed():
    assert DurationHistory().prior == DurationPrior()


def test_the_prior_is_fitted_again_for_a_tenth_more_runs_only():
    history = DurationHistory()
    for number in range(20):
        history.record(str(number), 100.0)
    before = history.prior
    history.record("x", 100.0)
    history.record("y", 100.0)
    same = history.prior is before
    history.record("z", 100.0)
    assert (same, history.prior is before) == (True, False)


def test_what_all_runs_teach_keeps_up_though_only_the_last_are_kept():
    history = DurationHistory()
    history.record("a", *[100.0] * KEPT)
    before = history.prior
    history.record("a", *[5000.0] * KEPT)
    assert history.prior.typical > before.typical


def test_a_run_took_as_long_as_the_service_says():
    assert durations_of([ended(90.0)]) == [90.0]


@each(
    "run",
    [
        ended(90.0, state=ExecutionState.FINALIZING),
        ended(90.0, start_date_time=None),
        ended(90.0, end_date_time=None),
        ended(0.0),
        ended(-1.0),
    ],
)
def test_how_long_a_run_took_is_not_always_known(run):
    assert durations_of([run]) == []


def test_the_run_that_started_last_counts_as_the_latest_whatever_the_order_of_the_list():
    later = ended(90.0, start_date_time=START + timedelta(seconds=30))
    assert durations_of([later, ended(20.0)]) == [20.0, 60.0]


def test_a_single_run_teaches_something_already():
    history = DurationHistory()
    history.record("a", 60.0)
    assert history.prior != DurationPrior()
