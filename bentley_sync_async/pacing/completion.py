"""Completion signals: what wakes a watch when its run has ended, so that it need not poll to find out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import anyio

from bentley_sync_async.models import RunRef

_KEPT = 10_000


@runtime_checkable
class CompletionSignal(Protocol):
    """Signals the completion of runs, usually from the receiver of a webhook.

    A watch waits for the signal until its next poll is due. The signal is not trusted: the watch polls once when it
    comes, and continues as before if the run has not ended.
    """

    async def wait(self, ref: RunRef) -> None:
        """Return when the completion of a run is signalled, at once if it was before; may be cancelled at any time.

        Args:
            ref: The run.
        """
        ...


class CompletionNotifier:
    """A `CompletionSignal` within this process: `notify(ref)` wakes the watches of that run.

    It belongs to one event loop; from another thread use `loop.call_soon_threadsafe(notifier.notify, ref)`.
    """

    def __init__(self) -> None:
        """Start with no completed run."""
        self._ended: dict[tuple[str, str], None] = {}  # the latest last
        self._waiting: dict[str, set[anyio.Event]] = {}

    def notify(self, ref: RunRef) -> None:
        """Signal that a run has ended.

        The latest 10,000 signals are kept for watches that wait later. Watches of other runs of the same connection are
        woken as well: no page says that the id in a webhook's message is the run's.

        Args:
            ref: The run.
        """
        self._ended.pop(_key(ref), None)
        self._ended[_key(ref)] = None
        if len(self._ended) > _KEPT:
            del self._ended[next(iter(self._ended))]
        for event in self._waiting.get(ref.connection_id, ()):
            event.set()

    async def wait(self, ref: RunRef) -> None:
        """Return when the completion of a run is signalled; see `CompletionSignal.wait`.

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
