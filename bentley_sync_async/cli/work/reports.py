"""Diagnostic reports of a run: listed, read, and written to files."""

from __future__ import annotations

from pathlib import Path

from bentley_sync_async import InvalidArgumentError, files, to_json
from bentley_sync_async.cli.verbs.session import Session
from bentley_sync_async.models.reports import DiagnosticReport, Report

_GRAVITY = ("Fatal", "Critical", "Error", "Warning", "Info")
_INDENT = 2


async def reports_of(at: Session, connection: str, run: str, task: str | None) -> tuple[DiagnosticReport, ...]:
    """Return the reports of a run of a storage connection, as the service lists them."""
    connection_id = await at.connection(connection)
    ref = await at.lookup.run(connection_id, run)
    imodel_id = (await at.client.storage_connections.get(connection_id)).imodel_id
    if imodel_id is None:
        raise InvalidArgumentError("The service does not say which iModel the connection belongs to.")
    return await at.client.reports.list(imodel_id, ref.run_id, task)


async def issues_of(at: Session, connection: str, run: str, task: str | None) -> list[dict[str, object]]:
    """Return the issues in the reports of a run, the gravest first."""
    issues = [
        issue
        for listed in await reports_of(at, connection, run, task)
        for issue in _issues(await at.client.reports.read(listed))
    ]
    return sorted(issues, key=lambda issue: _rank(str(issue["level"])))


def _issues(report: Report) -> list[dict[str, object]]:
    return [
        {
            "level": str(record.auditinfo.level or ""),
            "file": Path((file.file.path or file.file.identifier or "").replace("\\", "/")).name,
            "message": record.auditinfo.message or "",
            "category": str(record.auditinfo.category or ""),
            "issueid": record.auditinfo.issueid or "",
            "element": record.elementinfo.ecinstanceid or "",
        }
        for file in report.filerecords
        for record in file.auditrecords
    ]


def _rank(level: str) -> int:
    return _GRAVITY.index(level) if level in _GRAVITY else len(_GRAVITY)


async def download_reports(
    at: Session, connection: str, run: str, task: str | None, folder: str
) -> list[dict[str, object]]:
    """Write each report of a run to a file of its own, and return the files."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written: list[dict[str, object]] = []
    for listed in await reports_of(at, connection, run, task):
        path = target / f"report-{_safe(listed.id)}.json"
        files.replace(path, to_json(await at.client.reports.read(listed), indent=_INDENT) + "\n")
        written.append({"file": str(path), "task": listed.task_id, "id": listed.id})
    return written


def _safe(text: str) -> str:
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in text)
