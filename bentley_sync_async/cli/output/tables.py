"""Tables and cards for people: they fit the terminal, break no word, and have colours only where they are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from .columns import Column, columns_of
from .values import STYLES, age_text, printable, time_text

_GAP = 2
_LEAST = 10  # columns of the terminal that a value which may be cut needs
_SHORT = 16  # columns that any value gets: a state, an age
_HEADING = "bold"
_FAINT = "dim"


def print_table(console: Console, records: Sequence[object], columns: Sequence[Column] | None = None) -> None:
    """Print records below the headings of their columns, each in one line."""
    now = datetime.now(UTC).astimezone()
    shown = [column for column in columns or columns_of(records[0]) if column.listed]
    rows = [[_cell(column, record, now) for column in shown] for record in records]
    filled = [place for place in range(len(shown)) if shown[place].rank == 0 or any(row[place].plain for row in rows)]
    shown, rows = [shown[place] for place in filled], [[row[place] for place in filled] for row in rows]
    widths = fitted(shown, rows, console.width if console.is_terminal else None)
    places = [place for place, width in enumerate(widths) if width]
    headings = [Text(column.heading.upper(), _HEADING) for column in shown]
    for cells in [headings, *rows]:
        _print_line(console, [cells[place] for place in places], [widths[place] for place in places])


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Text]], room: int | None) -> list[int]:
    """Return the widths of the columns; 0 for those that are left out.

    Only names and texts are cut: of everything else a part is of no use.

    Args:
        columns: The columns.
        rows: Their cells.
        room: The width of the terminal; `None` if nothing need be cut.
    """
    wanted = [
        max([cell_len(column.heading), *(row[place].cell_len for row in rows)]) for place, column in enumerate(columns)
    ]
    if room is None:
        return wanted
    least = [
        width if column.whole else min(width, max(_LEAST if width > _SHORT else width, cell_len(column.heading)))
        for column, width in zip(columns, wanted, strict=True)
    ]
    kept = list(range(len(columns)))
    while sum(least[place] + _GAP for place in kept) - _GAP > room and any(columns[place].rank for place in kept):
        kept.remove(max(kept, key=lambda place: (columns[place].rank, place)))
    widths = [wanted[place] if place in kept else 0 for place in range(len(columns))]
    while sum(widths) + _GAP * (len(kept) - 1) > room:
        soft = [place for place in kept if widths[place] > least[place]]
        if not soft:
            break
        widths[max(soft, key=lambda place: widths[place])] -= 1
    return widths


def print_card(
    console: Console,
    record: object,
    extra: Sequence[tuple[str, str]] = (),
    columns: Sequence[Column] | None = None,
) -> None:
    """Print a record, a line for each of its values."""
    now = datetime.now(UTC).astimezone()
    shown = [column for column in columns or columns_of(record) if column.carded]
    lines = [(column.heading, _cell(column, record, now, whole=True)) for column in shown]
    lines += [(heading, _styled(printable(text))) for heading, text in extra]
    filled = [(heading, cell) for heading, cell in lines if cell.plain]
    width = max((cell_len(heading) for heading, _ in filled), default=0)
    room = max(console.width - width - _GAP, _LEAST)
    for heading, cell in filled:
        parts = cell.wrap(console, room) if console.is_terminal and " " in cell.plain else [cell]
        for number, part in enumerate(parts):
            part.rstrip()
            label = Text(heading if number == 0 else "", _FAINT)
            label.pad_right(width + _GAP - label.cell_len)
            console.print(Text.assemble(label, part), soft_wrap=True)


def _print_line(console: Console, cells: Sequence[Text], widths: Sequence[int]) -> None:
    """Print one row: the last of its values goes on below if it is a text that is too long, the others are cut."""
    line = Text()
    *before, last = cells
    for cell, width in zip(before, widths, strict=False):
        fitting = cell.copy()
        fitting.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(fitting)
        line.append(" " * _GAP)
    indent = line.cell_len
    parts = last.wrap(console, widths[-1]) if last.cell_len > widths[-1] else [last]
    for number, part in enumerate(parts):
        line = Text(" " * indent) if number else line
        line.append_text(part)
        line.rstrip()
        console.print(line, soft_wrap=True)


def _cell(column: Column, record: object, now: datetime, *, whole: bool = False) -> Text:
    value = column.value(record)
    if value is None:
        return Text()
    if isinstance(value, datetime):
        return Text(time_text(value, now) if whole else age_text(value, now))
    return _styled(printable(column.show(value) if column.show is not None else str(value)))


def _styled(text: str) -> Text:
    return Text(text, STYLES.get(text, ""))
