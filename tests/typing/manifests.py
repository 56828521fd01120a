"""Manifest connections, configurations and diagnostic reports, as a type checker sees them; it is never run."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_type

from bentley_sync_async import (
    ManifestConnection,
    ManifestFile,
    ReportUnavailableError,
    RunWatcher,
    StorageRun,
    SynchronizationClient,
)
from bentley_sync_async.bulk import BulkRun, ManifestRun
from bentley_sync_async.models import AuthenticationType, ConnectionSummary, ConnectorType, RunSummary, TriggeredRun
from bentley_sync_async.models.configurations import (
    KNOWN_SETTINGS,
    Configuration,
    ConfigurationScope,
    KnownSetting,
    SettingValue,
)
from bentley_sync_async.models.manifests import (
    DocumentAttribute,
    ManifestAction,
    ManifestChildFile,
    ManifestRunCreate,
    ManifestSourceFile,
)
from bentley_sync_async.models.reports import (
    AuditCategory,
    AuditInfo,
    AuditLevel,
    AuditRecord,
    DiagnosticReport,
    ElementInfo,
    FileRecord,
    RecordedFile,
    Report,
    ReportContext,
    ReportedFile,
    ReportOperation,
    ReportType,
    SourceFilesInfo,
    SourceFileState,
)
from bentley_sync_async.resources import Listing

FILES = [
    ManifestFile(
        id="a",
        url="https://dms.example/a",
        connector_type="MSTN",
        document_attribute=DocumentAttribute(class_name="Schema:Class", properties={"Revision": "R01"}),
        children=[ManifestChildFile(id="k", url="https://dms.example/k", connector_type="DWG")],
    ),
    ManifestFile.unmap("b", ConnectorType.DWG),
]


async def manifests(client: SynchronizationClient) -> None:
    connections = client.manifest_connections
    made = await connections.create("i", ["a", "b"], authentication_type=AuthenticationType.SERVICE)
    assert_type(made, ManifestConnection)
    assert_type(await connections.get("c"), ManifestConnection)
    assert_type(await connections.update("c", display_name="n"), ManifestConnection)
    assert_type(connections.list("i"), Listing[ConnectionSummary])
    assert_type(connections.list("i", prefer="representation"), Listing[ManifestConnection])
    assert_type(connections.source_files.list("c"), Listing[ManifestSourceFile])
    assert_type(await connections.source_files.add("c", "a"), ManifestSourceFile)
    assert_type(await connections.source_files.get("c", "s"), ManifestSourceFile)
    assert_type(await connections.source_files.update("c", "s", new_source_file_id="d"), ManifestSourceFile)
    await connections.source_files.remove("c", "s")
    assert_type(await connections.runs.trigger("c", FILES), TriggeredRun)
    assert_type(connections.runs.list("c"), Listing[RunSummary])
    assert_type(connections.runs.list("c", prefer="representation"), Listing[StorageRun])
    assert_type(await connections.runs.get("c", "r"), StorageRun)
    await connections.delete("c")


async def watches(client: SynchronizationClient) -> None:
    watcher = client.watch_manifest("c", FILES, timeout=60, when_active="join", when_busy="fail")
    assert_type(watcher, RunWatcher)
    assert_type(client.resume(watcher.resume_token(), files=FILES), RunWatcher)
    assert_type(client.run_many(["c", ManifestRun("d", FILES)]), BulkRun)
    for task in (await watcher.result()).tasks:
        assert_type((task.source_file_id, task.file_id), tuple[str | None, str | None])


def values(file: ManifestFile, manifest: ManifestRunCreate) -> None:
    assert_type(file.action, ManifestAction)
    assert_type(file.children, tuple[ManifestChildFile, ...])
    assert_type(file.document_attribute, DocumentAttribute | None)
    assert_type(manifest.source_files, tuple[ManifestFile, ...])


async def configurations(client: SynchronizationClient, scope: ConfigurationScope) -> None:
    made = await client.configurations.itwins.create("t", {"uploadDgnRealityData": False})
    assert_type(made, Configuration)
    assert_type(made.resolved_settings, Mapping[str, SettingValue])
    assert_type(await client.configurations.imodels.get("i"), Configuration)
    assert_type(await client.configurations.connections.update("c", {"enableSheetIndex": True}), Configuration)
    await client.configurations.connections.delete("c")
    assert_type(KNOWN_SETTINGS["clampZExtent"], KnownSetting)
    assert_type([name for name, known in KNOWN_SETTINGS.items() if known.scope == scope], list[str])


async def reports(client: SynchronizationClient) -> None:
    listed = await client.reports.list("i", "r", "t")
    assert_type(listed, tuple[DiagnosticReport, ...])
    assert_type(listed[0].created_time_stamp, datetime | None)
    try:
        report = await client.reports.read(listed[0])
    except ReportUnavailableError as error:
        assert_type((error.status, error.code), tuple[int, str | None])
        return
    assert_type(report, Report)
    assert_type(report.context, ReportContext)
    assert_type(report.context.report_type, ReportType | None)
    assert_type(report.context.operation_type, ReportOperation | None)
    assert_type(report.source_files_info, SourceFilesInfo)
    assert_type(report.source_files_info.files, tuple[ReportedFile, ...])
    assert_type(report.source_files_info.files[0].state, SourceFileState | None)
    assert_type(report.issues, Iterator[AuditInfo])
    for record in report.filerecords:
        assert_type(record, FileRecord)
        assert_type(record.file, RecordedFile)
        assert_type(record.auditrecords, tuple[AuditRecord, ...])
        for audit in record.auditrecords:
            assert_type(audit.elementinfo, ElementInfo)
            assert_type(
                (audit.auditinfo.level, audit.auditinfo.category), tuple[AuditLevel | None, AuditCategory | None]
            )
