"""`python -m benchmarks` works: every row comes out and is written. How fast anything is, no test says."""

import contextlib
import io
import json

import pytest
from support.quick import once

from benchmarks import __main__ as command
from benchmarks.contenders import PEERS, installed
from benchmarks.table import ROWS
from benchmarks.turns import eager_python


def measured_here(row):
    figures = row.of + str(row.over)
    if "eager" in figures:
        return eager_python() is not None
    return all(installed(peer) or peer not in figures for peer in PEERS)


MEASURED = [row for row in ROWS if measured_here(row)]


def printed(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        command.main([str(argument) for argument in arguments])
    return output.getvalue()


@pytest.fixture(scope="session")
def run(tmp_path_factory, worker_id):
    """What it prints and writes, and what a second run prints that is compared with it."""

    def measured():
        path = tmp_path_factory.mktemp("table") / "bench.json"
        first = printed("--smoke", "--json", path)
        compared = printed("--smoke", "--only", "decode", "--compare", path)
        return {"printed": first, "written": json.loads(path.read_text("utf-8")), "compared": compared}

    return once(tmp_path_factory, worker_id, "table", measured)


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row.name)
def test_every_row_is_printed(run, row):
    assert f"\n{row.what} " in run["printed"]


def test_every_row_is_written(run):
    assert {row["name"] for row in run["written"]["rows"]} == {row.name for row in MEASURED}


def test_every_figure_took_some_time(run):
    times = {name: rounds for name, rounds in run["written"]["figures"].items() if not name.startswith("memory")}
    assert [name for name, rounds in times.items() if min(rounds) <= 0] == []


def test_a_peer_that_is_not_installed_is_said_to_be_left_out(run):
    said = {peer for peer in PEERS if f"{peer} is left out" in run["printed"]}
    assert said == {peer for peer in PEERS if not installed(peer)}


def test_a_second_run_is_compared_with_what_the_first_wrote(run):
    line = next(
        line for line in run["compared"].splitlines() if line.startswith("decode of a first snapshot, 408 kB / json")
    )
    then = next(row["value"] for row in run["written"]["rows"] if row["name"] == "first decode")
    assert f" {then:.2f} " in line
