"""The summary of runs: a table, and below it the texts that are too long for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bentley_sync_async import StorageRun, StorageTask
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import FIXABLE, duration_text, error_text, result_style

# Headings, and widths that columns keep as long as there is room: together they fit on 80 columns.
_COLUMNS = (
    ("Connection", 10),
    ("Result", 14),
    ("Duration", 8),
    ("Failed file", 10),
    ("Error", 19),
    ("Fixable\nby user", 7),
)


@frozen
class Outcome:
    """The result of one watch.

    Attributes:
        name: The watch.
        run: Its completed run.
    """

    name: str
    run: StorageRun


def print_summary(console: Console, outcomes: Sequence[Outcome], names: DisplayNames) -> None:
    """Print the table of the runs with a row for each failed file, and the articles to read."""
    articles: list[str] = []
    rows: list[list[Text]] = []
    for outcome in outcomes:
        run = outcome.run
        head = [Text(outcome.name), Text(str(run.result), style=result_style(run.result)), Text(_duration(run))]
        failures = [_failure(task, names, articles) for task in run.failed_tasks] or [_run_failure(run)]
        for number, failure in enumerate(failures):
            rows.append([*(head if number == 0 else [Text()] * 3), *map(Text, failure)])
    _print_table(console, rows, alone=len(outcomes) == 1)
    for number, article in enumerate(articles, 1):
        console.print(f"({number}) {article}", markup=False, highlight=False, soft_wrap=True)
    if articles:
        console.print()


def _print_table(console: Console, rows: Sequence[Sequence[Text]], *, alone: bool) -> None:
    """Print the rows in the width of the console; with one connection its name stands above them."""
    columns = _COLUMNS[1:] if alone else _COLUMNS
    if alone:
        console.print(rows[0][0].plain, markup=False, highlight=False, soft_wrap=True)
        rows = [row[1:] for row in rows]
    wanted = [
        max(cell_len(line) for cell in [heading, *(row[place].plain for row in rows)] for line in cell.split("\n"))
        for place, (heading, _) in enumerate(columns)
    ]
    widths = fit(wanted, [least for _, least in columns], console.width - 2 * len(columns))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for (heading, _), width in zip(columns, widths, strict=True):
        table.add_column(heading, overflow="fold", width=width)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def fit(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return column widths that fit: the widest shrinks first, below its minimum only if all must."""
    widths = list(wanted)
    while sum(widths) > room and max(widths) > 1:
        wide = [place for place, width in enumerate(widths) if width > least[place]] or range(len(widths))
        widths[max(wide, key=lambda place: widths[place])] -= 1
    return widths


def _failure(task: StorageTask, names: DisplayNames, articles: list[str]) -> tuple[str, str, str]:
    error = task.error
    if error is None:
        return names.file(task), f"{task.result}, no reason given", FIXABLE[None]
    note = ""
    if link := error.kb_article_link:
        if link not in articles:
            articles.append(link)
        note = f" ({articles.index(link) + 1})"
    return names.file(task), error_text(error, "\n"), f"{FIXABLE[error.can_user_fix]}{note}"


def _run_failure(run: StorageRun) -> tuple[str, str, str]:
    return "", error_text(run.error, "\n") if run.error is not None else "", ""


def _duration(run: StorageRun) -> str:
    return "?" if run.duration is None else duration_text(timedelta(seconds=run.duration))
