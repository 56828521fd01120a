"""A user's program that touches the whole public API. Type checkers read it; nothing runs it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, assert_type

from bentley_sync_async import (
    APIError,
    AuthenticationError,
    AuthenticationType,
    BackoffPacing,
    ClientCredentials,
    ConfigurationError,
    ConnectorType,
    DecodeError,
    Environment,
    ExecutionResult,
    ExecutionState,
    FixedPacing,
    ForeignOriginError,
    JobChange,
    JobPhase,
    JournalError,
    JournalInUseError,
    LearnedPacing,
    ProblemDetail,
    RateTier,
    ReplayGuard,
    ResumeTokenError,
    RetryPolicy,
    RunChange,
    RunEvent,
    RunFailedError,
    RunRef,
    RunWatcher,
    SourceFile,
    SourceFileCreate,
    StorageConnection,
    StorageJob,
    StorageRun,
    StorageTask,
    SynchronizationClient,
    SynchronizationError,
    SynchronizationReport,
    TaskChange,
    TaskError,
    Timeouts,
    TokenUnavailableError,
    TransportError,
    WatchError,
    WatchEvent,
    WatchTimeoutError,
    WebhookError,
    diff,
    fold,
    to_builtins,
    to_json,
    verify_webhook,
)
from bentley_sync_async.bulk import (
    BulkEvent,
    BulkPlan,
    BulkProgress,
    BulkReport,
    BulkRun,
    ConnectionFinished,
    ConnectionProgressed,
    ConnectionStarted,
    FailedFile,
    Outcome,
    OutcomeStatus,
    PlannedRun,
)
from bentley_sync_async.integrations.otel import OpenTelemetryHook
from bentley_sync_async.integrations.webhooks import Handler, webhook_handler
from bentley_sync_async.models import (
    AuthorizationInformation,
    AuthorizationLinks,
    Connection,
    ConnectionLinks,
    ConnectionSummary,
    Link,
    OpenEnum,
    Page,
    PagingLinks,
    RunErrorDetails,
    RunSummary,
    SourceFileLinks,
    SourceFileSummary,
    SuggestedAction,
    TaskDetails,
    TaskErrorCategory,
    TaskErrorPhase,
    TaskErrorSystem,
    TriggeredRun,
    WebhookContent,
    WebhookMessage,
)
from bentley_sync_async.pacing import (
    CompletionNotifier,
    CompletionSignal,
    DurationDistribution,
    Pacing,
    PollContext,
    PollDemand,
)
from bentley_sync_async.resources import Listing, Pages
from bentley_sync_async.testing import (
    After,
    ScriptedTransport,
    ScriptFailed,
    Sent,
    Step,
    answer,
    lost,
    refusal,
    timed_out,
)
from bentley_sync_async.transport import (
    BudgetUse,
    Hook,
    LoggingHook,
    PollRecord,
    Record,
    Request,
    RequestRecord,
    Response,
    RetryRecord,
    ThrottleRecord,
    Token,
    TokenRecord,
    TokenSource,
    Transport,
    WindowUse,
    exhausted_window,
)


async def lists(client: SynchronizationClient) -> None:
    connections = client.storage_connections
    assert_type(connections.list("i"), Listing[ConnectionSummary])
    assert_type(connections.list("i", prefer="minimal"), Listing[ConnectionSummary])
    assert_type(connections.list("i", prefer="representation", page_size=50), Listing[StorageConnection])
    assert_type(connections.source_files.list("c"), Listing[SourceFileSummary])
    assert_type(connections.source_files.list("c", prefer="representation"), Listing[SourceFile])
    assert_type(connections.runs.list("c"), Listing[RunSummary])
    assert_type(connections.runs.list("c", prefer="representation"), Listing[StorageRun])
    assert_type(client.connections.list("i"), Listing[ConnectionSummary])
    assert_type(client.connections.list("i", prefer="representation"), Listing[Connection])
    async for run in connections.runs.list("c", prefer="representation"):
        assert_type(run, StorageRun)
    pages = connections.runs.list("c").pages()
    assert_type(pages, Pages[RunSummary])
    async for page in pages:
        assert_type(page, Page[RunSummary])
        assert_type(page.items, tuple[RunSummary, ...])
        assert_type(page.links.next, Link | None)
        for summary in page:
            assert_type(summary, RunSummary)


async def operations(client: SynchronizationClient) -> None:
    connections = client.storage_connections
    created = await connections.create(
        "i",
        [SourceFileCreate("f", ConnectorType.MSTN), SourceFileCreate(storage_file_id="g", connector_type="DWG")],
        display_name="nightly",
        authentication_type=AuthenticationType.SERVICE,
    )
    assert_type(created, StorageConnection)
    assert_type(await connections.get("c"), StorageConnection)
    assert_type(await connections.update("c", display_name="n"), StorageConnection)
    assert_type(await connections.update("c", authentication_type=AuthenticationType.USER), StorageConnection)
    await connections.delete("c")
    assert_type(await connections.source_files.add("c", SourceFileCreate("f", ConnectorType.DWG)), SourceFile)
    assert_type(await connections.source_files.get("c", "s"), SourceFile)
    assert_type(await connections.source_files.update("c", "s", connector_type=ConnectorType.IFC), SourceFile)
    await connections.source_files.remove("c", "s")
    triggered = await connections.runs.trigger("c")
    assert_type(triggered, TriggeredRun)
    assert_type((triggered.ref, triggered.created, triggered.foreign), tuple[RunRef, bool, bool])
    assert_type(await connections.runs.get("c", "r"), StorageRun)
    assert_type(await client.authorization.get("https://localhost/"), AuthorizationInformation)
    assert_type(await client.authorization.get(), AuthorizationInformation)


def parts(
    error: TaskError, page: PagingLinks, file: SourceFileLinks, where: ConnectionLinks, consent: AuthorizationLinks
) -> None:
    assert_type(error.system, TaskErrorSystem | None)
    assert_type(error.phase, TaskErrorPhase | None)
    assert_type(error.category, TaskErrorCategory | None)
    assert_type(error.bridge_exit_code, int | None)
    assert_type(error.can_user_fix, bool | None)
    assert_type((page.self_, file.file, where.imodel), tuple[Link | None, Link | None, Link | None])
    assert_type(consent.authorization_url, Link | None)
    value: OpenEnum = ConnectorType("WARP")
    text: str = value.value
    assert_type(value.known, bool)
    spelled: list[str] = [text]
    assert_type(spelled, list[str])


def fields(run: StorageRun, connection: StorageConnection, file: SourceFile) -> None:
    assert_type(run.start_date_time, datetime | None)
    assert_type(run.phase, JobPhase | None)
    assert_type(run.state, ExecutionState)
    assert_type(run.result, ExecutionResult)
    assert_type(run.error, RunErrorDetails | None)
    assert_type(run.jobs, tuple[StorageJob, ...])
    assert_type(run.failed_tasks, tuple[StorageTask, ...])
    assert_type(run.state.known, bool)
    assert_type(ExecutionState("Hibernating"), ExecutionState)
    assert_type(connection.authentication_type, AuthenticationType | None)
    assert_type(connection.links.last_run, Link | None)
    assert_type(file.connector_type, ConnectorType | None)
    for task in run.tasks:
        assert_type(task.error, TaskError | None)
        assert_type(task.details, TaskDetails | None)
        if task.details is not None and task.details.synchronization_report is not None:
            assert_type(task.details.synchronization_report, SynchronizationReport)
            assert_type(task.details.synchronization_report.suggested_action, SuggestedAction | None)
    assert_type(run.duration, float | None)
    run.raise_for_result()


async def watches(client: SynchronizationClient) -> None:
    watcher = client.watch("c", timeout=3600, when_active="rerun", when_busy="join", pacing=BackoffPacing(longest=10))
    assert_type(client.watch("c", pacing=LearnedPacing()), RunWatcher)
    assert_type(client.watch("c", pacing=FixedPacing(interval=5)), RunWatcher)
    assert_type(watcher, RunWatcher)
    assert_type((watcher.ref, watcher.run), tuple[RunRef | None, StorageRun | None])
    async for event in watcher:
        assert_type(event, WatchEvent)
    assert_type(await watcher.result(), StorageRun)
    assert_type(client.attach(RunRef(connection_id="c", run_id="r"), timeout=5), RunWatcher)
    assert_type(client.attach("https://api.bentley.com/..."), RunWatcher)
    assert_type(client.run_url(RunRef(connection_id="c", run_id="r")), str)
    try:
        assert_type(client.resume(client.watch("c").resume_token()), RunWatcher)
    except ResumeTokenError as refused:
        assert_type(refused, ResumeTokenError)


async def bulks(client: SynchronizationClient) -> None:
    bulk = client.run_many(["c"], imodel_ids=("i",), journal="nightly.db", per_itwin=2, retry_failed=1)
    assert_type(bulk, BulkRun)
    plan = await bulk.plan()
    assert_type(plan, BulkPlan)
    assert_type(plan.runs, tuple[PlannedRun, ...])
    try:
        async with bulk as entered:
            assert_type(entered, BulkRun)
            async for event in bulk:
                assert_type(event, BulkEvent)
                match event:
                    case ConnectionStarted(attempt=attempt):
                        assert_type(attempt, int)
                    case ConnectionProgressed(event=progress):
                        assert_type(progress, WatchEvent)
                    case ConnectionFinished(outcome=outcome):
                        assert_type(outcome, Outcome)
                        assert_type(outcome.failed_files, tuple[FailedFile, ...])
                    case _:
                        assert_type(event.to_json(), str)
            assert_type(bulk.progress, BulkProgress)
            assert_type(bulk.progress.counts, Mapping[OutcomeStatus, int])
            assert_type(await bulk.result(), BulkReport)
    except JournalInUseError as busy:
        assert_type(busy.pid, int | None)
    except JournalError as broken:
        assert_type(str(broken), str)
    assert_type(client.watch("c").intent_token(), str)


def snapshots(before: StorageRun | None, after: StorageRun, ref: RunRef, at: datetime) -> None:
    changes = diff(before, after, ref=ref, at=at)
    assert_type(changes, tuple[RunEvent, ...])
    assert_type(fold(changes, before), StorageRun | None)
    assert_type([change.to_json() for change in changes], list[str])
    assert_type(to_json([before, {"state": to_builtins(before)["state"]}], indent=2), str)
    for change in changes:
        if isinstance(change, RunChange):
            assert_type(change.run, StorageRun)


def failures(error: SynchronizationError) -> str:  # noqa: PLR0911 - one for each branch of the tree
    match error:
        case AuthenticationError():
            return "sign in again"
        case APIError(status=status, retry_after=retry_after, details=details):
            assert_type(status, int)
            assert_type(retry_after, float | None)
            assert_type(details, tuple[ProblemDetail, ...])
            return error.code or ""
        case WatchTimeoutError(run=run):
            assert_type(run, StorageRun | None)
            return "go on later"
        case WatchError(ref=ref):
            assert_type(ref, RunRef | None)
            return "detached"
        case RunFailedError(run=run, failed_tasks=failed):
            assert_type(run, StorageRun)
            assert_type(failed, tuple[StorageTask, ...])
            return "failed"
        case TransportError(sent=sent):
            assert_type(sent, bool)
            return "look first"
        case TokenUnavailableError(retry_after=wait):
            assert_type(wait, float | None)
            return "wait"
        case DecodeError(path=path):
            assert_type(path, str)
            return path
        case ForeignOriginError() | ConfigurationError():
            return "set base_url"
        case _:
            return str(error)


class Vault:
    """A token source of the user's own."""

    async def token(self) -> Token:
        return Token(value="t", expires_in=60.0)

    def invalidate(self, token: Token) -> bool:
        return token.expires_in is not None


