import json
import math

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from bentley_sync_async import BackoffPacing
from bentley_sync_async.bulk import BulkPlan, Outcome, OutcomeStatus
from bentley_sync_async.bulk.plan import (
    USUAL_DURATION,
    expected_durations,
    expected_polls,
    lower_bound,
    make_plan,
    seconds_left,
    simulate,
)
from bentley_sync_async.bulk.schedule import Item
from bentley_sync_async.pacing import PollContext

STEADY = BackoffPacing(shortest=5, factor=1, longest=5, jitter=0)
SIGNED = "https://storage.example/report?se=2026&sig=c2lnbmF0dXJl%3D"


def an_item(connection_id: str, imodel_id: str | None, expected: float, itwin_id: str | None = None) -> Item:
    return Item(connection_id=connection_id, imodel_id=imodel_id, itwin_id=itwin_id, expected=expected)


ITEMS = [an_item("a1", "a", 100), an_item("a2", "a", 300), an_item("b1", "b", 200), an_item("c1", None, 50)]


def plan_of(items: list[Item], *, concurrency: int = 2, per_itwin: int | None = None, **others) -> BulkPlan:
    return make_plan(items, concurrency=concurrency, per_itwin=per_itwin, pacing=STEADY, **others)


def refused(number: int) -> list[Outcome]:
    return [
        Outcome(connection_id=f"no{one}", status=OutcomeStatus.REFUSED, reason="404: unknown") for one in range(number)
    ]


# What is expected.


def test_a_run_is_expected_to_take_as_long_as_its_past_ones_mostly_did():
    assert expected_durations({"a": [10, 1000, 20]}, ["a"]) == {"a": 20}


def test_a_connection_without_a_past_is_expected_to_be_as_the_others():
    assert expected_durations({"a": [10], "b": [20], "c": [90]}, ["new"]) == {"new": 20}


def test_where_nothing_has_a_past_all_are_expected_to_be_as_usual():
    assert expected_durations({"a": []}, ["a", "b"]) == {"a": USUAL_DURATION, "b": USUAL_DURATION}


@pytest.mark.parametrize(("seconds", "polls"), [(0, 1), (1, 2), (5, 2), (5.1, 3), (60, 13)])
def test_a_run_is_polled_at_once_then_at_every_interval_until_it_has_ended(seconds, polls):
    assert expected_polls(STEADY, [seconds]) == [polls]


def test_polls_become_rarer_as_the_pacing_says():
    pacing = BackoffPacing(shortest=2, factor=2, longest=8, jitter=0)  # at 0, 2, 6, 14, 22, 30
    assert expected_polls(pacing, [6, 7, 30]) == [3, 4, 6]


def test_the_polls_of_each_run_are_computed_independently():
    durations = [0.0, 3.0, 77.0, 1000.0, 5.0]
    assert expected_polls(STEADY, durations) == [polls for one in durations for polls in expected_polls(STEADY, [one])]


@frozen
class NoPause:
    def delay(self, context: PollContext) -> float:
        return 0.0


def test_a_pacing_that_never_waits_does_not_hang_a_plan():
    (polls,) = expected_polls(NoPause(), [1.0])
    assert polls == 10_000


# When.


def test_the_longest_imodel_begins_at_once_and_its_connections_follow_each_other():
    begins = {run.connection_id: run.begins for run in plan_of(ITEMS).runs}
    assert begins == {"a2": 0, "b1": 0, "c1": 200, "a1": 300}


def test_the_runs_stand_in_the_order_in_which_they_begin():
    assert [run.connection_id for run in plan_of(ITEMS).runs] == ["a2", "b1", "c1", "a1"]


def test_the_duration_is_until_the_last_run_has_ended():
    assert plan_of(ITEMS).duration == 400


def test_the_planned_requests_are_a_trigger_and_the_polls_of_each_run():
    assert plan_of([an_item("a", "a", 10), an_item("b", "b", 0)]).requests == (1 + 3) + (1 + 1)


@pytest.mark.parametrize(
    ("concurrency", "per_itwin", "seconds"),
    [
        pytest.param(9, None, 400, id="the work of the busiest iModel"),
        pytest.param(1, None, 650, id="all work"),
        pytest.param(2, 1, 600, id="the work of the busiest iTwin"),
    ],
)
def test_no_plan_is_quicker_than(concurrency, per_itwin, seconds):
    items = [evolve(item, itwin_id="t") if item.imodel_id else item for item in ITEMS]
    assert lower_bound(items, concurrency=concurrency, per_itwin=per_itwin) == seconds


def test_an_imodel_in_capitals_is_no_other_one():
    assert lower_bound([an_item("x", "AB", 1), an_item("y", "ab", 2)], concurrency=9, per_itwin=None) == 3


def test_nothing_takes_no_time():
    plan = plan_of([])
    assert (plan.duration, plan.lower_bound, plan.requests) == (0, 0, 0)


workloads = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.floats(0.1, 1000)), max_size=20, min_size=1
).map(lambda rows: [an_item(f"c{number}", imodel, seconds) for number, (imodel, seconds) in enumerate(rows)])


@given(workloads, st.integers(1, 5))
def test_a_rehearsal_keeps_to_the_bounds_and_ends_with_its_last_run(items, concurrency):
    begins, duration = simulate(items, concurrency=concurrency, per_itwin=None)
    spans = [(begins[item.connection_id], begins[item.connection_id] + item.expected) for item in items]
    least = lower_bound(items, concurrency=concurrency, per_itwin=None)
    assert duration == max(end for _, end in spans)
    assert least <= duration * (1 + 1e-9)
    assert duration <= sum(item.expected for item in items) * (1 + 1e-9)
    for begin, _ in spans:
        assert sum(start <= begin < end for start, end in spans) <= concurrency


