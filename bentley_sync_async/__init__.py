"""Asyncio client for Bentley's iTwin Synchronization API: trigger a synchronization and follow it to its end.

The API has no cancel: leaving a watch detaches, and the run goes on.

What a user of watches needs is here. The rest has a namespace of its own: `bulk` (many runs), `publish` (files in,
model out), `models` (all that the service says), `pacing` (when to poll), `transport` (HTTP, tokens, hooks), `emulator`
and `testing`.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .auth.client_credentials import ClientCredentials
    from .client import SynchronizationClient
    from .config import Environment, RateTier, Timeouts
    from .errors import (
        AmbiguousNameError,
        APIError,
        AuthenticationError,
        ConfigurationError,
        ConflictError,
        ConnectionLostError,
        CredentialsError,
        DecodeError,
        FileTransferError,
        ForeignOriginError,
        IModelNotInitializedError,
        InvalidArgumentError,
        JournalError,
        JournalInUseError,
        LocationError,
        NotFoundError,
        PermissionDeniedError,
        ProblemDetail,
        ProtocolError,
        RateLimitedError,
        ReportUnavailableError,
        RequestTimeoutError,
        ResponseTooLargeError,
        ResumeTokenError,
        RunNotCompletedError,
        ServerError,
        SignInError,
        SynchronizationError,
        TokenError,
        TokenUnavailableError,
        TransportError,
        UnprocessableError,
        UsageError,
        WebhookError,
    )
    from .models import (
        AuthenticationType,
        ConnectorType,
        ExecutionResult,
        ExecutionState,
        JobPhase,
        RunFailedError,
        RunRef,
        SourceFile,
        SourceFileCreate,
        StorageConnection,
        StorageJob,
        StorageRun,
        StorageTask,
        SynchronizationReport,
        TaskError,
    )
    from .models.manifests import DocumentAttribute, ManifestAction, ManifestFile, ManifestRun
    from .models.platform import Extent, IModel, ITwin, StorageFile, StorageFolder
    from .pacing import BackoffPacing, FixedPacing, LearnedPacing
    from .transport.retry import RetryPolicy
    from .watch.diff import diff
    from .watch.errors import IModelBusyError, RunVanishedError, WatchError, WatchFailedError, WatchTimeoutError
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
    from .watch.watcher import RunWatcher
    from .wire.codec import to_builtins, to_json
    from .wire.webhooks import ReplayGuard, verify_webhook
else:  # a name is imported when it is first used, so that using one does not load the rest of the package
    _MODULES = {
        "auth.client_credentials": "ClientCredentials",
        "client": "SynchronizationClient",
        "config": "Environment RateTier Timeouts",
        "errors": (
            "APIError AmbiguousNameError AuthenticationError ConfigurationError ConflictError ConnectionLostError "
            "CredentialsError DecodeError FileTransferError ForeignOriginError IModelNotInitializedError "
            "InvalidArgumentError JournalError JournalInUseError LocationError "
            "NotFoundError PermissionDeniedError ProblemDetail ProtocolError RateLimitedError ReportUnavailableError "
            "RequestTimeoutError "
            "ResponseTooLargeError ResumeTokenError RunNotCompletedError ServerError SignInError SynchronizationError "
            "TokenError TokenUnavailableError TransportError UnprocessableError UsageError WebhookError"
        ),
        "models": (
            "AuthenticationType ConnectorType ExecutionResult ExecutionState JobPhase RunFailedError RunRef "
            "SourceFile SourceFileCreate StorageConnection StorageJob StorageRun StorageTask "
            "SynchronizationReport TaskError"
        ),
        "models.manifests": "DocumentAttribute ManifestAction ManifestFile ManifestRun",
        "models.platform": "Extent IModel ITwin StorageFile StorageFolder",
        "pacing": "BackoffPacing FixedPacing LearnedPacing",
        "transport.retry": "RetryPolicy",
        "watch.diff": "diff",
        "watch.errors": "IModelBusyError RunVanishedError WatchError WatchFailedError WatchTimeoutError",
        "watch.events": (
            "JobAppeared JobChange JobCompleted JobStateChanged JobUpdated JobVanished PollDelayed RunAppeared "
            "RunChange RunCompleted RunEvent RunJoined RunPhaseChanged RunStateChanged RunTriggered RunUpdated "
            "TaskAppeared TaskChange TaskCompleted TaskRetried TaskStateChanged TaskUpdated TaskVanished "
            "TriggerDelayed UnknownValueSeen WaitingForIModel WatchEvent"
        ),
        "watch.fold": "fold",
        "watch.watcher": "RunWatcher",
        "wire.codec": "to_builtins to_json",
        "wire.webhooks": "ReplayGuard verify_webhook",
    }
    _HOMES = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import_module(_HOMES[name])
        for each, home in _HOMES.items():
            module = sys.modules.get(home)
            if each not in globals() and hasattr(module, each):
                public = globals()[each] = getattr(module, each)
                if isinstance(public, type):  # errors, reprs and pickles name the public place of a class
                    public.__module__ = __name__
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "APIError",
    "AmbiguousNameError",
    "AuthenticationError",
    "AuthenticationType",
    "BackoffPacing",
    "ClientCredentials",
    "ConfigurationError",
    "ConflictError",
    "ConnectionLostError",
    "ConnectorType",
    "CredentialsError",
    "DecodeError",
    "DocumentAttribute",
    "Environment",
    "ExecutionResult",
    "ExecutionState",
    "Extent",
    "FileTransferError",
    "FixedPacing",
    "ForeignOriginError",
    "IModel",
    "IModelBusyError",
    "IModelNotInitializedError",
    "ITwin",
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
    "LocationError",
    "ManifestAction",
    "ManifestFile",
    "ManifestRun",
    "NotFoundError",
    "PermissionDeniedError",
    "PollDelayed",
    "ProblemDetail",
    "ProtocolError",
    "RateLimitedError",
    "RateTier",
    "ReplayGuard",
    "ReportUnavailableError",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "ResumeTokenError",
    "RetryPolicy",
    "RunAppeared",
    "RunChange",
    "RunCompleted",
    "RunEvent",
    "RunFailedError",
    "RunJoined",
    "RunNotCompletedError",
    "RunPhaseChanged",
    "RunRef",
    "RunStateChanged",
    "RunTriggered",
    "RunUpdated",
    "RunVanishedError",
    "RunWatcher",
    "ServerError",
    "SignInError",
    "SourceFile",
    "SourceFileCreate",
    "StorageConnection",
    "StorageFile",
    "StorageFolder",
    "StorageJob",
    "StorageRun",
    "StorageTask",
    "SynchronizationClient",
    "SynchronizationError",
    "SynchronizationReport",
    "TaskAppeared",
    "TaskChange",
    "TaskCompleted",
    "TaskError",
    "TaskRetried",
    "TaskStateChanged",
    "TaskUpdated",
    "TaskVanished",
    "Timeouts",
    "TokenError",
    "TokenUnavailableError",
    "TransportError",
    "TriggerDelayed",
    "UnknownValueSeen",
    "UnprocessableError",
    "UsageError",
    "WaitingForIModel",
    "WatchError",
    "WatchEvent",
    "WatchFailedError",
    "WatchTimeoutError",
    "WebhookError",
    "__version__",
    "diff",
    "fold",
    "to_builtins",
    "to_json",
    "verify_webhook",
]
