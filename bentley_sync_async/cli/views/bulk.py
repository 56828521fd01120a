"""The views of a bulk: a live picture on a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self, TypeAlias

import anyio
from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bentley_sync_async import RunJoined, RunTriggered
from bentley_sync_async.bulk import (
    BulkEvent,
    BulkProgress,
    ConnectionFinished,
    ConnectionProgressed,
    ConnectionStarted,
)
from bentley_sync_async.cli.formatting.bulk import (
    activity_text,
    counts_text,
    done_text,
    outcome_lines,
    outcome_name,
    outcome_style,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import duration_text, event_text
from bentley_sync_async.transport import BudgetUse

from .active_runs import ActiveRuns, Blocked
from .background import BackgroundView
from .run import can_redraw

_MOST_ACTIVE = 8
_OTHER_LINES = 10  # around the active ones, with some room for failures above
_BAR = 30
_SILENCE = 30.0  # seconds between two plain lines on the progress
_STEPS = 20  # of the way, each of which is worth such a line before that


BulkView: TypeAlias = BackgroundView[BulkEvent, BulkProgress]


def best_bulk_view(
    console: Console, names: DisplayNames, *, use: Callable[[], BudgetUse | None] = lambda: None
) -> BulkView:
    """Return the live picture for a terminal that can redraw it, otherwise plain lines.

    Args:
        console: The terminal.
        names: The display names.
        use: Returns the budget of the client; `None` if it is not shown.
    """
    return (LiveBulkView if can_redraw(console) else PlainBulkView)(console, names, use)


@define
class PlainBulkView(BulkView):
    """A line for the start and the end of each connection, and one for the progress from time to time."""

    _console: Console
    _names: DisplayNames
    _use: Callable[[], BudgetUse | None] = lambda: None
    _now: Callable[[], float] = anyio.current_time
    _blocked: Blocked = field(init=False, factory=Blocked)
    _due: float = field(init=False, default=0.0)
    _steps: int = field(init=False, default=0)

    def __enter__(self) -> Self:
        self._due = self._now() + _SILENCE
        return self

    def show(self, event: BulkEvent) -> None:
        """Print the start or the end of a connection."""
        self._blocked.update(event)
        if isinstance(event, ConnectionStarted) and event.connection_id is not None:
            self._names.learn(event.connection_id, event.display_name)
        match event:
            case ConnectionStarted(resumed=True):
                self._print(f"{self._name(event)}  continues where another process left it")
            case ConnectionStarted(attempt=attempt) if attempt > 1:
                self._print(
                    f"{self._name(event)}  is run again, as the cause of failure may have passed: attempt {attempt}"
                )
            case ConnectionProgressed(event=RunTriggered() | RunJoined() as progress):
                self._print(f"{self._name(event)}  {event_text(progress, self._names, event.connection_id)}")
            case ConnectionFinished():
                print_outcome(self._console, event, self._names)
            case _:
                pass

    def tick(self, progress: BulkProgress) -> None:
        """Print the progress, if the last time is long ago or it has advanced by a step."""
        steps = _STEPS * progress.finished // progress.total if progress.total else 0
        if steps > self._steps or self._now() >= self._due:
            self._steps, self._due = steps, self._now() + _SILENCE
            counts = counts_text(progress.counts)
            done = [f"{done_text(progress)}{f': {counts}' if counts else ''}"] if progress.total else []
            self._print("; ".join([*done, activity_text(progress, len(self._blocked), self._use())]))

    def _name(self, event: BulkEvent) -> str:
        return self._names.connections.get(event.connection_id or "") or f"{event.connection_id}"

    def _print(self, text: str) -> None:
        self._console.print(f"{_clock()}  {text}", markup=False, highlight=False, soft_wrap=True)


@define
class LiveBulkView(BulkView):
    """A picture of bounded height that is redrawn; outcomes that are not good are printed above it."""

    _console: Console
    _names: DisplayNames
    _use: Callable[[], BudgetUse | None] = lambda: None
    _now: Callable[[], float] = anyio.current_time
    _began: float = field(init=False, default=0.0)
    _active: ActiveRuns = field(init=False)
    _blocked: Blocked = field(init=False, factory=Blocked)
    _live: Live = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Set the picture up; only `tick` draws it."""
        self._active = ActiveRuns(self._names, self._now)
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._began = self._now()
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def show(self, event: BulkEvent) -> None:
        """Update with an event; print an outcome that is not good."""
        self._blocked.update(event)
        self._active.update(event)
        if isinstance(event, ConnectionFinished) and not event.outcome.good:
            print_outcome(self._console, event, self._names)

    def tick(self, progress: BulkProgress) -> None:
        """Draw the picture."""
        self._live.update(self.picture(progress), refresh=True)

    def picture(self, progress: BulkProgress) -> RenderableType:
        """Return the current picture."""
        head = Table.grid(padding=(0, 1))
        head.add_column(width=min(_BAR, self._console.width // 3))
        head.add_column(no_wrap=True, overflow="ellipsis")
        head.add_row(ProgressBar(total=progress.total or 1, completed=progress.finished), done_text(progress))
        room = min(_MOST_ACTIVE, max(self._console.height - _OTHER_LINES, 0))
        lines = [
            counts_text(progress.counts),
            activity_text(progress, len(self._blocked), self._use()),
        ]
        more = len(self._active) - room
        rest = [f"and {more:,} more active"] if more > 0 else []
        rest.append(f"{self._elapsed(self._began)}. Ctrl-C detaches; runs go on.")
        return Group(
            *([head] if progress.total else []),
            *(_line(line) for line in lines if line),
            *([self._active.table(room)] if room and len(self._active) else []),
            *(
                [_line(line, "dim") for line in rest]
                if progress.finished < progress.total or not progress.total
                else []
            ),
        )

    def _elapsed(self, since: float) -> str:
        return duration_text(timedelta(seconds=self._now() - since))


def print_outcome(console: Console, event: ConnectionFinished, names: DisplayNames) -> None:
    """Print the outcome of a connection, with a line for each of its first failed files."""
    first, *rest = outcome_lines(event.outcome, names.files)
    style = outcome_style(event.outcome.status)
    head = Text.assemble(f"{_clock()}  {outcome_name(event.outcome, names.connections)}  ", (first, style))
    for line in [head, *map(Text, rest)]:
        console.print(line, soft_wrap=True)


def _clock() -> str:
    return f"{datetime.now(UTC).astimezone():%H:%M:%S}"


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