class Recorded:
    """A transport of the user's own."""

    def __init__(self, answers: Sequence[Response]) -> None:
        self._answers = list(answers)

    async def send(self, request: Request, *, timeout: float) -> Response:
        return self._answers.pop(0) if request.method == "GET" and timeout else Response(status=500)


class EverySecond:
    """A pacing of the user's own."""

    def delay(self, context: PollContext) -> float:
        assert_type((context.unchanged_polls, context.elapsed, context.price), tuple[int, float, float])
        assert_type(context.duration.quantile(0.5, elapsed=context.elapsed), float)
        assert_type(context.duration, DurationDistribution)
        assert_type(LearnedPacing().demand(context), PollDemand)
        assert_type(context.duration.hazard(600.0), float)
        return 1.0 + 0 * context.chance


async def fetch_text() -> str:
    return "t"


async def fetch_token() -> Token:
    return Token(value="t")


async def clients() -> None:
    source: TokenSource = Vault()
    transport: Transport = Recorded([Response(status=200, headers={}, body=b"")])
    pacing: Pacing = EverySecond()
    SynchronizationClient(source, transport=transport)
    hook: Hook = counting
    SynchronizationClient(fetch_text, hooks=[hook, LoggingHook(), OpenTelemetryHook()])
    SynchronizationClient(fetch_token)
    SynchronizationClient(ClientCredentials("service-1", "s"), environment=Environment.QA, issuer="https://i.example")
    assert_type(SynchronizationClient.from_env(), SynchronizationClient)
    assert_type(
        SynchronizationClient.from_env({"BENTLEY_SYNC_TOKEN": "t"}, retry=RetryPolicy(attempts=1)),
        SynchronizationClient,
    )
    async with SynchronizationClient(
        "t",
        base_url="http://127.0.0.1:1",
        timeouts=Timeouts(request=5),
        retry=RetryPolicy(attempts=1),
        max_connections=5,
    ) as client:
        assert_type(client, SynchronizationClient)
        client.watch("c", pacing=pacing)


