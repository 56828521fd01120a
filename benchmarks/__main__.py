"""What the client costs: a table of ratios to its peers and limits, all measured in this run.

    python -m benchmarks [--only PART ...] [--rounds N] [--smoke] [--json FILE] [--compare FILE]

It exits with 0 whether or not the bounds hold: how fast anything is depends on the machine, and the table says it.
"""

import argparse
import json
import multiprocessing
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from . import crowds, decoding, imports, table, turns
from .contenders import PEERS, WATCHES, installed
from .server import serving

_PACKAGES = ("aiohttp", "anyio", "attrs", "cattrs", "msgspec", "azure-core", "openai", "pydantic", "uvloop")


@frozen(kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: How often, where contenders take turns in one process.
        processes: How often, where each has a process of its own.
        turn: Seconds of a turn.
        at_once: Watches of a contender that take turns.
        pause: Seconds between two polls of such a watch.
        watches: Watches of a contender that has a process of its own.
        many: Watches of a crowd, which all together poll as often as `watches` do.
        few: Watches that poll as often as the crowd.
        interval: Seconds between two polls of a watch, where all watches have the same.
        window: Seconds for which these are measured.
        idle: Watches whose memory is measured.
        repeats: Decodings in a round.
        imports: How often programs are started.
        tasks_a_process: How much is measured in one process: what a measurement leaves there must not count for others.
    """

    rounds: int = 16
    processes: int = 3
    turn: float = 0.35
    at_once: int = 16
    pause: float = 0.03
    watches: int = 1000
    many: int = 10_000
    few: int = 100
    interval: float = 1.0
    window: float = 3.0
    idle: int = 10_000
    repeats: int = 2
    imports: int = 7
    tasks_a_process: int | None = 1


SMOKE = Size(
    rounds=1,
    processes=1,
    turn=0.1,
    at_once=2,
    pause=0.005,
    watches=20,
    many=30,
    few=10,
    interval=0.1,
    window=0.2,
    idle=100,
    repeats=1,
    imports=1,
    tasks_a_process=None,
)
"""Enough to see that it works, and to say nothing about how fast."""

Figures = dict[str, list[float]]


@frozen(kw_only=True)
class Run:
    """What a part of the benchmark works with.

    Attributes:
        origin: The server's.
        size: How much is measured.
        processes: What measures in other processes.
    """

    origin: str
    size: Size
    processes: ProcessPoolExecutor

    def alone(self, measure: Callable[..., Any], *arguments: object, **options: object) -> Any:
        """Measure in a process of its own."""
        return self.processes.submit(measure, *arguments, **options).result()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it to a file if there is one."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    parser.add_argument("--rounds", type=int, help="how often, in place of what each part does")
    parser.add_argument("--smoke", action="store_true", help="see only whether it works, in seconds")
    parser.add_argument("--json", type=Path, help="a file to write all figures to")
    parser.add_argument("--compare", type=Path, help="such a file of an earlier run")
    given = parser.parse_args(arguments)
    size = SMOKE if given.smoke else Size()
    if given.rounds is not None:
        size = evolve(size, rounds=given.rounds, processes=given.rounds, imports=given.rounds)
    earlier = _values(given.compare) if given.compare is not None else None
    left_out = [name for name in PEERS if not installed(name)]
    began = time.monotonic()
    figures: Figures = {}
    fresh = multiprocessing.get_context("spawn")
    with (
        serving() as origin,
        ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=size.tasks_a_process) as processes,
    ):
        run = Run(origin=origin, size=size, processes=processes)
        for part in given.only:
            figures |= {f"{part}: {name}": samples for name, samples in PARTS[part](run).items()}
    found = table.results(figures)
    print(table.text(found, figures, earlier))
    print(f"\nMedians, least and most of all rounds; measured in {time.monotonic() - began:.0f} s.")
    for name in left_out:
        print(f"{name} is left out: it is not installed (pip install '.[bench]').")
    if "uvloop" in given.only and turns.eager_python() is None:
        print("eager tasks are left out: they need Python 3.12 (make matrix) and uvloop.")
    if given.json is not None:
        rows = [table.to_json(result) for result in found]
        written = {"rows": rows, "left_out": left_out, "figures": figures, "size": asdict(size), "made_by": _made_by()}
        given.json.write_text(json.dumps(written, indent=2), "utf-8")


def _polls(run: Run) -> Figures:
    names, size = ["bare", "unchanged", "changed", "msgspec"], run.size
    return run.alone(
        turns.measure, run.origin, names, watches=size.at_once, pause=size.pause, seconds=size.turn, rounds=size.rounds
    )


def _uvloop(run: Run) -> Figures:
    names, size = ["bare", "unchanged"], run.size
    options: dict[str, Any] = {
        "watches": size.at_once,
        "pause": size.pause,
        "seconds": size.turn,
        "rounds": size.rounds,
    }
    found: Figures = {}
    if installed("uvloop"):
        found |= run.alone(turns.measure, run.origin, names, **options, loop="uvloop")
    eager = turns.measure_eager(origin=run.origin, names=names, **options)
    return found | {f"eager, {name}": samples for name, samples in eager.items()}


def _rush(run: Run) -> Figures:
    names, size = ["bare", "unchanged", "changed", "bare POST", "trigger"], run.size
    return run.alone(
        turns.measure, run.origin, names, watches=size.at_once, pause=0, seconds=size.turn, rounds=size.rounds
    )


def _decode(run: Run) -> Figures:
    return run.alone(decoding.measure, repeats=run.size.repeats, rounds=run.size.rounds)


def _watches(run: Run) -> Figures:
    size = run.size

    def cost(name: str) -> float:
        watches, interval, window = size.watches, size.interval, size.window
        return run.alone(crowds.cost, run.origin, name, watches=watches, interval=interval, window=window)

    return _rounds(size, {name: cost for name in WATCHES if installed(name)})


def _crowd(run: Run) -> Figures:
    size = run.size
    crowd = {"many": size.many, "few": size.few}

    def cost(name: str) -> float:
        watches = crowd[name]
        interval = size.interval * watches / size.watches
        return run.alone(crowds.cost, run.origin, "ours", watches=watches, interval=interval, window=size.window)

    return _rounds(size, dict.fromkeys(crowd, cost))


def _memory(run: Run) -> Figures:
    def memory(name: str, watches: int) -> float:
        return run.alone(crowds.memory, run.origin, name, watches=watches)

    peers = [name for name in WATCHES if installed(name) and name not in {"ours", "bare"}]
    return {
        "ours": [memory("ours", run.size.idle) for _ in range((1 + run.size.processes) // 2)],  # they differ little
        **{name: [memory(name, run.size.idle // 5)] for name in peers},
    }


def _imports(run: Run) -> Figures:
    return imports.measure(rounds=run.size.imports)


PARTS: dict[str, Callable[[Run], Figures]] = {
    "poll": _polls,
    "uvloop": _uvloop,
    "rush": _rush,
    "decode": _decode,
    "watches": _watches,
    "crowd": _crowd,
    "memory": _memory,
    "import": _imports,
}
"""What is measured together, by what its figures begin with."""


def _rounds(size: Size, measures: dict[str, Callable[[str], float]]) -> Figures:
    """Measure one after the other, and all again, so that what changes on the machine meets all alike."""
    found: Figures = {name: [] for name in measures}
    for _ in range(size.processes):
        for name, measure in measures.items():
            found[name].append(measure(name))
    return found


def _values(path: Path) -> dict[str, float]:
    return {row["name"]: row["value"] for row in json.loads(path.read_text("utf-8"))["rows"]}


def _made_by() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
