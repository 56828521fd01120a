"""The benchmark of bulks works, and what it counts holds; how fast anything is, no test says."""

import contextlib
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.quick import FULL_LENGTH, once

from benchmarks.bulk import __main__ as bulk

CONNECTIONS = 12
STATES = {"waiting", "under way", "finished"}
BULKS = ["bulk", "bulk with a journal", "bulk, traced"]


@pytest.fixture(scope="session")
def benchmark(tmp_path_factory, worker_id):
    """What it prints, and the figures that it writes."""

    def measured():
        path = tmp_path_factory.mktemp("figures") / "bulk.json"
        size = ["--connections", str(CONNECTIONS), "--imodels", "4", "--concurrency", "4"]
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
            if not FULL_LENGTH:  # four processes that import everything take most of the time
                patch.setattr(bulk, "ProcessPoolExecutor", lambda **_: ThreadPoolExecutor(1))
            bulk.main([*size, "--json", str(path)])
        return printed.getvalue(), json.loads(path.read_text("utf-8"))["measurements"]

    return once(tmp_path_factory, worker_id, "bulk", measured)


@pytest.fixture
def found(benchmark):
    return benchmark[1]


@pytest.mark.parametrize("name", [*BULKS, "watches"])
def test_every_connection_is_run_exactly_once(found, name):
    assert found[name]["runs"] == [1, 1]


@pytest.mark.parametrize("name", BULKS)
def test_a_bulk_takes_three_requests_a_connection_and_its_polls(found, name):
    asked = {kind: count / CONNECTIONS for kind, count in found[name]["asked"].items() if kind != "polls"}
    assert asked == {"look-ups": 1, "histories": 1, "triggers": 1}


def test_watches_that_meet_each_other_trigger_more_often_than_a_bulk(found):
    assert found["watches"]["asked"]["triggers"] > found["bulk"]["asked"]["triggers"]


def test_a_journal_notes_a_trigger_before_and_after_it_and_an_outcome(found):
    notes_of_the_bulk = ["learn", "begin", "end"]
    assert found["bulk with a journal"]["more"]["notes"] == 3 * CONNECTIONS + len(notes_of_the_bulk)


def test_the_next_night_is_planned_without_a_request(found):
    assert found["bulk with a journal"]["more"]["requests of the next plan"] == 0


def test_memory_is_measured_for_each_state_of_a_connection(found):
    traced = found["bulk, traced"]["memory"]
    assert set(traced) == STATES
    assert min(traced.values()) > 0


def test_requests_and_memory_a_connection_are_printed(benchmark):
    for line in ("requests a connection ", "polls", *(f"resident a connection {state}, KiB " for state in STATES)):
        assert line in benchmark[0]


@pytest.mark.parametrize("arguments", [["--connections", "10", "--imodels", "11"], ["--concurrency", "20000"]])
def test_a_night_that_cannot_be_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        bulk.main(arguments)
    assert "more than run at a time" in capsys.readouterr().err
