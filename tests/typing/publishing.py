"""A program that publishes files, for the type checkers."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import assert_type

from bentley_sync_async import ConnectorType, SynchronizationClient
from bentley_sync_async.bulk import BulkEvent, Outcome
from bentley_sync_async.models.platform import Changeset
from bentley_sync_async.publish import (
    ConnectionPlan,
    ConnectionPrepared,
    FileAction,
    FileEvent,
    FileFailed,
    FileOutcome,
    FilePlan,
    FileRemoved,
    FileSelection,
    FileSource,
    FileStatus,
    FileUploaded,
    FileVersion,
    LocalFile,
    ModelTarget,
    PublishedFile,
    PublishEvent,
    PublishManifest,
    PublishPlan,
    PublishPlanned,
    PublishProgress,
    PublishReport,
    PublishRun,
    SavedReports,
    UploadStarted,
)


class Memory:
    """A file that is not on the disk."""

    path = "a.dgn"
    connector: ConnectorType | None = None

    async def version(self) -> FileVersion:
        return FileVersion(size=1, stamp=1)

    async def read(self) -> AsyncIterator[bytes]:
        yield b"1"


async def publishing(client: SynchronizationClient) -> PublishReport:
    manifest = PublishManifest(
        model=ModelTarget(itwin="t", imodel="m", folder="f"),
        files=(FileSelection(path="*.dgn", connector=ConnectorType.MSTN),),
        folder=Path(),
    )
    source: FileSource = Memory()
    plan = await client.publish(manifest, sources=[source], prune=True).plan()
    assert_type(plan, PublishPlan)
    assert_type(plan.files, tuple[FilePlan, ...])
    assert_type(plan.connections, tuple[ConnectionPlan, ...])
    assert_type(plan.counts, Mapping[FileAction, int])
    assert_type(plan.files[0].local, LocalFile | None)
    assert_type(plan.files[0].published, PublishedFile | None)
    publish = client.publish("publish.toml", journal="j.db", uploads=2, bytes_per_second=1e6)
    assert_type(publish, PublishRun)
    async with publish as entered:
        assert_type(entered, PublishRun)
        async for event in publish:
            assert_type(event, PublishEvent | BulkEvent)
            match event:
                case PublishPlanned(plan=planned):
                    assert_type(planned, PublishPlan)
                case UploadStarted(attempt=attempt):
                    assert_type(attempt, int)
                case FileUploaded(seconds=seconds):
                    assert_type(seconds, float)
                case FileFailed(reason=reason):
                    assert_type(reason, str)
                case FileRemoved() | FileEvent():
                    assert_type(event.path, str)
                case ConnectionPrepared(created=created):
                    assert_type(created, bool)
                case _:
                    assert_type(event.to_json(), str)
        assert_type(publish.progress, PublishProgress)
        report = await publish.result()
        assert_type(await publish.save_reports("reports"), SavedReports)
    assert_type(report.files, tuple[FileOutcome, ...])
    assert_type(report.counts, Mapping[FileStatus, int])
    assert_type(report.runs, tuple[Outcome, ...])
    assert_type(report.changesets, tuple[Changeset, ...])
    return report
