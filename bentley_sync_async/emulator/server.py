"""The server: receives requests through aiohttp, dispatches them to operations, and applies faults to the answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Self, Unpack

import anyio
import attrs
from aiohttp import web
from anyio import AsyncContextManagerMixin
from attrs import define, field

from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import AuthenticationType, ConnectorType, ExecutionState

from .blobs.containers import ROOT as BLOBS
from .platform.accounts import Caller
from .platform.cors import is_preflight, preflight, shared
from .platform.faults import FaultAction, FaultRule, Faults
from .platform.ids import is_pair
from .platform.limits import RateLimits
from .platform.messages import Call, Reply
from .platform.oauth.issuer import SCOPE, Issuer
from .platform.oauth.routes import operations as oauth_operations
from .platform.problems import ProblemError
from .platform.routing import find
from .platform.wire import drop_content_type, read_call, response, send_broken, send_parts
from .scenario import Scenario, load_scenario
from .settings import Options, Settings, refuse_unknown
from .state import StateFolder
from .synchronization.rules import FileRule, RunRule
from .synchronization.store import Run
from .synchronization.webhooks import Webhook, delivering
from .world import World

_BREAKS_CONNECTION = frozenset(
    {FaultAction.RESET_BEFORE_HEADERS, FaultAction.RESET_AFTER_HEADERS, FaultAction.TRUNCATED_BODY}
)
_SHUTDOWN_TIMEOUT = 0.05  # seconds for requests in flight


@define(kw_only=True)
class RecordedRequest:
    """A request that the emulator received, without its body.

    Attributes:
        method: HTTP method.
        path: Decoded path.
        query: Query parameters, by their names in lower case; not in the repr, because they can hold signatures.
        headers: Headers, by their names in lower case; not in the repr, because they hold tokens.
        time: When it arrived, on the event loop's clock.
        operation: Name of the operation's page, such as `run-storage-connection`; `None` if no operation matched.
        status: HTTP status of the answer; `None` until the answer is sent, and after a reset without an answer.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    time: float
    operation: str | None = None
    status: int | None = None


