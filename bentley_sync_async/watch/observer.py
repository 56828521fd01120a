"""Looks at runs on behalf of one watch, and knows when to look again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import anyio

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import RunRef, StorageRun
from bentley_sync_async.resources.runs import Looks
from bentley_sync_async.resources.storage_connections import StorageConnections
from bentley_sync_async.transport.clock import current_time
from bentley_sync_async.transport.messages import Response
from bentley_sync_async.wire.headers import retry_after, server_date

from .completion import CompletionSignal
from .experience import durations_of
from .lookout import AFTER_TOLD, TOLD, Lookout, Post, dear
from .pacing import Pacing
from .patience import Patience
from .pricing import CHEAPEST


class Observer:
    """What one watch has for its looks.

    Attributes:
        patience: What it remembers of its looks and triggers.
        due: When the next step is due, by the event loop's clock.
    """

    def __init__(
        self, connections: StorageConnections, pacing: Pacing, lookout: Lookout, utc_now: Callable[[], datetime]
    ) -> None:
        """Begin without having looked."""
        self.patience = Patience(pacing)
        self.due = 0.0
        self._connections = connections
        self._pacing = pacing
        self._lookout = lookout
        self._utc_now = utc_now
        self._post = Post(lookout, pacing)
        self._looks: Looks | None = None
        self._told: RunRef | None = None

    def pause(self, ref: RunRef | None) -> Awaitable[None] | None:
        """Return what waits until the next step is due, or until the end of a run is told; `None` if it is due."""
        wait = self.due - current_time()
        if wait <= 0:
            return None
        if ref is None or ref is self._told or self._lookout.completions is None:
            return asyncio.sleep(wait)
        return self._end_told(ref, self._lookout.completions)

    async def _end_told(self, ref: RunRef, completions: CompletionSignal) -> None:
        with anyio.move_on_at(self.due):
            await completions.wait(ref)
            # It is believed once: a signal that goes on telling an end that no look shows would never let us wait.
            self._told, self.due = ref, current_time()
            self._change_pacing(AFTER_TOLD)

    async def look(self, ref: RunRef) -> tuple[StorageRun, Response]:
        """Look at a run; see `Looks.look`. What is as it was at the look before is the same objects."""
        if self._looks is None or self._looks.ref is not ref:
            self._looks = self._connections.runs.looks(ref)
        return await self._looks.look(self._post.worth)

    def may_learn(self, ref: RunRef) -> bool:
        """Return whether to ask for the past runs of the connection: once for all its watches."""
        return ref.kind == "storage" and self._post.wants_past(ref.connection_id)

    async def learn(self, ref: RunRef) -> None:
        """Ask for the past runs of the connection."""
        experience = self._lookout.experience
        experience.ask(ref.connection_id)
        try:
            runs = await self._connections.runs.recent(ref.connection_id)
        except SynchronizationError:  # it is no more than a hint
            return
        except BaseException:  # cancelled: another watch may ask
            experience.leave(ref.connection_id)
            raise
        experience.listed(ref.connection_id, durations_of(runs))

    def next_look(
        self,
        ref: RunRef,
        run: StorageRun | None = None,
        response: Response | None = None,
        *,
        at_once: bool = False,
        in_the_way: bool = False,
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
            self._post.saw(run, at=server_date(headers) or self._utc_now(), now=now)
        look = self._post.next_look(
            ref.connection_id,
            run,
            now=now,
            chance=random.random(),  # noqa: S311 - spreads looks, keeps no secret
            quiet=self.patience.quiet,
            cheapest=CHEAPEST if in_the_way or self._lookout.completions is None else TOLD,
        )
        if at_once and not dear(look):
            return 0.0
        wait = self.patience.until_next_look(look, asked=retry_after(headers) or 0.0)
        self._post.waits(look, wait)
        return wait

    def expect(self) -> None:
        """Let the other watches know that this one will need looks."""
        self._post.expected()

    def turn_to_another(self) -> None:
        """Note that it is another run from now on that is looked at: nothing known of the one before counts."""
        self._told = None
        self._change_pacing(self._pacing)
        self.expect()

    def triggered(self, now: float) -> None:
        """Note that the run to look at next was triggered just now, by the event loop's clock."""
        self._post.triggered(now)

    def ended(self, ref: RunRef, run: StorageRun) -> None:
        """Learn from a run that has ended; no more looks are needed."""
        self._post.leave()
        self._lookout.experience.note(ref.connection_id, *durations_of([run]))

    def leave(self) -> None:
        """Let the other watches have the looks that this one would need."""
        self._post.leave()

    def come_back(self) -> None:
        """Need looks again, as before."""
        self._post.come_back()

    def _change_pacing(self, pacing: Pacing) -> None:
        self._post.leave()
        self._post = Post(self._lookout, pacing)
        self.patience.pacing, self.patience.quiet = pacing, 0
