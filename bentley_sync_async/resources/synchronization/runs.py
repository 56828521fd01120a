"""The runs of a connection: trigger, list, get, and the reader for polls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Literal, Protocol, overload

from attrs import evolve

from bentley_sync_async.errors import LocationError
from bentley_sync_async.models import (
    Page,
    PagingLinks,
    RunRef,
    RunSummary,
    StorageRun,
    TriggeredRun,
)
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.resources.base import Listing, Prefer, Resource, decoded, found
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.transport.rate_limit.limiter import TRIGGER, Priority
from bentley_sync_async.wire.locations import connection_path, run_path, run_ref
from bentley_sync_async.wire.snapshots import Snapshots

_ACCEPTED = 202
_TRIGGERED = frozenset({_ACCEPTED, 303})


class Trigger(Protocol):
    """Triggers a run of a connection."""

    def __call__(self, connection_id: str, *, before_send: Callable[[], None] | None = None) -> Awaitable[TriggeredRun]:
        """Send the trigger; see `Runs.trigger`."""
        ...


class ConnectionRuns(Resource):
    """The runs of connections of one kind."""

    _kind: ClassVar[ConnectionKind]

    @overload
    def list(
        self, connection_id: str, *, prefer: Literal["minimal"] = "minimal", page_size: int | None = None
    ) -> Listing[RunSummary]: ...

    @overload
    def list(
        self, connection_id: str, *, prefer: Literal["representation"], page_size: int | None = None
    ) -> Listing[StorageRun]: ...

    def list(
        self, connection_id: str, *, prefer: Prefer = "minimal", page_size: int | None = None
    ) -> Listing[RunSummary] | Listing[StorageRun]:
        """List the runs of a connection, in no certain order (`get-...-connection-runs`).

        Args:
            connection_id: The connection.
            prefer: `minimal` for summaries, `representation` for whole runs, with one more request for each run that
                the service shows minimally all the same.
            page_size: Runs per request; `None` leaves it to the service. Too large a size is an `UnprocessableError`.

        Raises:
            NotFoundError: There is no such connection (on iteration, like every other error of the service).
        """
        path = self._path(connection_id)
        if prefer == "minimal":
            return self._list(path, "runs", RunSummary, prefer=prefer, page_size=page_size)

        async def complete(run: StorageRun) -> StorageRun | None:
            return run if run.connection_id is not None else await found(self.get(connection_id, run.id))

        return self._list(path, "runs", StorageRun, prefer=prefer, page_size=page_size, complete=complete)

    async def get(self, connection_id: str, run_id: str) -> StorageRun:
        """Return a snapshot of a run (`get-...-connection-run`).

        Args:
            connection_id: The connection.
            run_id: The run.

        Raises:
            NotFoundError: There is no such run of this connection.
            APIError: Any other refusal.
        """
        path = run_path(RunRef(connection_id=connection_id, run_id=run_id, kind=self._kind))
        return await self._one(self._request("GET", path), "run", StorageRun)

    async def recent(self, connection_id: str) -> tuple[StorageRun, ...]:
        """Return the first page of the list of runs, as the service returns it."""
        listing = self._list(self._path(connection_id), "runs", StorageRun, prefer="representation", page_size=None)
        return (await anext(listing.pages(), Page(items=(), links=PagingLinks()))).items

    def reader(self, ref: RunRef) -> RunReader:
        """Return a reader of a run, for polls."""
        return RunReader(self._pipeline, self._request("GET", run_path(ref)), ref)

    async def _trigger(
        self, connection_id: str, request: Request, before_send: Callable[[], None] | None
    ) -> TriggeredRun:
        request = evolve(request, before_send=before_send)
        response = await self._pipeline.call(request, expected=_TRIGGERED, priority=TRIGGER)
        if "location" not in response.headers:
            raise LocationError(
                f"The trigger of connection {connection_id} was answered {response.status} without a Location. "
                "The run may exist: list the runs of the connection before triggering again."
            )
        ref = run_ref(response.headers["location"], base_url=self.base_url, request_url=request.url)
        created = response.status == _ACCEPTED
        foreign = (ref.kind, ref.connection_id) != (self._kind, connection_id)
        if created and foreign:
            raise LocationError(
                f"The trigger of connection {connection_id} was answered 202 with the Location of {ref}, which is "
                "another one's. A run may exist: list the runs of the connection before triggering again."
            )
        return TriggeredRun(ref=ref, created=created, foreign=foreign)

    def _path(self, connection_id: str) -> str:
        return f"{connection_path(connection_id, self._kind)}/runs"


class Runs(ConnectionRuns):
    """`client.storage_connections.runs`. To follow a run to its end, use `client.watch` or `client.attach`."""

    _kind = "storage"

    async def trigger(self, connection_id: str, *, before_send: Callable[[], None] | None = None) -> TriggeredRun:
        """Trigger a synchronization of the connection, unless one is active on its iModel (`run-storage-connection`).

        The service runs one synchronization per iModel at a time. If one is active, of this connection or of another,
        it creates none and names the active one. A trigger whose answer was lost is not repeated here, as it may have
        created a run: `client.watch` finds that out.

        Args:
            connection_id: The storage connection.
            before_send: Called right before the request is sent; see `Request.before_send`.

        Returns:
            The run, and whether the trigger created it or it was there already.

        Raises:
            NotFoundError: There is no such connection.
            PermissionDeniedError: The caller may not run it.
            ConflictError: Another client's trigger of the iModel is in flight; try again in a second.
            LocationError: The service accepted, but the Location is missing, or names no run or one of another
                connection; the run may exist.
            ForeignOriginError: The Location is on another origin.
            ProtocolError: The answer has another status than 202 and 303; the run may exist.
            APIError: Any other refusal.
            TransportError: No whole answer; if its `sent` is true, the run may exist.
        """
        request = self._request("POST", f"{connection_path(connection_id)}/run")
        return await self._trigger(connection_id, request, before_send)

    def trigger_of(self, _: None) -> Trigger:
        """Return the trigger, for a watch; the runs of storage connections have nothing of their own."""
        return self.trigger


class RunReader:
    """Reads one run repeatedly; unchanged parts of its snapshots are the same objects.

    Attributes:
        ref: The run.
    """

    __slots__ = ("_pipeline", "_request", "_snapshots", "ref")

    def __init__(self, pipeline: Pipeline, request: Request, ref: RunRef) -> None:
        """Make a reader; see `ConnectionRuns.reader`."""
        self.ref = ref
        self._pipeline = pipeline
        self._request = request
        self._snapshots = Snapshots()

    async def read(self, value: Callable[[], float] = float) -> tuple[StorageRun, Response]:
        """Return a snapshot of the run with its response, whose headers a watch needs.

        Args:
            value: Returns what the poll is worth beside others, asked if it has to wait for its permit.

        Raises:
            NotFoundError: There is no such run of this connection.
            APIError: Any other refusal.
        """
        response = await self._pipeline.call(self._request, priority=Priority(kind="poll", value=value))
        return await decoded(self._request, response, self._decode), response

    def _decode(self, body: bytes) -> StorageRun:
        return self._snapshots.decode(body, self.ref)
