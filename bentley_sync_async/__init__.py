"""Asyncio client for Bentley's iTwin Synchronization API: trigger a synchronization and follow it to its end.

The API has no cancel: leaving a watch detaches, and the run goes on.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .auth import ClientCredentials
    from .bulk.events import BulkEvent, ConnectionFinished, ConnectionProgressed, ConnectionStarted, event_to_json
    from .bulk.outcomes import FailedFile, Outcome, OutcomeStatus
    from .bulk.plan import BulkPlan, PlannedRun
    from .bulk.progress import BulkProgress
    from .bulk.report import BulkReport
    from .bulk.runner import BulkRun
    from .client import SynchronizationClient
    from .config import Environment, RateTier, Timeouts
    from .errors import (
        APIError,
        AuthenticationError,
        ConfigurationError,
        ConflictError,
        ConnectionLostError,
        CredentialsError,
        DecodeError,
        ForeignOriginError,
        IModelBusyError,
        InvalidArgumentError,
        JournalError,
        JournalInUseError,
        LocationError,
        NotFoundError,
        PermissionDeniedError,
        ProtocolError,
        RateLimitedError,
        RequestTimeoutError,
        ResponseTooLargeError,
        ResumeTokenError,
        RunFailedError,
        RunNotCompletedError,
        RunVanishedError,
        ServerError,
        SynchronizationError,
        TokenError,
        TokenUnavailableError,
        TransportError,
        UnprocessableError,
        WatchError,
        WatchFailedError,
        WatchTimeoutError,
        WebhookError,
    )
    from .models import (
        AuthenticationType,
        AuthorizationInformation,
        AuthorizationLinks,
        Connection,
        ConnectionLinks,
        ConnectionSummary,
        ConnectorType,
        ExecutionResult,
        ExecutionState,
        JobPhase,
        Link,
        OpenEnum,
        Page,
        PagingLinks,
        ProblemDetail,
        RunErrorDetails,
        RunRef,
        RunSummary,
        SourceFile,
        SourceFileCreate,
        SourceFileLinks,
        SourceFileSummary,
        StorageConnection,
        StorageJob,
        StorageRun,
        StorageTask,
        SuggestedAction,
        SynchronizationReport,
        TaskDetails,
        TaskError,
        TaskErrorCategory,
        TaskErrorPhase,
        TaskErrorSystem,
        Transition,
        TriggeredRun,
        WebhookContent,
        WebhookMessage,
    )
    from .resources.base import Listing, Pages
    from .transport.budget import BudgetUse
    from .transport.hooks import GateRecord, Hook, PollRecord, Record, RequestRecord, RetryRecord, TokenRecord
    from .transport.logs import LoggingHook
    from .transport.messages import Request, Response, Transport
    from .transport.retry import RetryPolicy
    from .transport.tokens import Token, TokenSource
    from .transport.window import WindowUse
    from .watch.completion import Announcements, CompletionSignal
    from .watch.diff import diff
    from .watch.durations import Durations
    from .watch.events import (
        JobAppeared,
        JobChange,
        JobCompleted,
        JobStateChanged,
        JobUpdated,
        JobVanished,
        PollDelayed,
        RunAppeared,
        RunChange,
        RunCompleted,
        RunEvent,
        RunJoined,
        RunPhaseChanged,
        RunStateChanged,
        RunTriggered,
        RunUpdated,
        TaskAppeared,
        TaskChange,
        TaskCompleted,
        TaskRetried,
        TaskStateChanged,
        TaskUpdated,
        TaskVanished,
        TriggerDelayed,
        UnknownValueSeen,
        WaitingForIModel,
        WatchEvent,
    )
    from .watch.fold import fold
    from .watch.learned import LearnedPacing
    from .watch.pacing import BackoffPacing, FixedPacing, Look, Pacing
    from .watch.pricing import Demand
    from .watch.watcher import RunWatcher
    from .wire.webhooks import SeenMessages, verify_webhook
else:  # a name is imported when it is used: whoever needs one room does not wait for the others
    _ROOMS = {
        "auth": "ClientCredentials",
        "bulk.events": "BulkEvent ConnectionFinished ConnectionProgressed ConnectionStarted event_to_json",
        "bulk.outcomes": "FailedFile Outcome OutcomeStatus",
        "bulk.plan": "BulkPlan PlannedRun",
        "bulk.progress": "BulkProgress",
        "bulk.report": "BulkReport",
        "bulk.runner": "BulkRun",
        "client": "SynchronizationClient",
        "config": "Environment RateTier Timeouts",
        "errors": (
            "APIError AuthenticationError ConfigurationError ConflictError ConnectionLostError CredentialsError "
            "DecodeError ForeignOriginError IModelBusyError InvalidArgumentError JournalError JournalInUseError "
            "LocationError NotFoundError PermissionDeniedError ProtocolError RateLimitedError RequestTimeoutError "
            "ResponseTooLargeError ResumeTokenError RunFailedError RunNotCompletedError RunVanishedError "
            "ServerError SynchronizationError TokenError TokenUnavailableError TransportError UnprocessableError "
            "WatchError WatchFailedError WatchTimeoutError WebhookError"
        ),
        "models": (
            "AuthenticationType AuthorizationInformation AuthorizationLinks Connection ConnectionLinks "
            "ConnectionSummary ConnectorType ExecutionResult ExecutionState JobPhase Link OpenEnum Page "
            "PagingLinks ProblemDetail RunErrorDetails RunRef RunSummary SourceFile SourceFileCreate "
            "SourceFileLinks SourceFileSummary StorageConnection StorageJob StorageRun StorageTask "
            "SuggestedAction SynchronizationReport TaskDetails TaskError TaskErrorCategory TaskErrorPhase "
            "TaskErrorSystem Transition TriggeredRun WebhookContent WebhookMessage"
        ),
        "resources.base": "Listing Pages",
        "transport.budget": "BudgetUse",
        "transport.hooks": "GateRecord Hook PollRecord Record RequestRecord RetryRecord TokenRecord",
        "transport.logs": "LoggingHook",
        "transport.messages": "Request Response Transport",
        "transport.retry": "RetryPolicy",
        "transport.tokens": "Token TokenSource",
        "transport.window": "WindowUse",
        "watch.completion": "Announcements CompletionSignal",
        "watch.diff": "diff",
        "watch.durations": "Durations",
        "watch.events": (
            "JobAppeared JobChange JobCompleted JobStateChanged JobUpdated JobVanished PollDelayed RunAppeared "
            "RunChange RunCompleted RunEvent RunJoined RunPhaseChanged RunStateChanged RunTriggered RunUpdated "
            "TaskAppeared TaskChange TaskCompleted TaskRetried TaskStateChanged TaskUpdated TaskVanished "
            "TriggerDelayed UnknownValueSeen WaitingForIModel WatchEvent"
        ),
        "watch.fold": "fold",
        "watch.learned": "LearnedPacing",
        "watch.pacing": "BackoffPacing FixedPacing Look Pacing",
        "watch.pricing": "Demand",
        "watch.watcher": "RunWatcher",
        "wire.webhooks": "SeenMessages verify_webhook",
    }
    _HOMES = {name: f"{__name__}.{room}" for room, names in _ROOMS.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import_module(_HOMES[name])
        for each, home in _HOMES.items():
            room = sys.modules.get(home)
            if each not in globals() and hasattr(room, each):
                public = globals()[each] = getattr(room, each)
                if isinstance(public, type):  # errors, reprs and pickles name the public place of a thing
                    public.__module__ = __name__
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "APIError",
    "Announcements",
    "AuthenticationError",
    "AuthenticationType",
    "AuthorizationInformation",
    "AuthorizationLinks",
    "BackoffPacing",
    "BudgetUse",
    "BulkEvent",
    "BulkPlan",
    "BulkProgress",
    "BulkReport",
    "BulkRun",
    "ClientCredentials",
    "CompletionSignal",
    "ConfigurationError",
    "ConflictError",
    "Connection",
    "ConnectionFinished",
    "ConnectionLinks",
    "ConnectionLostError",
    "ConnectionProgressed",
    "ConnectionStarted",
    "ConnectionSummary",
    "ConnectorType",
    "CredentialsError",
    "DecodeError",
    "Demand",
    "Durations",
    "Environment",
    "ExecutionResult",
    "ExecutionState",
    "FailedFile",
    "FixedPacing",
    "ForeignOriginError",
    "GateRecord",
    "Hook",
    "IModelBusyError",
    "InvalidArgumentError",
    "JobAppeared",
    "JobChange",
    "JobCompleted",
    "JobPhase",
    "JobStateChanged",
    "JobUpdated",
    "JobVanished",
    "JournalError",
    "JournalInUseError",
    "LearnedPacing",
    "Link",
    "Listing",
    "LocationError",
    "LoggingHook",
    "Look",
    "NotFoundError",
    "OpenEnum",
    "Outcome",
    "OutcomeStatus",
    "Pacing",
    "Page",
    "Pages",
    "PagingLinks",
    "PermissionDeniedError",
    "PlannedRun",
    "PollDelayed",
    "PollRecord",
    "ProblemDetail",
    "ProtocolError",
    "RateLimitedError",
    "RateTier",
    "Record",
    "Request",
    "RequestRecord",
    "RequestTimeoutError",
    "Response",
    "ResponseTooLargeError",
    "ResumeTokenError",
    "RetryPolicy",
    "RetryRecord",
    "RunAppeared",
    "RunChange",
    "RunCompleted",
    "RunErrorDetails",
    "RunEvent",
    "RunFailedError",
    "RunJoined",
    "RunNotCompletedError",
    "RunPhaseChanged",
    "RunRef",
    "RunStateChanged",
    "RunSummary",
    "RunTriggered",
    "RunUpdated",
    "RunVanishedError",
    "RunWatcher",
    "SeenMessages",
    "ServerError",
    "SourceFile",
    "SourceFileCreate",
    "SourceFileLinks",
    "SourceFileSummary",
    "StorageConnection",
    "StorageJob",
    "StorageRun",
    "StorageTask",
    "SuggestedAction",
    "SynchronizationClient",
    "SynchronizationError",
    "SynchronizationReport",
    "TaskAppeared",
    "TaskChange",
    "TaskCompleted",
    "TaskDetails",
    "TaskError",
    "TaskErrorCategory",
    "TaskErrorPhase",
    "TaskErrorSystem",
    "TaskRetried",
    "TaskStateChanged",
    "TaskUpdated",
    "TaskVanished",
    "Timeouts",
    "Token",
    "TokenError",
    "TokenRecord",
    "TokenSource",
    "TokenUnavailableError",
    "Transition",
    "Transport",
    "TransportError",
    "TriggerDelayed",
    "TriggeredRun",
    "UnknownValueSeen",
    "UnprocessableError",
    "WaitingForIModel",
    "WatchError",
    "WatchEvent",
    "WatchFailedError",
    "WatchTimeoutError",
    "WebhookContent",
    "WebhookError",
    "WebhookMessage",
    "WindowUse",
    "__version__",
    "diff",
    "event_to_json",
    "fold",
    "verify_webhook",
]
