"""Who tells a watch that its run has ended, so that it need not look to find out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import anyio

from bentley_sync_async.models import RunRef

_MOST = 10_000


@runtime_checkable
class CompletionSignal(Protocol):
    """Knows of ends of runs before anybody looks; a webhook's receiver, as a rule.

    A watch waits for the signal no longer than until its next look is due, and believes nothing: it looks, once for an
    end that was told, and goes on as ever if the run has not ended.
    """

    async def wait(self, ref: RunRef) -> None:
        """Return when the end of a run is told, or at once if it was told before; it may be cancelled at any time.

        Args:
            ref: The run.
        """
        ...


class CompletionNotifier:
    """A `CompletionSignal` of this process: what is announced here wakes the watches of that run.

    It belongs to one event loop; from another thread use `loop.call_soon_threadsafe(announcements.announce, ref)`.
    """

    def __init__(self) -> None:
        """Begin with nothing announced."""
        self._ended: dict[tuple[str, str], None] = {}  # the latest last
        self._waiting: dict[str, set[anyio.Event]] = {}

    def notify(self, ref: RunRef) -> None:
        """Tell that a run has ended.

        It is remembered, among the latest 10,000, for watches that ask later. Whoever waits for another run of the same
        connection right now is woken as well: no page says that the message's id is the run's.

        Args:
            ref: The run.
        """
        self._ended.pop(_key(ref), None)
        self._ended[_key(ref)] = None
        if len(self._ended) > _MOST:
            del self._ended[next(iter(self._ended))]
        for event in self._waiting.get(ref.connection_id, ()):
            event.set()

    async def wait(self, ref: RunRef) -> None:
        """Return when the end of a run is announced; see `CompletionSignal.wait`.

        Args:
            ref: The run.
        """
        if _key(ref) in self._ended:
            return
        event = anyio.Event()
        waiting = self._waiting.setdefault(ref.connection_id, set())
        waiting.add(event)
        try:
            await event.wait()
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(ref.connection_id, None)


def _key(ref: RunRef) -> tuple[str, str]:
    return ref.connection_id, ref.run_id.lower()
