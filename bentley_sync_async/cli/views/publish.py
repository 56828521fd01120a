"""The views of a publish: a bar for each file in flight and the runs on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self, TypeAlias

import anyio
from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bentley_sync_async.bulk import BulkEvent, ConnectionFinished
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import duration_text
from bentley_sync_async.cli.formatting.publish import publish_text, runs_text, uploads_text
from bentley_sync_async.publish import (
    ConnectionPrepared,
    FileFailed,
    FileUploaded,
    PublishEvent,
    PublishPlanned,
    PublishProgress,
    UploadStarted,
)

from .active_runs import ActiveRuns
from .background import BackgroundView
from .bulk import PlainBulkView, print_outcome
from .run import can_redraw

_SILENCE = 30.0  # seconds between two plain lines on the progress
_MOST_BARS = 12
_OTHER_LINES = 8  # around the bars, with some room for failures above
_BAR = 30
_ABOVE = (PublishPlanned, FileFailed, UploadStarted)  # what is printed above the picture

PublishView: TypeAlias = BackgroundView[PublishEvent | BulkEvent, PublishProgress]


def best_publish_view(console: Console, names: DisplayNames) -> PublishView:
    """Return the live picture for a terminal that can redraw it, otherwise plain lines."""
    return (LivePublishView if can_redraw(console) else PlainPublishView)(console, names)


@define
class _Runs:
    """The runs of a publish: their names, and how many there are."""

    _names: DisplayNames
    _now: Callable[[], float]
    active: ActiveRuns = field(init=False)
    total: int = field(init=False, default=0)
    finished: int = field(init=False, default=0)
    planned: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        """Begin without any."""
        self.active = ActiveRuns(self._names, self._now)

    def update(self, event: PublishEvent | BulkEvent) -> None:
        """Update with an event."""
        match event:
            case PublishPlanned(plan=plan):
                self.planned = True
                self.total = sum(one.run for one in plan.connections)
                self._names.connections.update(
                    {one.connection_id: one.display_name for one in plan.connections if one.connection_id is not None}
                )
                known = [(one.published.file_id, one.path) for one in plan.files if one.published is not None]
                self._names.files.update(known)
            case FileUploaded(file_id=file_id, path=path):
                self._names.files[file_id] = path
            case ConnectionPrepared(connection_id=connection_id, display_name=name):
                self._names.connections[connection_id] = name
            case BulkEvent():
                self.active.update(event)
                self.finished += isinstance(event, ConnectionFinished)
            case _:
                pass

    def text(self) -> str | None:
        """Return how far the work is apart from uploads; `None` if there are no runs yet."""
        if not self.planned and not len(self.active):
            return "comparing the local files with what is there"
        if not self.finished and not len(self.active):
            return None
        return runs_text(self.finished, len(self.active), max(self.total, self.finished + len(self.active)))


@define
class PlainPublishView(BackgroundView[PublishEvent | BulkEvent, PublishProgress]):
    """A line for each file, connection and run, and one for the progress from time to time."""

    _console: Console
    _names: DisplayNames
    _now: Callable[[], float] = anyio.current_time
    _bulk: PlainBulkView = field(init=False)
    _runs: _Runs = field(init=False)
    _due: float = field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        """Begin without runs."""
        self._bulk = PlainBulkView(self._console, self._names, lambda: None, self._now)
        self._runs = _Runs(self._names, self._now)

    def __enter__(self) -> Self:
        self._due = self._now() + _SILENCE
        return self

    def show(self, event: PublishEvent | BulkEvent) -> None:
        """Print what happened."""
        self._runs.update(event)
        if isinstance(event, BulkEvent):
            self._bulk.show(event)
        elif (text := publish_text(event)) is not None:
            _print(self._console, text)

    def tick(self, progress: PublishProgress) -> None:
        """Print the progress, if the last time is long ago."""
        if self._now() < self._due:
            return
        self._due = self._now() + _SILENCE
        uploading = progress.finished < progress.files
        if (text := uploads_text(progress) if uploading else self._runs.text()) is not None:
            _print(self._console, text)


@define
class LivePublishView(BackgroundView[PublishEvent | BulkEvent, PublishProgress]):
    """A picture of bounded height that is redrawn; what is not good is printed above it."""

    _console: Console
    _names: DisplayNames
    _now: Callable[[], float] = anyio.current_time
    _runs: _Runs = field(init=False)
    _live: Live = field(init=False)
    _began: float = field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        """Set the picture up; only `tick` draws it."""
        self._runs = _Runs(self._names, self._now)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._began = self._now()
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def show(self, event: PublishEvent | BulkEvent) -> None:
        """Update with an event; print what is not good."""
        self._runs.update(event)
        if isinstance(event, BulkEvent):
            if isinstance(event, ConnectionFinished):
                print_outcome(self._console, event, self._names)
        elif isinstance(event, _ABOVE) and (text := publish_text(event)) is not None:
            _print(self._console, text)

    def tick(self, progress: PublishProgress) -> None:
        """Draw the picture."""
        self._live.update(self.picture(progress), refresh=True)

    def picture(self, progress: PublishProgress) -> RenderableType:
        """Return the current picture."""
        room = min(_MOST_BARS, max(self._console.height - _OTHER_LINES, 0))
        end = f"{duration_text(timedelta(seconds=self._now() - self._began))}. Ctrl-C detaches; runs go on."
        text = self._runs.text()
        uploading = progress.finished < progress.files
        return Group(
            *([self._bars(progress, room)] if uploading else []),
            *([Text(text)] if text is not None else []),
            *([self._runs.active.table(room)] if text is not None and room else []),
            Text(end, style="dim"),
        )

    def _bars(self, progress: PublishProgress, room: int) -> Table:
        """Return a bar for all files, and one for each that is being uploaded."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=min(_BAR, self._console.width // 3))
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_row(ProgressBar(total=progress.size or 1, completed=progress.sent), Text(uploads_text(progress)))
        for path, (sent, size) in list(progress.sending.items())[:room]:
            bar = ProgressBar(total=size or 1, completed=sent)
            table.add_row(bar, Text(f"{path}  {decimal(sent)} of {decimal(size)}"))
        return table


def _print(console: Console, text: str) -> None:
    line = f"{datetime.now(UTC).astimezone():%H:%M:%S}  {text}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
