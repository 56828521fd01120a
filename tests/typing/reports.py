"""Configurations and diagnostic reports, as a type checker sees them; it is never run."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_type

from bentley_sync_async import ReportUnavailableError, SynchronizationClient
from bentley_sync_async.models.configurations import (
    KNOWN_SETTINGS,
    Configuration,
    ConfigurationScope,
    KnownSetting,
    SettingValue,
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