def budgets(client: SynchronizationClient) -> None:
    SynchronizationClient("t", rate_tier=RateTier.COMMUNITY, share=0.5)
    SynchronizationClient("t", rate_tier=RateTier(name="ours", per_minute=2000, per_hour=None))
    assert_type(RateTier.named("standard"), RateTier)
    use = client.budget
    assert_type(use, BudgetUse)
    assert_type((use.tier, use.share, use.waiting, use.to_json()), tuple[RateTier, float, int, str])
    for window in (use.minute, use.hour):
        assert_type(window, WindowUse)
        assert_type((window.seconds, window.limit, window.used, window.left), tuple[float, int | None, int, int | None])
        assert_type(window.spent, Mapping[str, int])
    assert_type(exhausted_window(None), Literal["minute", "hour"])


class Mailbox:
    """A signal of the user's own."""

    async def wait(self, ref: RunRef) -> None:
        assert_type(ref.run_id, str)


async def webhooks(body: bytes, headers: Mapping[str, str], now: datetime) -> int:
    notifier = CompletionNotifier()
    signals: list[CompletionSignal] = [notifier, Mailbox()]
    seen = ReplayGuard(max_age=600)
    try:
        message = verify_webhook(body, headers, secret="s", now=now, seen=seen, max_age=600)
    except WebhookError as refused:
        return refused.status
    assert_type(message, WebhookMessage)
    assert_type(message.content, WebhookContent)
    assert_type((message.ref, message.enqueued_date_time), tuple[RunRef, datetime])
    seen.add(message.message_id, now)
    notifier.notify(message.ref)
    for signal in signals:
        await signal.wait(message.ref)
    assert_type(webhook_handler(notifier, secret="s", max_age=None, now=lambda: now), Handler)
    return 204


