"""The views of a bulk: a live picture on a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

import anyio
from attrs import define, field, frozen
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bentley_sync_async import ExecutionState, RunJoined, RunTriggered, WaitingForIModel
from bentley_sync_async.bulk import (
    BulkEvent,
    BulkPlan,
    BulkProgress,
    BulkReport,
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

from .run import WatchDisplay, can_redraw

_MOST_ACTIVE = 8
_OTHER_LINES = 10  # around the active ones, with some room for failures above
_BAR = 30
_BEGIN_SHOWN = 8  # of an iModel's id
_END_SHOWN = 12  # of a connection's id, the beginning of which is its iModel's
_SILENCE = 30.0  # seconds between two plain lines on the progress
_STEPS = 20  # of the way, each of which is worth such a line before that


class BulkView(Protocol):
    """Shows a bulk."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Restore the screen; a view that prints lines has nothing to restore."""
        return

    def show(self, event: BulkEvent) -> None:
        """Show an event."""
        ...

    def tick(self, progress: BulkProgress) -> None:
        """Show the progress; called about once a second, and at the end."""
        ...


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
class _Blocked:
    """The connections that wait for another client's run on their iModel."""

    _ids: set[str | None] = field(factory=set)

    def update(self, event: BulkEvent) -> None:
        """Update with an event."""
        if isinstance(event, ConnectionProgressed) and isinstance(event.event, WaitingForIModel):
            self._ids.add(event.connection_id)
        elif not isinstance(event, ConnectionProgressed) or isinstance(event.event, RunTriggered | RunJoined):
            self._ids.discard(event.connection_id)

    def __len__(self) -> int:
        return len(self._ids)


@define
class PlainBulkView(BulkView):
    """A line for the start and the end of each connection, and one for the progress from time to time."""

    _console: Console
    _names: DisplayNames
    _use: Callable[[], BudgetUse | None] = lambda: None
    _now: Callable[[], float] = anyio.current_time
    _blocked: _Blocked = field(init=False, factory=_Blocked)
    _due: float = field(init=False, default=0.0)
    _steps: int = field(init=False, default=0)

    def __enter__(self) -> Self:
        self._due = self._now() + _SILENCE
        return self

    def show(self, event: BulkEvent) -> None:
        """Print the start or the end of a connection."""
        self._blocked.update(event)
        match event:
            case ConnectionStarted(resumed=True):
                self._print(f"{event.connection_id}  continues where another process left it")
            case ConnectionStarted(attempt=attempt) if attempt > 1:
                self._print(
                    f"{event.connection_id}  is run again, as the cause of failure may have passed: attempt {attempt}"
                )
            case ConnectionProgressed(event=RunTriggered() | RunJoined() as progress):
                self._print(f"{event.connection_id}  {event_text(progress, self._names, event.connection_id)}")
            case ConnectionFinished():
                print_outcome(self._console, event)
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

    def _print(self, text: str) -> None:
        self._console.print(f"{_clock()}  {text}", markup=False, highlight=False, soft_wrap=True)


@frozen
class _Active:
    """A connection that is under way.

    Attributes:
        display: The state of its watch.
        imodel_id: Its iModel; `None` if unknown.
        since: When it was started, by the event loop's clock.
    """

    display: WatchDisplay
    imodel_id: str | None
    since: float


@define
class LiveBulkView(BulkView):
    """A picture of bounded height that is redrawn; outcomes that are not good are printed above it."""

    _console: Console
    _names: DisplayNames
    _use: Callable[[], BudgetUse | None] = lambda: None
    _now: Callable[[], float] = anyio.current_time
    _began: float = field(init=False, default=0.0)
    _active: dict[str, _Active] = field(init=False, factory=dict)
    _blocked: _Blocked = field(init=False, factory=_Blocked)
    _live: Live = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Set the picture up; only `tick` draws it."""
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
        match event:
            case ConnectionStarted(connection_id=str() as connection_id, imodel_id=imodel_id):
                self._active[connection_id] = _Active(WatchDisplay(connection_id), imodel_id, self._now())
            case ConnectionProgressed(connection_id=str() as connection_id, event=progress):
                self._active[connection_id].display.update(progress, self._names)
            case ConnectionFinished(outcome=outcome):
                self._active.pop(outcome.connection_id or "", None)
                if not outcome.good:
                    print_outcome(self._console, event)
            case _:
                pass

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
        shown = list(self._active.values())[:room]
        lines = [
            counts_text(progress.counts),
            activity_text(progress, len(self._blocked), self._use()),
        ]
        more = len(self._active) - len(shown)
        rest = [f"and {more:,} more active"] if more else []
        rest.append(f"{self._elapsed(self._began)}. Ctrl-C detaches; runs go on.")
        return Group(
            *([head] if progress.total else []),
            *(_line(line) for line in lines if line),
            *([self._table(shown)] if shown else []),
            *(
                [_line(line, "dim") for line in rest]
                if progress.finished < progress.total or not progress.total
                else []
            ),
        )

    def _table(self, shown: list[_Active]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for one in shown:
            table.add_row(
                Text(f"...{one.display.connection_id[-_END_SHOWN:]}"),
                Text(f"iModel {one.imodel_id[:_BEGIN_SHOWN]}" if one.imodel_id else "", style="dim"),
                Text(self._elapsed(one.since), style="dim"),
                Text(_state(one.display), style="cyan" if one.display.run is not None else "dim"),
            )
        return table

    def _elapsed(self, since: float) -> str:
        return duration_text(timedelta(seconds=self._now() - since))


class JSONBulkView(BulkView):
    """One JSON object an event, and nothing else."""

    def show(self, event: BulkEvent) -> None:
        """Print the event."""
        print(event.to_json(), flush=True)  # a pipe sees it when it happens

    def tick(self, progress: BulkProgress) -> None:
        """Print nothing: the events contain everything."""


def named_json(value: BulkReport | BulkPlan | BudgetUse) -> str:
    """Return a report, a plan or a budget as one line of JSON, with its name as `event`."""
    return f'{{"event":"{type(value).__name__}",{value.to_json()[1:]}'


def print_outcome(console: Console, event: ConnectionFinished) -> None:
    """Print the outcome of a connection, with a line for each of its first failed files."""
    first, *rest = outcome_lines(event.outcome)
    style = outcome_style(event.outcome.status)
    head = Text.assemble(f"{_clock()}  {outcome_name(event.outcome)}  ", (first, style))
    for line in [head, *map(Text, rest)]:
        console.print(line, soft_wrap=True)


def _clock() -> str:
    return f"{datetime.now(UTC).astimezone():%H:%M:%S}"


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _state(display: WatchDisplay) -> str:
    """Return the state of an active connection."""
    if display.run is None or display.hint is not None:
        return display.hint or "triggering"
    phase = f" {display.run.phase}" if display.run.phase else ""
    files = list(display.run.tasks)
    done = sum(task.state == ExecutionState.COMPLETED for task in files)
    return f"{display.run.state}{phase}{f', {done} of {len(files)} files' if files else ''}"