def test_what_is_left_counts_what_has_passed_already():
    a2, b1 = ITEMS[1], ITEMS[2]
    assert seconds_left([], [(a2, 100.0), (b1, 50.0)], concurrency=2, per_itwin=None) == 200


def test_a_run_that_is_late_is_taken_to_end_soon():
    assert seconds_left([], [(ITEMS[0], 5000.0)], concurrency=2, per_itwin=None) == 10


def test_what_waits_comes_after_what_is_under_way_on_its_imodel():
    assert seconds_left([ITEMS[0]], [(ITEMS[1], 200.0)], concurrency=2, per_itwin=None) == 200


def test_what_is_left_is_counted_in_whole_runs():
    many = [an_item(str(number), str(number), 300) for number in range(10)]
    assert seconds_left(many, [], concurrency=4, per_itwin=None) == 900


# For people and programs.


def test_a_plan_is_a_table_in_the_order_of_the_runs_and_a_line_of_totals():
    assert str(plan_of(ITEMS)).splitlines() == [
        "begins  lasts  connection  iModel",
        "  0:00   5:00  a2          a",
        "  0:00   3:20  b1          b",
        "  3:20   0:50  c1          not known",
        "  5:00   1:40  a1          a",
        "4 connections to run on 3 iModels, 2 at a time: about 6:40 (at the least 6:40) and 138 requests.",
    ]


def test_a_plan_says_what_cannot_be_run_and_why():
    lines = str(plan_of(ITEMS, refused=refused(2))).splitlines()
    assert lines[-3:-1] == ["no0 refused: 404: unknown", "no1 refused: 404: unknown"]
    assert lines[-1].endswith(" Cannot be run: 2.")


def test_a_plan_says_what_an_earlier_process_has_finished():
    assert str(plan_of(ITEMS, finished=7)).endswith(" Finished by an earlier process: 7.")


def test_a_plan_of_nothing_is_its_totals():
    assert (
        str(plan_of([]))
        == "0 connections to run on 0 iModels, 2 at a time: about 0:00 (at the least 0:00) and 0 requests."
    )


def test_one_is_no_plural():
    assert plan_of(ITEMS[:1]).totals().startswith("1 connection to run on 1 iModel, ")


def test_of_a_long_plan_the_beginning_and_the_end_are_shown():
    items = [an_item(f"c{number:04}", f"i{number}", 5000 - number) for number in range(5000)]
    lines = str(plan_of(items, refused=refused(1000))).splitlines()
    assert len(lines) == 1 + 41 + 41 + 1
    assert [line.split()[2] for line in (lines[1], lines[20], lines[22], lines[41])] == [
        "c0000",
        "c0019",
        "c4980",
        "c4999",
    ]
    assert (lines[21], lines[62]) == ("  ... 4960 more ...", "  ... 960 more ...")


def test_a_plan_that_fits_is_shown_whole():
    items = [an_item(f"c{number:04}", f"i{number}", 1) for number in range(40)]
    assert len(str(plan_of(items)).splitlines()) == 1 + 40 + 1


def test_a_very_long_id_does_not_widen_the_other_lines():
    lines = str(plan_of([an_item("x" * 256, "a", 2), an_item("b1", "b", 1)])).splitlines()
    assert [len(line) < 100 for line in lines[:3]] == [True, False, True]


def test_an_endless_reason_of_a_refusal_stays_one_line():
    outcome = Outcome(connection_id="x\ny", status=OutcomeStatus.REFUSED, reason="why\n" * 5000)
    lines = str(plan_of([], refused=[outcome])).splitlines()
    assert [len(line) < 600 for line in lines] == [True, True]


def test_the_json_of_a_plan_has_the_apis_names_and_seconds():
    told = json.loads(plan_of([an_item("c", "i", 12.5, "t")], refused=refused(1), finished=3).to_json())
    assert told == {
        "runs": [{"connectionId": "c", "iModelId": "i", "iTwinId": "t", "begins": 0.0, "expected": 12.5}],
        "refused": [
            {
                "connectionId": "no0",
                "status": "refused",
                "reason": "404: unknown",
                "failedFiles": [],
                "joined": False,
                "attempts": 0,
                "requests": 0,
            }
        ],
        "finished": 3,
        "concurrency": 2,
        "duration": 12.5,
        "lowerBound": 12.5,
        "requests": 5,
    }


@pytest.mark.parametrize("form", [str, BulkPlan.to_json], ids=["text", "json"])
def test_no_form_of_a_plan_shows_the_signature_of_a_url(form):
    outcome = Outcome(connection_id=SIGNED, status=OutcomeStatus.REFUSED, reason=f"no {SIGNED}")
    assert "c2lnbmF0dXJl" not in form(plan_of(ITEMS, refused=[outcome]))


def test_ten_thousand_connections_are_planned_in_order():
    items = [an_item(f"c{number}", f"i{number % 3000}", math.exp(number % 7)) for number in range(10_000)]
    plan = plan_of([evolve(item, itwin_id="t") for item in items], concurrency=50, per_itwin=10)
    assert len(plan.runs) == 10_000
    assert [run.begins for run in plan.runs] == sorted(run.begins for run in plan.runs)
