"""The entities of the API: frozen values, open enums, and the state table. No I/O, no JSON."""

from .authorization import AuthorizationInformation, AuthorizationLinks
from .connections import (
    Connection,
    ConnectionDetails,
    ConnectionLinks,
    ConnectionSummary,
    ManifestConnection,
    ManifestSourceFile,
    SourceFile,
    SourceFileCreate,
    SourceFileLinks,
    SourceFileSummary,
    StorageConnection,
)
from .enums import (
    AuthenticationType,
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    JobPhase,
    SuggestedAction,
    TaskErrorCategory,
    TaskErrorPhase,
    TaskErrorSystem,
)
from .links import Link, Page, PagingLinks
from .open_enum import OpenEnum
from .run_refs import RunRef, TriggeredRun
from .runs import (
    RunErrorDetails,
    RunFailedError,
    RunSummary,
    StorageJob,
    StorageRun,
    StorageTask,
    SynchronizationReport,
    TaskDetails,
    TaskError,
)
from .states import Transition
from .webhooks import WebhookContent, WebhookMessage

__all__ = [
    "AuthenticationType",
    "AuthorizationInformation",
    "AuthorizationLinks",
    "Connection",
    "ConnectionDetails",
    "ConnectionLinks",
    "ConnectionSummary",
    "ConnectorType",
    "ExecutionResult",
    "ExecutionState",
    "JobPhase",
    "Link",
    "ManifestConnection",
    "ManifestSourceFile",
    "OpenEnum",
    "Page",
    "PagingLinks",
    "RunErrorDetails",
    "RunFailedError",
    "RunRef",
    "RunSummary",
    "SourceFile",
    "SourceFileCreate",
    "SourceFileLinks",
    "SourceFileSummary",
    "StorageConnection",
    "StorageJob",
    "StorageRun",
    "StorageTask",
    "SuggestedAction",
    "SynchronizationReport",
    "TaskDetails",
    "TaskError",
    "TaskErrorCategory",
    "TaskErrorPhase",
    "TaskErrorSystem",
    "Transition",
    "TriggeredRun",
    "WebhookContent",
    "WebhookMessage",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
