"""The work of a publish: plan, upload, connect, run, remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import anyio
import anyio.to_thread
from attrs import define, evolve, field, frozen

from bentley_sync_async.bulk.common.concurrency import for_each
from bentley_sync_async.bulk.events import BulkEvent, ConnectionFinished
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.bulk.outcomes import Outcome
from bentley_sync_async.bulk.runner import BulkRun
from bentley_sync_async.errors import JournalError, NotFoundError
from bentley_sync_async.models.platform import Changeset
from bentley_sync_async.resources.imodels.imodels import IModels
from bentley_sync_async.resources.itwins.itwins import ITwins
from bentley_sync_async.resources.storage.storage import Storage
from bentley_sync_async.resources.synchronization.reports import Reports
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections

from .events import FileRemoved, PublishEvent, PublishPlanned
from .manifest import PublishManifest
from .options import PublishOptions
from .outcomes import FileOutcome, FileStatus
from .plan import ConnectionPlan, FileAction, FilePlan, LocalFile, PublishPlan
from .sources import FileSource
from .state import PublishState, Target
from .steps.connections import ConnectionPreparer
from .steps.local import LocalFiles, hash_files, select
from .steps.planning import make_plan
from .steps.remote import Remote, RemoteReader
from .steps.target import TargetResolver
from .steps.upload import Bandwidth, Uploader

_AT_ONCE = 4  # connections that are prepared at a time

_NOTHING_THERE = Remote(files=(), connections=())

# What a file's outcome is before anything was done.
_STATUSES = {
    FileAction.UPLOAD: FileStatus.WAITING,
    FileAction.UPDATE: FileStatus.WAITING,
    FileAction.UNCHANGED: FileStatus.UNCHANGED,
    FileAction.REMOVE: FileStatus.WAITING,
    FileAction.KEEP: FileStatus.KEPT,
    FileAction.REFUSE: FileStatus.REFUSED,
}


@frozen(kw_only=True)
class Services:
    """What a publish works with.

    Attributes:
        origin: The platform's root.
        storage: The resource.
        imodels: The resource.
        itwins: The resource.
        connections: The resource.
        reports: Returns the resource, which is loaded when it is used.
        open_bulk: Makes a bulk of connections with a journal.
    """

    origin: str
    storage: Storage
    imodels: IModels
    itwins: ITwins
    connections: StorageConnections
    reports: Callable[[], Reports]
    open_bulk: Callable[[Sequence[str], SQLiteJournal | None], BulkRun]


@define(eq=False, kw_only=True)
class PublishWork:
    """Does the work of one publish.

    Attributes:
        services: What it works with.
        manifest: What to publish, and where to.
        sources: The files; `None` for those on the disk that the manifest selects.
        options: How it works.
        state: What is remembered on this machine.
        journal: The journal of the runs; `None` for none.
        emit: Takes the events.
        plan: What has to be done; `None` until that is known.
        files: What came of each file so far, by path.
        not_run: Why connections that should have been run were not, by name.
        runs: What came of each connection that was run.
        changesets: What the runs have added to the iModel.
        sending: The bytes that were read so far of each file that is being uploaded.
    """

    services: Services
    manifest: PublishManifest
    sources: Sequence[FileSource] | None
    options: PublishOptions
    state: PublishState
    journal: SQLiteJournal | None
    emit: Callable[[PublishEvent | BulkEvent], Awaitable[None]]
    plan: PublishPlan | None = None
    files: dict[str, FileOutcome] = field(factory=dict)
    not_run: dict[str, str] = field(factory=dict)
    runs: dict[str | None, Outcome] = field(factory=dict)
    changesets: tuple[Changeset, ...] = ()
    sending: dict[str, int] = field(factory=dict)

    async def dry_run(self) -> PublishPlan:
        """Return what would be done; nothing is changed."""
        local = await self._read_local()
        found = await self._resolver.find()
        plan = evolve(await self._compare(local, found.target), creates=found.missing(self.manifest.model))
        ids = [one.connection_id for one in plan.connections if one.run and one.connection_id is not None]
        expected = await self.services.open_bulk(ids, None).plan() if ids else None
        return evolve(plan, expected=expected.duration) if expected is not None and expected.runs else plan

    async def run(self) -> None:
        """Do everything."""
        local = await self._read_local()
        found = await self._resolver.find()
        target = found.target or await self._resolver.create(found)
        await self.state.load_files(target)
        await self._finish_earlier_runs()
        self.plan = await self._compare(local, target)
        self.files = {one.path: _not_done(one) for one in self.plan.files}
        await self.emit(PublishPlanned(plan=self.plan))
        await self._upload(self.plan, local, target)
        connection_ids = await self._connect(self.plan, target)
        await self._run_connections(connection_ids, target)
        await self._remove(self.plan)

    @property
    def _resolver(self) -> TargetResolver:
        services = self.services
        return TargetResolver(services.itwins, services.imodels, services.storage, self.state, self.manifest.model)

    async def _read_local(self) -> LocalFiles:
        sources = self.sources
        if sources is None:
            sources = await anyio.to_thread.run_sync(select, self.manifest.folder, self.manifest.files)
        await self.state.load_hashes()
        local = await hash_files(sources, cached=self.state.cached_hash, keep=self.state.keep_hash)
        await self.state.save_hashes()
        return local

    async def _compare(self, local: LocalFiles, target: Target | None) -> PublishPlan:
        """Return what has to be done. The iModel's connections are listed only if one might have to be created."""
        if target is None:
            return self._plan_for(local, _NOTHING_THERE)
        await self.state.load_files(target)
        model = self.manifest.model
        reader = RemoteReader(self.services.storage, self.services.connections, self.state, target, model.folder)
        paths = [*(one.source.path for one in local.files), *local.refused]
        remote = await reader.read(paths)
        plan = self._plan_for(local, remote)
        if remote.other_connections is None and any(one.connection_id is None for one in plan.connections):
            plan = self._plan_for(local, await reader.read(paths, list_connections=True))
        return plan

    def _plan_for(self, local: LocalFiles, remote: Remote) -> PublishPlan:
        model = self.manifest.model
        return make_plan(
            [
                LocalFile(path=one.source.path, size=one.version.size, sha256=one.sha256, connector=one.connector)
                for one in local.files
            ],
            remote.files,
            remote.connections,
            folder=model.folder,
            refused=local.refused,
            files_per_connection=model.files_per_connection,
            other_connections=remote.other_connections or 0,
            prune=self.options.prune,
        )

    async def _finish_earlier_runs(self) -> None:
        """Follow the runs that an earlier process has triggered, before anything changes that they would not see."""
        unfinished = await self.journal.unfinished() if self.journal is not None else {}
        if foreign := sorted(unfinished.keys() - self.state.connections.keys()):
            raise JournalError(
                f"The journal holds a bulk that is not finished and is not this publish's: connection {foreign[0]} "
                "belongs to it. Continue that bulk, or name another journal."
            )
        if unfinished:
            await self._follow(sorted(unfinished))

    async def _upload(self, plan: PublishPlan, local: LocalFiles, target: Target) -> None:
        hashed = {one.source.path: one for one in local.files}
        uploader = Uploader(
            files=self.services.storage.files,
            folder_id=target.folder_id,
            state=self.state,
            bandwidth=Bandwidth(self.options.bytes_per_second),
            emit=self.emit,
            sending=self.sending,
        )

        async def upload(one: FilePlan) -> None:
            self.files[one.path] = await uploader.upload(one, hashed[one.path])

        await for_each(plan.uploads, upload, at_once=self.options.uploads)

    async def _connect(self, plan: PublishPlan, target: Target) -> list[str]:
        """Give connections their files; return the ids of those to run.

        A connection with a file that could not be uploaded is left alone: its other files wait for that one.
        """
        preparer = ConnectionPreparer(
            connections=self.services.connections,
            state=self.state,
            target=target,
            file_ids={path: one.file_id for path, one in self.files.items() if one.file_id is not None},
            plans={one.path: one for one in plan.files},
            emit=self.emit,
        )
        ids: list[str] = []

        async def prepare(one: ConnectionPlan) -> None:
            failed = [path for path in one.files if self.files[path].status is FileStatus.FAILED]
            if failed and one.run:
                self.not_run[one.display_name] = f"{failed[0]} could not be uploaded"
            elif one.run:
                ids.append(await preparer.prepare(one))

        await for_each(plan.connections, prepare, at_once=_AT_ONCE)
        return sorted(ids)

    async def _run_connections(self, connection_ids: Sequence[str], target: Target) -> None:
        if not connection_ids:
            return
        last = await self._last_changeset(target)
        await self.state.begin_runs(connection_ids)
        await self._follow(connection_ids)
        changesets = self.services.imodels.changesets.list(target.imodel_id, after_index=last)
        self.changesets = tuple([one async for one in changesets])

    async def _last_changeset(self, target: Target) -> int:
        listing = self.services.imodels.changesets.list(target.imodel_id, order_by="index desc", page_size=1)
        async for one in listing:
            return one.index or 0
        return 0

    async def _follow(self, connection_ids: Sequence[str]) -> None:
        """Run connections, or follow them if they run already."""
        async with self.services.open_bulk(connection_ids, self.journal) as bulk:
            async for event in bulk:
                await self.emit(event)
                if isinstance(event, ConnectionFinished):
                    self.runs[event.connection_id] = event.outcome
            for outcome in bulk.report.outcomes:
                self.runs[outcome.connection_id] = outcome
                if outcome.good and outcome.connection_id is not None:
                    await self.state.finish_run(outcome.connection_id)

    async def _remove(self, plan: PublishPlan) -> None:
        """Delete from Storage what was removed from the iModel."""
        for one in plan.files:
            if one.action is not FileAction.REMOVE or one.published is None:
                continue
            run = self.runs.get(one.published.connection_id)
            if one.published.connection_id is not None and (run is None or not run.good):
                continue
            with suppress(NotFoundError):  # it is gone already
                await self.services.storage.files.delete(one.published.file_id)
            await self.state.forget([one.published.file_id])
            self.files[one.path] = evolve(self.files[one.path], status=FileStatus.REMOVED)
            await self.emit(FileRemoved(path=one.path, size=one.size))


def _not_done(plan: FilePlan) -> FileOutcome:
    return FileOutcome(
        path=plan.path,
        action=plan.action,
        status=_STATUSES[plan.action],
        size=plan.size,
        file_id=plan.published.file_id if plan.published is not None else None,
        reason=plan.reason,
    )
