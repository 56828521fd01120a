"""The content of a diagnostic report: its files, and the issues of their elements.

No page of the API describes it. Names are those of the JSON that the published viewer of reports reads
(`@itwin/synchronization-report-react`), some of them one word where others are several. Anything may be missing.
"""

from collections.abc import Iterator

from attrs import field, frozen

from bentley_sync_async.models.open_enum import OpenEnum


class ReportType(OpenEnum):
    """What a report is about."""

    DETAIL_REPORT = "detailReport"
    SUMMARY_REPORT = "summaryReport"
    TRANSFORMATION_USER_REPORT = "TransformationUserReport"


class ReportOperation(OpenEnum):
    """What the connector did."""

    NORMAL_UPDATE = "NORMAL_UPDATE"
    ALL_DOCS_PROCESSED = "AllDocsProcessed"

    @classmethod
    def _other_spellings(cls) -> dict[str, str]:
        return {"NormalUpdate": "NORMAL_UPDATE"}


class SourceFileState(OpenEnum):
    """What is special about a file that another one refers to."""

    MISSING = "Missing"
    HIDDEN = "Hidden"


class AuditLevel(OpenEnum):
    """How severe an issue is."""

    FATAL = "Fatal"
    CRITICAL = "Critical"
    ERROR = "Error"
    WARNING = "Warning"
    INFO = "Info"


class AuditCategory(OpenEnum):
    """What an issue has to do with."""

    AUTHORIZATION = "Authorization"
    BRIEFCASE_TO_IMODEL = "BriefcaseToiModel"
    BUSINESS_PROPERTIES = "BusinessProperties"
    COMPATIBILITY = "Compatibility"
    CORRUPT_DATA = "CorruptData"
    DIGITAL_RIGHTS = "DigitalRights"
    DISK_IO = "DiskIO"
    FILTERING = "Filtering"
    IMODEL = "IModel"
    INCONSISTENT_DATA = "InconsistentData"
    INPUT_FILES = "InputFiles"
    MISSING_DATA = "MissingData"
    SYNCHRONIZATION = "Synchronization"
    TOOLKIT_ERROR = "ToolkitError"
    UNEXPECTED_DATA = "UnexpectedData"
    UNKNOWN = "Unknown"
    UNSUPPORTED = "Unsupported"
    VISUAL_FIDELITY = "VisualFidelity"


@frozen(kw_only=True)
class ReportContext:
    """Where a report comes from.

    Attributes:
        report_type: What it is about.
        operation_type: What the connector did.
        jobid: The job.
        contextid: The iTwin.
        imodelid: The iModel.
        activityid: The activity, for support.
        briefcaseid: The briefcase of the iModel that the connector wrote to.
        timestamp: When it was made, in the connector's own words.
    """

    report_type: ReportType | None = None
    operation_type: ReportOperation | None = None
    jobid: str | None = None
    contextid: str | None = None
    imodelid: str | None = None
    activityid: str | None = None
    briefcaseid: str | None = None
    timestamp: str | None = None


@frozen(kw_only=True)
class ReportedFile:
    """A file that the synchronized file refers to.

    Attributes:
        file_id: The file's id.
        file_name: Its name.
        path: Where the other file expects it.
        item_type: What kind of item it is.
        state: What is special about it; `None` if it was read.
        imodel_file_id: Its id in the iModel.
        failure_reason: Why it could not be read.
        file_exists: Whether it was there.
        bim_file_exists: Whether the iModel has it.
    """

    file_id: str | None = None
    file_name: str | None = None
    path: str | None = None
    item_type: str | None = None
    state: SourceFileState | None = None
    imodel_file_id: str | None = field(default=None, metadata={"json": "iModelFileId"})
    failure_reason: str | None = None
    file_exists: bool | None = None
    bim_file_exists: bool | None = None


@frozen(kw_only=True)
class SourceFilesInfo:
    """The synchronized file, and the files that it refers to.

    Attributes:
        item_type: What kind of item it is.
        data_source: Where it comes from.
        path: Where it was.
        file_id: The file's id, in Storage or in the manifest.
        file_name: Its name.
        file_exists: Whether it was there.
        bim_file_exists: Whether the iModel has it.
        files: The files that it refers to.
    """

    item_type: str | None = None
    data_source: str | None = None
    path: str | None = None
    file_id: str | None = None
    file_name: str | None = None
    file_exists: bool | None = None
    bim_file_exists: bool | None = None
    files: tuple[ReportedFile, ...] = field(default=(), metadata={"json": "Files"})


@frozen(kw_only=True)
class ElementInfo:
    """The element that an issue is about.

    Attributes:
        ecinstanceid: Its id in the iModel, such as `0x20000000001`.
        sourceid: Its id in the file.
    """

    ecinstanceid: str | None = None
    sourceid: str | None = None


@frozen(kw_only=True)
class AuditInfo:
    """An issue.

    Attributes:
        issueid: Its kind, such as `Dgn_0066`.
        level: How severe it is.
        category: What it has to do with.
        type: What it is about, such as `Material`; one of some 80.
        message: For people.
    """

    issueid: str | None = None
    level: AuditLevel | None = None
    category: AuditCategory | None = None
    type: str | None = None
    message: str | None = None


@frozen(kw_only=True)
class AuditRecord:
    """An issue of an element.

    Attributes:
        elementinfo: The element; empty if the issue is about the whole file.
        auditinfo: The issue.
    """

    elementinfo: ElementInfo = ElementInfo()
    auditinfo: AuditInfo = AuditInfo()


@frozen(kw_only=True)
class RecordedFile:
    """A file with issues.

    Attributes:
        identifier: The file's id or name.
        path: Where it was.
        ignoredelements: Ids of the elements that were left out.
    """

    identifier: str | None = None
    path: str | None = None
    ignoredelements: tuple[str, ...] = ()


@frozen(kw_only=True)
class FileRecord:
    """A file and its issues.

    Attributes:
        file: The file.
        auditrecords: Its issues.
    """

    file: RecordedFile = RecordedFile()
    auditrecords: tuple[AuditRecord, ...] = ()


@frozen(kw_only=True)
class Report:
    """A diagnostic report.

    Attributes:
        context: Where it comes from.
        source_files_info: The synchronized file, and those that it refers to.
        filerecords: The files with issues.
    """

    context: ReportContext = ReportContext()
    source_files_info: SourceFilesInfo = SourceFilesInfo()
    filerecords: tuple[FileRecord, ...] = field(default=(), repr=False)

    @property
    def issues(self) -> Iterator[AuditInfo]:
        """All issues of all files."""
        return (record.auditinfo for file in self.filerecords for record in file.auditrecords)
