"""iModels, their changesets and named versions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen

from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.itwins.store import ITwins
from bentley_sync_async.emulator.platform.ids import itwin_of


@frozen(kw_only=True)
class Changeset:
    """A changeset.

    Attributes:
        id: 40 hexadecimal digits.
        index: Its place in the history, from 1.
        parent_id: The changeset before it; empty for the first.
        description: A text about it.
        pushed: When it was made, in the API's format.
        file_size: Bytes of its file.
        containing_changes: What it changes, a sum of flags.
        task_id: The task of the run that made it.
        changed_files: Names of the files that the task processed.
    """

    id: str
    index: int
    parent_id: str
    description: str
    pushed: str
    file_size: int
    containing_changes: int
    task_id: str | None = None
    changed_files: tuple[str, ...] = ()


@define(kw_only=True)
class NamedVersion:
    """A named version.

    Attributes:
        id: A GUID.
        name: Its name, unique in the iModel.
        description: A text about it.
        changeset_index: The changeset that it names; 0 for the beginning.
        created: When it was made, in the API's format.
        state: visible or hidden.
    """

    id: str
    name: str
    description: str | None
    changeset_index: int
    created: str
    state: str = "visible"


@define(kw_only=True)
class IModel:
    """An iModel.

    Attributes:
        id: A GUID.
        itwin_id: Its iTwin.
        name: Its name, unique in the iTwin.
        description: A text about it.
        extent: The area that it covers, as it was sent.
        created: When it was created, in the API's format.
        created_by: The id of the user who created it.
        changesets: The changesets, the oldest first.
        named_versions: The named versions by id, the oldest first.
    """

    id: str
    itwin_id: str
    name: str
    description: str | None = None
    extent: dict[str, Any] | None = None
    created: str
    created_by: str | None = None
    changesets: list[Changeset] = field(factory=list)
    named_versions: dict[str, NamedVersion] = field(factory=dict)

    def add_changeset(
        self,
        *,
        description: str,
        pushed: str,
        file_size: int,
        changes: int,
        task_id: str,
        changed_files: tuple[str, ...],
    ) -> None:
        """Add a changeset to the end of the history."""
        index = len(self.changesets) + 1
        self.changesets.append(
            Changeset(
                id=hashlib.sha1(f"{self.id}/{index}".encode(), usedforsecurity=False).hexdigest(),
                index=index,
                parent_id=self.changesets[-1].id if self.changesets else "",
                description=description,
                pushed=pushed,
                file_size=file_size,
                containing_changes=changes,
                task_id=task_id,
                changed_files=changed_files,
            )
        )

    def changeset(self, id_or_index: str) -> Changeset | None:
        """Return a changeset by its id or its index; `None` if there is none."""
        if id_or_index.isascii() and id_or_index.isdecimal() and len(id_or_index) < 40:  # noqa: PLR2004 - digits of an id
            at = int(id_or_index) - 1
            return self.changesets[at] if 0 <= at < len(self.changesets) else None
        return next((one for one in self.changesets if one.id == id_or_index.lower()), None)


@define(kw_only=True)
class IModelState:
    """What is kept of iModels.

    Attributes:
        imodels: The iModels by id, the oldest first.
        deleted: Ids of deleted iModels.
    """

    imodels: dict[str, IModel] = field(factory=dict)
    deleted: list[str] = field(factory=list)


class IModels:
    """All iModels.

    Attributes:
        context: Options, clock and ids.
        itwins: The iTwins that they are in.
        state: What is kept.
        on_delete: Functions that are called with the id of every iModel that is deleted.
        before_history: A function that is called with the id of an iModel before its history is shown or named, so that
            runs that have ended can add to it.
    """

    def __init__(self, context: Context, itwins: ITwins) -> None:
        self.context = context
        self.itwins = itwins
        self.state = IModelState()
        self.on_delete: list[Callable[[str], None]] = []
        self.before_history: Callable[[str], None] = lambda _: None
        itwins.on_delete.append(self._forget_itwin)

    def get(self, imodel_id: str) -> IModel | None:
        """Return an iModel; `None` if there is none."""
        return self.state.imodels.get(imodel_id.lower())

    def was_deleted(self, imodel_id: str) -> bool:
        """Return whether there was an iModel of this id."""
        return imodel_id.lower() in self.state.deleted

    def of_itwin(self, itwin_id: str) -> list[IModel]:
        """Return the iModels of an iTwin, the oldest first."""
        return [imodel for imodel in self.state.imodels.values() if imodel.itwin_id == itwin_id.lower()]

    def create(self, itwin_id: str, name: str, *, imodel_id: str | None = None) -> IModel:
        """Create an iModel, by default with a new id."""
        imodel_id = (imodel_id or self.context.product_ids.guid()).lower()
        imodel = IModel(id=imodel_id, itwin_id=itwin_id.lower(), name=name, created=self.context.now())
        self.state.imodels[imodel_id] = imodel
        return imodel

    def adopt(self, imodel_id: str) -> IModel:
        """Return an iModel; one that nobody created is created, in an iTwin of its own."""
        imodel = self.get(imodel_id)
        return imodel or self.create(self.itwins.adopt(imodel_id), f"iModel {imodel_id}", imodel_id=imodel_id)

    def itwin_of(self, imodel_id: str) -> str:
        """Return the id of an iModel's iTwin, also of one that nobody created."""
        imodel = self.get(imodel_id)
        return imodel.itwin_id if imodel else itwin_of(imodel_id)

    def delete(self, imodel: IModel) -> None:
        """Delete an iModel with all that hangs on it."""
        del self.state.imodels[imodel.id]
        self.state.deleted.append(imodel.id)
        for forget in self.on_delete:
            forget(imodel.id)

    def _forget_itwin(self, itwin_id: str) -> None:
        for imodel in self.of_itwin(itwin_id):
            self.delete(imodel)
