"""The state machine of a watch: trigger a run, wait for a blocking run, poll the run that is followed.

    _trigger -> _first_poll -> _poll_run            the trigger created a run
    _trigger -> _poll_run                           the watch joins an active run, or found its own
    _trigger -> _poll_blocking_run -> _trigger      another run is active on the iModel
    _trigger -> _search_run -> _trigger             the answer to a trigger was lost, and it created no run

A step runs in a task of the client, whether or not the consumer still waits for it. It sends its requests first, and
only then, without another `await`, changes the machine's state and queues events. So it can be cancelled at any point
when the client is closed: nothing was recorded, and the step is repeated.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from bentley_sync_async.config import WhenActive, WhenBusy
from bentley_sync_async.errors import ConflictError, NotFoundError, PermissionDeniedError, SynchronizationError
from bentley_sync_async.models import RunRef, StorageRun
from bentley_sync_async.pacing.scheduler import SharedPacing
from bentley_sync_async.pacing.strategies import Pacing
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.resources.synchronization.runs import Trigger
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.hooks import Hooks, PollRecord

from .diff import UnreportedCompletions, diff, unknown_values
from .errors import IModelBusyError, RunVanishedError, WatchFailedError
from .events import PollDelayed, RunEvent, TriggerDelayed, UnknownValueSeen, WaitingForIModel, WatchEvent
from .fingerprints import RunFingerprint, fingerprint, restore_run
from .poller import Poller
from .recovery import classify_run, find_triggered_run
from .resume_state import STARTS, RunStart
from .retry_state import FAILURE_BUDGET, GRACE, certainly_created_no_run, may_retry, without_frames

Ev = TypeVar("Ev", bound=WatchEvent)

# Shared by all watches: an empty container for each would be much of the memory of a sleeping watch.
_NO_EVENTS: deque[WatchEvent] = deque()
_NO_COMPLETIONS: UnreportedCompletions = frozenset()
_NO_VALUES: frozenset[tuple[str, str]] = frozenset()


class WatchMachine:
    """The state of a watch, and the steps that change it.

    Attributes:
        connection_id: The connection that is watched.
        ref: The run that is followed; `None` until it is known.
        run: Its latest snapshot; `None` before the first.
        reported_run: The snapshot before the events of the latest poll.
        events: The events that the consumer has not taken yet.
        seq: The number of the latest event.
        unknown_values: The unknown values that were reported, each with its enum.
        last_failure: How the latest attempt failed; `None` after a good answer.
        done: Whether the run is completed and its last event is queued.
        awaited: Whether a consumer waits for the step. A trigger is only sent while one does.
        attempted_at: When the earliest trigger with an unknown outcome was sent, by the event loop's clock.
        grace_ends: Until when the service may not know the run yet (404), by the event loop's clock; `None` if the
            watch began with the run.
        blocking_run: The run on the iModel that the watch waits for before it triggers.
        blocking_fingerprint: The fingerprint of the blocking run's snapshot that was reported last; `None` before that.
        fingerprint: The fingerprint of the run that was reported by the watch that this one resumes.
        unreported_completions: The run, jobs and tasks that are completed in `reported_run` without a `...Completed`
            event.
    """

    def __init__(
        self,
        connections: AnyConnections,
        connection_id: str,
        *,
        trigger: Trigger,
        ref: RunRef | None,
        when_active: WhenActive,
        when_busy: WhenBusy,
        pacing: Pacing,
        shared_pacing: SharedPacing,
        hooks: Hooks,
        utc_now: Callable[[], datetime],
    ) -> None:
        """Start with the trigger, or with following `ref`."""
        self.connection_id = connection_id
        self.ref = ref
        self.run: StorageRun | None = None
        self.reported_run: StorageRun | None = None
        self.events: deque[WatchEvent] = _NO_EVENTS
        self.seq = 0
        self.unknown_values = _NO_VALUES
        self.last_failure: SynchronizationError | None = None
        self.done = False
        self.awaited = False
        self.attempted_at: float | None = None
        self.grace_ends: float | None = None
        self.blocking_run: RunRef | None = None
        self.blocking_fingerprint: bytes | None = None
        self.fingerprint: RunFingerprint | None = None
        self.unreported_completions: UnreportedCompletions = _NO_COMPLETIONS
        self._connections = connections
        self._send_trigger = trigger
        self._when_active = when_active
        self._when_busy = when_busy
        self._poller = Poller(connections, pacing, shared_pacing, utc_now)
        self._retry_state = self._poller.retry_state
        self._hooks = hooks
        self._utc_now = utc_now
        self._searched_at = -math.inf  # when the service last showed that a trigger without an answer created no run
        self._step: Callable[[], Awaitable[None]] = self._trigger if ref is None else self._poll_run

    def resume_waiting(self, ref: RunRef, fingerprint: bytes | None) -> None:
        """Start with the wait for a blocking run that was reported before."""
        self.blocking_run, self.blocking_fingerprint = ref, fingerprint
        self._step = self._poll_blocking_run

    def wait_until_due(self) -> Awaitable[None] | None:
        """Return an awaitable of the next step's due time or a signalled completion; `None` if the step is due."""
        return self._poller.wait_until_due(self.ref or self.blocking_run)

    async def step(self) -> None:
        """Take the next step; it must be due.

        Raises:
            SynchronizationError: The watch cannot continue by itself; see `RunWatcher.__anext__`.
        """
        self._retry_state.exclude(current_time() - self._poller.due)  # nobody awaited the watch
        try:
            await self._step()
        finally:
            if not self.awaited:
                self.suspend()

    def suspend(self) -> None:
        """Stop counting this watch towards the price of a poll: nothing awaits it."""
        self._poller.suspend()

    def resume(self) -> None:
        """Count this watch towards the price of a poll again, after `suspend`."""
        self._poller.resume()

    def emit(self, event: type[Ev], **fields: object) -> None:
        """Queue an event with its number and instant."""
        self.seq += 1
        self._queue(event(seq=self.seq, at=self._utc_now(), **fields))

    def emit_start(self, ref: RunRef, start: RunStart) -> None:
        """Queue the event that the watch begins to follow a run."""
        event, members = STARTS[start]
        self.emit(event, ref=ref, **members)

    def take_event(self) -> WatchEvent:
        """Remove and return the next event."""
        event = self.events.popleft()
        if not self.events:
            self.discard_events()
        return event

    def discard_events(self) -> None:
        """Remove all events; later ones start from the latest snapshot."""
        self.events = _NO_EVENTS
        if self.run is not None:
            self.reported_run, self.unreported_completions = self.run, _NO_COMPLETIONS

    def _queue(self, *events: WatchEvent) -> None:
        if events:
            self.events = deque((*self.events, *events))

    # Triggering.

    async def _trigger(self) -> None:
        self._poller.register()
        earlier = self.attempted_at
        if earlier is not None and current_time() - self._searched_at >= GRACE:
            return await self._search_run(earlier)

        def before_send() -> None:
            if not self.awaited:  # the consumer has gone: it may have left the trigger to another process
                self.attempted_at = earlier
                raise asyncio.CancelledError
            self._searched_at = -math.inf
            self.attempted_at = current_time() if earlier is None else earlier

        try:
            triggered = await self._send_trigger(self.connection_id, before_send=before_send)
            ours = triggered.created
            if earlier is not None and not (triggered.created or triggered.foreign):
                # The active run may be one that our own earlier trigger created, whose answer was lost.
                recovered = await classify_run(self._connections, triggered.ref, attempted_at=earlier)
                ours = recovered is not None and recovered.ours
        except SynchronizationError as error:
            if earlier is None and certainly_created_no_run(error):
                self.attempted_at = None
            self._delay_trigger(error)
        else:
            self.attempted_at = None
            self._handle_run(triggered.ref, ours=ours, recovered=not triggered.created, foreign=triggered.foreign)

    async def _search_run(self, attempted_at: float) -> None:
        """Search for the run of a trigger whose answer was lost."""
        try:
            recovered = await find_triggered_run(self._connections, self.connection_id, attempted_at=attempted_at)
        except SynchronizationError as error:
            self._delay_trigger(error)
            return
        if recovered is None:
            self._searched_at = current_time()
            self._schedule(self._trigger)
        else:
            self.attempted_at = None
            self._handle_run(recovered.ref, ours=recovered.ours, recovered=True)

    def _handle_run(self, ref: RunRef, *, ours: bool, recovered: bool, foreign: bool = False) -> None:
        """Follow the run that a trigger led to, wait for it, or raise, as the options say."""
        self._note_good_answer()
        if ours:
            self.emit_start(ref, "recovered" if recovered else "triggered")
        elif foreign and self._when_busy == "fail":
            raise IModelBusyError.of(self.connection_id, ref)
        elif (self._when_busy if foreign else self._when_active) == "join":
            self.emit_start(ref, "joined foreign" if foreign else "joined")
        else:
            self._start_waiting(ref)
            return
        self.ref, self.blocking_run, self.blocking_fingerprint = ref, None, None
        self._poller.switch_run()
        now = current_time()
        self.grace_ends = now + GRACE
        if ours and not recovered:
            self._poller.note_triggered(now)
            self._schedule(self._first_poll)
        else:
            self._schedule(self._poll_run)

    def _delay_trigger(self, error: SynchronizationError) -> None:
        if isinstance(error, ConflictError):
            own = self._retry_state.delay_after_conflict(chance=random.random())
            attempt = self._retry_state.conflicts
            self.last_failure = without_frames(error)
            if own is None:
                raise error
        else:
            own = self._delay_after(error)
            attempt = self._retry_state.failures
        delay = self._schedule(self._trigger, own)
        self.emit(
            TriggerDelayed, connection_id=self.connection_id, cause=self.last_failure, attempt=attempt, delay=delay
        )

    # Waiting for a blocking run.

    def _start_waiting(self, ref: RunRef) -> None:
        if self.blocking_run != ref:
            self.blocking_run, self.blocking_fingerprint = ref, None
            self._poller.switch_run()
            self.emit(WaitingForIModel, ref=ref)
            self._schedule(self._poll_blocking_run)
        else:  # the service names the same run again, although the poll was answered 403 or 404
            self._schedule(self._poll_blocking_run, self._poller.delay_until_next_poll(ref, blocking=True))

    async def _poll_blocking_run(self) -> None:
        ref = self.blocking_run
        assert ref is not None  # noqa: S101 - _start_waiting or resume_waiting has set it
        try:
            run, response = await self._poller.poll(ref)
        except (NotFoundError, PermissionDeniedError):
            # This caller may not be allowed to see another connection's run: only a trigger shows whether it has ended.
            self._note_good_answer()
            self._schedule(self._trigger, self._poller.delay_until_next_poll(ref, blocking=True))
            return
        except SynchronizationError as error:
            self._delay_poll(error, ref, self._poll_blocking_run)
            return
        self._note_good_answer()
        seen = fingerprint(run)
        if seen != self.blocking_fingerprint:
            self.blocking_fingerprint, self._retry_state.unchanged_polls = seen, 0
            self.emit(WaitingForIModel, ref=ref, run=run)
        if run.completed:
            self._schedule(self._trigger)
        else:
            self._schedule(
                self._poll_blocking_run, self._poller.delay_until_next_poll(ref, run, response, blocking=True)
            )

    # Following the run.

    async def _first_poll(self) -> None:
        """Schedule the first poll of a new run: at once, if the price of a poll allows that."""
        ref = self.ref
        assert ref is not None  # noqa: S101 - _handle_run has set it
        if self._poller.needs_history(ref):
            await self._poller.fetch_history(ref)
        self._schedule(self._poll_run, self._poller.delay_until_next_poll(ref, at_once=True))

    async def _poll_run(self) -> None:
        ref = self.ref
        assert ref is not None  # noqa: S101 - _handle_run or the constructor has set it
        try:
            run, response = await self._poller.poll(ref)
        except SynchronizationError as error:
            self._delay_poll(error, ref, self._poll_run)
            return
        if not run.completed and self._poller.needs_history(ref):
            await self._poller.fetch_history(ref)
        self._note_good_answer()
        last = self.run
        if last is not None:
            self.unreported_completions = _NO_COMPLETIONS
        elif self.fingerprint is not None:
            last = restore_run(self.fingerprint, run)
        self.reported_run = last
        changes = self._queue_changes(last, run, ref) if run is not last or self.unreported_completions else ()
        self.run = run
        delay = None if run.completed else self._poller.delay_until_next_poll(ref, run, response)
        if delay is None:
            self.done = True
            self._poller.note_completed(ref, run)
        else:
            self._schedule(self._poll_run, delay)
        if self._hooks.wants(PollRecord):
            self._hooks(PollRecord(ref=ref, state=run.state, changes=len(changes), delay=delay))

    def _queue_changes(self, last: StorageRun | None, run: StorageRun, ref: RunRef) -> tuple[RunEvent, ...]:
        """Queue the events that lead from one snapshot to the next, and return them."""
        at = self._utc_now()
        changes = self._new_unknown_values(run, ref, at)
        changes += diff(
            last, run, ref=ref, at=at, seq=self.seq + len(changes) + 1, unreported=self.unreported_completions
        )
        self.seq += len(changes)
        self._queue(*changes)
        if changes:
            self._retry_state.unchanged_polls = 0
        return changes

    def _new_unknown_values(self, run: StorageRun, ref: RunRef, at: datetime) -> tuple[RunEvent, ...]:
        found = {(type(value).__name__, str(value)) for value in unknown_values(self.run, run)} - self.unknown_values
        if found:
            self.unknown_values |= found
        return tuple(
            UnknownValueSeen(seq=seq, at=at, ref=ref, enum=enum, value=value)
            for seq, (enum, value) in enumerate(sorted(found), self.seq + 1)
        )

    # Failures, and the next step.

    def _delay_poll(self, error: SynchronizationError, ref: RunRef, step: Callable[[], Awaitable[None]]) -> None:
        grace = (self.grace_ends or 0.0) - current_time()
        not_found = isinstance(error, NotFoundError)
        if not_found and grace <= 0:
            if self.run is None and self.fingerprint is None and self.grace_ends is None:
                raise error
            raise RunVanishedError.of(ref, self.run) from error
        own = self._delay_after(error, NotFoundError)
        delay = self._schedule(step, min(own, grace) if not_found else own)
        self.emit(PollDelayed, ref=ref, cause=self.last_failure, failures=self._retry_state.failures, delay=delay)

    def _delay_after(self, error: SynchronizationError, *also: type[SynchronizationError]) -> float:
        """Return the seconds to wait after a transient failure; raise other ones, and all when the budget is exhausted.

        Args:
            error: The failure.
            *also: Errors that count as transient here, besides those that always do.
        """
        if not may_retry(error, *also):
            raise error
        self.last_failure = without_frames(error)
        if (task := self._connections.tasks.current()) is not None:
            self._retry_state.exclude(task.waited)
        if self._retry_state.budget_exhausted(current_time()):
            raise WatchFailedError.after(
                FAILURE_BUDGET, self.connection_id, self.ref, self.run, attempted=self.attempted_at is not None
            ) from error
        return self._retry_state.delay_after_failure(chance=random.random())

    def _note_good_answer(self) -> None:
        self.last_failure = None
        self._retry_state.reset()

    def _schedule(self, step: Callable[[], Awaitable[None]], delay: float = 0.0) -> float:
        """Set the next step; return the seconds until it is due, which are at least what the service requested."""
        requested = self._poller.requested_wait()
        self._retry_state.exclude(requested)
        self._step, delay = step, max(delay, requested)
        self._poller.due = current_time() + delay
        return delay
