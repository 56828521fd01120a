"""The watcher: what a consumer holds to trigger a run and follow it to its end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import anyio
from attrs import evolve

from bentley_sync_async.config import WhenActive, WhenBusy
from bentley_sync_async.errors import InvalidArgumentError, ResumeTokenError, SynchronizationError, UsageError
from bentley_sync_async.models import ExecutionState, RunRef, StorageRun
from bentley_sync_async.pacing.learned import LearnedPacing
from bentley_sync_async.pacing.scheduler import SharedPacing
from bentley_sync_async.pacing.strategies import Pacing, check_pacing
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.transport.hooks import Hooks
from bentley_sync_async.transport.tasks import ClientTask

from .diff import RUN_ITSELF, UnreportedCompletions
from .errors import WatchTimeoutError, run_status
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
from .fingerprints import PackedRun, fingerprint_run
from .fold import fold
from .machine import WatchMachine
from .resume_state import ResumeState, start_of
from .retry_state import GRACE

if TYPE_CHECKING:
    from bentley_sync_async.models.manifests import ManifestRun


def utc_now() -> datetime:
    """Return the instant by the wall clock."""
    return datetime.now(UTC)


class RunWatcher:
    """Follows one run; made by `client.watch`, `client.attach` and `client.resume`.

    Iterate over it for events, or await `result()`, or both. A call may be cancelled at any time: nothing is lost, and
    the watcher can be awaited again. A request that is under way then belongs to the client: it goes on, within
    `Timeouts.request`, and the next call takes its answer. Between two calls the watcher holds nothing else, no timer
    and no task. Leaving it detaches; the run goes on, as the API has no way to cancel one.
    """

    def __init__(
        self,
        connections: AnyConnections,
        *,
        manifest: ManifestRun | None = None,
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
        """Make a watcher that triggers a connection, follows an existing run, or resumes a watch."""
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
            trigger=connections.runs.trigger_of(manifest),
            ref=ref,
            when_active=when_active,
            when_busy=when_busy,
            pacing=pacing if pacing is not None else LearnedPacing(),
            shared_pacing=shared_pacing or SharedPacing(),
            hooks=hooks or Hooks(),
            utc_now=utc_now,
        )
        self._taken: list[WatchEvent] = []  # the changes of the latest poll that were taken, while others are queued
        self._task: ClientTask | None = None  # the step that is under way, or whose end was not seen yet
        self._awaited = False
        self._started = False
        self._interrupted = False  # by an error or a cancellation
        self._ends_at = math.inf  # by the event loop's clock
        self._time = anyio.current_time  # that clock; after the first step it can be read outside of the loop, too
        if resume_state is not None:
            self._machine.seq = resume_state.seq
            self._machine.unknown_values = frozenset(resume_state.unknown_values)
            self._machine.fingerprint = resume_state.run_fingerprint()
            self._machine.unreported_completions = frozenset(tuple(key) for key in resume_state.unreported_completions)
            self._machine.done = resume_state.completion_reported
            if resume_state.ref is not None and resume_state.unreported_start is not None:
                self._machine.emit_start(resume_state.ref, resume_state.unreported_start)
            if resume_state.blocking_ref is not None:
                self._machine.resume_waiting(resume_state.blocking_ref, resume_state.blocking_fingerprint)

    @classmethod
    def resuming(
        cls,
        connections: AnyConnections,
        resume_state: ResumeState,
        *,
        manifest: ManifestRun | None = None,
        pacing: Pacing | None,
        shared_pacing: SharedPacing,
        hooks: Hooks,
    ) -> RunWatcher:
        """Make a watcher that resumes a watch."""
        return cls(
            connections,
            manifest=manifest,
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
        if hasattr(self, "_machine"):  # otherwise __init__ has raised
            self._machine.suspend()
            if self._task is not None:
                self._task.abandon()

    def __repr__(self) -> str:
        state = self.run.state if self.run is not None else "not seen yet"
        return f"<RunWatcher of {self._subject()}: {state}>"

    def __aiter__(self) -> RunWatcher:
        return self

    async def __anext__(self) -> WatchEvent:
        """Return the next event.

        Every `SynchronizationError` that ends a watch carries a `resume_token`; this watcher can be awaited again, too.

        Raises:
            StopAsyncIteration: The run is completed, and all its events were returned.
            WatchTimeoutError: The watch's timeout ran out.
            WatchFailedError: The service gave no good answer for half an hour.
            RunVanishedError: The service no longer knows the run.
            IModelBusyError: Another connection's run is active and `when_busy` is `fail`.
            ConflictError: Ten triggers in a row, over a minute, were in conflict with others.
            APIError: The service refuses the trigger or the poll for good (401, 403, 404, 422).
            TokenError: The credentials were refused.
            ForeignOriginError: The Location is on another origin; nothing was sent there.
            ConfigurationError: The client is not open.
        """
        await self._advance(self._has_event)
        if not self._machine.events:
            raise StopAsyncIteration
        event = self._machine.take_event()
        if not self._machine.events:
            self._taken.clear()
        elif isinstance(event, RunChange | JobChange | TaskChange):
            self._taken.append(event)
        return event

    async def result(self) -> StorageRun:
        """Follow the run to its end, whether or not events were taken before, and return its last snapshot.

        A failed run is returned as well: call `raise_for_result()` on it. Events that were not taken are discarded.

        Raises:
            SynchronizationError: As `__anext__`.
        """
        async for _ in self:
            pass
        await self._advance(lambda: self.run is not None)  # a resumed watch may have reported the end before
        self._machine.discard_events()
        assert self.run is not None  # noqa: S101 - _advance has waited for it
        return self.run

    def resume_token(self) -> str:
        """Return one line of text with which `client.resume` continues from here, in another process, too.

        The resumed watch reports the events that were not taken from this one and the changes since, and no event
        twice. Taking a token sends nothing, and this watch can be used as before. The token holds no secret. It has
        some 300 characters, and some 35 a task.

        Raises:
            ResumeTokenError: The run has too many tasks for a token, some 90,000.
        """
        return self._current_state().token()

    def intent_token(self) -> str:
        """Return the resume token to keep before a step that may trigger, if the run must not be triggered twice.

        The token records that a trigger is under way. If this process is killed in that step, a watch that is resumed
        from the token first searches for a run that has started since, and triggers one only if there is none. Once
        `ref` is known, keep `resume_token()` in its place.
        """
        state = self._current_state()
        now = utc_now().timestamp()
        return (state if state.attempted_at is not None else evolve(state, attempted_at=now)).token()

    def _current_state(self) -> ResumeState:
        machine, resume_state = self._machine, self._resume_state
        if resume_state is not None and not self._started:
            return resume_state
        reported = fold(self._taken, machine.reported_run)
        fingerprint = fingerprint_run(reported) if reported is not None else machine.fingerprint
        unreported = {(event.enum, event.value) for event in machine.events if isinstance(event, UnknownValueSeen)}
        return ResumeState(
            origin=self._connections.base_url,
            connection_id=machine.connection_id,
            kind=self._connections.kind,
            run=_ref_values(machine.ref),
            seq=machine.seq - len(machine.events),
            timeout=self._timeout,
            ends_at=self._timestamp(self._ends_at),
            attempted_at=self._timestamp(machine.attempted_at),
            grace_ends=self._timestamp(machine.grace_ends),
            when_active=self._when_active,
            when_busy=self._when_busy,
            unknown_values=sorted(machine.unknown_values - unreported),
            fingerprint=cast("PackedRun", fingerprint.pack()) if fingerprint is not None else None,
            unreported_completions=sorted(list(key) for key in self._unreported_completions(reported)),
            blocking_run=_ref_values(machine.blocking_run),
            # Its event may be queued, if nobody awaited the watch: then it is reported again.
            blocking_fingerprint=machine.blocking_fingerprint if not machine.events else None,
            unreported_start=next((start for event in machine.events if (start := start_of(event))), None),
        )

    def _unreported_completions(self, reported: StorageRun | None) -> UnreportedCompletions:
        """Return what is completed in the reported snapshot while its `...Completed` event was not taken yet."""
        if reported is None:
            return self._machine.unreported_completions
        completed: dict[tuple[str, ...], bool] = {
            RUN_ITSELF: reported.completed,
            **{(job.id,): job.state == ExecutionState.COMPLETED for job in reported.jobs},
            **{
                (job.id, task.id): task.state == ExecutionState.COMPLETED for job in reported.jobs for task in job.tasks
            },
        }
        untaken = self._machine.unreported_completions | {_completion_of(event) for event in self._machine.events}
        untaken -= {_completion_of(event) for event in self._taken}
        return frozenset(key for key in untaken if key is not None and completed.get(key))

    def _has_event(self) -> bool:
        return self._machine.done or bool(self._machine.events)

    async def _advance(self, is_done: Callable[[], bool]) -> None:
        """Take steps until a condition holds. An error that ends the watch gets a resume token."""
        self._connections.tasks.binding.check()
        if self._awaited:
            raise UsageError("This watcher is being awaited by another task; one watcher serves one consumer.")
        self._awaited = self._machine.awaited = True
        if self._interrupted:
            self._machine.resume()
        self._interrupted = True
        try:
            if not self._started:
                self._start()
            while not is_done():
                if self._ends_at == math.inf:  # without a scope, so that a sleeping watch holds little memory
                    await self._take_step()
                elif await self._step_timed_out():
                    raise self._timeout_error() from self._machine.last_failure
            self._interrupted = False
        except SynchronizationError as error:
            with suppress(ResumeTokenError):  # the run is too large for a token
                error.resume_token = self.resume_token()
            raise
        finally:
            self._awaited = self._machine.awaited = False
            if self._interrupted:  # the consumer may not await it again
                self._machine.suspend()

    async def _step_timed_out(self) -> bool:
        """Take a step, and return whether the timeout of the watch ran out first."""
        if self._time() >= self._ends_at:
            return True
        with anyio.CancelScope(deadline=self._ends_at) as scope:
            await self._take_step()
        return scope.cancelled_caught

    async def _take_step(self) -> None:
        """Wait until the next step is due and has ended, or for the end of one that was left under way."""
        if self._task is not None and self._task.is_lost():
            self._task = None
        if self._task is None:
            if (waiting := self._machine.wait_until_due()) is not None:
                await waiting
            self._task = self._connections.tasks.start(self._machine.step())
        await self._task.wait()
        task, self._task = self._task, None
        try:
            task.raise_failure()
        except SynchronizationError as error:
            raise error.with_traceback(None)  # noqa: B904 - the same error; its frames hold the whole answer

    async def settle_trigger(self, seconds: float) -> None:
        """Wait for the answer to a trigger that is on the wire, for so many seconds at most."""
        if self._task is not None and self._task.sending is not None and self._task.sending.method == "POST":
            with anyio.move_on_after(seconds, shield=True):
                await self._task.wait()

    def _start(self) -> None:
        """Start the timeout, and convert the instants of a resume state to this event loop's clock."""
        self._started = True
        self._time = asyncio.get_running_loop().time
        now = self._time()
        resume_state = self._resume_state
        if self._timeout is not None:
            self._ends_at = now + self._timeout
        if resume_state is None:
            return
        offset = utc_now().timestamp() - now
        if resume_state.ends_at is not None:
            self._ends_at = resume_state.ends_at - offset
        if self._machine.done:  # all events were taken in time; only the poll for the result is left
            self._ends_at = math.inf
        if resume_state.attempted_at is not None:
            self._machine.attempted_at = resume_state.attempted_at - offset
        if resume_state.grace_ends is not None:
            self._machine.grace_ends = min(resume_state.grace_ends - offset, now + GRACE)

    def _timestamp(self, instant: float | None) -> float | None:
        """Return an instant of the event loop's clock as seconds since 1970."""
        if instant is None or instant == math.inf:
            return None
        return utc_now().timestamp() + instant - self._time()

    def _subject(self) -> str:
        return str(self.ref or f"connection {self.connection_id}")

    def _timeout_error(self) -> WatchTimeoutError:
        state = f", last seen {self.run.state}" if self.run is not None else ""
        return WatchTimeoutError(
            f"The watch of {self._subject()} ended after its timeout of {self._timeout:g} s{state}. "
            f"{run_status(self.ref, attempted=self._machine.attempted_at is not None)}{self._failure_text()}",
            ref=self.ref,
            run=self.run,
        )

    def _failure_text(self) -> str:
        last_failure = self._machine.last_failure
        return f" The latest attempt failed: {str(last_failure).splitlines()[0]}" if last_failure is not None else ""


def _ref_values(ref: RunRef | None) -> tuple[str, str, str] | None:
    return (ref.kind, ref.connection_id, ref.run_id) if ref is not None else None


def _completion_of(event: WatchEvent) -> tuple[str, ...] | None:
    """Return what an event reports as completed; `None` if it reports no completion."""
    match event:
        case RunCompleted():
            return RUN_ITSELF
        case JobCompleted(job=job):
            return (job.id,)
        case TaskCompleted(job_id=job_id, task=task):
            return (job_id, task.id)
        case _:
            return None
