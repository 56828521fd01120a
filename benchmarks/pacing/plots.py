"""Two plots, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING

from bentley_sync_async.pacing.distribution import DurationDistribution, DurationPrior
from bentley_sync_async.pacing.learned import next_poll

if TYPE_CHECKING:
    from .__main__ import Row

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 640, 360, 70, 30, 300
_COLOURS = {
    "best fixed interval": "#888",
    "best backoff": "#b07aa1",
    "LearnedPacing": "#1f6fb4",
    "clairvoyant": "#59a14f",
}

Point = tuple[float, float]


def polls_plot() -> str:
    """Show when LearnedPacing polls a run whose connection's last five took about a quarter of an hour."""
    durations = DurationPrior(within=0.2).distribution((840.0, 1010.0, 870.0, 950.0, 900.0))
    end = 1800.0
    highest = max(durations.at(float(at))[1] for at in range(1, int(end)))

    def place(at: float) -> float:
        return _LEFT + at / end * (_WIDTH - _LEFT - 20)

    curve = [(place(at * 4), 190 - 140 * durations.at(at * 4.0)[1] / highest) for at in range(1, int(end / 4) + 1)]
    parts = [
        _line(curve, "#1f6fb4"),
        _text(_LEFT, _TOP - 8, "how likely the run ends then, from its connection's last five"),
    ]
    for row, price in enumerate((1.0, 5.0, 25.0)):
        level = 222 + 26 * row
        parts.append(_text(8, level + 4, f"price {price:.0f} s"))
        parts += [_tick(place(at), level) for at in _instants(durations, price, end)]
    parts += [_text(place(minutes * 60.0) - 4, _BOTTOM + 14, str(minutes)) for minutes in range(0, 31, 5)]
    parts.append(
        _text(
            _LEFT, _BOTTOM + 34, "minutes since the run started; each tick is a poll, if the run has not ended by then"
        )
    )
    return _svg(parts)


def _instants(durations: DurationDistribution, price: float, end: float) -> list[float]:
    instants = [next_poll(durations, elapsed=0.0, price=price)]
    while instants[-1] < end:
        instants.append(next_poll(durations, elapsed=instants[-1], price=price))
    return instants[:-1]


def delays_plot(rows: Sequence[Row]) -> str:
    """Show the mean delay by requests a run, on logarithmic axes."""
    curves = {
        "best fixed interval": [(row.learned.polls, row.fixed.delay) for row in rows],
        "best backoff": [(row.learned.polls, row.backoff.delay) for row in rows],
        "LearnedPacing": [(row.learned.polls, row.learned.delay) for row in rows],
        "clairvoyant": [(row.learned.polls, row.clairvoyant.delay) for row in rows],
    }
    few, many, short, long = 2.5, 40.0, 5.0, 400.0

    def place(point: Point) -> Point:
        across = log(point[0] / few) / log(many / few)
        up = log(point[1] / short) / log(long / short)
        return _LEFT + across * (_WIDTH - _LEFT - 20), _BOTTOM - up * (_BOTTOM - _TOP)

    parts = [_text(_LEFT, _TOP - 8, f"mean seconds until an end is noticed: {rows[0].workload.name}")]
    parts += [_text(place((count, short))[0] - 4, _BOTTOM + 14, str(count)) for count in (3, 5, 10, 20, 30)]
    for seconds in (5, 10, 20, 50, 100, 200, 400):
        level = place((few, seconds))[1]
        parts.append(_line([(_LEFT, level), (_WIDTH - 20, level)], "#ddd"))
        parts.append(_text(_LEFT - 40, level + 4, f"{seconds} s"))
    for index, (name, points) in enumerate(curves.items()):
        parts.append(_line([place(point) for point in points], _COLOURS[name]))
        parts.append(_text(_WIDTH - 190, _TOP + 16 + 18 * index, name, _COLOURS[name]))
    parts.append(_text(_LEFT, _BOTTOM + 34, "requests a run"))
    return _svg(parts)


def _line(points: Sequence[Point], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _tick(x: float, y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y - 8}" x2="{x:.1f}" y2="{y + 8}" stroke="#333" stroke-width="1.5"/>'


def _text(x: float, y: float, text: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{text}</text>'


def _svg(parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"
