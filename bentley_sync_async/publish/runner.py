"""The publish: what a consumer holds to bring an iModel up to date with local files."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from bentley_sync_async.bulk.common.background import BackgroundWork
from bentley_sync_async.bulk.events import BulkEvent
from bentley_sync_async.bulk.journal.sqlite import MIGRATIONS, SQLiteJournal
from bentley_sync_async.bulk.journal.sqlite_file import JournalFile

from .events import PublishEvent
from .manifest import PublishManifest
from .options import PublishOptions
from .plan import PublishPlan
from .progress import PublishProgress
from .report import PublishReport
from .sources import FileSource
from .state import PublishState
from .steps.reports import ReportSaver, SavedReports
from .work import PublishWork, Services


class PublishRun(BackgroundWork[PublishEvent | BulkEvent]):
    """Brings Storage and an iModel up to date with local files; made by `client.publish`.

    Use it as an async context manager, once, and iterate over it for events or await `result()`, which discards them;
    or await its `plan()` instead, for a dry run. It works as long as the block lasts. Leaving it early detaches: a file
    that was not completed is seen by nobody, a run that was triggered goes on, and the next publish continues.
    """

    _name = "publish"
    _made_by = "client.publish(...)"

    def __init__(
        self,
        services: Services,
        manifest: PublishManifest,
        *,
        sources: Sequence[FileSource] | None,
        options: PublishOptions,
        journal: str | os.PathLike[str] | None,
    ) -> None:
        """Make a publish. Nothing is sent, and no file is opened, before it is entered or planned."""
        super().__init__(services.connections.tasks.binding)
        self._services = services
        self._manifest = manifest
        self._sources = sources
        self._options = options
        self._journal = JournalFile(journal, migrations=MIGRATIONS) if journal is not None else None
        self._publish: PublishWork | None = None

    async def result(self) -> PublishReport:
        """Wait until everything is done, and return the report. Events are discarded.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        async for _ in self:
            pass
        return self.report

    async def plan(self) -> PublishPlan:
        """Return what would be done, without changing anything: a dry run, instead of entering the block.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        self._binding.check()
        async with self._open() as work:
            return await work.dry_run()

    async def save_reports(self, folder: str | os.PathLike[str]) -> SavedReports:
        """Save what connectors wrote about the files that could not be synchronized: their diagnostic reports.

        Args:
            folder: Where to; it is created if it is missing. Files of the same names are replaced.

        Raises:
            InvalidArgumentError: Nothing can be written there.
        """
        report = self.report
        return await ReportSaver(self._services.reports(), Path(folder), report.file_name).save(report.runs)

    @property
    def report(self) -> PublishReport:
        """What was done so far."""
        work = self._publish
        return PublishReport(
            files=tuple(work.files.values()) if work is not None else (),
            not_run=work.not_run if work is not None else {},
            runs=tuple(work.runs.values()) if work is not None else (),
            connections=work.state.connections if work is not None else {},
            changesets=work.changesets if work is not None else (),
            began_at=self._began_at,
            duration=self._elapsed(),
        )

    @property
    def progress(self) -> PublishProgress:
        """How far the uploads are."""
        work = self._publish
        files = work.files.values() if work is not None else ()
        sending = work.sending if work is not None else {}
        return PublishProgress.of(files, sending)

    async def _work(self) -> None:
        async with self._open() as work:
            self._publish = work
            await work.run()
            await self._finished()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[PublishWork]:
        opened: AbstractAsyncContextManager[JournalFile | None] = self._journal or nullcontext()
        async with opened as file:
            origin = self._services.origin
            yield PublishWork(
                services=self._services,
                manifest=self._manifest,
                sources=self._sources,
                options=self._options,
                state=PublishState(file, origin=origin),
                journal=SQLiteJournal(file, origin=origin) if file is not None else None,
                emit=self._emit,
            )
