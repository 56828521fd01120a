"""The views of watches: a live picture on a terminal, plain lines elsewhere. Both use nothing but events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol, Self

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from bentley_sync_async import (
    ExecutionResult,
    ExecutionState,
    JobAppeared,
    PollDelayed,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskAppeared,
    TriggerDelayed,
    WaitingForIModel,
    WatchEvent,
    fold,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import duration_text, error_text, event_text, result_style

_MOST_TASKS = 10  # of a job, if the screen is high enough
_HINTS = (TriggerDelayed, PollDelayed, WaitingForIModel)
_WORKING = frozenset({ExecutionState.EXECUTING, ExecutionState.WAITING_TO_RETRY, ExecutionState.FINALIZING})


class View(Protocol):
    """Shows the events of one or more watches."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Restore the screen; a view that prints lines has nothing to restore."""
        return

    def show(self, connection_id: str, event: WatchEvent) -> None:
        """Show an event of the watch of that connection."""
        ...


def can_redraw(console: Console) -> bool:
    """Return whether the console is a terminal that can redraw a picture."""
    return console.file.isatty() and console.is_interactive and not console.options.ascii_only


def best_view(console: Console, names: DisplayNames, connections: Iterable[str]) -> View:
    """Return the live picture for a terminal that can redraw it, otherwise plain lines."""
    return LiveView(console, names, connections) if can_redraw(console) else PlainView(console, names, connections)


class PlainView(View):
    """One line an event: the local time, the connection, the text of the event."""

    def __init__(self, console: Console, names: DisplayNames, connections: Iterable[str]) -> None:
        """Make a view; with several connections their names are the second column."""
        self._console = console
        self._names = names
        shown = [names.connection(connection_id) for connection_id in connections]
        self._width = max(map(len, shown)) if len(shown) > 1 else 0
        self._last: dict[str, str] = {}

    def show(self, connection_id: str, event: WatchEvent) -> None:
        """Print a line, unless the event has no text or the same as the last."""
        text = event_text(event, self._names, connection_id)
        if text is not None and text != self._last.get(connection_id):
            self._last[connection_id] = text
            who = f"{self._names.connection(connection_id):<{self._width}}  " if self._width else ""
            line = f"{event.at.astimezone():%H:%M:%S}  {who}{text}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@define
class WatchDisplay:
    """The state of one watch in the live picture.

    Attributes:
        connection_id: The connection that is watched.
        run: The run, folded from its events.
        hint: Why the run does not advance; `None` if it does.
        places: The order in which jobs and tasks were first seen, which the picture keeps.
    """

    connection_id: str
    run: StorageRun | None = None
    hint: str | None = None
    places: dict[str, int] = field(factory=dict)

    def update(self, event: WatchEvent, names: DisplayNames) -> None:
        """Update with an event."""
        self.run = fold([event], self.run)
        if isinstance(event, JobAppeared):
            self.places.setdefault(event.job.id, len(self.places))
        elif isinstance(event, TaskAppeared):
            self.places.setdefault(event.task.id, len(self.places))
        self.hint = event_text(event, names, self.connection_id) if isinstance(event, _HINTS) else None


