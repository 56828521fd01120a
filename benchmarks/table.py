"""The table: what is compared with what, which bounds hold, and what has become of it since an earlier one. Pure."""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from attrs import frozen

Figures = Mapping[str, list[float]]
"""What was measured, by round: seconds of CPU, or bytes."""


@frozen(kw_only=True)
class Row:
    """A ratio of two figures, or of a figure to a limit.

    Attributes:
        name: What JSON calls it.
        what: What people read.
        of: The figure above the line.
        over: The figure below it, or a limit's unit.
        bound: What it must not pass; `None` for a row that is only shown.
        at_least: Whether the bound is the least that it must be, not the most.
    """

    name: str
    what: str
    of: str
    over: str | float
    bound: float | None = None
    at_least: bool = False

    def ratios(self, figures: Figures) -> list[float] | None:
        """Return the ratio in every round, `None` if a figure was not measured."""
        above = figures.get(self.of)
        below = figures.get(self.over) if isinstance(self.over, str) else [self.over] * len(above or ())
        if not above or not below:
            return None
        return [one / other for one, other in zip(above, below, strict=True)]


@frozen(kw_only=True)
class Result:
    """What became of a row.

    Attributes:
        row: The row.
        ratios: By round.
    """

    row: Row
    ratios: list[float]

    @property
    def value(self) -> float:
        """The median of all rounds."""
        return median(self.ratios)

    @property
    def holds(self) -> bool | None:
        """Whether the bound holds, `None` if there is none."""
        if self.row.bound is None:
            return None
        return self.value >= self.row.bound if self.row.at_least else self.value <= self.row.bound


_WATCHES = "1,000 watches at 1 poll/s, CPU a poll"
_IDLE = "memory an idle watch, in kB"
_KB = 1000.0
_LARGE = 5e-3  # seconds from which on they are shown in ms

ROWS = (
    Row(
        name="unchanged",
        what="CPU a poll, 17 kB, unchanged / bare aiohttp",
        of="poll: unchanged",
        over="poll: bare",
        bound=1.2,
    ),
    Row(
        name="changed",
        what="CPU a poll, 17 kB, one task changed / bare aiohttp",
        of="poll: changed",
        over="poll: bare",
        bound=1.35,
    ),
    Row(
        name="decode and diff",
        what="decode + diff, 408 kB, one task changed / json + cattrs",
        of="decode: changed, ours",
        over="decode: changed, cattrs",
        bound=0.1,
    ),
    Row(
        name="first decode",
        what="decode of a first snapshot, 408 kB / json + cattrs",
        of="decode: first, ours",
        over="decode: first, cattrs",
        bound=0.5,
    ),
    Row(
        name="watches",
        what=f"{_WATCHES} / azure-core",
        of="watches: ours",
        over="watches: azure-core",
        bound=0.4,
    ),
    Row(name="memory", what=_IDLE, of="memory: ours", over=_KB, bound=6.0),
    Row(name="crowd", what="CPU a poll, 10,000 watches / 100 watches", of="crowd: many", over="crowd: few", bound=1.15),
    Row(
        name="trigger",
        what="trigger throughput / bare aiohttp POSTs",
        of="rush: bare POST",
        over="rush: trigger",
        bound=0.8,
        at_least=True,
    ),
    Row(
        name="import",
        what="import bentley_sync_async / its dependencies",
        of="import: package",
        over="import: dependencies",
        bound=1.25,
    ),
    Row(
        name="help",
        what="bentley-sync --help / import typer, rich",
        of="import: help",
        over="import: typer and rich",
        bound=1.5,
    ),
    Row(
        name="import of the client",
        what="from bentley_sync_async import SynchronizationClient / the same",
        of="import: client",
        over="import: dependencies",
    ),
    Row(
        name="unchanged to a loop",
        what="CPU a poll, 17 kB, unchanged / msgspec loop",
        of="poll: unchanged",
        over="poll: msgspec",
    ),
    Row(
        name="unchanged on uvloop",
        what="CPU a poll on uvloop, unchanged / bare aiohttp on uvloop",
        of="uvloop: unchanged",
        over="uvloop: bare",
    ),
    Row(
        name="unchanged on uvloop with eager tasks",
        what="same on uvloop, Python >= 3.12, eager tasks / bare aiohttp so",
        of="uvloop: eager, unchanged",
        over="uvloop: eager, bare",
    ),
    Row(
        name="unchanged in a rush",
        what="same without pauses / bare aiohttp without pauses",
        of="rush: unchanged",
        over="rush: bare",
    ),
    Row(
        name="changed in a rush",
        what="one task changed without pauses / the same",
        of="rush: changed",
        over="rush: bare",
    ),
    Row(
        name="small first decode",
        what="decode of a first snapshot, 17 kB / json + cattrs",
        of="decode: small, ours",
        over="decode: small, cattrs",
    ),
    Row(
        name="first decode to pydantic",
        what="decode of a first snapshot, 408 kB / pydantic",
        of="decode: first, ours",
        over="decode: first, pydantic",
    ),
    *(
        Row(name=f"watches to {peer}", what=f"{_WATCHES} / {peer}", of="watches: ours", over=f"watches: {peer}")
        for peer in ("openai", "msgspec", "bare")
    ),
    *(
        Row(name=f"memory of {peer}", what=f"{_IDLE}, {peer}", of=f"memory: {peer}", over=_KB)
        for peer in ("azure-core", "openai", "msgspec")
    ),
)


