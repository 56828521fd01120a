"""What the service says: frozen values, open enums, and the state table. No I/O, no JSON."""

from .authorization import AuthorizationInformation, AuthorizationLinks
from .connections import (
    Connection,
    ConnectionLinks,
    ConnectionSummary,
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
from .problems import Problem, ProblemDetail
from .runs import (
    ConnectionKind,
    RunErrorDetails,
    RunRef,
    RunSummary,
    StorageJob,
    StorageRun,
    StorageTask,
    SynchronizationReport,
    TaskDetails,
    TaskError,
    TriggeredRun,
)
from .states import TRANSITIONS, Transition, classify
from .webhooks import WebhookContent, WebhookMessage

__all__ = [
    "TRANSITIONS",
    "AuthenticationType",
    "AuthorizationInformation",
    "AuthorizationLinks",
    "Connection",
    "ConnectionKind",
    "ConnectionLinks",
    "ConnectionSummary",
    "ConnectorType",
    "ExecutionResult",
    "ExecutionState",
    "JobPhase",
    "Link",
    "OpenEnum",
    "Page",
    "PagingLinks",
    "Problem",
    "ProblemDetail",
    "RunErrorDetails",
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
    "classify",
]