@define
class LiveView(View):
    """A picture of all watches that is redrawn."""

    _console: Console
    _names: DisplayNames
    _connections: Iterable[str]
    _displays: dict[str, WatchDisplay] = field(init=False)
    _live: Live = field(init=False)
    _spinner: Spinner = field(init=False, factory=lambda: Spinner("dots", style="cyan"))
    _began: datetime = field(init=False, factory=lambda: datetime.now(UTC))

    def __attrs_post_init__(self) -> None:
        """Set the picture up."""
        self._displays = {connection_id: WatchDisplay(connection_id) for connection_id in self._connections}
        self._live = Live(console=self._console, get_renderable=self.picture, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def show(self, connection_id: str, event: WatchEvent) -> None:
        """Update with an event; the picture is redrawn a few times a second."""
        self._displays[connection_id].update(event, self._names)

    def picture(self) -> RenderableType:
        """Return the current picture; the drawing thread calls it."""
        displays = self._displays.values()
        jobs = sum(len(display.run.jobs) for display in displays if display.run is not None)
        # Two lines for each head, for each job one and one for what is left out, one for the time, and the cursor's.
        room = self._console.height - 2 * len(displays) - 2 * jobs - 2
        most = min(_MOST_TASKS, room // max(jobs, 1))
        parts: list[RenderableType] = [self._tree(display, most) for display in displays]
        if not all(display.run is not None and display.run.completed for display in self._displays.values()):
            elapsed = duration_text(datetime.now(UTC) - self._began)
            parts.append(Text(f"{elapsed}. Ctrl-C detaches; runs go on.", style="dim"))
        return Group(*parts)

    def _tree(self, display: WatchDisplay, most: int) -> Tree:
        tree = Tree(self._head(display), guide_style="dim")
        if display.run is not None:
            for job in sorted(display.run.jobs, key=lambda job: display.places.get(job.id, 0)):
                branch = tree.add(self._row(job, Text(str(job.connector_type or "job")), _progress(job)))
                shown = sorted(job.tasks, key=_interest)[: max(most, 0)]
                for task in sorted(shown, key=lambda task: display.places.get(task.id, 0)):
                    branch.add(self._row(task, Text(self._names.file(task)), _why(task), one_line=True))
                if most >= 0 and len(job.tasks) > len(shown):
                    branch.add(Text(f"and {len(job.tasks) - len(shown)} more", style="dim"))
        return tree

    def _head(self, display: WatchDisplay) -> RenderableType:
        name = Text(self._names.connection(display.connection_id), style="bold")
        if display.run is None:
            return self._line(self._spinner, name, Text(display.hint or "triggering", style="dim"))
        phase = None if display.run.completed else display.run.phase
        return self._row(display.run, name, display.hint or (str(phase) if phase else ""))

    def _row(
        self, node: StorageRun | StorageJob | StorageTask, name: Text, more: str, *, one_line: bool = False
    ) -> RenderableType:
        ended = node.state == ExecutionState.COMPLETED
        style = result_style(node.result) if ended else "cyan" if node.state in _WORKING else "dim"
        state = Text(
            str(node.result if ended else node.state),
            style=style,
            no_wrap=one_line,
            overflow="ellipsis" if one_line else None,
        )
        if more:
            state.append(f"  {more}", style="dim")
        return self._line(_mark(node, style) or self._spinner, name, state)

    @staticmethod
    def _line(mark: RenderableType, name: Text, state: Text) -> Table:
        line = Table.grid(padding=(0, 1))
        line.add_column(width=1)
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(mark, name, state)
        return line


def _mark(node: StorageRun | StorageJob | StorageTask, style: str) -> Text | None:
    """Return the mark of a run, job or task; `None` if it is working and has a spinner."""
    if node.state == ExecutionState.COMPLETED:
        good = node.result in {ExecutionResult.SUCCESS, ExecutionResult.SKIPPED}
        return Text("\N{CHECK MARK}" if good else "\N{BALLOT X}", style=style)
    return None if node.state in _WORKING else Text("\N{MIDDLE DOT}", style=style)


def _progress(job: StorageJob) -> str:
    done = sum(task.state == ExecutionState.COMPLETED for task in job.tasks)
    return f"{done} of {len(job.tasks)} done"


def _why(task: StorageTask) -> str:
    if task.failed and task.error is not None:
        return error_text(task.error)
    return f"retry {task.retry_attempts}" if task.retry_attempts else ""


def _interest(task: StorageTask) -> int:
    """Return the order of a task: failures first, then those that are working, then the rest."""
    if task.failed:
        return 0
    return 1 if task.state in _WORKING else 2 if task.state != ExecutionState.COMPLETED else 3
