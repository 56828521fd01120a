"""The client: wires the layers together and owns their lifetimes."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Self

from anyio import AsyncContextManagerMixin

from . import config as settings
from .auth.applications import NativeApplication
from .auth.client_credentials import ClientCredentials, fetch_with
from .auth.refreshing import RefreshingTokenSource
from .auth.static import StaticTokenSource
from .config import ClientConfig, Environment, RateTier, Timeouts, WhenActive
from .errors import ConfigurationError, InvalidArgumentError
from .models import AuthenticationType
from .pacing.completion import CompletionSignal
from .pacing.learned import LearnedPacing
from .pacing.price import PollPrice
from .pacing.scheduler import SharedPacing
from .pacing.strategies import Pacing
from .resources.products import Products
from .resources.synchronization.authorization import Authorization
from .resources.synchronization.connections import Connections
from .resources.synchronization.storage_connections import StorageConnections
from .transport.hooks import Hook, Hooks
from .transport.http import AiohttpTransport, connection_limit
from .transport.logs import LoggingHook
from .transport.messages import Transport
from .transport.pipeline import Pipeline
from .transport.rate_limit.budget import BudgetUse, RequestBudget
from .transport.rate_limit.limiter import RateLimiter
from .transport.retry import RetryPolicy
from .transport.tokens import Token, TokenSource
from .watches import Watches

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from .bulk.journal.base import Journal
    from .bulk.runner import BulkRun
    from .models.manifests import ManifestRun
    from .publish.manifest import PublishManifest
    from .publish.runner import PublishRun
    from .publish.sources import FileSource

TokenLike = str | ClientCredentials | NativeApplication | TokenSource | Callable[[], Awaitable[str | Token]]
"""A ready token, a service application's credentials, an application that a person has signed in to, a token source, or
a coroutine function that obtains a token."""


class SynchronizationClient(Watches, Products, AsyncContextManagerMixin):
    """A client of the iTwin Synchronization API, and of its neighbours `storage`, `imodels`, `itwins` and `webhooks`.

    Use it as an async context manager, one for a process, from as many tasks as you like of one event loop:

        async with SynchronizationClient(token) as client:
            watcher = client.watch(connection_id)

    Attributes:
        storage_connections: The storage connections of an iModel, their files and runs.
        connections: The connections of all kinds of an iModel.
        authorization: Whether the calling user lets the service work for them.
    """

    def __init__(
        self,
        token: TokenLike,
        *,
        environment: Environment = Environment.PROD,
        base_url: str | None = None,
        issuer: str | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_body_bytes: int = 64 * 1024 * 1024,
        max_connections: int = 100,
        session: ClientSession | None = None,
        transport: Transport | None = None,
        hooks: Iterable[Hook] | None = None,
        rate_tier: RateTier | None = None,
        share: float = 1.0,
        completions: CompletionSignal | None = None,
    ) -> None:
        """Make a client. Nothing is sent before it is used.

        Args:
            token: An access token (usually valid for an hour), `ClientCredentials` of a service application, a
                `NativeApplication` that a person has signed in to, a coroutine function that obtains a token, or a
                `TokenSource`.
            environment: The deployment to talk to.
            base_url: The platform's root instead of the environment's, such as an emulator's URL.
            issuer: The issuer of tokens instead of the environment's; on loopback it is the base URL if it is not
                given.
            timeouts: For one request and for one call with its retries.
            retry: When a single call is retried.
            max_body_bytes: The largest body of an answer, in bytes.
            max_connections: How many requests may be under way at a time. A call waits for a permit within
                `Timeouts.call`, a watch however long it takes.
            session: An `aiohttp.ClientSession` of the same event loop to use, for its proxy, TLS or connector. It is
                not closed, and must add no Authorization; a .netrc entry (`trust_env`) is not sent. If its connector
                has fewer connections than `max_connections`, its limit counts.
            transport: Sends requests instead of aiohttp; `session` and `max_body_bytes` have no effect then.
            hooks: Called for requests, retries, throttles, tokens and polls; by default the standard library's
                logging, under `bentley_sync_async`.
            rate_tier: The tier of the application, whose limits the client keeps to; `None` if you do not know it:
                `RateTier.STANDARD`, until the service names another one.
            share: The part of the tier's calls that this client may make, above 0 and at most 1, if several processes
                share one application.
            completions: Signals to watches that their run has ended, such as the receiver of a webhook. They poll then,
                and otherwise only rarely.

        Raises:
            ConfigurationError: A setting cannot work; the message names it.
            UsageError: The session belongs to another event loop.
        """
        base_url, issuer = settings.addresses(environment, base_url, issuer)
        self.config = ClientConfig(
            base_url=base_url,
            issuer=issuer,
            timeouts=timeouts or Timeouts(),
            max_body_bytes=max_body_bytes,
            max_connections=max_connections,
            rate_tier=rate_tier,
            share=share,
        )
        self._hooks = Hooks((LoggingHook(),) if hooks is None else hooks)
        self._own_transport: AiohttpTransport | None = None
        if transport is None:
            transport = self._own_transport = AiohttpTransport(
                session=session,
                connect_timeout=self.config.timeouts.connect,
                max_body_bytes=self.config.max_body_bytes,
            )
        self._limiter = RateLimiter(
            RequestBudget(rate_tier, share=share), max_in_flight=connection_limit(session, self.config.max_connections)
        )
        self._pipeline = Pipeline(
            transport,
            _token_source(token, self.config, transport, self._hooks),
            base_url=self.config.base_url,
            timeouts=self.config.timeouts,
            retry=retry,
            limiter=self._limiter,
            hooks=self._hooks,
        )
        service = AuthenticationType.SERVICE if isinstance(token, ClientCredentials) else None
        self._default_authentication = service
        self.storage_connections = StorageConnections(self._pipeline, default_authentication=service)
        self.connections = Connections(self._pipeline)
        self.authorization = Authorization(self._pipeline)
        if completions is not None and (isinstance(completions, type) or not isinstance(completions, CompletionSignal)):
            raise ConfigurationError(
                f"completions must be a CompletionSignal such as CompletionNotifier(), not {completions!r}."
            )
        self._shared_pacing = SharedPacing(PollPrice(self._limiter.available), completions)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        token: TokenLike | None = None,
        retry: RetryPolicy | None = None,
        hooks: Iterable[Hook] | None = None,
    ) -> Self:
        """Make a client from the `BENTLEY_SYNC_*` variables.

        `BENTLEY_SYNC_TOKEN`, or `BENTLEY_SYNC_CLIENT_ID` with `BENTLEY_SYNC_CLIENT_SECRET`, are the credentials;
        `BENTLEY_SYNC_ENVIRONMENT` (prod, qa, dev), `BENTLEY_SYNC_BASE_URL` and `BENTLEY_SYNC_ISSUER` are the addresses;
        `BENTLEY_SYNC_RATE_TIER` (community, standard, premium, custom, unlimited) is the rate tier.

        Args:
            environ: The variables; those of the process by default.
            token: As for a client, in place of the credentials of the variables.
            retry: When a single call is retried.
            hooks: As for a client.

        Raises:
            ConfigurationError: One is missing or impossible; the message names it.
        """
        found = settings.from_env(os.environ if environ is None else environ, needs_credentials=token is None)
        if token is None:
            token = found.token or ClientCredentials(found.client_id or "", found.client_secret or "")
        config = found.config
        return cls(
            token,
            base_url=config.base_url,
            issuer=config.issuer,
            rate_tier=config.rate_tier,
            retry=retry,
            hooks=hooks,
        )

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        self._pipeline.tasks.binding.open()
        async with AsyncExitStack() as stack:
            stack.callback(self._pipeline.tasks.binding.close)
            if self._own_transport is not None:
                await stack.enter_async_context(self._own_transport)
            try:
                yield self
            finally:
                await self._pipeline.tasks.close(self.config.timeouts.close)

    @property
    def budget(self) -> BudgetUse:
        """The requests of the last minute and hour, what they were for, and how many more may be sent."""
        return self._limiter.use()

    def __repr__(self) -> str:
        return f"<SynchronizationClient of {self.config.base_url}>"

    def run_many(
        self,
        connection_ids: Iterable[str | ManifestRun] = (),
        *,
        imodel_ids: Iterable[str] = (),
        concurrency: int = 50,
        per_itwin: int | None = None,
        journal: str | os.PathLike[str] | None = None,
        when_active: WhenActive = "join",
        timeout: float | None = None,
        retry_failed: int = 0,
        pacing: Pacing | None = None,
    ) -> BulkRun:
        """Return a bulk that runs many connections, each once, one at a time on each iModel.

        Enter it and iterate over its events, or await its `result()`; or await its `plan()` instead, for a dry run.
        A connection that cannot be run, or fails, is an outcome in its `report` and does not affect the others.

        Args:
            connection_ids: The storage connections, and `ManifestRun`s with the files of manifest connections; each
                connection is run once, even if it is listed twice.
            imodel_ids: iModels whose storage connections are all run as well.
            concurrency: How many runs may be under way at a time; one that waits for another client's does not count.
            per_itwin: How many runs of one iTwin may be under way at a time; `None` for no such limit.
            journal: A file that records what is under way: if the process ends, even by a kill, another one with the
                same arguments continues and repeats nothing. A bulk whose last record is older than twelve hours is not
                continued, but started again. `None` for no journal.
            when_active: What to do when a run of a connection itself is active: `join` follows it; `rerun` triggers
                another after it, which is sure to see files that were uploaded before this call.
            timeout: Seconds for each connection from its start; `None` for no end.
            retry_failed: How many more runs a connection gets if its run failed for a transient cause; what a person
                must correct is not retried.
            pacing: When to poll; `LearnedPacing()` by default.

        Raises:
            InvalidArgumentError: An argument cannot be right.
        """
        from .bulk.journal.sqlite import SQLiteJournal  # noqa: PLC0415 - see `_bulk`

        for name, ids in (("connection_ids", connection_ids), ("imodel_ids", imodel_ids)):
            if isinstance(ids, str):
                raise InvalidArgumentError(f"{name} must be a list of ids, not one text.")
        return self._bulk(
            connection_ids,
            imodel_ids,
            journal=SQLiteJournal(journal, origin=self.config.base_url) if journal is not None else None,
            concurrency=concurrency,
            per_itwin=per_itwin,
            when_active=when_active,
            timeout=timeout,
            retry_failed=retry_failed,
            pacing=pacing,
        )

    def _bulk(
        self,
        connection_ids: Iterable[str | ManifestRun],
        imodel_ids: Iterable[str] = (),
        *,
        journal: AbstractAsyncContextManager[Journal] | None,
        concurrency: int = 50,
        per_itwin: int | None = None,
        when_active: WhenActive,
        timeout: float | None,
        retry_failed: int,
        pacing: Pacing | None,
    ) -> BulkRun:
        # Imported here, as a client that follows single runs does not need it.
        from .bulk.options import BulkOptions  # noqa: PLC0415
        from .bulk.runner import BulkRun  # noqa: PLC0415

        return BulkRun(
            self._pipeline,
            connection_ids=tuple(connection_ids),
            imodel_ids=tuple(imodel_ids),
            options=BulkOptions(
                concurrency=concurrency,
                per_itwin=per_itwin,
                when_active=when_active,
                timeout=timeout,
                retry_failed=retry_failed,
                pacing=pacing if pacing is not None else LearnedPacing(),
            ),
            journal=journal,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )

    def publish(
        self,
        manifest: PublishManifest | str | os.PathLike[str],
        *,
        sources: Iterable[FileSource] | None = None,
        journal: str | os.PathLike[str] | None = None,
        prune: bool = False,
        uploads: int = 4,
        bytes_per_second: float | None = None,
        timeout: float | None = None,
        retry_failed: int = 0,
        pacing: Pacing | None = None,
    ) -> PublishRun:
        """Return a publish, which brings Storage and an iModel up to date with local files.

        Enter it and iterate over its events, or await its `result()`; or await its `plan()` instead, for a dry run.
        Only what has changed is uploaded, and only the connections of changed files are run.

        Args:
            manifest: Which files belong to which iModel: a manifest, or the path of its file.
            sources: The files, if they are not those on the disk that the manifest selects.
            journal: A file that records what was done: if the process ends, even by a kill, another one continues and
                repeats nothing. It also saves requests and hashing. `None` for no journal.
            prune: Whether files that are gone locally are removed from the iModel and from Storage.
            uploads: How many files are uploaded at a time.
            bytes_per_second: What all uploads together may send; `None` for no limit.
            timeout: Seconds for each run, from its start; `None` for no end.
            retry_failed: How many more runs a connection gets if its run failed for a transient cause.
            pacing: When to poll; `LearnedPacing()` by default.

        Raises:
            InvalidArgumentError: An argument or the manifest is invalid; the message names file and key.
            ConfigurationError: The extra `publish` is not installed.
        """
        # Imported here, as it is loaded with azure-storage-blob and SQLite.
        from .publish.manifest import PublishManifest  # noqa: PLC0415
        from .publish.options import PublishOptions  # noqa: PLC0415
        from .publish.runner import PublishRun  # noqa: PLC0415
        from .publish.work import Services  # noqa: PLC0415

        return PublishRun(
            Services(
                origin=self.config.base_url,
                storage=self.storage,
                imodels=self.imodels,
                itwins=self.itwins,
                connections=self.storage_connections,
                reports=lambda: self.reports,
                open_bulk=lambda ids, used: self._bulk(
                    ids, journal=used, when_active="rerun", timeout=timeout, retry_failed=retry_failed, pacing=pacing
                ),
            ),
            manifest if isinstance(manifest, PublishManifest) else PublishManifest.read(manifest),
            sources=tuple(sources) if sources is not None else None,
            options=PublishOptions(prune=prune, uploads=uploads, bytes_per_second=bytes_per_second),
            journal=journal,
        )


def _token_source(token: TokenLike, config: ClientConfig, transport: Transport, hooks: Hooks) -> TokenSource:
    match token:
        case str():
            return StaticTokenSource(token)
        case ClientCredentials():
            fetch = fetch_with(
                token, issuer=config.issuer, transport=transport, timeout=min(30.0, config.timeouts.request)
            )
            return RefreshingTokenSource(fetch, hooks=hooks)
        case NativeApplication():
            from .auth.issuer import Issuer  # noqa: PLC0415 - for people only
            from .auth.kept import SignedInTokenSource  # noqa: PLC0415

            issuer = Issuer(config.issuer, transport, timeout=min(30.0, config.timeouts.request))
            return SignedInTokenSource(token, issuer, hooks=hooks)
        case TokenSource() if not isinstance(token, type):
            return token
        case _ if callable(token) and not isinstance(token, type):
            return RefreshingTokenSource(token, hooks=hooks)
        case _:
            raise ConfigurationError(
                "token must be a string, ClientCredentials, a NativeApplication, a coroutine function or a "
                f"TokenSource, not {type(token).__name__}."
            )
