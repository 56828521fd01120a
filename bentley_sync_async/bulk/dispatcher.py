"""The dispatcher: starts each connection when the schedule allows it, follows its run, records it in the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup
from attrs import define, evolve, frozen

from bentley_sync_async.errors import JournalError, SynchronizationError
from bentley_sync_async.models import StorageRun
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.transport.hooks import Record, RequestRecord
from bentley_sync_async.watch.events import RunJoined, RunTriggered, WaitingForIModel
from bentley_sync_async.watch.watcher import RunWatcher

from .events import BulkEvent, ConnectionFinished, ConnectionProgressed, ConnectionStarted
from .journal.base import Journal, JournalEntry
from .outcomes import Outcome, OutcomeStatus, failed_files, is_retryable, status_of_error, status_of_run
from .resolver import CLIENT_WIDE_ERRORS, with_names
from .schedule import Item, Schedule


class RequestCounter:
    """A hook that counts the requests to the API for one connection.

    Attributes:
        requests: How many so far.
    """

    __slots__ = ("requests",)

    def __init__(self) -> None:
        """Start at 0."""
        self.requests = 0

    def __call__(self, record: Record) -> None:
        """Count a request."""
        self.requests += isinstance(record, RequestRecord)


@define(eq=False)
class Entry:
    """A connection of the bulk, and how far it is.

    Attributes:
        item: The connection in the schedule.
        counter: Counts its requests.
        attempt: How many runs were started so far.
        token: The resume token that an earlier process has recorded; `None` if there is none.
        joined: Whether its run was active already.
        watcher: Follows its run; `None` while it is not under way.
        slot: Set when it has a slot again, while it waits for one after another client's run.
        triggered_at: When its run was triggered or joined, by the event loop's clock.
        outcome: Its outcome; `None` until it is finished.
    """

    item: Item
    counter: RequestCounter
    attempt: int = 0
    token: str | None = None
    joined: bool = False
    watcher: RunWatcher | None = None
    slot: anyio.Event | None = None
    triggered_at: float | None = None
    outcome: Outcome | None = None

    @property
    def connection_id(self) -> str:
        """The connection."""
        return self.item.connection_id


@frozen
class WatcherFactory:
    """Makes the watchers of a bulk; both functions take a counter of the requests.

    Attributes:
        begin: Returns a watcher that triggers a connection.
        resume: Returns a watcher that continues from a resume token.
    """

    begin: Callable[[str, RequestCounter], RunWatcher]
    resume: Callable[[str, RequestCounter], RunWatcher]


class Dispatcher:
    """Runs connections, as many at a time as the schedule allows.

    Attributes:
        entries: The connections, by id.
        failure: The error that ended the bulk; `None` if there was none.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        schedule: Schedule,
        *,
        watchers: WatcherFactory,
        journal: Journal,
        emit: Callable[[BulkEvent], Awaitable[None]],
        retry_failed: int,
        close_timeout: float,
        connections_for: Callable[[str], AnyConnections],
    ) -> None:
        """Make a dispatcher.

        Args:
            entries: The connections that are to be run.
            schedule: Decides which connection is next.
            watchers: Makes their watchers.
            journal: Records each trigger, run and outcome.
            emit: Awaited with each event.
            retry_failed: How many more runs a connection gets if its run failed for a transient cause.
            close_timeout: Seconds for the answers to triggers that are under way when the bulk is left.
            connections_for: Returns the resource for the requests of one connection.
        """
        self.entries: Mapping[str, Entry] = {entry.connection_id: entry for entry in entries}
        self.failure: Exception | None = None
        self._schedule = schedule
        self._watchers = watchers
        self._journal = journal
        self._emit = emit
        self._retry_failed = retry_failed
        self._close_timeout = close_timeout
        self._connections_for = connections_for
        self._started_at = 0.0
        self._group: TaskGroup

    async def run(self, *, started_at: float) -> None:
        """Run all connections.

        Args:
            started_at: When the bulk started, by the event loop's clock.

        Raises:
            SynchronizationError: The journal cannot be used, or the credentials were refused.
        """
        self._started_at = started_at
        async with anyio.create_task_group() as self._group:
            self._start_next()
        if self.failure is not None:
            raise self.failure

    def _start_next(self) -> None:
        """Start, or continue, the connections that have a slot now."""
        for item in self._schedule.start_next():
            entry = self.entries[item.connection_id]
            if entry.slot is not None:
                entry.slot.set()
            else:
                self._group.start_soon(self._process, entry)

    async def _process(self, entry: Entry) -> None:
        """Run a connection once, then start those that are next."""
        try:
            outcome, retry = await self._run_once(entry)
            if (
                retry
            ):  # the journal gets it with the next trigger; until then it leads to the failed run and this decision
                entry.watcher = entry.triggered_at = None
                self._schedule.requeue(entry.item)
            else:
                entry.watcher, entry.outcome = None, outcome  # first: the report has it even if the journal fails
                await self._journal.finish(entry.connection_id, outcome)
                self._schedule.finish(entry.item)
            self._start_next()
            if entry.outcome is not None:
                await self._emit(ConnectionFinished(connection_id=entry.connection_id, outcome=entry.outcome))
        except Exception as exc:  # noqa: BLE001 - `run` raises it, outside of an exception group
            self.failure = self.failure or exc
            self._group.cancel_scope.cancel()

    async def _run_once(self, entry: Entry) -> tuple[Outcome, bool]:
        """Run the connection; return the outcome, and whether it should be run again."""
        resumed = entry.token is not None
        watcher = entry.watcher = self._make_watcher(entry)
        try:
            await self._emit(
                ConnectionStarted(
                    connection_id=entry.connection_id,
                    imodel_id=entry.item.imodel_id,
                    attempt=entry.attempt,
                    resumed=resumed,
                    display_name=entry.item.display_name,
                )
            )
            await self._follow(entry, watcher)
        except anyio.get_cancelled_exc_class():
            await self._record_answer(entry, watcher)
            raise
        except (*CLIENT_WIDE_ERRORS, JournalError):
            raise
        except SynchronizationError as error:
            return self._outcome(entry, status_of_error(error), reason=str(error)), False
        run = watcher.run
        assert run is not None  # noqa: S101 - the last event comes with a snapshot
        retry = entry.attempt <= self._retry_failed and is_retryable(run)
        outcome = self._outcome_of_run(entry, run)
        if outcome.failed_files and not retry:
            outcome = await self._with_names(entry, outcome)
        return outcome, retry

    async def _with_names(self, entry: Entry, outcome: Outcome) -> Outcome:
        connections = self._connections_for(entry.connection_id)
        files = await with_names(connections, entry.connection_id, outcome.failed_files)
        return evolve(outcome, failed_files=tuple(files), requests=entry.counter.requests)

    def _make_watcher(self, entry: Entry) -> RunWatcher:
        token, entry.token = entry.token, None
        if token is not None:
            return self._watchers.resume(token, entry.counter)
        entry.attempt += 1
        entry.joined = False
        return self._watchers.begin(entry.connection_id, entry.counter)

    async def _follow(self, entry: Entry, watcher: RunWatcher) -> None:
        while True:
            if watcher.ref is None:
                # Before every step that may trigger: a process that reads it searches for the run before it triggers.
                await self._record(entry, watcher.intent_token())
            try:
                event = await anext(watcher)
            except StopAsyncIteration:
                return
            if isinstance(event, RunTriggered | RunJoined):
                entry.triggered_at = anyio.current_time()
                entry.joined = isinstance(event, RunJoined)
                self._schedule.assign_slot(entry.item)
                await self._record(entry, watcher.resume_token())
            await self._emit(ConnectionProgressed(connection_id=entry.connection_id, event=event))
            if isinstance(event, WaitingForIModel):
                await self._release_or_request_slot(entry, event)

    async def _record_answer(self, entry: Entry, watcher: RunWatcher) -> None:
        """Wait for the answer to a trigger that is under way when the bulk is left, and record the run."""
        if watcher.ref is None:
            await watcher.settle_trigger(self._close_timeout)
            if watcher.ref is not None:
                with anyio.CancelScope(shield=True), suppress(JournalError):
                    await self._record(entry, watcher.resume_token())

    async def _release_or_request_slot(self, entry: Entry, event: WaitingForIModel) -> None:
        """Release the slot while another client's run is active; wait for a slot when that run has ended."""
        if event.run is None or not event.run.completed:
            self._schedule.release_slot(entry.item)
            self._start_next()
        elif not self._schedule.has_slot(entry.item):
            entry.slot = anyio.Event()
            self._schedule.request_slot(entry.item)
            self._start_next()
            await entry.slot.wait()
            entry.slot = None

    async def _record(self, entry: Entry, token: str) -> None:
        recorded = JournalEntry(attempt=entry.attempt, token=token, joined=entry.joined)
        await self._journal.record(entry.connection_id, recorded)

    def outcome(self, connection_id: str) -> Outcome:
        """Return the outcome of a connection; one that is not finished is detached if the bulk ends now."""
        entry = self.entries[connection_id]
        if entry.outcome is not None:
            return entry.outcome
        if entry.watcher is None:
            reason = "The bulk ended before it was triggered."
        elif entry.watcher.ref is None:
            reason = "The bulk ended while it was being triggered: list its runs before triggering it again."
        else:
            reason = "The bulk ended before its run, which goes on."
        return self._outcome(entry, OutcomeStatus.DETACHED, reason=reason)

    def _outcome_of_run(self, entry: Entry, run: StorageRun) -> Outcome:
        reason = run.error.description if run.error is not None else None
        return evolve(
            self._outcome(entry, status_of_run(run), reason=reason),
            result=run.result,
            error_key=run.error.error_key if run.error is not None else None,
            failed_files=failed_files(run),
            began_at=run.start_date_time,
            ended_at=run.end_date_time,
        )

    def _outcome(self, entry: Entry, status: OutcomeStatus, *, reason: str | None) -> Outcome:
        ref = entry.watcher.ref if entry.watcher is not None else None
        return Outcome(
            connection_id=entry.connection_id,
            imodel_id=entry.item.imodel_id,
            display_name=entry.item.display_name,
            status=status,
            ref=ref,
            reason=reason,
            joined=entry.joined,
            attempts=entry.attempt,
            waited=entry.triggered_at - self._started_at if entry.triggered_at is not None else None,
            requests=entry.counter.requests,
        )
