"""Names in place of ids: a unique name is its id, an ambiguous one lists the candidates, an unknown one near names."""

from __future__ import annotations

import difflib
import re
from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol

from attrs import define, field, frozen

from bentley_sync_async import AmbiguousNameError, InvalidArgumentError, StorageRun, SynchronizationClient
from bentley_sync_async.models import RunRef
from bentley_sync_async.models.platform import StorageFolder, StorageItem

Named = tuple[str, str]
"""The id and the name of an entity."""

Kind = Literal["storage", "manifest"]

LATEST = "latest"
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9_-]{43,}|[0-9a-f]{40}")
_NEAR, _MOST_NEAR = 0.6, 5
_NEAR_ID = 0.9  # ids of one iModel have half of their characters in common
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def is_id(text: str) -> bool:
    """Return whether a text has the form of an id of the platform: a GUID, or 43 characters of base64url."""
    return _ID.fullmatch(text) is not None


class UnknownNameError(InvalidArgumentError):
    """Nothing has the name; the message has near names."""


@frozen
class Sought:
    """What a command looked for.

    Attributes:
        kind: What it is, for people, such as `storage connection`.
        id: The id that was sent.
        name: The name by which it was found; `None` if the id was given.
    """

    kind: str
    id: str
    name: str | None = None