class Emulator(AsyncContextManagerMixin):
    """A server of the Synchronization API on a loopback port, which runs while its context is open.

    Attributes:
        settings: All options.
        requests: Every request so far.
    """

    def __init__(
        self,
        *,
        scenario: Scenario | str | Path | None = None,
        port: int = 0,
        state: str | Path | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Create an emulator, which `async with` starts.

        Args:
            scenario: A scenario, or the path of its file.
            port: The port; 0 selects a free one.
            state: A folder in which everything that requests create is kept until the next start; it is created. Only
                one emulator may use it at a time.
            **options: The attributes of `Settings`; they override the scenario's.

        Raises:
            ConfigurationError: The scenario, the port or an option is invalid, or an option does not exist.
        """
        if not 0 <= port < 2**16:
            raise ConfigurationError(f"port must be between 0 and 65535, not {port}.")
        loaded = load_scenario(scenario) if isinstance(scenario, str | Path) else scenario or Scenario()
        merged = loaded.options | options
        refuse_unknown(merged)
        self.settings = Settings(**merged)
        self.requests: list[RecordedRequest] = []
        self._port = port
        self._url: str | None = None
        self._state = StateFolder(Path(state)) if state is not None else None
        self._world = World(self.settings, loaded, self._state.blobs if self._state else None)
        self._store = self._world.synchronization
        self._faults = Faults(self.settings.seed, map(attrs.evolve, loaded.fault_rules))
        self._issuer = Issuer(self.settings, self._world.accounts, now=self._unix_time)
        self._limits = RateLimits(self.settings)
        self._operations = (*self._world.operations(), *oauth_operations(self._issuer))

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(drop_content_type)
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_TIMEOUT
        )
        try:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self._port)
            await _start(site)
            host, port = runner.addresses[0][:2]
            self._url = f"http://{host}:{port}"
            if self._state is None:
                self._world.start()
            else:
                self._state.load(self._world)
            yield self
        finally:
            await runner.cleanup()
            await self._world.close()
            if self._state is not None:
                self._state.save(self._world)

    @property
    def url(self) -> str:
        """The platform's root URL, which is the token issuer's as well; the API is below `/synchronization`."""
        if self._url is None:
            raise RuntimeError("The emulator has no URL yet: enter it first, with `async with`.")
        return self._url

    @property
    def client_id(self) -> str:
        """The id of the service application that can request tokens."""
        return self.settings.client_id

    @property
    def client_secret(self) -> str:
        """The secret of the service application."""
        return self.settings.client_secret

    def token(
        self,
        *,
        lifetime: float | None = None,
        scope: str = SCOPE,
        client_id: str | None = None,
        email: str | None = None,
    ) -> str:
        """Return a new bearer token, without a request.

        Args:
            lifetime: Seconds of the event loop for which the token is valid; by default `token_lifetime`.
                A part of a second counts as a whole one.
            scope: The token's scopes, separated by spaces.
            client_id: The client whose quota requests with the token count against; by default the service application,
                or with `email` the one that people sign in to.
            email: The person whose token it is; by default it is the client's own.
        """
        caller = self._issuer.service(client_id)
        if email is not None:
            account = self._issuer.accounts.person(email)
            caller = Caller(client_id=client_id or self.settings.native_client_id, account=account)
        return self._issuer.mint(self.url, caller, lifetime=lifetime, scope=scope)

    def revoke_tokens(self) -> None:
        """Invalidate every token that was issued so far, and every sign-in."""
        self._issuer.revoke_all()

    @property
    def consent(self) -> bool:
        """Whether users have authorized the service; runs of User connections need it."""
        return self._store.consent

    @consent.setter
    def consent(self, given: bool) -> None:
        self._store.consent = given

    @property
    def forbidden_imodels(self) -> set[str]:
        """Ids of iModels on which triggers and changes of source files get a 403."""
        return self._store.forbidden_imodels

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run ever created, the oldest first."""
        return tuple(self._store.runs)

    def state(self, run: Run) -> ExecutionState:
        """Return the current state of a run."""
        return run.state(self._store.elapsed())

    def add_itwin(
        self, display_name: str = "Emulated iTwin", *, class_: str = "Endeavor", sub_class: str = "Project"
    ) -> str:
        """Create an iTwin without a request and return its id.

        Args:
            display_name: The iTwin's name.
            class_: Thing, Endeavor or Account.
            sub_class: Asset, Project, Portfolio, Program, WorkPackage or Account.
        """
        return self._world.itwins.create(display_name, class_=class_, sub_class=sub_class).id

    def add_imodel(self, itwin_id: str | None = None, name: str | None = None) -> str:
        """Create an iModel without a request and return its id.

        Args:
            itwin_id: The iModel's iTwin; by default a new one.
            name: The iModel's name; by default one that no other iModel has.
        """
        number = len(self._world.imodels.state.imodels) + 1
        return self._world.imodels.create(itwin_id or self.add_itwin(), name or f"Emulated iModel {number}").id

    def add_file(
        self, itwin_id: str, file_name: str, content: bytes = b"emulated content", *, folder_id: str | None = None
    ) -> str:
        """Create a file with content in Storage, without a request, and return its id.

        Args:
            itwin_id: The file's iTwin.
            file_name: The file's name.
            content: What is in it; new content for the same file is set by `set_file_content`.
            folder_id: The folder; by default the root folder.
        """
        return self._world.add_file(itwin_id, file_name, content, folder_id)

    def set_file_content(self, storage_file_id: str, content: bytes) -> None:
        """Give a file in Storage other content, as another client would by uploading it."""
        self._world.set_content(storage_file_id, content)

    def file_content(self, storage_file_id: str) -> bytes:
        """Return the content of a file in Storage.

        Raises:
            LookupError: There is no such file, or it has no content here.
        """
        return self._world.content(storage_file_id)

    def new_imodel_id(self) -> str:
        """Return the id of a new iModel, which exists only with the option `strict`, or as soon as it is connected."""
        return self.add_imodel() if self.settings.strict else self._store.ids.guid()

    def new_storage_file_id(self, file_name: str | None = None, *, imodel_id: str | None = None) -> str:
        """Return the id of a new file in Storage, which exists only with the option `strict`.

        Args:
            file_name: The file's name, which source files show after their first run.
            imodel_id: The iModel whose iTwin the file belongs to.
        """
        itwin_id = self._world.imodels.itwin_of(imodel_id) if imodel_id else None
        if self.settings.strict:
            exists = imodel_id is not None and self._world.imodels.get(imodel_id) is not None
            return self.add_file(itwin_id if exists and itwin_id else self.add_itwin(), file_name or "Emulated.dgn")
        storage_file_id = self._store.ids.pair(itwin_id)
        if file_name is not None:
            self._store.file_names[storage_file_id] = file_name
        return storage_file_id

    def add_connection(
        self,
        imodel_id: str | None = None,
        files: Iterable[tuple[str, ConnectorType | str]] = (("Model.dgn", ConnectorType.MSTN),),
        *,
        display_name: str | None = None,
        authentication_type: AuthenticationType | str = AuthenticationType.SERVICE,
    ) -> str:
        """Create a connection without a request and return its id.

        Args:
            imodel_id: The connection's iModel; by default a new one.
            files: For each source file its name, or the id of a file in Storage, and its connector type.
            display_name: The connection's name.
            authentication_type: The account that the service uses; User needs the `consent`.
        """
        imodel_id = imodel_id or self.new_imodel_id()
        specs = [
            (name if is_pair(name) else self.new_storage_file_id(name, imodel_id=imodel_id), ConnectorType(kind))
            for name, kind in files
        ]
        kind = AuthenticationType(authentication_type)
        return self._store.connect(imodel_id, specs, display_name=display_name, authentication_type=kind).id

    def start_run(self, connection_id: str) -> Run:
        """Trigger a connection as another client would, without a request, and return the iModel's active run."""
        connection = self._store.connections[connection_id]
        return self._store.active_run(connection.imodel_id) or self._store.start_run(connection)

    def webhook(
        self, url: str, secret: str | None = None, *, delay: float = 0.0
    ) -> AbstractAsyncContextManager[Webhook]:
        """Send a signed message to a URL whenever a run ends, while the returned context is open (`async with`).

        Args:
            url: The URL that receives the messages.
            secret: The key of the signatures, at least 32 characters; by default it is generated.
            delay: Seconds of the event loop between the end of a run and its message.
        """
        return delivering(self._store, url, secret, delay)

    def add_run_rule(self, rule: RunRule) -> RunRule:
        """Script runs from now on; the rule takes precedence over all others."""
        self._store.run_rules.insert(0, rule)
        return rule

    def add_file_rule(self, rule: FileRule) -> FileRule:
        """Script tasks from now on; the rule takes precedence over all others."""
        self._store.file_rules.insert(0, rule)
        return rule

    def add_fault(self, rule: FaultRule) -> FaultRule:
        """Break answers from now on; the rule takes precedence over all others."""
        self._faults.rules.insert(0, rule)
        return rule

    def _unix_time(self) -> float:
        return self._store.running_clock.unscaled().timestamp()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = await read_call(request, stream=request.path.lower().startswith(BLOBS))
        record = RecordedRequest(
            method=call.method, path=call.path, query=call.query, headers=call.headers, time=anyio.current_time()
        )
        self.requests.append(record)
        clock = self._store.running_clock
        if is_preflight(call):
            reply = shared(call, preflight(call))
            record.operation, record.status = "preflight", reply.status
            return response(reply, clock.http_date())
        rule = self._faults.due(call.method, call.path)
        if rule is None:
            reply = shared(call, await self._answer(call, record))
        else:
            reply = shared(call, rule.apply(await self._answer(call, record) if rule.performs else None, clock))
            await anyio.sleep(rule.delay)
            if rule.action in _BREAKS_CONNECTION:
                record.status = None if rule.action is FaultAction.RESET_BEFORE_HEADERS else reply.status
                return send_broken(request, rule.action, reply, clock.http_date())
        record.status = reply.status
        if self._state is not None and call.method not in {"GET", "HEAD"}:
            self._state.changed(self._world)
        if reply.parts:
            return await send_parts(request, reply, clock.http_date())
        return response(reply, clock.http_date())

    async def _answer(self, call: Call, record: RecordedRequest) -> Reply:
        try:
            operation, path_parameters = find(self._operations, call.method, call.path)
            record.operation = operation.name
            if operation.api is not None:
                caller = self._issuer.authenticate(call, operation)
                self._limits.count(caller.client_id, operation, self._store.running_clock)
                call = attrs.evolve(call, user_id=caller.account.subject)
            reply = operation.answer(attrs.evolve(call, path_parameters=path_parameters))
            return reply if isinstance(reply, Reply) else await reply
        except ProblemError as problem:
            return Reply.of_problem(problem)


async def _start(site: web.TCPSite) -> None:
    try:
        await site.start()
    except OSError as exc:
        raise ConfigurationError(f"{site.name} cannot be served: {exc.strerror}.") from exc
