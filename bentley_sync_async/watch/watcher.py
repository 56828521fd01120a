"""Triggers a run and follows it to its end: the driver over diff, pacing and lookup.

A watch is in one of three steps: triggering, waiting for an occupied iModel, following. A step waits until it is due,
sends its requests, and only then, without any further await, changes the watch and queues its events. So it may be
cancelled anywhere: what was not noted did not happen, and the next call does the step again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import anyio

from bentley_sync_async.errors import (
    APIError,
    ConfigurationError,
    ConflictError,
    IModelBusyError,
    InvalidArgumentError,
    LocationError,
    NotFoundError,
    PermissionDeniedError,
    RunVanishedError,
    SynchronizationError,
    TokenError,
    WatchFailedError,
    WatchTimeoutError,
)
from bentley_sync_async.models import RunRef, StorageRun
from bentley_sync_async.resources.storage_connections import StorageConnections
from bentley_sync_async.transport.messages import Response
from bentley_sync_async.transport.retry import not_processed
from bentley_sync_async.wire.headers import retry_after

from .diff import diff, unknown_values
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
from .lookup import find_run, judge
from .pacing import BackoffPacing, Pacing
from .patience import FAILURE_BUDGET, GRACE, Patience

WhenActive = Literal["join", "rerun"]
"""What to do when a run of the connection itself is active: follow it, or trigger another one after it."""

WhenBusy = Literal["wait", "join", "fail"]
"""What to do when a run of another connection occupies the iModel: wait for its end, follow it, or raise."""

_FIRST_SERVER_ERROR = 500

Ev = TypeVar("Ev", bound=WatchEvent)


class RunWatcher:
    """Follows one run; made by `client.watch` and `client.attach`.

    Iterate over it for events, or await `result()`, or both. It holds no task and no socket between two calls. A call
    may be cancelled at any time: nothing is lost, and the watcher can be asked again. Leaving it detaches; the run goes
    on, as the API has no way to cancel one.

    Attributes:
        ref: The run that is followed; `None` until it is known.
        run: Its latest snapshot; `None` before the first.
    """

    def __init__(
        self,
        connections: StorageConnections,
        *,
        connection_id: str | None = None,
        ref: RunRef | None = None,
        timeout: float | None = None,
        when_active: WhenActive = "join",
        when_busy: WhenBusy = "wait",
        pacing: Pacing | None = None,
    ) -> None:
        """Make a watcher for a connection to trigger, or for a run that there is. Sends nothing."""
        if timeout is not None and not timeout > 0:
            raise InvalidArgumentError(f"timeout must be more than 0 seconds, not {timeout!r}.")
        if when_active not in {"join", "rerun"}:
            raise InvalidArgumentError(f"when_active must be 'join' or 'rerun', not {when_active!r}.")
        if when_busy not in {"wait", "join", "fail"}:
            raise InvalidArgumentError(f"when_busy must be 'wait', 'join' or 'fail', not {when_busy!r}.")
        self.ref = ref
        self.run: StorageRun | None = None
        self._connections = connections
        self._connection_id = connection_id or (ref.connection_id if ref is not None else "")
        self._timeout = timeout
        self._when_active = when_active
        self._when_busy = when_busy
        self._patience = Patience(pacing or BackoffPacing())

        self._step: Callable[[], Awaitable[None]] = self._trigger if ref is None else self._follow
        self._events: deque[WatchEvent] = deque()
        self._seq = 0
        self._asked = False
        self._done = False

        # Instants of the event loop's clock.
        self._due = 0.0
        self._ends: float | None = None
        self._grace_ends = 0.0
        self._epoch: datetime | None = None

        self._attempted_at: float | None = None  # the earliest trigger of which nobody knows what came
        self._busy: RunRef | None = None
        self._busy_run: StorageRun | None = None
        self._reported: set[tuple[str, str]] = set()

    @property
    def connection_id(self) -> str:
        """The connection whose run is watched."""
        return self._connection_id

    def __repr__(self) -> str:
        what = self.ref or f"connection {self._connection_id}"
        state = self.run.state if self.run is not None else "not seen yet"
        return f"<RunWatcher of {what}: {state}>"

    def __aiter__(self) -> RunWatcher:
        return self

    async def __anext__(self) -> WatchEvent:
        """Return the next event.

        Raises:
            StopAsyncIteration: The run was completed and all its events are told.
            WatchTimeoutError: The watch's timeout ran out.
            WatchFailedError: The service gave no good answer for half an hour.
            RunVanishedError: The service no longer knows the run.
            IModelBusyError: Another connection's run is active and `when_busy` is `fail`.
            APIError: The service refuses the trigger or the look for good (401, 403, 404, 422).
            TokenError: The credentials were refused.
            ForeignOriginError: The Location is on another origin; nothing was sent there.
        """
        if self._asked:
            raise RuntimeError("This watcher is being awaited by another task; one watcher serves one consumer.")
        self._asked = True
        try:
            while not self._events:
                if self._done:
                    raise StopAsyncIteration
                await self._advance()
            return self._events.popleft()
        finally:
            self._asked = False

    async def result(self) -> StorageRun:
        """Follow the run to its end, whether or not events were taken before, and return its last snapshot.

        It returns a failed run as well: call `raise_for_result()` on it. Events that were not taken are dropped.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        async for _ in self:
            pass
        if self.run is None:  # pragma: no cover - the last event brings the last snapshot
            raise RuntimeError("The watch ended without a run.")
        return self.run

    async def _advance(self) -> None:
        now = anyio.current_time()
        if self._epoch is None:
            self._epoch = datetime.now(UTC) - timedelta(seconds=now)
            self._ends = now + self._timeout if self._timeout is not None else None
        with anyio.CancelScope(deadline=float("inf") if self._ends is None else self._ends) as scope:
            await anyio.sleep_until(self._due)
            await self._step()
        if scope.cancelled_caught:
            raise self._timed_out()

    # Triggering.

    async def _trigger(self) -> None:
        earlier = self._attempted_at
        try:
            if earlier is not None and await self._recovered(earlier):
                return
            if earlier is None:
                self._attempted_at = anyio.current_time()
            triggered = await self._connections.runs.trigger(self._connection_id)
            ours = triggered.created
            if earlier is not None and not (triggered.created or triggered.foreign):
                # Our own lost trigger may have created the run that is in the way of this one.
                finding = await judge(self._connections, triggered.ref, attempted_at=earlier)
                ours = finding is not None and finding.ours
        except SynchronizationError as error:
            if earlier is None and _refused(error):
                self._attempted_at = None
            self._put_off_trigger(error)
        else:
            self._attempted_at = None
            self._meet(triggered.ref, ours=ours, recovered=not triggered.created, foreign=triggered.foreign)

    async def _recovered(self, attempted_at: float) -> bool:
        finding = await find_run(self._connections, self._connection_id, attempted_at=attempted_at)
        if finding is None:
            return False
        self._attempted_at = None
        self._meet(finding.ref, ours=finding.ours, recovered=True)
        return True

    def _meet(self, ref: RunRef, *, ours: bool, recovered: bool, foreign: bool = False) -> None:
        """Go on from a run that a trigger led to."""
        self._good_answer()
        if ours:
            self._emit(RunTriggered, ref=ref, recovered=recovered)
        elif foreign and self._when_busy == "fail":
            raise IModelBusyError(
                f"The iModel of connection {self._connection_id} is busy with {ref}. "
                "Trigger again when it has ended, or watch with when_busy='wait'.",
                ref=ref,
            )
        elif (self._when_busy if foreign else self._when_active) == "join":
            self._emit(RunJoined, ref=ref, foreign=foreign)
        else:
            self._wait_for(ref)
            return
        self.ref = ref
        self._grace_ends = anyio.current_time() + GRACE
        self._go_on(self._follow)

    def _put_off_trigger(self, error: SynchronizationError) -> None:
        if isinstance(error, ConflictError):
            wait = self._patience.until_next_trigger(error, chance=random.random())
            attempt = self._patience.conflicts
            if wait is None:
                raise error
        else:
            wait = self._wait_after(error, LocationError)
            attempt = self._patience.failures
        self._go_on(self._trigger, wait)
        self._emit(TriggerDelayed, connection_id=self._connection_id, cause=error, attempt=attempt, delay=wait)

    # Waiting for another run on the iModel.

    def _wait_for(self, ref: RunRef) -> None:
        if self._busy != ref:
            self._busy, self._busy_run, self._patience.quiet = ref, None, 0
            self._emit(WaitingForIModel, ref=ref)
            self._go_on(self._wait)
        else:  # the service names it again, though it did not show it
            self._go_on(self._wait, self._until_next_look())

    async def _wait(self) -> None:
        ref = self._busy
        assert ref is not None  # noqa: S101 - _wait_for has set it
        try:
            run, response = await self._connections.runs.look(ref)
        except (NotFoundError, PermissionDeniedError):
            # Another connection's run may be invisible to this caller: only a trigger can tell whether it has ended.
            self._good_answer()
            self._go_on(self._trigger, self._until_next_look())
            return
        except SynchronizationError as error:
            self._put_off_look(error, ref, self._wait)
            return
        self._good_answer()
        if run != self._busy_run:
            self._busy_run, self._patience.quiet = run, 0
            self._emit(WaitingForIModel, ref=ref, run=run)
        if run.completed:
            self._go_on(self._trigger)
        else:
            self._go_on(self._wait, self._until_next_look(response))

    # Following our run.

    async def _follow(self) -> None:
        ref = self.ref
        assert ref is not None  # noqa: S101 - _meet or the constructor has set it
        try:
            run, response = await self._connections.runs.look(ref)
        except SynchronizationError as error:
            self._put_off_look(error, ref, self._follow)
            return
        self._good_answer()
        changes = self._unknown(run, ref)
        changes += diff(self.run, run, ref=ref, at=self._now(), seq=self._seq + len(changes) + 1)
        self._seq += len(changes)
        self._events.extend(changes)
        self.run = run
        if changes:
            self._patience.quiet = 0
        if run.completed:
            self._done = True
        else:
            self._go_on(self._follow, self._until_next_look(response))

    def _unknown(self, run: StorageRun, ref: RunRef) -> tuple[RunEvent, ...]:
        values = {(type(value).__name__, str(value)) for value in unknown_values(run)} - self._reported
        self._reported |= values
        at = self._now()
        return tuple(
            UnknownValueSeen(seq=seq, at=at, ref=ref, enum=enum, value=value)
            for seq, (enum, value) in enumerate(sorted(values), self._seq + 1)
        )

    # What the steps share.

    def _put_off_look(self, error: SynchronizationError, ref: RunRef, step: Callable[[], Awaitable[None]]) -> None:
        left = self._grace_ends - anyio.current_time()
        unknown = isinstance(error, NotFoundError)
        if unknown and left <= 0:
            if self.run is None and self._grace_ends == 0.0:
                raise error
            raise self._vanished(ref) from error
        wait = self._wait_after(error, NotFoundError)
        wait = min(wait, left) if unknown else wait
        self._go_on(step, wait)
        self._emit(PollDelayed, ref=ref, cause=error, failures=self._patience.failures, delay=wait)

    def _wait_after(self, error: SynchronizationError, *also: type[SynchronizationError]) -> float:
        """Return the seconds to wait after a failure that may pass; raise any other, and when it has been too many."""
        if not self._patience.passes(error, *also):
            raise error
        if self._patience.exhausted(anyio.current_time()):
            what = str(self.ref or f"connection {self._connection_id}")
            raise WatchFailedError(
                f"No good answer on {what} for {FAILURE_BUDGET:.0f} s; the last failure is the cause of this error. "
                f"Ask this watcher again. {self._goes_on()}",
                ref=self.ref,
                run=self.run,
            ) from error
        return self._patience.until_next_attempt(error, chance=random.random())

    def _good_answer(self) -> None:
        self._patience.good_answer()

    def _until_next_look(self, response: Response | None = None) -> float:
        asked = retry_after(response.headers) if response is not None else None
        return self._patience.until_next_look(chance=random.random(), asked=asked or 0.0)

    def _go_on(self, step: Callable[[], Awaitable[None]], wait: float = 0.0) -> None:
        self._step = step
        self._due = anyio.current_time() + wait

    def _now(self) -> datetime:
        assert self._epoch is not None  # noqa: S101 - _advance has set it
        return self._epoch + timedelta(seconds=anyio.current_time())

    def _emit(self, event: type[Ev], **members: object) -> None:
        self._seq += 1
        self._events.append(event(seq=self._seq, at=self._now(), **members))

    def _vanished(self, ref: RunRef) -> RunVanishedError:
        return RunVanishedError(
            f"The service does not know {ref} (any more). Its connection may have been deleted: list its runs.",
            ref=ref,
            run=self.run,
        )

    def _goes_on(self) -> str:
        if self.ref is not None:
            return "The run itself goes on; client.attach() follows it again."
        if self._attempted_at is not None:
            return "It may have been triggered: list its runs before triggering it again."
        return "It was not triggered."

    def _timed_out(self) -> WatchTimeoutError:
        what = str(self.ref or f"connection {self._connection_id}")
        state = f", last seen {self.run.state}" if self.run is not None else ""
        return WatchTimeoutError(
            f"The watch of {what} ended after its timeout of {self._timeout:g} s{state}. {self._goes_on()}",
            ref=self.ref,
            run=self.run,
        )


def _refused(error: SynchronizationError) -> bool:
    """Return whether a trigger that failed like this certainly created no run."""
    never_sent = isinstance(error, (TokenError, ConfigurationError))
    refused = isinstance(error, APIError) and error.status < _FIRST_SERVER_ERROR
    return never_sent or refused or not_processed(error)
