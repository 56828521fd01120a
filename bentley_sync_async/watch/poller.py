"""Looks at runs on behalf of one watch, and knows when to look again."""

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
from bentley_sync_async.pacing.scheduler import AFTER_NOTIFICATION, TOLD, PollScheduler, SharedPacing, is_expensive
from bentley_sync_async.pacing.strategies import Pacing
from bentley_sync_async.resources.synchronization.runs import RunReader
from bentley_sync_async.resources.synchronization.storage_connections import StorageConnections
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.messages import Response
from bentley_sync_async.wire.headers import retry_after, server_date

from .retry_state import RetryState


class Poller:
    """What one watch has for its looks.

    Attributes:
        patience: What it remembers of its looks and triggers.
        due: When the next step is due, by the event loop's clock.
    """

    def __init__(
        self,
        connections: StorageConnections,
        pacing: Pacing,
        shared_pacing: SharedPacing,
        utc_now: Callable[[], datetime],
    ) -> None:
        """Begin without having looked."""
        self.retry_state = RetryState(pacing)
        self.due = 0.0
        self._connections = connections
        self._pacing = pacing
        self._shared_pacing = shared_pacing
        self._utc_now = utc_now
        self._scheduler = PollScheduler(shared_pacing, pacing)
        self._reader: RunReader | None = None
        self._told: RunRef | None = None

    def pause(self, ref: RunRef | None) -> Awaitable[None] | None:
        """Return what waits until the next step is due, or until the end of a run is told; `None` if it is due."""
        wait = self.due - current_time()
        if wait <= 0:
            return None
        if ref is None or ref is self._told or self._shared_pacing.completions is None:
            return asyncio.sleep(wait)
        return self._end_told(ref, self._shared_pacing.completions)

    async def _end_told(self, ref: RunRef, completions: CompletionSignal) -> None:
        with anyio.move_on_at(self.due):
            await completions.wait(ref)
            # It is believed once: a signal that goes on telling an end that no look shows would never let us wait.
            self._told, self.due = ref, current_time()
            self._change_pacing(AFTER_NOTIFICATION)

    async def poll(self, ref: RunRef) -> tuple[StorageRun, Response]:
        """Look at a run; see `Looks.look`. What is as it was at the look before is the same objects."""
        if self._reader is None or self._reader.ref is not ref:
            self._reader = self._connections.runs.reader(ref)
        return await self._reader.read(self._scheduler.value)

    def needs_history(self, ref: RunRef) -> bool:
        """Return whether to ask for the past runs of the connection: once for all its watches."""
        return ref.kind == "storage" and self._scheduler.needs_history(ref.connection_id)

    async def learn(self, ref: RunRef) -> None:
        """Ask for the past runs of the connection."""
        history = self._shared_pacing.history
        history.ask(ref.connection_id)
        try:
            runs = await self._connections.runs.recent(ref.connection_id)
        except SynchronizationError:  # it is no more than a hint
            return
        except BaseException:  # cancelled: another watch may ask
            history.leave(ref.connection_id)
            raise
        history.listed(ref.connection_id, durations_of(runs))

    def next_poll(
        self,
        ref: RunRef,
        run: StorageRun | None = None,
        response: Response | None = None,
        *,
        at_once: bool = False,
        blocking_run: bool = False,
    ) -> float:
        """Return the seconds until the next look: none, if it may be taken at once and is not too dear for that.

        Args:
            ref: The run to look at.
            run: What the look showed, if there was one.
            response: The answer that it came in.
            at_once: Whether the next look may be taken at once.
            in_the_way: Whether it is somebody else's run, whose end may be told to others only.
        """
        headers = response.headers if response is not None else {}
        now = current_time()
        if run is not None:
            self._scheduler.observe(run, at=server_date(headers) or self._utc_now(), now=now)
        read = self._scheduler.next_poll(
            ref.connection_id,
            run,
            now=now,
            chance=random.random(),  # noqa: S311 - spreads looks, keeps no secret
            unchanged_polls=self.retry_state.unchanged_polls,
            cheapest=LOWEST_PRICE if blocking_run or self._shared_pacing.completions is None else TOLD,
        )
        if at_once and not is_expensive(read):
            return 0.0
        wait = self.retry_state.until_next_poll(read, asked=retry_after(headers) or 0.0)
        self._scheduler.schedule(read, wait)
        return wait

    def expect(self) -> None:
        """Let the other watches know that this one will need looks."""
        self._scheduler.expected()

    def follow_another_run(self) -> None:
        """Note that it is another run from now on that is looked at: nothing known of the one before counts."""
        self._told = None
        self._change_pacing(self._pacing)
        self.expect()

    def triggered(self, now: float) -> None:
        """Note that the run to look at next was triggered just now, by the event loop's clock."""
        self._scheduler.triggered(now)

    def ended(self, ref: RunRef, run: StorageRun) -> None:
        """Learn from a run that has ended; no more looks are needed."""
        self._scheduler.leave()
        self._shared_pacing.history.note(ref.connection_id, *durations_of([run]))

    def leave(self) -> None:
        """Let the other watches have the looks that this one would need."""
        self._scheduler.leave()

    def resume_polling(self) -> None:
        """Need looks again, as before."""
        self._scheduler.resume_polling()

    def _change_pacing(self, pacing: Pacing) -> None:
        self._scheduler.leave()
        self._scheduler = PollScheduler(self._shared_pacing, pacing)
        self.retry_state.pacing, self.retry_state.unchanged_polls = pacing, 0
