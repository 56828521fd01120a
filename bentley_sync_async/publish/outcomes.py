"""What came of each file of a publish. Pure."""

import enum

from attrs import frozen

from .plan import FileAction


class FileStatus(enum.StrEnum):
    """What came of a file."""

    UNCHANGED = "unchanged"
    """Storage had it already."""
    UPLOADED = "uploaded"
    """It was uploaded, and is in Storage whole."""
    REMOVED = "removed"
    """It is gone locally, and was removed from the iModel and from Storage."""
    KEPT = "kept"
    """It is gone locally, and was left where it is."""
    FAILED = "failed"
    """It could not be uploaded; what was published of it before stays."""
    REFUSED = "refused"
    """It cannot be published, such as an empty file; what was published of it before stays."""
    WAITING = "waiting"
    """The publish ended before its turn."""


@frozen(kw_only=True)
class FileOutcome:
    """What came of one file.

    Attributes:
        path: Its path relative to the manifest.
        action: What was planned.
        status: What came of it.
        size: Its bytes.
        seconds: How long its upload took; `None` if it was not uploaded.
        file_id: The file in Storage; `None` if it is not there.
        reason: Why it could not be published, for people; `None` if it was.
    """

    path: str
    action: FileAction
    status: FileStatus
    size: int = 0
    seconds: float | None = None
    file_id: str | None = None
    reason: str | None = None
