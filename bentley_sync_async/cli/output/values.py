"""Values as people say them: times, sizes, names, states. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bentley_sync_async import ExecutionResult
from bentley_sync_async.cli.formatting.events import duration_text

_MINUTE, _HOUR, _DAY, _MONTH, _YEAR = 60, 3600, 86_400, 30 * 86_400, 365 * 86_400
_UNITS = ((_YEAR, "year"), (_MONTH, "month"), (_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"))
_JUST_NOW = 10  # seconds
_KILO = 1000

STYLES = {
    "Success": "green",
    "Skipped": "green",
    "Active": "green",
    "initialized": "green",
    "PartialSuccess": "yellow",
    "Executing": "cyan",
    "Finalizing": "cyan",
    "Error": "red",
    "Canceled": "red",
    "TimedOut": "red",
    "failed": "red",
    "Fatal": "red",
    "Critical": "red",
    "Warning": "yellow",
}
"""The colours of states and results, by their names."""


def age_text(then: datetime, now: datetime) -> str:
    """Return how long ago something was, such as `3 minutes ago`, or until it is."""
    seconds = (now - then).total_seconds()
    if abs(seconds) < _JUST_NOW:
        return "just now"
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), (1, "second"))
    count = int(abs(seconds) // size)
    text = f"{count} {unit}{'s' * (count != 1)}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def time_text(then: datetime, now: datetime) -> str:
    """Return an instant in the time zone of `now`, and how long ago it was."""
    return f"{then.astimezone(now.tzinfo):%Y-%m-%d %H:%M:%S} ({age_text(then, now)})"


def size_text(count: int) -> str:
    """Return a number of bytes, such as `1.5 MB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _KILO:
            return f"{count:,} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:.1f} TB"


def seconds_text(seconds: float | None) -> str:
    """Return a duration such as `5m 08s`; an empty text if it is not known."""
    return "" if seconds is None else duration_text(timedelta(seconds=seconds))


def yes_or_no(value: bool | None) -> str:  # noqa: FBT001 - a value to show
    """Return a truth value in a word; an empty text if it is not known."""
    return {True: "yes", False: "no"}.get(value, "") if value is not None else ""


def result_text(result: ExecutionResult) -> str:
    """Return a result; an empty text while there is none."""
    return "" if result == ExecutionResult.UNDETERMINED else str(result)


def printable(text: str) -> str:
    """Return a text of the service without characters that would control the terminal or hide others."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def last_part(url: str | None) -> str:
    """Return the last part of a URL: the id in a link."""
    return (url or "").rstrip("/").rpartition("/")[2]