def counting(record: Record) -> None:
    match record:
        case RequestRecord(status=status, error=error):
            assert_type((status, error), tuple[int | None, SynchronizationError | None])
        case RetryRecord(delay=delay) | ThrottleRecord(delay=delay):
            assert_type(delay, float)
        case TokenRecord(duration=duration):
            assert_type(duration, float)
        case PollRecord(ref=ref):
            assert_type(ref, RunRef)
        case _:
            pass


def changes(event: RunChange, job: JobChange, task: TaskChange) -> None:
    assert_type((job.job, task.job_id, task.task), tuple[StorageJob, str, StorageTask])
    assert_type(event.ref, RunRef)
    assert_type((event.seq, event.at), tuple[int, datetime])


async def answered(request: Request) -> Response:
    return answer(200, {"url": request.url}, retry_after="3")


def scripts(run: StorageRun) -> SynchronizationClient:
    steps: list[Step] = [
        answer(200, {"run": run}),
        After(3.0, answered),
        After(3.0, After(4.0, lost)),
        lambda request: After(5.0, lambda _: lost(request)),
        refusal(404),
        lost,
        timed_out,
        lost(sent=False),
    ]
    transport = ScriptedTransport(*steps, always=lambda request: lost(request, sent=False))
    assert_type(transport.sent, list[Sent])
    assert_type([(sent.request, sent.at, sent.timeout) for sent in transport.sent], list[tuple[Request, float, float]])
    assert_type((transport.lines, transport.bodies), tuple[list[str], list[object]])
    if not transport.script:
        raise ScriptFailed("everything was asked for")
    return SynchronizationClient("t", transport=transport)
