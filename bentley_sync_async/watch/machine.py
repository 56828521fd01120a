"""The way of a watch: triggering, waiting for an occupied iModel, following.

A watch is in one of these three steps. A step sends its requests, and only then, without any further await, changes the
road and queues its events. So it may be cancelled anywhere: what was not noted did not happen, and the step is done
again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from bentley_sync_async.config import WhenActive, WhenBusy
from bentley_sync_async.errors import (
    ConflictError,
    LocationError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    SynchronizationError,
)
from bentley_sync_async.models import RunRef, StorageRun
from bentley_sync_async.pacing.scheduler import SharedPacing
from bentley_sync_async.pacing.strategies import Pacing
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.hooks import Hooks, PollRecord

from .diff import Endings, diff, unknown_values
from .errors import IModelBusyError, RunVanishedError, WatchFailedError
from .events import (
    PollDelayed,
    RunEvent,
    RunJoined,
    RunTriggered,
    TriggerDelayed,
    UnknownValueSeen,
    WaitingForIModel,
    WatchEvent,
)
from .fingerprints import RunFingerprint, fingerprint, recall
from .poller import Poller
from .recovery import classify_run, find_triggered_run
from .retry_state import FAILURE_BUDGET, GRACE, as_data, refused

Ev = TypeVar("Ev", bound=WatchEvent)

# Each empty one is an object of its own, and a watch that sleeps would hold little else.
_NO_EVENTS: deque[WatchEvent] = deque()
_NO_ENDINGS: Endings = frozenset()
_NOTHING_REPORTED: frozenset[tuple[str, str]] = frozenset()


class WatchMachine:
    """The state of a watch, and the steps that change it.

    Attributes:
        connection_id: The connection that is watched.
        ref: The run that is followed; `None` until it is known.
        run: Its latest snapshot; `None` before the first.
        told_before: The snapshot that the events which are not taken lead on from, with those taken of the same look.
        events: Those that nobody has taken yet.
        seq: The number of the latest event.
        reported: Enums and unknown values that were reported.
        trouble: How the latest attempt failed, `None` after a good answer.
        done: Whether the run was completed and its last event is queued.
        attempted_at: When the earliest trigger began of which nobody knows what came, by the event loop's clock.
        grace_ends: Until when the service may not know the run yet, by the event loop's clock; `None` if the watch
            began with the run.
        in_the_way: The run that was met on the iModel last and is waited for; ours is triggered after it.
        shown: The fingerprint of its snapshot that was told last, `None` before the first.
        memory: What the consumer was told of the run by a watch that this one goes on from.
        ending: What was told to be completed in `told_before`, or there, without the `...Completed` event.
    """

    def __init__(
        self,
        connections: StorageConnections,
        connection_id: str,
        *,
        ref: RunRef | None,
        when_active: WhenActive,
        when_busy: WhenBusy,
        pacing: Pacing,
        shared_pacing: SharedPacing,
        hooks: Hooks,
        utc_now: Callable[[], datetime],
    ) -> None:
        """Begin with the trigger, or with a run that there is."""
        self.connection_id = connection_id
        self.ref = ref
        self.run: StorageRun | None = None
        self.reported_run: StorageRun | None = None
        self.events: deque[WatchEvent] = _NO_EVENTS
        self.seq = 0
        self.reported = _NOTHING_REPORTED
        self.last_failure: SynchronizationError | None = None
        self.done = False
        self.attempted_at: float | None = None
        self.grace_ends: float | None = None
        self.blocking_run: RunRef | None = None
        self.blocking_fingerprint: bytes | None = None
        self.memory: RunFingerprint | None = None
        self.ending: Endings = _NO_ENDINGS
        self._connections = connections
        self._when_active = when_active
        self._when_busy = when_busy
        self._poller = Poller(connections, pacing, shared_pacing, utc_now)
        self._retry_state = self._poller.retry_state
        self._emit = hooks
        self._utc_now = utc_now
        self._step: Callable[[], Awaitable[None]] = self._trigger if ref is None else self._follow

    def start_waiting(self, ref: RunRef, blocking_fingerprint: bytes | None) -> None:
        """Begin with the wait for another run on the iModel that the consumer knows of."""
        self.blocking_run, self.blocking_fingerprint = ref, blocking_fingerprint
        self._step = self._wait

    def pause(self) -> Awaitable[None] | None:
        """Return what waits until the next step is due, or until the end of a run is told; `None` if it is due."""
        return self._poller.pause(self.ref or self.blocking_run)

    async def step(self) -> None:
        """Take the next step, which is due.

        Raises:
            SynchronizationError: The watch cannot go on by itself; see `RunWatcher.__anext__`.
        """
        await self._step()

    def leave(self) -> None:
        """Let the other watches have the looks that this one would need."""
        self._poller.leave()

    def resume_polling(self) -> None:
        """Need looks again, as before."""
        self._poller.resume_polling()

    def emit(self, event: type[Ev], **members: object) -> None:
        """Queue an event, with its number and its instant."""
        self.seq += 1
        self._queue(event(seq=self.seq, at=self._utc_now(), **members))

    def take(self) -> WatchEvent:
        """Return the next event and have it no longer."""
        event = self.events.popleft()
        if not self.events:
            self.drop()
        return event

    def drop(self) -> None:
        """Take all events: what comes next leads on from the latest snapshot."""
        self.events = _NO_EVENTS
        if self.run is not None:
            self.reported_run, self.ending = self.run, _NO_ENDINGS

    def _queue(self, *events: WatchEvent) -> None:
        if events:
            self.events = deque((*self.events, *events))

    def what_remains(self) -> str:
        """Return what becomes of the run when the watch ends here, for an error."""
        if self.ref is not None:
            return "The run itself goes on; client.attach() follows it again."
        if self.attempted_at is not None:
            return "It may have been triggered: list its runs before triggering it again."
        return "It was not triggered."

    # Triggering.

    async def _trigger(self) -> None:
        self._poller.expect()
        earlier = self.attempted_at
        garbled: type[SynchronizationError] = LocationError
        try:
            if earlier is not None and await self._recovered(earlier):
                return
            if earlier is None:
                self.attempted_at = current_time()
            garbled = ProtocolError  # whatever else it is answered, it may have been carried out
            triggered = await self._connections.runs.trigger(self.connection_id)
            ours = triggered.created
            if earlier is not None and not (triggered.created or triggered.foreign):
                # Our own lost trigger may have created the run that is in the way of this one.
                finding = await classify_run(self._connections, triggered.ref, attempted_at=earlier)
                ours = finding is not None and finding.ours
        except SynchronizationError as error:
            if earlier is None and refused(error):
                self.attempted_at = None
            self._delay_trigger(error, garbled)
        else:
            self.attempted_at = None
            self._meet(triggered.ref, ours=ours, recovered=not triggered.created, foreign=triggered.foreign)

    async def _recovered(self, attempted_at: float) -> bool:
        finding = await find_triggered_run(self._connections, self.connection_id, attempted_at=attempted_at)
        if finding is None:
            return False
        self.attempted_at = None
        self._meet(finding.ref, ours=finding.ours, recovered=True)
        return True

    def _meet(self, ref: RunRef, *, ours: bool, recovered: bool, foreign: bool = False) -> None:
        """Go on from a run that a trigger led to."""
        self._good_answer()
        if ours:
            self.emit(RunTriggered, ref=ref, recovered=recovered)
        elif foreign and self._when_busy == "fail":
            raise IModelBusyError(
                f"The iModel of connection {self.connection_id} is busy with {ref}. "
                "Trigger again when it has ended, or watch with when_busy='wait'.",
                ref=ref,
            )
        elif (self._when_busy if foreign else self._when_active) == "join":
            self.emit(RunJoined, ref=ref, foreign=foreign)
        else:
            self._wait_for(ref)
            return
        self.ref, self.blocking_run, self.blocking_fingerprint = ref, None, None
        self._poller.follow_another_run()
        now = current_time()
        self.grace_ends = now + GRACE
        if ours and not recovered:
            self._poller.triggered(now)
            self._go_on(self._expect)
        else:
            self._go_on(self._follow)

    def _delay_trigger(self, error: SynchronizationError, garbled: type[SynchronizationError]) -> None:
        if isinstance(error, ConflictError):
            wait = self._retry_state.until_next_trigger(error, chance=random.random())
            attempt = self._retry_state.conflicts
            self.last_failure = as_data(error)
            if wait is None:
                raise error
        else:
            wait = self._wait_after(error, garbled)
            attempt = self._retry_state.failures
        self._go_on(self._trigger, wait)
        self.emit(
            TriggerDelayed, connection_id=self.connection_id, cause=self.last_failure, attempt=attempt, delay=wait
        )

    # Waiting for another run on the iModel.

    def _wait_for(self, ref: RunRef) -> None:
        if self.blocking_run != ref:
            self.blocking_run, self.blocking_fingerprint = ref, None
            self._poller.follow_another_run()
            self.emit(WaitingForIModel, ref=ref)
            self._go_on(self._wait)
        else:  # the service names it again, though it did not show it
            self._go_on(self._wait, self._poller.next_poll(ref, blocking_run=True))

    async def _wait(self) -> None:
        ref = self.blocking_run
        assert ref is not None  # noqa: S101 - _wait_for or begin_in_the_wait has set it
        try:
            run, response = await self._poller.poll(ref)
        except (NotFoundError, PermissionDeniedError):
            # Another connection's run may be invisible to this caller: only a trigger can tell whether it has ended.
            self._good_answer()
            self._go_on(self._trigger, self._poller.next_poll(ref, blocking_run=True))
            return
        except SynchronizationError as error:
            self._delay_poll(error, ref, self._wait)
            return
        self._good_answer()
        blocking_fingerprint = fingerprint(run)
        if blocking_fingerprint != self.blocking_fingerprint:
            self.blocking_fingerprint, self._retry_state.unchanged_polls = blocking_fingerprint, 0
            self.emit(WaitingForIModel, ref=ref, run=run)
        if run.completed:
            self._go_on(self._trigger)
        else:
            self._go_on(self._wait, self._poller.next_poll(ref, run, response, blocking_run=True))

    # Following our run.

    async def _expect(self) -> None:
        """Decide when to look first at a run that was triggered just now: at once, if that is affordable."""
        ref = self.ref
        assert ref is not None  # noqa: S101 - _meet has set it
        if self._poller.needs_history(ref):
            await self._poller.learn(ref)
        self._go_on(self._follow, self._poller.next_poll(ref, at_once=True))

    async def _follow(self) -> None:
        ref = self.ref
        assert ref is not None  # noqa: S101 - _meet or the constructor has set it
        try:
            run, response = await self._poller.poll(ref)
        except SynchronizationError as error:
            self._delay_poll(error, ref, self._follow)
            return
        if not run.completed and self._poller.needs_history(ref):
            await self._poller.learn(ref)
        self._good_answer()
        last = self.run
        if last is not None:
            self.ending = _NO_ENDINGS
        elif self.memory is not None:
            last = recall(self.memory, run)
        self.reported_run = last
        changes = self._changes(last, run, ref) if run is not last or self.ending else ()
        self.run = run
        wait = None if run.completed else self._poller.next_poll(ref, run, response)
        if wait is None:
            self.done = True
            self._poller.ended(ref, run)
        else:
            self._go_on(self._follow, wait)
        if self._emit.wants(PollRecord):
            self._emit(PollRecord(ref=ref, state=run.state, changes=len(changes), delay=wait))

    def _changes(self, last: StorageRun | None, run: StorageRun, ref: RunRef) -> tuple[RunEvent, ...]:
        """Queue the events that lead from one snapshot to the next, and return them."""
        at = self._utc_now()
        changes = self._unknown(run, ref, at)
        changes += diff(last, run, ref=ref, at=at, seq=self.seq + len(changes) + 1, ending=self.ending)
        self.seq += len(changes)
        self._queue(*changes)
        if changes:
            self._retry_state.unchanged_polls = 0
        return changes

    def _unknown(self, run: StorageRun, ref: RunRef, at: datetime) -> tuple[RunEvent, ...]:
        values = {(type(value).__name__, str(value)) for value in unknown_values(self.run, run)} - self.reported
        if not values:
            return ()
        self.reported |= values
        return tuple(
            UnknownValueSeen(seq=seq, at=at, ref=ref, enum=enum, value=value)
            for seq, (enum, value) in enumerate(sorted(values), self.seq + 1)
        )

    # What the steps share.

    def _delay_poll(self, error: SynchronizationError, ref: RunRef, step: Callable[[], Awaitable[None]]) -> None:
        left = (self.grace_ends or 0.0) - current_time()
        unknown = isinstance(error, NotFoundError)
        if unknown and left <= 0:
            if self.run is None and self.memory is None and self.grace_ends is None:
                raise error
            raise self._vanished(ref) from error
        wait = self._wait_after(error, NotFoundError)
        wait = min(wait, left) if unknown else wait
        self._go_on(step, wait)
        self.emit(PollDelayed, ref=ref, cause=self.last_failure, failures=self._retry_state.failures, delay=wait)

    def _wait_after(self, error: SynchronizationError, *also: type[SynchronizationError]) -> float:
        """Return the seconds to wait after a failure that may pass; raise any other, and when it has been too many."""
        if not self._retry_state.is_transient(error, *also):
            raise error
        self.last_failure = as_data(error)
        if self._retry_state.exhausted(current_time()):
            what = str(self.ref or f"connection {self.connection_id}")
            raise WatchFailedError(
                f"No good answer on {what} for {FAILURE_BUDGET:.0f} s; the last failure is the cause of this error. "
                f"Ask this watcher again. {self.what_remains()}",
                ref=self.ref,
                run=self.run,
            ) from error
        return self._retry_state.until_next_attempt(error, chance=random.random())

    def _good_answer(self) -> None:
        self.last_failure = None
        self._retry_state.good_answer()

    def _go_on(self, step: Callable[[], Awaitable[None]], wait: float = 0.0) -> None:
        self._step = step
        self._poller.due = current_time() + wait

    def _vanished(self, ref: RunRef) -> RunVanishedError:
        return RunVanishedError(
            f"The service does not know {ref} (any more). Its connection may have been deleted: list its runs.",
            ref=ref,
            run=self.run,
        )
