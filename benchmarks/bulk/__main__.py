"""Ten thousand connections in one bulk, against as many watches under a semaphore: memory, requests, CPU, time.

    python -m benchmarks.bulk [--connections 10000] [--imodels 3000] [--concurrency 200] [--json PATH]

The service is a model in memory, time is virtual, and each measurement has a process of its own.
"""

import argparse
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from attrs import asdict

from .measuring import Figures, Size
from .nights import MEASUREMENTS, measure

_KINDS = ("look-ups", "histories", "triggers", "polls")
_STATES = ("waiting", "under way", "finished")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print what was found, and write it to a file if there is one."""
    parser = argparse.ArgumentParser(prog="benchmarks.bulk", description=__doc__.partition("\n")[0])
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--imodels", type=int, default=3_000)
    parser.add_argument("--concurrency", type=int, default=200)
    parser.add_argument("--json", type=Path, help="a file to write all figures to")
    given = parser.parse_args(arguments)
    if not (0 < given.imodels <= given.connections and 0 < given.concurrency < given.connections):
        parser.error("there must be as many connections as iModels at the least, and more than run at a time")
    size = Size(connections=given.connections, imodels=given.imodels, concurrency=given.concurrency)
    # What one measurement leaves in memory must not count for the next; two at a time have a processor each.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=2, mp_context=fresh, max_tasks_per_child=1) as processes:
        found = dict(zip(MEASUREMENTS, processes.map(measure, MEASUREMENTS, [size] * len(MEASUREMENTS)), strict=True))
    print(text(size, found))
    if given.json is not None:
        figures = {name: asdict(one) for name, one in found.items()}
        given.json.write_text(json.dumps({"size": asdict(size), "measurements": figures}, indent=2), "utf-8")


def text(size: Size, found: dict[str, Figures]) -> str:
    """Return the figures for people."""
    bulk, journaled, watches, traced = (found[name] for name in MEASUREMENTS)
    lines = [
        f"{size.connections:,} connections on {size.imodels:,} iModels, {size.concurrency:,} at a time",
        "",
        f"{'':42}{'bulk':>10}{'+ journal':>12}{'watches':>10}{'journal/no':>12}{'bulk/watches':>14}",
    ]
    rows = {
        "time over the least possible": [one.makespan for one in (bulk, journaled, watches)],
        "requests a connection": [one.requests / size.connections for one in (bulk, journaled, watches)],
        **{
            f"  {kind}": [one.asked.get(kind, 0) / size.connections for one in (bulk, journaled, watches)]
            for kind in _KINDS
        },
        "runs of a connection, at the most": [float(one.runs[1]) for one in (bulk, journaled, watches)],
        "CPU a connection, ms": [1e3 * one.cpu / size.connections for one in (bulk, journaled, watches)],
        "CPU a request, us": [1e6 * one.cpu / one.requests for one in (bulk, journaled, watches)],
        **{
            f"resident a connection {state}, KiB": [one.memory[state] / 1024 for one in (bulk, journaled, watches)]
            for state in _STATES
        },
        "resident at the most, KiB a connection": [one.peak / 1024 for one in (bulk, journaled, watches)],
    }
    lines += [_row(name, *values) for name, values in rows.items()]
    lines += ["", "of the bulk alone"]
    lines += [f"  traced a connection {state}, KiB: {traced.memory[state] / 1024:.1f}" for state in _STATES]
    request = bulk.cpu / bulk.requests
    lines += [
        f"  {name}: {1e3 * cpu:.1f} ms of CPU, as much as {cpu / request:.0f} requests"
        for name, cpu in bulk.more.items()
    ]
    lines += ["", "of the journal", *(f"  {line}" for line in _journal(size, journaled))]
    return "\n".join(lines)


def _row(name: str, bulk: float, journaled: float, watches: float) -> str:
    against = [f"{over / under:.2f}" if under > 0 else "-" for over, under in ((journaled, bulk), (bulk, watches))]
    return f"{name:42}{bulk:10.2f}{journaled:12.2f}{watches:10.2f}{against[0]:>12}{against[1]:>14}"


def _journal(size: Size, figures: Figures) -> list[str]:
    each = {name: value / size.connections for name, value in figures.more.items()}
    transaction = each["seconds in SQLite"] / each["transactions"]
    synced = transaction / figures.more["seconds to sync a page"]
    rows = {
        "notes a connection": f"{each['notes']:.2f}, in {each['transactions']:.2f} transactions",
        "time in SQLite a connection": f"{1e3 * each['seconds in SQLite']:.2f} ms",
        "CPU of that": f"{1e3 * each['seconds of CPU in SQLite']:.2f} ms",
        "a transaction": f"{1e3 * transaction:.2f} ms, {synced:.2f} of a page that is written and synced",
        "on the disk": f"{each['bytes on the disk'] / 1024:.2f} KiB a connection",
        "requests for the next night's plan": f"{figures.more['requests of the next plan']:.0f}",
        "CPU for it": f"{1e3 * each['seconds of CPU of the next plan']:.3f} ms a connection",
    }
    return [f"{name}: {value}" for name, value in rows.items()]


if __name__ == "__main__":
    main()
