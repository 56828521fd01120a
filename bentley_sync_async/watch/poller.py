"""Polls runs for one watch, and asks its pacing when to poll again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import anyio

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import RunRef, StorageRun
from bentley_sync_async.pacing.completion import CompletionSignal
from bentley_sync_async.pacing.history import durations_of
from bentley_sync_async.pacing.price import LOWEST_PRICE
from bentley_sync_async.pacing.scheduler import (
    AFTER_SIGNAL,
    LOWEST_PRICE_WITH_SIGNAL,
    PollScheduler,
    SharedPacing,
    is_expensive,
)
from bentley_sync_async.pacing.strategies import Pacing
from bentley_sync_async.resources.synchronization.connections_of_kind import AnyConnections
from bentley_sync_async.resources.synchronization.runs import RunReader
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.messages import Response
from bentley_sync_async.wire.headers import server_date

from .retry_state import RetryState


class Poller:
    """Polls the runs of one watch: the run that is followed, or the one that blocks the iModel.

    Attributes:
        retry_state: The failures of the watch, and its unchanged polls.
        due: When the next step of the watch is due, by the event loop's clock.
    """

    def __init__(
        self,
        connections: AnyConnections,
        pacing: Pacing,
        shared_pacing: SharedPacing,
        utc_now: Callable[[], datetime],
    ) -> None:
        """Make a poller that has not polled yet."""
        self.retry_state = RetryState(pacing)
        self.due = 0.0
        self._connections = connections
        self._pacing = pacing
        self._shared_pacing = shared_pacing
        self._utc_now = utc_now
        self._scheduler = PollScheduler(shared_pacing, pacing)
        self._reader: RunReader | None = None
        self._signalled: RunRef | None = None

    def wait_until_due(self, ref: RunRef | None) -> Awaitable[None] | None:
        """Return an awaitable of the next step's due time or the run's completion signal; `None` if the step is due."""
        wait = self.due - current_time()
        if wait <= 0:
            return None
        if ref is None or ref is self._signalled or self._shared_pacing.completions is None:
            return asyncio.sleep(wait)
        return self._until_signalled(ref, self._shared_pacing.completions)

    async def _until_signalled(self, ref: RunRef, completions: CompletionSignal) -> None:
        with anyio.CancelScope(deadline=self.due):
            await completions.wait(ref)
            # Only a run's first signal counts: with a signal that is repeated forever, the watch would never wait.
            self._signalled, self.due = ref, current_time()
            self._change_pacing(AFTER_SIGNAL)

    async def poll(self, ref: RunRef) -> tuple[StorageRun, Response]:
        """Return a snapshot of a run and its response. Unchanged jobs and tasks are the same objects as before."""
        reader = self._reader
        if reader is None or reader.ref is not ref:
            reader = self._reader = self._connections.runs.reader(ref)
        return await reader.read(self._scheduler.value)

    def requested_wait(self) -> float:
        """Return the seconds that the answers of this step request to wait before the next one (Retry-After)."""
        task = self._connections.tasks.current()
        return task.requested_wait() if task is not None else 0.0

    def needs_history(self, ref: RunRef) -> bool:
        """Return whether to fetch the past runs of the connection now: once for all watches of a client."""
        needed = ref.kind == self._connections.kind and self._scheduler.needs_history(ref.connection_id)
        return needed and not self.requested_wait()

    async def fetch_history(self, ref: RunRef) -> None:
        """Fetch the past runs of the connection and record their durations; a failure counts as none."""
        history = self._shared_pacing.history
        history.mark_requested(ref.connection_id)
        try:
            runs = await self._connections.runs.recent(ref.connection_id)
        except SynchronizationError:  # the durations are only a hint
            return
        except BaseException:  # cancelled: another watch may fetch them
            history.unmark_requested(ref.connection_id)
            raise
        history.record_listed(ref.connection_id, durations_of(runs))

    def delay_until_next_poll(
        self,
        ref: RunRef,
        run: StorageRun | None = None,
        response: Response | None = None,
        *,
        at_once: bool = False,
        blocking: bool = False,
    ) -> float:
        """Return the seconds until the next poll; 0 if it may be sent at once and is not too expensive for that.

        Args:
            ref: The run to poll.
            run: The snapshot of the latest poll, if there was one.
            response: Its response.
            at_once: Whether the next poll may be sent at once.
            blocking: Whether the run only blocks the iModel; its completion may not be signalled to this client.
        """
        headers = response.headers if response is not None else {}
        now = current_time()
        if run is not None:
            self._scheduler.observe(run, at=server_date(headers) or self._utc_now(), now=now)
        signalled = not blocking and self._shared_pacing.completions is not None
        context = self._scheduler.next_context(
            ref.connection_id,
            run,
            now=now,
            chance=random.random(),  # noqa: S311 - spreads polls, keeps no secret
            unchanged_polls=self.retry_state.unchanged_polls,
            lowest_price=LOWEST_PRICE_WITH_SIGNAL if signalled else LOWEST_PRICE,
        )
        if at_once and not is_expensive(context):
            return 0.0
        delay = max(self.retry_state.delay_until_next_poll(context), self.requested_wait())
        self._scheduler.note_scheduled(context, delay)
        return delay

    def register(self) -> None:
        """Count this watch towards the price of a poll from now on."""
        self._scheduler.register()

    def switch_run(self) -> None:
        """Start over with another run: the signal, the pacing and the unchanged polls of the last one are dropped."""
        self._signalled = None
        self._change_pacing(self._pacing)
        self.register()

    def note_triggered(self, now: float) -> None:
        """Note that the run was triggered now, by the event loop's clock."""
        self._scheduler.note_triggered(now)

    def note_completed(self, ref: RunRef, run: StorageRun) -> None:
        """Record the duration of the completed run, and stop counting this watch towards the price of a poll."""
        self._scheduler.suspend()
        self._shared_pacing.history.record(ref.connection_id, *durations_of([run]))

    def suspend(self) -> None:
        """Stop counting this watch towards the price of a poll."""
        self._scheduler.suspend()

    def resume(self) -> None:
        """Count this watch towards the price of a poll again, after `suspend`."""
        self._scheduler.resume()

    def _change_pacing(self, pacing: Pacing) -> None:
        self._scheduler.suspend()
        self._scheduler = PollScheduler(self._shared_pacing, pacing)
        self.retry_state.pacing, self.retry_state.unchanged_polls = pacing, 0
