"""The table of the benchmark: which bounds hold, and what is shown."""

import pytest

from benchmarks.table import ROWS, Result, Row, results, text, to_json

MOST = Row(name="most", what="ours / theirs", of="ours", over="theirs", bound=1.2)
LEAST = Row(name="least", what="throughput", of="ours", over="theirs", bound=0.8, at_least=True)
KB = Row(name="memory", what="memory in kB", of="memory", over=1000.0, bound=6.0)


def value(row, **figures):
    return results(figures, [row])[0].value


def test_a_ratio_is_taken_in_every_round_and_the_median_counts():
    assert value(MOST, ours=[2.0, 9.0, 4.0], theirs=[1.0, 1.0, 4.0]) == 2.0


def test_a_figure_can_be_held_against_a_limit():
    assert value(KB, memory=[9000.0, 5000.0, 7000.0]) == 7.0


@pytest.mark.parametrize(
    ("row", "ratio", "holds"),
    [(MOST, 1.2, True), (MOST, 1.21, False), (LEAST, 0.8, True), (LEAST, 0.79, False)],
)
def test_a_bound_holds_up_to_itself(row, ratio, holds):
    assert Result(row=row, ratios=[ratio]).holds is holds


def test_a_row_without_a_bound_neither_holds_nor_misses():
    row = Row(name="told", what="told", of="ours", over="theirs")
    assert Result(row=row, ratios=[1.0]).holds is None


def test_a_row_whose_peer_was_not_measured_is_absent():
    assert results({"ours": [1.0]}, [MOST]) == []


def test_a_bound_that_is_missed_stays_in_sight():
    figures = {"ours": [2e-3], "theirs": [1e-3]}
    assert "ours / theirs" in text(results(figures, [MOST]), figures)
    assert "<= 1.2  MISSED" in text(results(figures, [MOST]), figures)


def test_least_and_most_of_all_rounds_are_shown():
    figures = {"ours": [1.0, 3.0, 2.0], "theirs": [1.0, 1.0, 1.0]}
    assert "1.00 - 3.00" in text(results(figures, [MOST]), figures)


def test_a_row_is_compared_with_its_earlier_value():
    figures = {"ours": [3.0], "theirs": [2.0]}
    assert " 2.00     0.75" in text(results(figures, [MOST]), figures, {"most": 2.0})


def test_a_row_that_an_earlier_table_lacks_is_not_compared():
    figures = {"ours": [3.0], "theirs": [2.0]}
    assert " -        -" in text(results(figures, [MOST]), figures, {})


def test_what_is_written_says_whether_the_bound_holds():
    written = to_json(Result(row=LEAST, ratios=[0.5, 0.7]))
    assert (written["name"], written["value"], written["holds"]) == ("least", pytest.approx(0.6), False)


def test_no_bound_is_looser_than_was_promised():
    assert {row.name: row.bound for row in ROWS if row.bound is not None} == {
        "unchanged": 1.2,
        "changed": 1.35,
        "decode and diff": 0.1,
        "first decode": 0.5,
        "watches": 0.4,
        "memory": 6.0,
        "crowd": 1.15,
        "trigger": 0.8,
        "import": 1.25,
        "help": 1.5,
    }


def test_every_row_has_a_name_of_its_own():
    assert len({row.name for row in ROWS}) == len(ROWS)
