"""Diagnostic reports: what connectors found in files, element by element. Loaded when first used."""

from .content import (
    AuditCategory,
    AuditInfo,
    AuditLevel,
    AuditRecord,
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
from .listing import DiagnosticReport

__all__ = [
    "AuditCategory",
    "AuditInfo",
    "AuditLevel",
    "AuditRecord",
    "DiagnosticReport",
    "ElementInfo",
    "FileRecord",
    "RecordedFile",
    "Report",
    "ReportContext",
    "ReportOperation",
    "ReportType",
    "ReportedFile",
    "SourceFileState",
    "SourceFilesInfo",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
