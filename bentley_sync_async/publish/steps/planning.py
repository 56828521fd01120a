"""The plan of a publish is made here: local files compared with what Storage and the connections hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from attrs import define, field

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.publish.manifest import MOST_CONNECTIONS, MOST_FILES
from bentley_sync_async.publish.plan import (
    ConnectionPlan,
    FileAction,
    FilePlan,
    LocalFile,
    PublishedConnection,
    PublishedFile,
    PublishPlan,
)


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
