"""What a publish has to do: local files compared with what Storage and the iModel's connections hold. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType

from attrs import define, field, frozen

from bentley_sync_async.bulk.report import counted
from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import ConnectorType
from bentley_sync_async.wire.codec import encode, to_builtins

from .manifest import MOST_CONNECTIONS, MOST_FILES


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
    """

    files: tuple[FilePlan, ...]
    connections: tuple[ConnectionPlan, ...]
    creates: tuple[str, ...] = ()

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
        return "\n".join([*lines, self.totals()])

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


def make_plan(
    local: Iterable[LocalFile],
    published: Iterable[PublishedFile],
    connections: Iterable[PublishedConnection],
    *,
    folder: str,
    refused: Mapping[str, str] = MappingProxyType({}),
    files_per_connection: int = MOST_FILES,
    other_connections: int = 0,
    prune: bool = False,
) -> PublishPlan:
    """Return what has to be done so that Storage and the iModel have the local files.

    A file keeps its connection. A new one goes to the connection that has files of its folder, then to any with room,
    then to a new connection.

    Args:
        local: The files as they are now.
        published: The files of earlier publishes.
        connections: The connections of earlier publishes.
        folder: The folder in Storage, after which new connections are named.
        refused: The files that are there but cannot be published, with the reason.
        files_per_connection: The most files of a connection.
        other_connections: How many connections the iModel has besides.
        prune: Whether files that are gone locally are removed from the connection, the iModel and Storage.

    Raises:
        InvalidArgumentError: The iModel would have more connections than the portal allows.
    """
    now = {one.path: one for one in sorted(local, key=lambda one: one.path)}
    before = {one.path: one for one in published}
    files = [
        FilePlan(path=path, action=FileAction.REFUSE, published=before.get(path), reason=refused[path])
        if path in refused
        else _file_plan(path, now.get(path), before.get(path), prune=prune)
        for path in sorted({*now, *before, *refused})
    ]
    drafts = _Drafts(connections, folder=folder, most=files_per_connection)
    for one in files:
        if one.published is not None and one.published.connection_id in drafts.by_id:
            drafts.keep(one, drafts.by_id[one.published.connection_id])
    for one in files:
        in_one = one.published is not None and one.published.connection_id in drafts.by_id
        if not in_one and one.local is not None:
            drafts.place(one)
    planned = tuple(draft.plan() for draft in drafts.all)
    if len(planned) + other_connections > MOST_CONNECTIONS:
        raise InvalidArgumentError(
            f"{len(now):,} files need {len(planned):,} connections, and the iModel has {other_connections:,} others; "
            f"an iModel can have {MOST_CONNECTIONS}. Raise model.files_per_connection, or publish to several iModels."
        )
    return PublishPlan(files=tuple(files), connections=planned)


def _file_plan(path: str, local: LocalFile | None, published: PublishedFile | None, *, prune: bool) -> FilePlan:
    if local is None:
        action = FileAction.REMOVE if prune else FileAction.KEEP
    elif published is None:
        action = FileAction.UPLOAD
    else:
        same = (local.sha256, local.size) == (published.sha256, published.size)
        action = FileAction.UNCHANGED if same else FileAction.UPDATE
    size = local.size if local is not None else published.size if published is not None else 0
    return FilePlan(path=path, action=action, size=size, local=local, published=published)


@define(eq=False)
class _Draft:
    """A connection while its plan is made."""

    display_name: str
    connection_id: str | None
    count: int
    files: list[str] = field(factory=list)
    add: list[str] = field(factory=list)
    change: list[str] = field(factory=list)
    remove: list[str] = field(factory=list)
    out_of_date: bool = False

    def plan(self) -> ConnectionPlan:
        return ConnectionPlan(
            display_name=self.display_name,
            connection_id=self.connection_id,
            files=tuple(self.files),
            add=tuple(self.add),
            change=tuple(self.change),
            remove=tuple(self.remove),
            run=bool(self.out_of_date or self.add or self.change or self.remove),
        )


class _Drafts:
    """The connections while the plan is made."""

    def __init__(self, connections: Iterable[PublishedConnection], *, folder: str, most: int) -> None:
        self._folder = folder
        self._most = most
        self.all = [
            _Draft(one.display_name, one.connection_id, one.files)
            for one in sorted(connections, key=lambda one: (one.display_name, one.connection_id))
        ]
        self.by_id = {one.connection_id: one for one in self.all}
        self._of_folder: dict[PurePosixPath, _Draft] = {}
        self._names = connection_names(folder, [one.display_name for one in self.all])
        self._with_room = iter(self.all)
        self._next = next(self._with_room, None)

    def keep(self, file: FilePlan, draft: _Draft) -> None:
        """Leave a file in its connection."""
        if file.action is FileAction.REMOVE:
            draft.remove.append(file.path)
            return
        draft.files.append(file.path)
        self._of_folder.setdefault(PurePosixPath(file.path).parent, draft)
        if file.local is None or file.published is None:
            return
        if file.local.connector != file.published.connector:
            draft.change.append(file.path)
        draft.out_of_date |= file.action is FileAction.UPDATE or not file.published.synchronized

    def place(self, file: FilePlan) -> None:
        """Give a file that belongs to no connection to one."""
        folder = PurePosixPath(file.path).parent
        draft = self._of_folder.get(folder)
        if draft is None or draft.count >= self._most:
            draft = self._of_folder[folder] = self._first_with_room()
        draft.count += 1
        draft.files.append(file.path)
        draft.add.append(file.path)

    def _first_with_room(self) -> _Draft:
        while self._next is not None and self._next.count >= self._most:
            self._next = next(self._with_room, None)
        if self._next is None:
            self._next = _Draft(next(self._names), None, 0)
            self.all.append(self._next)
        return self._next


def connection_names(folder: str, taken: Sequence[str]) -> Iterator[str]:
    """Yield names for new connections of a folder: `Nightly 1`, `Nightly 2` and so on, without those taken."""
    number = 0
    while True:
        number += 1
        if (name := f"{folder} {number}") not in taken:
            yield name


def is_connection_name(display_name: str, folder: str) -> bool:
    """Return whether a publish of this folder has given the name to a connection."""
    rest = display_name.removeprefix(f"{folder} ")
    return rest != display_name and rest.isascii() and rest.isdecimal()
