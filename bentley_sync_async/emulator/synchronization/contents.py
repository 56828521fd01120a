"""What a run finds in Storage, and what it leaves in the iModel when it has ended.

A run finds files as they are when it is triggered. What it changes is added when somebody looks, because nothing runs
in the background: the iModel's changesets, the names of source files, and which content a connection has synchronized.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import frozen

from bentley_sync_async.emulator.imodels.store import IModel, IModels
from bentley_sync_async.emulator.platform.problems import Detail, not_valid
from bentley_sync_async.emulator.storage.store import Storage
from bentley_sync_async.models import ConnectorType, ExecutionResult, TaskErrorPhase, TaskErrorSystem

from .rules import FileRule

if TYPE_CHECKING:
    from .store import Connection, Run, SourceFile
    from .timeline import TaskPlan

_PROCESSED = frozenset({ExecutionResult.SUCCESS, ExecutionResult.PARTIAL_SUCCESS})
_SPATIAL = 4 | 16  # a changeset's flags: spatial data, views and models


@frozen(kw_only=True)
class FoundFile:
    """A file as a run found it.

    Attributes:
        name: Its name.
        version: Identifies its content and its connector.
        error: Key of the error that its task ends with, whatever else; `None` if the file can be read.
    """

    name: str
    version: str
    error: str | None = None


class Contents:
    """Files and iModels as connections and runs see them."""

    def __init__(self, imodels: IModels, storage: Storage) -> None:
        self._imodels = imodels
        self._storage = storage
        self._strict = imodels.context.settings.strict

    def imodel(self, imodel_id: str) -> IModel:
        """Return the iModel of a new connection; one that nobody created is created now."""
        return self._imodels.adopt(imodel_id)

    def itwin_of(self, imodel_id: str) -> str:
        """Return the id of an iModel's iTwin."""
        return self._imodels.itwin_of(imodel_id)

    def refusals(self, *, imodel_id: str | None = None, file_ids: Iterable[str] = ()) -> list[Detail]:
        """Return why a connection cannot be made of an iModel and files: the details of a 422 (no page says more)."""
        details: list[Detail] = []
        unknown = imodel_id is not None and self._imodels.get(imodel_id) is None
        if unknown and (self._strict or self._imodels.was_deleted(imodel_id or "")):
            details.append(not_valid("imodelId"))
        if self._strict and any(self._storage.file(one, incomplete=True) is None for one in file_ids):
            details.append(not_valid("storageFileId"))
        return details

    def name(self, storage_file_id: str) -> str | None:
        """Return the name of a file in Storage; `None` if nobody created it."""
        item = self._storage.state.items.get(storage_file_id)
        return item.display_name if item is not None else None

    def found(self, file: SourceFile, name: str) -> FoundFile:
        """Return what a run finds, given the name of a file that nobody created."""
        item = self._storage.file(file.storage_file_id)
        if item is None:
            exists = not self._strict and not self._storage.was_created(file.storage_file_id)
            error = None if exists else "SourceFileNotFound"
            return FoundFile(name=name, version=file.connector_type.value, error=error)
        error = None
        must_be_zip = file.connector_type == ConnectorType.SPPID or item.display_name.lower().endswith(".zip")
        if item.size == 0:
            error = "ZeroByte"
        elif must_be_zip and item.is_zip is False:
            error = "CannotOpenSPPIDSource" if file.connector_type == ConnectorType.SPPID else "SourceFileCorrupted"
        return FoundFile(name=item.display_name, version=f"{file.connector_type.value}/{item.version}", error=error)

    def rule(self, found: FoundFile, connection: Connection, file: SourceFile) -> FileRule | None:
        """Return the rule of a file's task that follows from what the run found; `None` if nothing does."""
        if found.error == "SourceFileNotFound":
            where = TaskErrorSystem.CLOUD_ORCHESTRATOR, TaskErrorPhase.FILE_DOWNLOAD
            return FileRule(error=found.error, retries=0, system=where[0], phase=where[1])
        if found.error is not None:
            return FileRule(error=found.error, retries=0)
        known = self._storage.was_created(file.storage_file_id)
        if known and connection.synchronized.get(file.storage_file_id) == found.version:
            return FileRule(result=ExecutionResult.SUCCESS)
        return None

    def settle(self, run: Run, connection: Connection) -> None:
        """Add to the connection and the iModel what a run that has ended has changed."""
        imodel = self._imodels.get(run.imodel_id)
        for job in run.plan.jobs:
            for task in job.tasks:
                found = run.found.get(task.storage_file_id)
                if found is None or found.error == "SourceFileNotFound":
                    continue
                connection.known_names[task.storage_file_id] = found.name  # as it met the file, whatever came of it
                if task.result not in _PROCESSED:
                    continue
                if connection.synchronized.get(task.storage_file_id) != found.version:
                    connection.synchronized[task.storage_file_id] = found.version
                    if imodel is not None:
                        self._add_changesets(imodel, run, task, job.connector_type, found)

    def _add_changesets(
        self, imodel: IModel, run: Run, task: TaskPlan, connector_type: ConnectorType, found: FoundFile
    ) -> None:
        rng = random.Random(f"changesets/{self._imodels.context.settings.seed}/{imodel.id}/{len(imodel.changesets)}")
        if connector_type == ConnectorType.SPPID:
            count = 4
        else:
            count = rng.randint(14, 16) if found.name.lower().endswith(".dgn") else rng.randint(2, 6)
        clock = self._imodels.context.running_clock
        began, seconds = task.timeline.started, task.timeline.ended - task.timeline.started
        for number in range(1, count + 1):
            imodel.add_changeset(
                description=f"{connector_type.value}: {found.name}, {number} of {count}",
                pushed=clock.timestamp(run.created + began + seconds * number / count),
                file_size=rng.randrange(500, 200_000),
                changes=1 | 2 if number == 1 else _SPATIAL,  # the schemas and definitions come first
                task_id=task.id,
                changed_files=(found.name,),
            )
