"""What people see while runs go on: a live picture on a terminal, else plain lines. All of it comes from events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
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
from bentley_sync_async.cli.formatting.events import duration_words, error_words, result_style, words

_MOST_TASKS = 10  # of a job; the picture must fit on a screen
_HINTS = (TriggerDelayed, PollDelayed, WaitingForIModel)
_AT_WORK = frozenset({ExecutionState.EXECUTING, ExecutionState.WAITING_TO_RETRY, ExecutionState.FINALIZING})


class View(Protocol):
    """Shows the events of one or more watches."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the screen in order."""
        ...

    def show(self, connection_id: str, event: WatchEvent) -> None:
        """Show an event of the watch of that connection."""
        ...


def draws(console: Console) -> bool:
    """Return whether the console is a terminal that can draw a picture which changes in its place."""
    return console.file.isatty() and console.is_interactive and not console.options.ascii_only


def best_view(console: Console, names: DisplayNames, connections: Iterable[str]) -> View:
    """Return the live picture for a terminal that can draw it, else plain lines, of the connections with these ids."""
    return LiveView(console, names, connections) if draws(console) else PlainView(console, names, connections)


class PlainView:
    """One line an event: the local time, the watch, what happened."""

    def __init__(self, console: Console, names: DisplayNames, connections: Iterable[str]) -> None:
        """Make a view; the names of the connections are the second column, which one watch alone lacks."""
        self._console = console
        self._names = names
        shown = [names.connection(connection_id) for connection_id in connections]
        self._width = max(map(len, shown)) if len(shown) > 1 else 0
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def show(self, connection_id: str, event: WatchEvent) -> None:
        """Print a line, unless the event tells people nothing new."""
        text = words(event, self._names, connection_id)
        if text is not None and text != self._last.get(connection_id):
            self._last[connection_id] = text
            who = f"{self._names.connection(connection_id):<{self._width}}  " if self._width else ""
            line = f"{event.at.astimezone():%H:%M:%S}  {who}{text}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@define
class Board:
    """What the live picture knows of one watch.

    Attributes:
        connection_id: The connection that is watched.
        run: The run as its events have told it.
        hint: Why nothing happens, if that is so.
        places: The ids of jobs and tasks in the order in which they were first seen, so that none moves about.
    """

    connection_id: str
    run: StorageRun | None = None
    hint: str | None = None
    places: dict[str, int] = field(factory=dict)

    def take(self, event: WatchEvent, names: DisplayNames) -> None:
        """Take an event in."""
        self.run = fold([event], self.run)
        if isinstance(event, JobAppeared):
            self.places.setdefault(event.job.id, len(self.places))
        elif isinstance(event, TaskAppeared):
            self.places.setdefault(event.task.id, len(self.places))
        self.hint = words(event, names, self.connection_id) if isinstance(event, _HINTS) else None


@define
class LiveView:
    """A picture of all watches that changes in its place."""

    _console: Console
    _names: DisplayNames
    _connections: Iterable[str]
    _boards: dict[str, Board] = field(init=False)
    _live: Live = field(init=False)
    _spinner: Spinner = field(init=False, factory=lambda: Spinner("dots", style="cyan"))
    _began: datetime = field(init=False, factory=lambda: datetime.now(UTC))

    def __attrs_post_init__(self) -> None:
        """Lay the picture out."""
        self._boards = {connection_id: Board(connection_id) for connection_id in self._connections}
        self._live = Live(console=self._console, get_renderable=self.picture, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, connection_id: str, event: WatchEvent) -> None:
        """Take an event in; the picture is drawn a few times a second."""
        self._boards[connection_id].take(event, self._names)

    def picture(self) -> RenderableType:
        """Return the picture of this moment; the thread that draws calls it."""
        parts: list[RenderableType] = [self._tree(board) for board in self._boards.values()]
        if not all(board.run is not None and board.run.completed for board in self._boards.values()):
            elapsed = duration_words(datetime.now(UTC) - self._began)
            parts.append(Text(f"{elapsed}. Ctrl-C detaches; runs go on.", style="dim"))
        return Group(*parts)

    def _tree(self, board: Board) -> Tree:
        tree = Tree(self._head(board), guide_style="dim")
        if board.run is not None:
            for job in sorted(board.run.jobs, key=lambda job: board.places.get(job.id, 0)):
                branch = tree.add(self._row(job, Text(str(job.connector_type or "job")), _progress(job)))
                shown = sorted(job.tasks, key=_interest)[:_MOST_TASKS]
                for task in sorted(shown, key=lambda task: board.places.get(task.id, 0)):
                    branch.add(self._row(task, Text(self._names.file(task)), _why(task)))
                if len(job.tasks) > len(shown):
                    branch.add(Text(f"and {len(job.tasks) - len(shown)} more", style="dim"))
        return tree

    def _head(self, board: Board) -> RenderableType:
        name = Text(self._names.connection(board.connection_id), style="bold")
        if board.run is None:
            return self._line(self._spinner, name, Text(board.hint or "triggering", style="dim"))
        phase = None if board.run.completed else board.run.phase
        return self._row(board.run, name, board.hint or (str(phase) if phase else ""))

    def _row(self, thing: StorageRun | StorageJob | StorageTask, name: Text, more: str) -> RenderableType:
        ended = thing.state == ExecutionState.COMPLETED
        style = result_style(thing.result) if ended else "cyan" if thing.state in _AT_WORK else "dim"
        state = Text(str(thing.result if ended else thing.state), style=style)
        if more:
            state.append(f"  {more}", style="dim")
        return self._line(_mark(thing, style) or self._spinner, name, state)

    @staticmethod
    def _line(mark: RenderableType, name: Text, state: Text) -> Table:
        line = Table.grid(padding=(0, 1))
        line.add_column(width=1)
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(mark, name, state)
        return line


def _mark(thing: StorageRun | StorageJob | StorageTask, style: str) -> Text | None:
    """Return the mark before a thing; `None` for the spinner of what is at work."""
    if thing.state == ExecutionState.COMPLETED:
        good = thing.result in {ExecutionResult.SUCCESS, ExecutionResult.SKIPPED}
        return Text("\N{CHECK MARK}" if good else "\N{BALLOT X}", style=style)
    return None if thing.state in _AT_WORK else Text("\N{MIDDLE DOT}", style=style)


def _progress(job: StorageJob) -> str:
    done = sum(task.state == ExecutionState.COMPLETED for task in job.tasks)
    return f"{done} of {len(job.tasks)} done"


def _why(task: StorageTask) -> str:
    if task.failed and task.error is not None:
        return error_words(task.error)
    return f"retry {task.retry_attempts}" if task.retry_attempts else ""


def _interest(task: StorageTask) -> int:
    """Return how far down the list a task may come: failures first, then what is at work, then the rest."""
    if task.failed:
        return 0
    return 1 if task.state in _AT_WORK else 2 if task.state != ExecutionState.COMPLETED else 3
