"""The measurement of pacing, in small."""

from functools import partial
from random import Random

import pytest
from attrs import evolve
from support.quick import length

from benchmarks.pacing import __main__ as pacing
from benchmarks.pacing.client import night
from benchmarks.pacing.crowd import crowd
from benchmarks.pacing.optimum import Clairvoyant, best_backoff, best_fixed, optimum
from benchmarks.pacing.plots import delays_plot, polls_plot
from benchmarks.pacing.workloads import WORKLOADS, Case, lognormal, weibull

STEADY = WORKLOADS[1]
SIZE = {"tuned_on": 100, "published": 400}


@pytest.fixture(scope="module")
def rows():
    return list(pacing.rows(STEADY, [5, 10], **SIZE))


def measured(workload):
    return next(iter(pacing.rows(workload, [5], **SIZE)))


def test_the_same_runs_are_measured_each_time():
    twice = [list(pacing.rows(STEADY, [5], tuned_on=20, published=50)) for _ in range(2)]
    assert twice[0] == twice[1]


def test_all_pacings_need_as_many_requests(rows):
    row = rows[0]
    assert {row.fixed.polls, row.backoff.polls, row.clairvoyant.polls} == {row.learned.polls}


def test_as_many_requests_are_needed_as_were_aimed_at(rows):
    assert [row.learned.polls for row in rows] == pytest.approx([5, 10], rel=0.1)


def test_no_pacing_is_better_than_the_clairvoyant(rows):
    row = rows[0]
    assert row.clairvoyant.delay < min(row.learned.delay, row.fixed.delay, row.backoff.delay)


def test_more_requests_notice_ends_sooner(rows):
    assert rows[1].learned.delay < rows[0].learned.delay


def test_a_row_that_reaches_what_is_asked_holds(rows):
    assert "holds" in pacing.line(rows[0])


def test_a_row_that_does_not_reach_what_is_asked_fails(rows):
    demanding = evolve(rows[0], workload=evolve(STEADY, fixed=0.01))
    assert "**fails**" in pacing.line(demanding)


@pytest.mark.parametrize("workload", WORKLOADS[:: length(6, 1)], ids=lambda workload: workload.name)
def test_every_workload_can_be_measured(workload):
    row = measured(workload)
    assert 0 < row.clairvoyant.delay < row.fixed.delay


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_runs_of_a_workload_follow_its_law(workload):
    cases = workload.cases(500, Random(1))
    shares = [1 - workload.law.survival(case.duration / case.scale) for case in cases]
    assert sorted(shares) == pytest.approx([(index + 0.5) / 500 for index in range(500)], abs=0.003)


@pytest.mark.parametrize("law", [lognormal(0.3), weibull(2.0)], ids=["log-normal", "Weibull"])
def test_the_optimum_cannot_be_improved_by_moving_a_poll(law):
    price = 0.01
    best = optimum(law.survival, price)

    def cost(schedule):
        alive, total = 1.0, 0.0
        for at in schedule:
            total += price * alive + at * (alive - law.survival(at))
            alive = law.survival(at)
        return total

    moved = [
        cost(sorted([*best[:index], best[index] * factor, *best[index + 1 :]]))
        for index in range(8)
        for factor in (0.98, 0.999, 1.001, 1.02)
    ]
    assert cost(best) <= min(moved) + 1e-6


def test_the_best_fixed_interval_is_computed_correctly():
    cases = [Case(past=(), duration=float(seconds), scale=1.0) for seconds in range(1, 1001)]
    assert best_fixed(cases, 10.5).delay == pytest.approx(25, rel=0.05)


def test_the_best_backoff_is_at_least_as_good_as_regular_polls_at_steady_hazards():
    cases = STEADY.cases(400, Random(1))
    assert best_backoff(cases, 10).delay < 1.1 * best_fixed(cases, 10).delay


def test_the_clairvoyant_computes_each_price_once():
    clairvoyant = Clairvoyant(lognormal(0.3).survival)
    assert clairvoyant.schedule(0.01) is clairvoyant.schedule(0.0101)


def test_plots_are_drawn(rows):
    assert all(plot.startswith("<svg") and plot.endswith("</svg>\n") for plot in (polls_plot(), delays_plot(rows)))


@pytest.fixture
def page(monkeypatch, tmp_path):
    """A document of its own for the whole command, which measures few runs."""
    path = tmp_path / "pacing.md"
    path.write_text(f"before\n{pacing.BEGIN}old\n{pacing.END}after\n", encoding="utf-8")
    monkeypatch.setattr(pacing, "DOCS", tmp_path)
    monkeypatch.setattr(pacing, "WORKLOADS", (STEADY,))
    monkeypatch.setattr(pacing, "REQUESTS", (5,))
    monkeypatch.setattr(pacing, "CURVE", (5,))
    monkeypatch.setattr(pacing, "TUNED_ON", 50)
    monkeypatch.setattr(pacing, "PUBLISHED", 150)
    monkeypatch.setattr(pacing, "crowd", lambda: crowd(5))
    monkeypatch.setattr(pacing, "night", partial(night, 5, share=0.05))
    return path


def test_a_check_fails_while_the_page_shows_another_table_and_changes_nothing(page):
    before = page.read_text(encoding="utf-8")
    assert (pacing.main(["--check"]), page.read_text(encoding="utf-8")) == (1, before)


def test_a_check_succeeds_once_table_and_plots_are_written(page):
    assert (pacing.main([]), pacing.main(["--check"])) == (0, 0)


def test_only_what_stands_between_the_marks_is_written(page):
    pacing.main([])
    text = page.read_text(encoding="utf-8")
    assert (text.startswith(f"before\n{pacing.BEGIN}| workload"), text.endswith(f"{pacing.END}after\n")) == (True, True)


def test_the_command_fails_when_a_row_does_not_hold(page, monkeypatch):
    monkeypatch.setattr(pacing, "WORKLOADS", (evolve(STEADY, fixed=0.01),))
    assert pacing.main([]) == 1
