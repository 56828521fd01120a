"""Triggers a run and follows it to its end: what a consumer holds, over the road that the watch goes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

import anyio
from attrs import evolve

from bentley_sync_async.config import WhenActive, WhenBusy
from bentley_sync_async.errors import InvalidArgumentError, ResumeTokenError, SynchronizationError
from bentley_sync_async.models import ExecutionState, RunRef, StorageRun
from bentley_sync_async.pacing.learned import LearnedPacing
from bentley_sync_async.pacing.scheduler import SharedPacing
from bentley_sync_async.pacing.strategies import Pacing, check_pacing
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.transport.hooks import Hooks

from .diff import RUN_ENDING, Endings
from .errors import WatchTimeoutError
from .events import (
    JobChange,
    JobCompleted,
    RunChange,
    RunCompleted,
    TaskChange,
    TaskCompleted,
    UnknownValueSeen,
    WatchEvent,
)
from .fingerprints import Packed, remember
from .fold import fold
from .machine import WatchMachine
from .resume_state import ResumeState
from .retry_state import GRACE


def utc_now() -> datetime:
    """Return the instant by the wall clock."""
    return datetime.now(UTC)


class RunWatcher:
    """Follows one run; made by `client.watch`, `client.attach` and `client.resume`.

    Iterate over it for events, or await `result()`, or both. It holds no task and no socket between two calls. A call
    may be cancelled at any time: nothing is lost, and the watcher can be asked again. Leaving it detaches; the run goes
    on, as the API has no way to cancel one.
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
        shared_pacing: SharedPacing | None = None,
        resume_state: ResumeState | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Make a watcher for a connection to trigger, for a run that there is, or to go on from a bookmark."""
        if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
            raise InvalidArgumentError(f"timeout must be a number of seconds above 0, not {timeout!r}.")
        if when_active not in {"join", "rerun"}:
            raise InvalidArgumentError(f"when_active must be 'join' or 'rerun', not {when_active!r}.")
        if when_busy not in {"wait", "join", "fail"}:
            raise InvalidArgumentError(f"when_busy must be 'wait', 'join' or 'fail', not {when_busy!r}.")
        check_pacing(pacing)
        self._connections = connections
        self._timeout = timeout
        self._when_active: WhenActive = when_active
        self._when_busy: WhenBusy = when_busy
        self._resume_state = resume_state
        self._machine = WatchMachine(
            connections,
            connection_id or (ref.connection_id if ref is not None else ""),
            ref=ref,
            when_active=when_active,
            when_busy=when_busy,
            pacing=pacing if pacing is not None else LearnedPacing(),
            shared_pacing=shared_pacing or SharedPacing(),
            hooks=hooks or Hooks(),
            utc_now=utc_now,
        )
        self._taken: list[WatchEvent] = []  # of the changes that the latest look brought, until all of them are
        self._asked = False
        self._began = False
        self._left = False  # by an error or a cancellation, without an answer
        self._ends = math.inf  # by the event loop's clock
        self._time = anyio.current_time  # that clock; from the first step on without the loop that runs
        if resume_state is not None:
            self._machine.seq = resume_state.seq
            self._machine.reported = frozenset(resume_state.reported)
            self._machine.memory = resume_state.remembered()
            self._machine.ending = frozenset(tuple(key) for key in resume_state.ending)
            self._machine.done = resume_state.completion_reported
            if resume_state.waits_for is not None:
                self._machine.start_waiting(resume_state.waits_for, resume_state.blocking_fingerprint)

    @classmethod
    def resuming(
        cls,
        connections: StorageConnections,
        resume_state: ResumeState,
        *,
        pacing: Pacing | None,
        shared_pacing: SharedPacing,
        hooks: Hooks,
    ) -> RunWatcher:
        """Make a watcher that goes on from a bookmark."""
        return cls(
            connections,
            connection_id=resume_state.connection_id,
            ref=resume_state.ref,
            timeout=resume_state.timeout,
            when_active=resume_state.when_active,
            when_busy=resume_state.when_busy,
            pacing=pacing,
            shared_pacing=shared_pacing,
            resume_state=resume_state,
            hooks=hooks,
        )

    @property
    def ref(self) -> RunRef | None:
        """The run that is followed; `None` until it is known."""
        return self._machine.ref

    @property
    def run(self) -> StorageRun | None:
        """The run's latest snapshot; `None` before the first."""
        return self._machine.run

    @property
    def connection_id(self) -> str:
        """The connection whose run is watched."""
        return self._machine.connection_id

    def __del__(self) -> None:
        if hasattr(self, "_machine"):  # else its arguments were refused
            self._machine.leave()

    def __repr__(self) -> str:
        state = self.run.state if self.run is not None else "not seen yet"
        return f"<RunWatcher of {self._what()}: {state}>"

    def __aiter__(self) -> RunWatcher:
        return self

    async def __anext__(self) -> WatchEvent:
        """Return the next event.

        Every `SynchronizationError` that leaves a watch carries a `resume_token`; this watcher can be asked again, too.

        Raises:
            StopAsyncIteration: The run was completed and all its events are told.
            WatchTimeoutError: The watch's timeout ran out.
            WatchFailedError: The service gave no good answer for half an hour.
            RunVanishedError: The service no longer knows the run.
            IModelBusyError: Another connection's run is active and `when_busy` is `fail`.
            ConflictError: Ten triggers in a row, over a minute, were in conflict with others.
            APIError: The service refuses the trigger or the look for good (401, 403, 404, 422).
            TokenError: The credentials were refused.
            ForeignOriginError: The Location is on another origin; nothing was sent there.
            ProtocolError: A look was answered with a redirect, which is never followed.
            ConfigurationError: The client is not open.
        """
        await self._advance(self._has_news)
        if not self._machine.events:
            raise StopAsyncIteration
        event = self._machine.take()
        if not self._machine.events:
            self._taken.clear()
        elif isinstance(event, RunChange | JobChange | TaskChange):
            self._taken.append(event)
        return event

    async def result(self) -> StorageRun:
        """Follow the run to its end, whether or not events were taken before, and return its last snapshot.

        It returns a failed run as well: call `raise_for_result()` on it. Events that were not taken are dropped.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        async for _ in self:
            pass
        await self._advance(lambda: self.run is not None)  # its end may have been told before the watch was taken up
        self._machine.drop()
        assert self.run is not None  # noqa: S101 - that was waited for
        return self.run

    def resume_token(self) -> str:
        """Return one line of text with which `client.resume` goes on from here, in another process, too.

        The watch that goes on tells what was not taken from this one and what happened since, and nothing twice. Taking
        a token sends nothing; this watch can be used as before. The token holds no secret. It has some 300 characters
        and some 35 a task.

        Raises:
            ResumeTokenError: The run has too many tasks for a token, some 90,000.
        """
        return self._mark().token()

    def intent_token(self) -> str:
        """Return the resume token to keep before a step that may trigger, for whoever must not trigger twice.

        It says that a trigger is on its way. A watch that goes on from it, because this one's process was killed in
        that step, looks for a run that started since before it triggers one. Once `ref` is known, keep
        `resume_token()` in its place.
        """
        mark = self._mark()
        now = utc_now().timestamp()
        return (mark if mark.attempted_at is not None else evolve(mark, attempted_at=now)).token()

    def _mark(self) -> ResumeState:
        machine, resume_state = self._machine, self._resume_state
        if resume_state is not None and not self._began:
            return resume_state
        told = fold(self._taken, machine.reported_run)
        memory = remember(told) if told is not None else machine.memory
        untold = {(event.enum, event.value) for event in machine.events if isinstance(event, UnknownValueSeen)}
        return ResumeState(
            origin=self._connections.base_url,
            connection_id=machine.connection_id,
            run=_named(machine.ref),
            seq=machine.seq - len(machine.events),
            timeout=self._timeout,
            ends_at=self._timestamp(self._ends),
            attempted_at=self._timestamp(machine.attempted_at),
            grace_ends=self._timestamp(machine.grace_ends),
            when_active=self._when_active,
            when_busy=self._when_busy,
            reported=sorted(machine.reported - untold),
            memory=cast("Packed", memory.pack()) if memory is not None else None,
            ending=sorted(list(key) for key in self._ending(told)),
            blocking_run=_named(machine.blocking_run),
            blocking_fingerprint=machine.blocking_fingerprint,  # an event about it is never left untaken: it is alone in its step
        )

    def _ending(self, told: StorageRun | None) -> Endings:
        """Return what the consumer knows to be completed while the event that says so was not taken yet."""
        if told is None:
            return self._machine.ending
        ended: dict[tuple[str, ...], bool] = {
            RUN_ENDING: told.completed,
            **{(job.id,): job.state == ExecutionState.COMPLETED for job in told.jobs},
            **{(job.id, task.id): task.state == ExecutionState.COMPLETED for job in told.jobs for task in job.tasks},
        }
        untaken = self._machine.ending | {_ending_of(event) for event in self._machine.events}
        untaken -= {_ending_of(event) for event in self._taken}
        return frozenset(key for key in untaken if key is not None and ended.get(key))

    def _has_news(self) -> bool:
        return self._machine.done or bool(self._machine.events)

    async def _advance(self, far_enough: Callable[[], bool]) -> None:
        """Go on for one consumer until it is far enough, and let no error out without the way back."""
        if self._asked:
            raise RuntimeError("This watcher is being awaited by another task; one watcher serves one consumer.")
        self._asked = True
        if self._left:
            self._machine.resume_polling()
        self._left = True
        try:
            while not far_enough():
                if not self._began:
                    self._begin()
                if self._ends == math.inf:  # a watch that sleeps holds as little as can be
                    if (pause := self._machine.pause()) is not None:
                        await pause
                    await self._machine.step()
                elif await self._timed_out():
                    raise self._timeout_error() from self._machine.last_failure
            self._left = False
        except SynchronizationError as error:
            with suppress(ResumeTokenError):  # of a run too large for one the error itself counts
                error.resume_token = self.resume_token()
            raise
        finally:
            self._asked = False
            if self._left:  # perhaps nobody asks again
                self._machine.leave()

    async def _timed_out(self) -> bool:
        """Take a step, and return whether the timeout ran out first."""
        if self._time() >= self._ends:
            return True
        with anyio.CancelScope(deadline=self._ends) as scope:
            if (pause := self._machine.pause()) is not None:
                await pause
            await self._machine.step()
        return scope.cancelled_caught

    def _begin(self) -> None:
        """Start the timeout; of a bookmark, turn its instants into those of this event loop's clock."""
        self._began = True
        self._time = asyncio.get_running_loop().time
        now = self._time()
        resume_state = self._resume_state
        if self._timeout is not None:
            self._ends = now + self._timeout
        if resume_state is None:
            return
        past = utc_now().timestamp() - now
        if resume_state.ends_at is not None:
            self._ends = resume_state.ends_at - past
        if self._machine.done:  # all was told in time; what is left is the look for the result
            self._ends = math.inf
        if resume_state.attempted_at is not None:
            self._machine.attempted_at = resume_state.attempted_at - past
        if resume_state.grace_ends is not None:
            self._machine.grace_ends = min(resume_state.grace_ends - past, now + GRACE)

    def _timestamp(self, instant: float | None) -> float | None:
        """Return an instant of the event loop's clock as seconds since 1970."""
        if instant is None or instant == math.inf:
            return None
        return utc_now().timestamp() + instant - self._time()

    def _what(self) -> str:
        return str(self.ref or f"connection {self.connection_id}")

    def _timeout_error(self) -> WatchTimeoutError:
        state = f", last seen {self.run.state}" if self.run is not None else ""
        return WatchTimeoutError(
            f"The watch of {self._what()} ended after its timeout of {self._timeout:g} s{state}. "
            f"{self._machine.what_remains()}{self._trouble()}",
            ref=self.ref,
            run=self.run,
        )

    def _trouble(self) -> str:
        last_failure = self._machine.last_failure
        return f" The latest attempt failed: {str(last_failure).splitlines()[0]}" if last_failure is not None else ""


def _named(ref: RunRef | None) -> tuple[str, str, str] | None:
    return (ref.kind, ref.connection_id, ref.run_id) if ref is not None else None


def _ending_of(event: WatchEvent) -> tuple[str, ...] | None:
    match event:
        case RunCompleted():
            return RUN_ENDING
        case JobCompleted(job=job):
            return (job.id,)
        case TaskCompleted(job_id=job_id, task=task):
            return (job_id, task.id)
        case _:
            return None
