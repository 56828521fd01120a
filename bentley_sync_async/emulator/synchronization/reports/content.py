"""The JSON of a task's diagnostic report, in the form that the published viewer of reports reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from bentley_sync_async.emulator.platform.clock import Clock
from bentley_sync_async.emulator.synchronization.catalogue import CATALOGUE
from bentley_sync_async.emulator.synchronization.store import Run
from bentley_sync_async.emulator.synchronization.timeline import JobPlan, TaskPlan
from bentley_sync_async.models import ExecutionResult

Json = dict[str, Any]

_ABSENT = frozenset({"SourceFileNotFound", "DocumentNotFound", "SourceFileNotAccessible", "SourceFileIsForbidden"})
_CATEGORIES = {
    "file_access": "InputFiles",
    "data_conflict": "InconsistentData",
    "ims_token_access": "Authorization",
    "imodel_access": "BriefcaseToiModel",
}
_WARNINGS = (
    ("Dgn_0066", "MissingData", "Material", "The material of the element was not found."),
    ("Dgn_0018", "MissingData", "ReferenceFile", "A file that the element refers to was not found."),
    ("Dgn_0031", "VisualFidelity", "Level", "The level of the element has no symbology."),
    ("Dgn_0042", "Unsupported", "BRep-Surface", "The surface was approximated."),
)
_OTHERS = (("Dgn_0002", "Filtering", "Attachment", "The attachment is not shown in the file and was left out."),)


def report_content(run: Run, job: JobPlan, task: TaskPlan, *, itwin_id: str, clock: Clock) -> Json:
    """Return the report of a task that has a report: as many issues as its counts say."""
    path = task.file_name
    return {
        "context": {
            "reportType": "detailReport",
            "operationType": "NORMAL_UPDATE",
            "jobid": job.id,
            "contextid": itwin_id,
            "imodelid": run.imodel_id,
            "activityid": run.id,
            "briefcaseid": "3",
            "timestamp": clock.timestamp(run.created + task.timeline.ended),
        },
        "sourceFilesInfo": _source_files(run, task),
        "filerecords": [
            {
                "file": {"identifier": task.storage_file_id, "path": path, "ignoredelements": []},
                "auditrecords": list(_audit_records(task)),
            }
        ],
    }


def _source_files(run: Run, task: TaskPlan) -> Json:
    exists = task.error is None or task.error.key not in _ABSENT
    processed = task.result in {ExecutionResult.SUCCESS, ExecutionResult.PARTIAL_SUCCESS}
    return {
        "itemType": "Document",
        "dataSource": "Storage" if run.kind == "storage" else "Manifest",
        "path": task.file_name,
        "fileId": task.storage_file_id,
        "fileName": task.file_name,
        "fileExists": exists,
        "bimFileExists": processed,
        "Files": [
            {
                "fileId": file_id,
                "fileName": name,
                "path": name,
                "iModelFileId": "0x1",
                "fileExists": True,
                "bimFileExists": processed,
            }
            for file_id, name in task.references
        ],
    }


def _audit_records(task: TaskPlan) -> Iterator[Json]:
    report = task.report
    if report is None:
        return
    rng = random.Random(f"report/{task.id}")
    if task.error is not None:
        entry = CATALOGUE[task.error.key]
        category = _CATEGORIES.get(entry.category, "Unknown")
        first = _record(entry.key, "Error", category, "Alert", entry.description)
        for number in range(report.total_errors_count or 1):
            yield first if number == 0 else first | {"elementinfo": _element(rng)}
    for count, level, kinds in (
        ((report.total_errors_count or 0) if task.error is None else 0, "Error", _WARNINGS),
        (report.total_warnings_count or 0, "Warning", _WARNINGS),
        (report.total_other_issues_count or 0, "Info", _OTHERS),
    ):
        for _ in range(count):
            yield _record(*_leveled(rng.choice(kinds), level)) | {"elementinfo": _element(rng)}


def _leveled(kind: tuple[str, str, str, str], level: str) -> tuple[str, str, str, str, str]:
    issue_id, category, about, message = kind
    return issue_id, level, category, about, message


def _record(issue_id: str, level: str, category: str, about: str, message: str) -> Json:
    issue = {"issueid": issue_id, "level": level, "category": category, "type": about, "message": message}
    return {"elementinfo": {}, "auditinfo": issue}


def _element(rng: random.Random) -> dict[str, str]:
    return {"ecinstanceid": f"{rng.randrange(2**33, 2**34):#x}", "sourceid": str(rng.randrange(1, 100_000))}
