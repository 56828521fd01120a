"""The runs that are under way: which they are, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from attrs import define, field, frozen
from rich.table import Table
from rich.text import Text

from bentley_sync_async import ExecutionState, RunJoined, RunTriggered, WaitingForIModel
from bentley_sync_async.bulk import BulkEvent, ConnectionFinished, ConnectionProgressed, ConnectionStarted
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import duration_text

from .run import WatchDisplay

_BEGIN_SHOWN = 8  # of an iModel's id
_END_SHOWN = 12  # of a connection's id, the beginning of which is its iModel's


@define
class Blocked:
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
class ActiveRuns:
    """The connections that are under way."""

    _names: DisplayNames
    _now: Callable[[], float]
    _active: dict[str, _Active] = field(init=False, factory=dict)

    def update(self, event: BulkEvent) -> None:
        """Update with an event."""
        match event:
            case ConnectionStarted(connection_id=str() as connection_id, imodel_id=imodel_id, display_name=name):
                self._names.learn(connection_id, name)
                self._active[connection_id] = _Active(WatchDisplay(connection_id), imodel_id, self._now())
            case ConnectionProgressed(connection_id=str() as connection_id, event=progress):
                self._active[connection_id].display.update(progress, self._names)
            case ConnectionFinished(outcome=outcome):
                self._active.pop(outcome.connection_id or "", None)
            case _:
                pass

    def __len__(self) -> int:
        return len(self._active)

    def table(self, rows: int) -> Table:
        """Return a table of the first of them, so many at the most."""
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for one in list(self._active.values())[:rows]:
            connection_id = one.display.connection_id
            table.add_row(
                Text(self._names.connections.get(connection_id) or f"...{connection_id[-_END_SHOWN:]}"),
                Text(f"iModel {one.imodel_id[:_BEGIN_SHOWN]}" if one.imodel_id else "", style="dim"),
                Text(duration_text(timedelta(seconds=self._now() - one.since)), style="dim"),
                Text(_state(one.display), style="cyan" if one.display.run is not None else "dim"),
            )
        return table


def _state(display: WatchDisplay) -> str:
    """Return the state of an active connection."""
    if display.run is None or display.hint is not None:
        return display.hint or "triggering"
    phase = f" {display.run.phase}" if display.run.phase else ""
    files = list(display.run.tasks)
    done = sum(task.state == ExecutionState.COMPLETED for task in files)
    return f"{display.run.state}{phase}{f', {done} of {len(files)} files' if files else ''}"