def results(figures: Figures, rows: Iterable[Row] = ROWS) -> list[Result]:
    """Return what became of the rows whose figures were measured."""
    found = ((row, row.ratios(figures)) for row in rows)
    return [Result(row=row, ratios=ratios) for row, ratios in found if ratios]


def to_json(result: Result) -> dict[str, Any]:
    """Return a result as it is written to a file."""
    row = result.row
    return {
        "name": row.name,
        "what": row.what,
        "value": result.value,
        "lowest": min(result.ratios),
        "highest": max(result.ratios),
        "bound": row.bound,
        "at_least": row.at_least,
        "holds": result.holds,
    }


def text(found: Iterable[Result], figures: Figures, earlier: Mapping[str, float] | None = None) -> str:
    """Return the table for people.

    Args:
        found: What became of the rows.
        figures: What was measured.
        earlier: The values of an earlier table by name of row, to compare with.
    """
    more = "" if earlier is None else f"{'earlier':>9}{'now/then':>9}"
    head = f"{'':62}{'ratio':>7}  {'spread':13}{'bound':>8}  {'':6}{more}  figures"
    return "\n".join([head, *(_line(result, figures, earlier) for result in found)])


def _line(result: Result, figures: Figures, earlier: Mapping[str, float] | None) -> str:
    row = result.row
    bound = "" if row.bound is None else f"{'>=' if row.at_least else '<='} {row.bound:g}"
    verdict = {None: "", True: "holds", False: "MISSED"}[result.holds]
    spread = f"{min(result.ratios):.2f} - {max(result.ratios):.2f}"
    then = ""
    if earlier is not None:
        before = earlier.get(row.name)
        then = f"{'-':>9}{'-':>9}" if not before else f"{before:9.2f}{result.value / before:9.2f}"
    line = f"{row.what:62}{result.value:7.2f}  {spread:13}{bound:>8}  {verdict:6}{then}  {_shown(row, figures)}"
    return line.rstrip()


def _shown(row: Row, figures: Figures) -> str:
    if not isinstance(row.over, str):
        return ""
    above, below = (median(figures[name]) for name in (row.of, row.over))
    scale, unit = (1e6, "us") if max(above, below) < _LARGE else (1e3, "ms")
    return f"{scale * above:.0f} / {scale * below:.0f} {unit}"
