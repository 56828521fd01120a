"""The bulk: what a consumer holds to run many connections; the dispatcher does the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from statistics import median

from attrs import evolve

from bentley_sync_async.models.manifests import ManifestRun
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.pacing.scheduler import SharedPacing
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.resources.synchronization.kinds import connections_of_kind
from bentley_sync_async.transport.hooks import Hooks
from bentley_sync_async.transport.pipeline import Pipeline
from bentley_sync_async.watch.resume_state import ResumeState
from bentley_sync_async.watch.watcher import RunWatcher

from .common.background import BackgroundWork
from .dispatcher import Dispatcher, Entry, RequestCounter, WatcherFactory
from .events import BulkEvent, ConnectionFinished
from .journal.base import Journal, JournalEntry, NoJournal
from .options import BulkOptions
from .outcomes import Outcome, OutcomeStatus
from .plan import BulkPlan, expected_durations, make_plan, seconds_left
from .progress import BulkProgress
from .report import BulkReport
from .resolver import ConnectionResolver, valid_ids
from .schedule import Item, Schedule


class BulkRun(BackgroundWork[BulkEvent]):
    """Runs many connections, each once; made by `client.run_many`.

    Use it as an async context manager, once, and iterate over it for events or await `result()`, which discards them.
    It works as long as the block lasts. Leaving the block early detaches: runs that were triggered go on, as the API
    has no way to cancel one, and with a journal the next process follows them. The journal counts a bulk as finished
    when the block is left after its end, so write its report inside.
    """

    _name = "bulk"
    _made_by = "client.run_many(...)"

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        connection_ids: Iterable[str | ManifestRun],
        imodel_ids: Iterable[str],
        options: BulkOptions,
        journal: AbstractAsyncContextManager[Journal] | None,
        shared_pacing: SharedPacing,
        hooks: Hooks,
    ) -> None:
        """Make a bulk. Nothing is sent, and no file is opened, before it is entered or planned."""
        super().__init__(pipeline.tasks.binding)
        self._pipeline = pipeline
        self._without_retries = pipeline.without_retries()
        listed = list(connection_ids)
        self._manifests = {one.connection_id: one for one in listed if isinstance(one, ManifestRun)}
        self._connection_ids = [one.connection_id if isinstance(one, ManifestRun) else one for one in listed]
        self._imodel_ids = imodel_ids
        self._options = options
        self._journal = journal
        self._shared_pacing = shared_pacing
        self._hooks = hooks
        self._counters: dict[str, RequestCounter] = {}
        self._ids: list[str] = []
        # Of connections that this process does not run: refused, or finished by an earlier one.
        self._early: list[Outcome] = []
        self._dispatcher: Dispatcher | None = None
        self._schedule: Schedule | None = None
        self._has_history = False

    async def result(self) -> BulkReport:
        """Wait until all connections are finished, and return the report. Events are discarded.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        async for _ in self:
            pass
        return self.report

    @property
    def report(self) -> BulkReport:
        """The outcomes so far; a connection that is not finished counts as detached."""
        known = {outcome.connection_id: outcome for outcome in self._early}
        if self._dispatcher is not None:
            known |= {one: self._dispatcher.outcome(one) for one in self._dispatcher.entries}
        outcomes = [known[one] if one in known else _not_started(one) for one in self._ids]
        return BulkReport(
            outcomes=(*outcomes, *self._not_in_ids()),
            began_at=self._began_at,
            duration=self._elapsed(),
        )

    @property
    def progress(self) -> BulkProgress:
        """The progress so far."""
        entries = self._dispatcher.entries.values() if self._dispatcher is not None else ()
        active = [entry for entry in entries if entry.watcher is not None]
        finished = [*self._early, *(entry.outcome for entry in entries if entry.outcome is not None)]
        total = len(self._ids) + len(self._not_in_ids())
        return BulkProgress(
            total=total,
            waiting=total - len(active) - len(finished),
            active=len(active),
            finished=len(finished),
            counts=Counter(outcome.status for outcome in finished),
            requests=sum(counter.requests for counter in self._counters.values()),
            seconds_left=self._seconds_left([one.duration for one in finished if one.duration is not None]),
        )

    def _seconds_left(self, measured: Sequence[float]) -> float | None:
        """Return the estimated time until the end; `None` if nothing is known to estimate it from.

        Args:
            measured: The durations of the runs that this bulk has finished.
        """
        if self._dispatcher is None or not (self._has_history or measured):
            return None
        usual = None if self._has_history else median(measured)

        def item_of(entry: Entry) -> Item:
            return entry.item if usual is None else evolve(entry.item, expected=usual)

        now = self._started_at + self._elapsed()
        open_entries = [entry for entry in self._dispatcher.entries.values() if entry.outcome is None]
        return seconds_left(
            [item_of(entry) for entry in open_entries if entry.watcher is None],
            [
                (item_of(entry), now - entry.triggered_at if entry.triggered_at is not None else 0.0)
                for entry in open_entries
                if entry.watcher is not None
            ],
            concurrency=self._options.concurrency,
            per_itwin=self._options.per_itwin,
        )

    async def plan(self) -> BulkPlan:
        """Return what would be done, without triggering anything: a dry run, instead of entering the block.

        Connections are resolved, and the results are stored in the journal if there is one.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        self._binding.check()
        async with self._open_journal() as journal:
            ids, refused, resolver = await self._list_ids(journal)
            recorded = await journal.unfinished()
            finished = _outcomes(recorded, ids)
            items, unresolved = await self._resolve(resolver, [one for one in ids if one not in finished], recorded)
        return make_plan(
            items,
            concurrency=self._options.concurrency,
            per_itwin=self._options.per_itwin,
            pacing=self._options.pacing,
            refused=[*refused, *unresolved],
            finished=len(finished),
        )

    async def _work(self) -> None:
        async with self._open_journal() as journal:
            await self._run(journal)
            await self._finished()
            await journal.end()

    async def _run(self, journal: Journal) -> None:
        ids, refused, resolver = await self._list_ids(journal)
        self._ids = ids
        recorded = await journal.begin(ids)
        finished = _outcomes(recorded, ids)
        self._early += finished.values()
        items, unresolved = await self._resolve(resolver, [one for one in ids if one not in finished], recorded)
        for outcome in (*refused, *unresolved):
            if outcome.connection_id in recorded:
                await journal.finish(str(outcome.connection_id), outcome)
            self._early.append(outcome)
            await self._emit(ConnectionFinished(connection_id=outcome.connection_id, outcome=outcome))
        self._schedule = Schedule(items, concurrency=self._options.concurrency, per_itwin=self._options.per_itwin)
        self._dispatcher = Dispatcher(
            [self._entry(item, recorded.get(item.connection_id, JournalEntry())) for item in items],
            self._schedule,
            watchers=WatcherFactory(self._begin_watch, self._resume_watch),
            journal=journal,
            emit=self._emit,
            retry_failed=self._options.retry_failed,
            close_timeout=self._pipeline.timeouts.close,
            connections_for=self._counted_connections,
        )
        await self._dispatcher.run(started_at=self._started_at)

    def _open_journal(self) -> AbstractAsyncContextManager[Journal]:
        return self._journal if self._journal is not None else nullcontext(NoJournal())

    async def _list_ids(self, journal: Journal) -> tuple[list[str], list[Outcome], ConnectionResolver]:
        resolver = ConnectionResolver(self._counted_connections, journal)
        listed, refused = await resolver.connections_of(self._imodel_ids)
        ids, invalid = valid_ids([*self._connection_ids, *listed])
        return ids, [*refused, *invalid], resolver

    async def _resolve(
        self, resolver: ConnectionResolver, ids: list[str], recorded: Mapping[str, JournalEntry]
    ) -> tuple[list[Item], list[Outcome]]:
        resolved = await resolver.resolve(ids)
        refused = {outcome.connection_id for outcome in resolved.refused}
        left = [one for one in ids if one not in refused]
        for one in left:
            if not self._shared_pacing.history.was_requested(one):
                self._shared_pacing.history.record_listed(one, resolved.durations.get(one, ()))
        self._has_history = any(resolved.durations.get(one) for one in left)
        expected = expected_durations(resolved.durations, left)
        items: list[Item] = []
        for one in left:
            imodel = resolved.imodels.get(one)
            items.append(
                Item(
                    connection_id=one,
                    imodel_id=imodel.imodel_id if imodel is not None else None,
                    itwin_id=imodel.itwin_id if imodel is not None else None,
                    expected=expected[one],
                    under_way=one in recorded and recorded[one].token is not None,
                    display_name=imodel.display_name if imodel is not None else None,
                )
            )
        return items, [
            evolve(one, requests=self._counter(one.connection_id or "").requests) for one in resolved.refused
        ]

    def _entry(self, item: Item, recorded: JournalEntry) -> Entry:
        counter = self._counter(item.connection_id)
        return Entry(item, counter, attempt=recorded.attempt, token=recorded.token, joined=recorded.joined)

    def _not_in_ids(self) -> list[Outcome]:
        """Return the outcomes of iModels that could not be listed, and of invalid ids."""
        ids = set(self._ids)
        return [outcome for outcome in self._early if outcome.connection_id not in ids]

    def _counter(self, connection_id: str) -> RequestCounter:
        return self._counters.setdefault(connection_id, RequestCounter())

    def _counted_connections(self, connection_id: str) -> AnyConnections:
        return connections_of_kind(self._kind(connection_id), self._pipeline.with_hook(self._counter(connection_id)))

    def _kind(self, connection_id: str) -> ConnectionKind:
        return "manifest" if connection_id in self._manifests else "storage"

    def _begin_watch(self, connection_id: str, counter: RequestCounter) -> RunWatcher:
        options, manifest = self._options, self._manifests.get(connection_id)
        return RunWatcher(
            connections_of_kind(
                "storage" if manifest is None else "manifest", self._without_retries.with_hook(counter)
            ),
            manifest=manifest,
            connection_id=connection_id,
            timeout=options.timeout,
            when_active=options.when_active if manifest is None else "rerun",  # an active run has other files
            pacing=options.pacing,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )

    def _resume_watch(self, token: str, counter: RequestCounter) -> RunWatcher:
        state = ResumeState.from_token(token, origin=self._pipeline.base_url)
        return RunWatcher.resuming(
            connections_of_kind(state.kind, self._without_retries.with_hook(counter)),
            state,
            manifest=self._manifests.get(state.connection_id),
            pacing=self._options.pacing,
            shared_pacing=self._shared_pacing,
            hooks=self._hooks,
        )


def _outcomes(recorded: Mapping[str, JournalEntry], ids: Iterable[str]) -> dict[str, Outcome]:
    """Return the outcomes of the connections that an earlier process has finished."""
    return {one: recorded[one].outcome for one in ids if one in recorded and recorded[one].outcome is not None}  # type: ignore[misc]


def _not_started(connection_id: str) -> Outcome:
    return Outcome(
        connection_id=connection_id, status=OutcomeStatus.DETACHED, reason="The bulk ended before it was triggered."
    )