class _Listed(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def display_name(self) -> str | None: ...


@define
class Lookup:
    """Finds ids by names with the client of a command.

    Attributes:
        client: The client.
        itwin_given: The iTwin to look in, by id, name or number; `None` if nobody said.
        imodel_given: The iModel to look in, by id or name; `None` if nobody said.
        sought: What was looked for so far, for the text of a 404 or a 403.
        lists: What was listed so far, by kind, for near names.
    """

    client: SynchronizationClient
    itwin_given: str | None = None
    imodel_given: str | None = None
    sought: list[Sought] = field(factory=list)
    lists: dict[str, list[Named]] = field(factory=dict)

    async def itwin(self, text: str | None = None) -> str:
        """Return the id of an iTwin, of the one to look in by default."""
        wanted = text or self.itwin_given
        if wanted is None:
            raise InvalidArgumentError("Which iTwin? Name it with --itwin, or set BENTLEY_SYNC_ITWIN.")
        if is_id(wanted):
            return self._known("iTwin", wanted)
        found = [itwin async for itwin in self.client.itwins.list(search=wanted)]
        numbered = [itwin for itwin in found if itwin.number == wanted]
        if len(numbered) == 1:
            return self._known("iTwin", numbered[0].id, wanted)
        names = named(found)
        hit = any(name.casefold() == wanted.casefold() for _, name in names)
        return self.pick("iTwin", wanted, names if hit else await self.itwins())

    async def imodel(self, text: str | None = None) -> str:
        """Return the id of an iModel, of the one to look in by default."""
        wanted = text or self.imodel_given
        if wanted is None:
            raise InvalidArgumentError("Which iModel? Name it with --imodel, or set BENTLEY_SYNC_IMODEL.")
        if is_id(wanted):
            return self._known("iModel", wanted)
        if self.itwin_given is None:
            raise _no_place(wanted, "iModel", "iTwin", "--itwin")
        return self.pick("iModel", wanted, await self.imodels())

    async def connection(self, text: str, kind: Kind = "storage") -> str:
        """Return the id of a connection."""
        what = f"{kind} connection"
        if is_id(text):
            return self._known(what, text)
        if self.imodel_given is None:
            raise _no_place(text, what, "iModel", "--imodel")
        return self.pick(what, text, await self.connections(kind))

    async def source_file(self, connection_id: str, text: str, kind: Kind = "storage") -> str:
        """Return the id of a source file of a connection, by its id, its file's id, or the name that it had last."""
        names: list[tuple[str, str | None]]
        if kind == "manifest":
            own = self.client.manifest_connections.source_files.list(connection_id)
            names = [(file.id, file.source_file_id) async for file in own]
        else:
            files = [file async for file in self.client.storage_connections.source_files.list(connection_id)]
            names = [(file.id, file.storage_file_id) for file in files]
            names += [(file.id, file.last_known_file_name) for file in files]
        if any(text == one for one, _ in names):
            return self._known("source file", text)
        return self.pick("source file", text, [(one, name) for one, name in names if name])

    async def run(self, connection_id: str, text: str | None = None, kind: Kind = "storage") -> RunRef:
        """Return a run of a connection, by its id or the beginning of it; by default the latest."""
        if text is not None and is_id(text):
            return RunRef(connection_id=connection_id, run_id=self._known("run", text), kind=kind)
        runs = await self._runs(connection_id, kind)
        if text is None or text == LATEST:
            if not runs:
                raise InvalidArgumentError("The connection was never run.")
            return RunRef(connection_id=connection_id, run_id=latest(runs).id, kind=kind)
        begun = [run.id for run in runs if run.id.startswith(text)]
        run_id = begun[0] if len(begun) == 1 else self.pick("run", text, [(run.id, run.id) for run in runs])
        return RunRef(connection_id=connection_id, run_id=run_id, kind=kind)

    async def item(self, text: str, *, folder: bool | None = None) -> StorageItem:
        """Return a file or a folder in Storage, by its path from the iTwin's root folder.

        Args:
            text: The path, with `/` between the names.
            folder: Whether it must be a folder, or must be none; `None` if it may be either.
        """
        names = [name for name in text.split("/") if name]
        if not names:
            raise InvalidArgumentError("The root folder has no name and cannot be changed.")
        found: StorageItem | None = None
        for depth, name in enumerate(names):
            last = depth == len(names) - 1
            inside = (
                self.client.storage.folders.list_items(found.id)
                if found
                else self.client.storage.list(await self.itwin())
            )
            items = [item async for item in inside if not last or folder is None or is_folder(item) is folder]
            kept = items if last else [item for item in items if is_folder(item)]
            what = ("file or folder" if folder is None else "folder" if folder else "file") if last else "folder"
            one = self.pick(what, name, named(kept))
            found = next(item for item in kept if item.id == one)
        assert found is not None  # noqa: S101 - there is at least one name
        return found

    async def folder(self, text: str | None) -> str:
        """Return the id of a folder, by its id or path; the root folder of the iTwin if there is none."""
        if text is None or not text.strip("/"):
            return await self.client.storage.root_folder_id(await self.itwin())
        return self._known("folder", text) if is_id(text) else (await self.item(text, folder=True)).id

    async def file(self, text: str) -> str:
        """Return the id of a file in Storage, by its id or path."""
        return self._known("file", text) if is_id(text) else (await self.item(text, folder=False)).id

    async def webhook(self, text: str) -> str:
        """Return the id of a webhook, by its id or its URL."""
        if is_id(text):
            return self._known("webhook", text)
        hooks = [(hook.id, hook.callback_url or "") async for hook in self.client.webhooks.list()]
        return self.pick("webhook", text, hooks)

    async def named_version(self, imodel_id: str, text: str) -> str:
        """Return the id of a named version of an iModel."""
        if is_id(text):
            return self._known("named version", text)
        return self.pick("named version", text, await listed(self.client.imodels.named_versions.list(imodel_id)))

    async def itwins(self) -> list[Named]:
        """Return the iTwins of the caller."""
        return self._keep("iTwin", await listed(self.client.itwins.list()))

    async def imodels(self) -> list[Named]:
        """Return the iModels of the iTwin to look in."""
        return self._keep("iModel", await listed(self.client.imodels.list(await self.itwin())))

    async def connections(self, kind: Kind = "storage") -> list[Named]:
        """Return the connections of a kind of the iModel to look in."""
        of_kind = self.client.storage_connections if kind == "storage" else self.client.manifest_connections
        return self._keep(f"{kind} connection", await listed(of_kind.list(await self.imodel())))

    def name(self, one: str) -> str:
        """Return the name of an id that was looked for, with the id behind it; the id alone if there is none."""
        found = next((sought.name for sought in self.sought if sought.id == one and sought.name), None)
        return f"{found} ({one})" if found else one

    async def _runs(self, connection_id: str, kind: Kind) -> Sequence[StorageRun]:
        of_kind = self.client.storage_connections if kind == "storage" else self.client.manifest_connections
        return await of_kind.runs.recent(connection_id)

    def _keep(self, kind: str, found: list[Named]) -> list[Named]:
        self.lists[kind] = found
        return found

    def _known(self, kind: str, one: str, name: str | None = None) -> str:
        self.sought.append(Sought(kind, one, name))
        return one

    def pick(self, kind: str, wanted: str, known: Sequence[Named]) -> str:
        """Return the id of the one entity that has a name; see the module."""
        exact = [one for one, name in known if name == wanted]
        found = exact or [one for one, name in known if name.casefold() == wanted.casefold()]
        if len(dict.fromkeys(found)) == 1:
            return self._known(kind, found[0], wanted)
        if found:
            lines = [f"{len(found)} {kind}s are called {wanted!r}. Use the id of one:", *(f"  {one}" for one in found)]
            raise AmbiguousNameError("\n".join(lines), ids=found)
        raise UnknownNameError(f"There is no {kind} called {wanted!r}.{near_text(wanted, [name for _, name in known])}")


async def listed(entities: AsyncIterable[_Listed]) -> list[Named]:
    """Return the ids and names of a list."""
    return [(entity.id, entity.display_name or "") async for entity in entities]


def named(entities: Iterable[_Listed]) -> list[Named]:
    """Return the ids and names of entities."""
    return [(entity.id, entity.display_name or "") for entity in entities]


def near_text(wanted: str, names: Iterable[str]) -> str:
    """Return a sentence with the names that are near to the one that was looked for; or how many names there are."""
    known = [name for name in dict.fromkeys(names) if name]
    folded = {name.casefold(): name for name in known}
    near = [folded[one] for one in difflib.get_close_matches(wanted.casefold(), folded, n=_MOST_NEAR, cutoff=_NEAR)]
    near += [name for one, name in folded.items() if wanted.casefold() in one and name not in near]
    if near:
        return f" Did you mean {', '.join(map(repr, near[:_MOST_NEAR]))}?"
    return _names_text(known)


def _names_text(known: Sequence[str]) -> str:
    """Return a sentence with all names, if they are few."""
    are = "is" if len(known) == 1 else "are"
    return f" There {are} {', '.join(map(repr, known))}." if 0 < len(known) <= _MOST_NEAR else ""


def near_ids_text(wanted: str, known: Sequence[Named]) -> str:
    """Return a sentence with the entity whose id differs from another one in little, by its name; or all names."""
    near = difflib.get_close_matches(wanted, [one for one, _ in known], n=1, cutoff=_NEAR_ID)
    if near:
        name = next(name for one, name in known if one == near[0])
        return f" Did you mean {name!r} ({near[0]})?"
    return _names_text([name for _, name in known])


def latest(runs: Sequence[StorageRun]) -> StorageRun:
    """Return the run that is active, or else started last; the order of the service's list is not documented."""
    return max(runs, key=lambda run: (not run.completed, run.start_date_time or _LONG_AGO))


def is_folder(item: StorageItem) -> bool:
    """Return whether an item of Storage is a folder."""
    return isinstance(item, StorageFolder)


def _no_place(text: str, kind: str, place: str, option: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{text!r} is no id, and names of {kind}s are looked up in an {place}: name it with {option}, or use the id."
    )
