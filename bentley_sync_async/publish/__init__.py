"""Publish: a folder of files in, an iModel out; only what has changed is uploaded and run."""

from .events import (
    ConnectionPrepared,
    FileEvent,
    FileFailed,
    FileRemoved,
    FileUploaded,
    PublishEvent,
    PublishPlanned,
    UploadStarted,
)
from .manifest import FileSelection, ModelTarget, PublishManifest
from .outcomes import FileOutcome, FileStatus
from .plan import ConnectionPlan, FileAction, FilePlan, LocalFile, PublishedFile, PublishPlan
from .progress import PublishProgress
from .report import PublishReport
from .runner import PublishRun
from .sources import FileSource, FileVersion
from .steps.reports import SavedReports

__all__ = [
    "ConnectionPlan",
    "ConnectionPrepared",
    "FileAction",
    "FileEvent",
    "FileFailed",
    "FileOutcome",
    "FilePlan",
    "FileRemoved",
    "FileSelection",
    "FileSource",
    "FileStatus",
    "FileUploaded",
    "FileVersion",
    "LocalFile",
    "ModelTarget",
    "PublishEvent",
    "PublishManifest",
    "PublishPlan",
    "PublishPlanned",
    "PublishProgress",
    "PublishReport",
    "PublishRun",
    "PublishedFile",
    "SavedReports",
    "UploadStarted",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
