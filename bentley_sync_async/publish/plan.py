"""What a publish has to do: files to upload, connections to change, runs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

from bentley_sync_async.bulk.report import counted, duration_text
from bentley_sync_async.models import ConnectorType
from bentley_sync_async.wire.codec import encode, to_builtins


class FileAction(StrEnum):
    """What happens to a file."""

    UPLOAD = "upload"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REMOVE = "remove"
    KEEP = "keep"
    """It is gone locally, and stays in Storage and in the iModel, as pruning was not asked for."""
    REFUSE = "refuse"
    """It cannot be published, such as an empty file; what was published before stays."""


@frozen(kw_only=True)
class LocalFile:
    """A file as it is now.

    Attributes:
        path: Its path relative to the manifest, with forward slashes; what identifies it.
        size: Bytes.
        sha256: The SHA-256 of its content, in hexadecimal digits.
        connector: The connector that reads it.
    """

    path: str
    size: int
    sha256: str
    connector: ConnectorType


@frozen(kw_only=True)
class PublishedFile:
    """A file that was published before, as Storage and its connection show it.

    Attributes:
        path: Its path when it was published.
        file_id: Its id in Storage.
        size: Bytes.
        sha256: The SHA-256 of its content in Storage; `None` if somebody else has changed it.
        connection_id: The connection that it belongs to; `None` if it belongs to none.
        source_file_id: Its id in that connection.
        connector: The connector that reads it there.
        synchronized: Whether a run of the connection has succeeded with this content.
    """

    path: str
    file_id: str
    size: int = 0
    sha256: str | None = None
    connection_id: str | None = None
    source_file_id: str | None = None
    connector: ConnectorType | None = None
    synchronized: bool = False


@frozen(kw_only=True)
class PublishedConnection:
    """A connection that an earlier publish made.

    Attributes:
        connection_id: The storage connection.
        display_name: Its name.
        files: How many source files it has, those that others have added included.
    """

    connection_id: str
    display_name: str
    files: int


@frozen(kw_only=True)
class FilePlan:
    """What happens to one file.

    Attributes:
        path: Its path relative to the manifest.
        action: What happens to it.
        size: Bytes; of a file that is gone, those in Storage.
        local: The file as it is now; `None` if it is gone.
        published: The file as it was published; `None` if it is new.
        reason: Why it cannot be published, for people; `None` if it can.
    """

    path: str
    action: FileAction
    size: int = 0
    local: LocalFile | None = None
    published: PublishedFile | None = None
    reason: str | None = None


@frozen(kw_only=True)
class ConnectionPlan:
    """What happens to one connection.

    Attributes:
        display_name: Its name.
        connection_id: The storage connection; `None` if it is to be created.
        files: The paths of all its files.
        add: The paths of files that it gets.
        change: The paths of files that another connector is to read.
        remove: The paths of files that it loses.
        run: Whether it is run.
    """

    display_name: str
    connection_id: str | None
    files: tuple[str, ...]
    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    run: bool = False


@frozen(kw_only=True)
class PublishPlan:
    """What a publish has to do.

    `print(plan)` shows what would change: `+` new, `~` updated, `-` removed, `!` refused.

    Attributes:
        files: Every file, by path.
        connections: Every connection of the publish, by name.
        creates: What is missing and created first, such as `iModel Combined`; known to a dry run only.
        expected: Seconds that the runs of connections that exist should take; `None` if there is none, or it is no dry
            run.
    """

    files: tuple[FilePlan, ...]
    connections: tuple[ConnectionPlan, ...]
    creates: tuple[str, ...] = ()
    expected: float | None = None

    @property
    def uploads(self) -> tuple[FilePlan, ...]:
        """The files to upload, anew or again."""
        return tuple(one for one in self.files if one.action in {FileAction.UPLOAD, FileAction.UPDATE})

    @property
    def size(self) -> int:
        """The bytes to upload."""
        return sum(one.size for one in self.uploads)

    @property
    def counts(self) -> Mapping[FileAction, int]:
        """How many files each action has."""
        return Counter(one.action for one in self.files)

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything is up to date."""
        if self.uploads or self.creates or self.counts[FileAction.REMOVE]:
            return False
        return not any(
            one.run or one.add or one.change or one.remove or one.connection_id is None for one in self.connections
        )

    def __str__(self) -> str:
        lines = [line for one in self.files if (line := _file_line(one)) is not None]
        for action, what in _UNTOUCHED.items():
            if count := self.counts[action]:
                lines.append(f"= {count:,} {what}")
        lines += [f"+ {one}" for one in self.creates]
        lines += [line for one in self.connections if (line := _connection_line(one)) is not None]
        lines += [f"run {one.display_name}" for one in self.connections if one.run]
        return "\n".join([*lines, self.totals(), *self._expectation()])

    def _expectation(self) -> list[str]:
        if self.expected is None:
            return []
        known = all(one.connection_id is not None for one in self.connections if one.run)
        runs = "The runs" if known else "The runs of connections that exist"
        return [f"{runs} should take about {duration_text(self.expected)}."]

    def totals(self) -> str:
        """Return one line with the amount of work."""
        if self.nothing_to_do:
            refused = self.counts[FileAction.REFUSE]
            but = f", {refused:,} cannot be published" if refused else ""
            return f"Nothing to do: {counted(self.counts[FileAction.UNCHANGED], 'file')} unchanged{but}."
        runs = sum(one.run for one in self.connections)
        uploads = f"{counted(len(self.uploads), 'file')} to upload ({size_text(self.size)})"
        removals = f", {self.counts[FileAction.REMOVE]:,} to remove" if self.counts[FileAction.REMOVE] else ""
        return f"{uploads}{removals}, {counted(runs, 'connection')} to run."

    def to_json(self) -> str:
        """Return it as one JSON object, with the API's spelling of names; sizes are in bytes."""
        counts = {str(action): self.counts[action] for action in FileAction}
        summary = {"nothingToDo": self.nothing_to_do, "uploadBytes": self.size, "counts": counts}
        return encode({**summary, **to_builtins(self)}).decode()


_MARKS = {FileAction.UPLOAD: "+", FileAction.UPDATE: "~"}

_UNTOUCHED = {FileAction.UNCHANGED: "unchanged", FileAction.KEEP: "gone locally, and kept without prune"}

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def size_text(size: int) -> str:
    """Return a size for people, such as `1.5 MB`."""
    for factor, unit in _UNITS:
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _file_line(file: FilePlan) -> str | None:
    if file.action is FileAction.REFUSE:
        return f"! {file.path}: {file.reason}"
    if file.action is FileAction.REMOVE:
        return f"- {file.path}"
    if file.local is None or file.action not in _MARKS:
        return None
    return f"{_MARKS[file.action]} {file.path} ({size_text(file.size)}, {file.local.connector})"


def _connection_line(connection: ConnectionPlan) -> str | None:
    if connection.connection_id is None:
        return f"+ connection {connection.display_name}: {counted(len(connection.files), 'file')}"
    changes = {"added": connection.add, "with another connector": connection.change, "removed": connection.remove}
    parts = [f"{len(paths):,} {what}" for what, paths in changes.items() if paths]
    return f"~ connection {connection.display_name}: {', '.join(parts)}" if parts else None
