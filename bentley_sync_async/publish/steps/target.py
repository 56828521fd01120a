"""Names of iTwins, iModels and folders to their ids."""

from __future__ import annotations

import re

from attrs import define, frozen

from bentley_sync_async.errors import InvalidArgumentError, NotFoundError
from bentley_sync_async.publish.manifest import ModelTarget
from bentley_sync_async.publish.state import PublishState, Target
from bentley_sync_async.resources.imodels.imodels import IModels
from bentley_sync_async.resources.itwins.itwins import ITwins
from bentley_sync_async.resources.storage.storage import Storage

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@frozen(kw_only=True)
class FoundTarget:
    """What there is of a target.

    Attributes:
        itwin_id: The iTwin.
        imodel_id: The iModel; `None` if it is missing.
        folder_id: The folder; `None` if it is missing.
        root_id: The root folder of the iTwin's Storage; `None` if the folder was remembered.
    """

    itwin_id: str
    imodel_id: str | None
    folder_id: str | None
    root_id: str | None = None

    @property
    def target(self) -> Target | None:
        """The target; `None` if a part is missing."""
        if self.imodel_id is None or self.folder_id is None:
            return None
        return Target(itwin_id=self.itwin_id, imodel_id=self.imodel_id, folder_id=self.folder_id)

    def missing(self, model: ModelTarget) -> tuple[str, ...]:
        """Return what is missing, for people."""
        parts = {f"iModel {model.imodel}": self.imodel_id, f"folder {model.folder}": self.folder_id}
        return tuple(name for name, found in parts.items() if found is None)


@define(eq=False)
class TargetResolver:
    """Finds the target of a manifest, and creates what is missing.

    Attributes:
        itwins: The resource.
        imodels: The resource.
        storage: The resource.
        state: Remembers the ids.
        model: The names.
    """

    itwins: ITwins
    imodels: IModels
    storage: Storage
    state: PublishState
    model: ModelTarget

    async def find(self) -> FoundTarget:
        """Return what there is; nothing is sent if the ids are remembered.

        Raises:
            InvalidArgumentError: The iTwin is not there, a name is there more than once, or the iModel is missing and
                is not to be created.
        """
        remembered = await self.state.target(self._names)
        if remembered is not None:
            return FoundTarget(
                itwin_id=remembered.itwin_id, imodel_id=remembered.imodel_id, folder_id=remembered.folder_id
            )
        itwin_id = await self._itwin()
        root_id, folder_id = await self._folder(itwin_id)
        imodel_id = await self._imodel(itwin_id)
        found = FoundTarget(itwin_id=itwin_id, imodel_id=imodel_id, folder_id=folder_id, root_id=root_id)
        if found.target is not None:
            await self.state.save_target(self._names, found.target)
        return found

    async def create(self, found: FoundTarget) -> Target:
        """Create what is missing, and return the whole target."""
        imodel_id, folder_id = found.imodel_id, found.folder_id
        if imodel_id is None:
            imodel_id = (await self.imodels.create(found.itwin_id, self.model.imodel)).id
        if folder_id is None:
            assert found.root_id is not None  # noqa: S101 - it comes with a folder that is missing
            folder_id = (await self.storage.folders.create(found.root_id, self.model.folder)).id
        target = Target(itwin_id=found.itwin_id, imodel_id=imodel_id, folder_id=folder_id)
        await self.state.save_target(self._names, target)
        return target

    @property
    def _names(self) -> tuple[str, str, str]:
        return (self.model.itwin, self.model.imodel, self.model.folder)

    async def _itwin(self) -> str:
        if _GUID.fullmatch(self.model.itwin):
            return self.model.itwin.lower()
        found = await self.itwins.find(display_name=self.model.itwin)
        if found is None:
            raise InvalidArgumentError(
                f"There is no iTwin named {self.model.itwin!r} that the application can see. Correct model.itwin, "
                "or add the application to the iTwin's members."
            )
        return found.id

    async def _imodel(self, itwin_id: str) -> str | None:
        if _GUID.fullmatch(self.model.imodel):
            try:
                return (await self.imodels.get(self.model.imodel)).id
            except NotFoundError as exc:
                raise InvalidArgumentError(
                    f"There is no iModel {self.model.imodel} that the application can see: {exc}"
                ) from exc
        found = await self.imodels.find(itwin_id, self.model.imodel)
        if found is None and not self.model.create:
            raise InvalidArgumentError(
                f"There is no iModel named {self.model.imodel!r} in iTwin {itwin_id}. Correct model.imodel, or set "
                "create = true to have it created."
            )
        return None if found is None else found.id

    async def _folder(self, itwin_id: str) -> tuple[str, str | None]:
        """Return the id of the root folder, and of the folder at its top if it is there."""
        root_id = await self.storage.root_folder_id(itwin_id)
        mine = [one.id async for one in self.storage.folders.list(root_id) if one.display_name == self.model.folder]
        if len(mine) > 1:
            raise InvalidArgumentError(
                f"Storage of iTwin {itwin_id} has {len(mine)} folders named {self.model.folder!r} ({', '.join(mine)}). "
                "Rename all but one of them, or name another folder."
            )
        return root_id, mine[0] if mine else None
