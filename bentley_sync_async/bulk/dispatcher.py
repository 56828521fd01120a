"""Gives each connection of a bulk its turn, follows its run, and notes what must not be forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import anyio
from anyio.abc import TaskGroup
from attrs import define, evolve, frozen

from bentley_sync_async.errors import JournalError, ResumeTokenError, SynchronizationError
from bentley_sync_async.models import StorageRun
from bentley_sync_async.transport.hooks import Record, RequestRecord
from bentley_sync_async.watch.events import RunJoined, RunTriggered, WaitingForIModel
from bentley_sync_async.watch.watcher import RunWatcher

from .events import BulkEvent, ConnectionFinished, ConnectionProgressed, ConnectionStarted
from .journal.base import Journal, Noted
from .outcomes import Outcome, OutcomeStatus, failed_files, status_of_error, status_of_run, worth_another_run
from .resolver import HOPELESS
from .schedule import Item, Schedule


class RequestCounter:
    """Counts the requests to the API that one connection takes.

    Attributes:
        requests: How many so far.
    """

    __slots__ = ("requests",)

    def __init__(self) -> None:
        """Begin with none."""
        self.requests = 0

    def __call__(self, record: Record) -> None:
        """Take a record of the client in."""
        self.requests += isinstance(record, RequestRecord)


@define(eq=False)
class Entry:
    """A connection that is to be run.

    Attributes:
        item: What the schedule knows of it.
        meter: Counts its requests.
        attempt: How many runs it was to have so far.
        token: With which the watch of an earlier process goes on.
        joined: Whether its run was there already.
        watcher: Follows its run, while it is under way.
        place: Set when it may go on after somebody else's run, while it waits for that.
        triggered_at: When its run was triggered or joined, by the event loop's clock.
        outcome: What came of it.
    """

    item: Item
    counter: RequestCounter
    attempt: int = 0
    token: str | None = None
    joined: bool = False
    watcher: RunWatcher | None = None
    place: anyio.Event | None = None
    triggered_at: float | None = None
    outcome: Outcome | None = None

    @property
    def connection_id(self) -> str:
        """The connection."""
        return self.item.connection_id


@frozen
class Watches:
    """Makes the watchers of a bulk.

    Attributes:
        begin: Returns one that triggers a connection, given whom to tell of its requests.
        resume: Returns one that goes on from a resume token.
    """

    begin: Callable[[str, RequestCounter], RunWatcher]
    resume: Callable[[str, RequestCounter], RunWatcher]


class Dispatcher:
    """Runs connections, as many at a time as the schedule allows.

    Attributes:
        entries: The connections, by id.
        failure: What nobody can go on after, if it has come to that.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        schedule: Schedule,
        *,
        watches: Watches,
        journal: Journal,
        emit: Callable[[BulkEvent], Awaitable[None]],
        retry_failed: int,
    ) -> None:
        """Make a dispatcher.

        Args:
            entries: The connections that are to be run.
            schedule: Decides whose turn it is.
            watches: Makes their watchers.
            journal: Remembers.
            tell: Is awaited with each event.
            retry_failed: How many more runs a connection gets whose run failed for a cause that may pass.
        """
        self.entries: Mapping[str, Entry] = {entry.connection_id: entry for entry in entries}
        self.failure: Exception | None = None
        self._schedule = schedule
        self._watches = watches
        self._journal = journal
        self._emit = emit
        self._retry_failed = retry_failed
        self._began = 0.0
        self._group: TaskGroup

    async def run(self, *, began: float) -> None:
        """Run all connections.

        Args:
            began: When the bulk began, by the event loop's clock.

        Raises:
            SynchronizationError: The journal cannot be used, or the credentials were refused.
        """
        self._began = began
        async with anyio.create_task_group() as self._group:
            self._go_on()
        if self.failure is not None:
            raise self.failure

    def _go_on(self) -> None:
        """Start, or let go on, whatever may."""
        for item in self._schedule.take():
            entry = self.entries[item.connection_id]
            if entry.place is not None:
                entry.place.set()
            else:
                self._group.start_soon(self._turn, entry)

    async def _turn(self, entry: Entry) -> None:
        """Run a connection once, then start whatever is next."""
        try:
            outcome, again = await self._run_once(entry)
            if again:  # the journal learns of it with the next trigger: until then the run that failed says the same
                entry.watcher = entry.triggered_at = None
                self._schedule.again(entry.item)
            else:
                entry.watcher, entry.outcome = None, outcome  # a report tells it though it cannot be noted
                await self._journal.finish(entry.connection_id, outcome)
                self._schedule.finish(entry.item)
            self._go_on()
            if entry.outcome is not None:
                await self._emit(ConnectionFinished(connection_id=entry.connection_id, outcome=entry.outcome))
        except Exception as exc:  # noqa: BLE001 - it is raised by `run`, by itself instead of in a group
            self.failure = self.failure or exc
            self._group.cancel_scope.cancel()

    async def _run_once(self, entry: Entry) -> tuple[Outcome, bool]:
        """Return what came of a run of the connection, and whether it should be run again."""
        resumed = entry.token is not None
        watcher = entry.watcher = self._watcher(entry)
        try:
            await self._emit(
                ConnectionStarted(
                    connection_id=entry.connection_id,
                    imodel_id=entry.item.imodel_id,
                    attempt=entry.attempt,
                    resumed=resumed,
                )
            )
            await self._follow(entry, watcher)
        except (*HOPELESS, JournalError):
            raise
        except SynchronizationError as error:
            return self._outcome(entry, status_of_error(error), reason=str(error)), False
        run = watcher.run
        assert run is not None  # noqa: S101 - the last event brings the last snapshot
        again = entry.attempt <= self._retry_failed and worth_another_run(run)
        return self._outcome_of_run(entry, run), again

    def _watcher(self, entry: Entry) -> RunWatcher:
        token, entry.token = entry.token, None
        if token is not None:
            try:
                return self._watches.resume(token, entry.counter)
            except ResumeTokenError as exc:
                raise JournalError(
                    f"The journal's note on connection {entry.connection_id} cannot be used: {exc} "
                    "Name another file; a run that was triggered goes on."
                ) from exc
        entry.attempt += 1
        entry.joined = False
        return self._watches.begin(entry.connection_id, entry.counter)

    async def _follow(self, entry: Entry, watcher: RunWatcher) -> None:
        while True:
            if watcher.ref is None:
                # Before every step that may trigger: whoever finds this note looks for the run before triggering.
                await self._note(entry, watcher.intent_token())
            try:
                event = await anext(watcher)
            except StopAsyncIteration:
                return
            if isinstance(event, RunTriggered | RunJoined):
                entry.triggered_at = anyio.current_time()
                entry.joined = isinstance(event, RunJoined)
                self._schedule.seize(entry.item)
                await self._note(entry, watcher.resume_token())
            await self._emit(ConnectionProgressed(connection_id=entry.connection_id, event=event))
            if isinstance(event, WaitingForIModel):
                await self._wait(entry, event)

    async def _wait(self, entry: Entry, event: WaitingForIModel) -> None:
        """Give the place back while somebody else's run goes on; wait for one when it has ended."""
        if event.run is None or not event.run.completed:
            self._schedule.release(entry.item)
            self._go_on()
        elif not self._schedule.holds(entry.item):
            entry.place = anyio.Event()
            self._schedule.reclaim(entry.item)
            self._go_on()
            await entry.place.wait()
            entry.place = None

    async def _note(self, entry: Entry, token: str) -> None:
        note = Noted(attempt=entry.attempt, token=token, joined=entry.joined)
        await self._journal.note(entry.connection_id, note)

    def outcome(self, connection_id: str) -> Outcome:
        """Return what came of a connection; what is not done with is detached if the bulk ends here."""
        entry = self.entries[connection_id]
        if entry.outcome is not None:
            return entry.outcome
        if entry.watcher is None:
            reason = "The bulk ended before its turn."
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
            status=status,
            ref=ref,
            reason=reason,
            joined=entry.joined,
            attempts=entry.attempt,
            waited=entry.triggered_at - self._began if entry.triggered_at is not None else None,
            requests=entry.counter.requests,
        )
