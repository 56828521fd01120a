"""The schedule of a bulk: which connection may be triggered next. Pure.

The service runs one synchronization of an iModel at a time, so the connections of an iModel form a queue, and one of
them is under way. The queue with the most work left goes first, so that little work is left at the end. As many
connections are under way as there are slots; a connection releases its slot while another client's run is active on its
iModel.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable

from attrs import define, evolve, field, frozen

Rank = tuple[bool, float, int]
"""The order of queues; the lowest comes first."""


@frozen(kw_only=True)
class Item:
    """A connection that is to be run.

    Attributes:
        connection_id: The connection.
        imodel_id: Its iModel; `None` if unknown: it is then treated as the only connection of an iModel.
        itwin_id: Its iTwin; `None` if unknown.
        expected: The expected duration of its run in seconds.
        under_way: Whether an earlier process has started it: it goes before all others.
        display_name: Its name; `None` if unknown.
    """

    connection_id: str
    imodel_id: str | None = None
    itwin_id: str | None = None
    expected: float
    under_way: bool = False
    display_name: str | None = None

    @property
    def queue_key(self) -> str:
        """The iModel, of which only one connection may be under way; the connection itself if the iModel is unknown."""
        # The first letter distinguishes iModels from connections.
        return f"i{self.imodel_id.lower()}" if self.imodel_id is not None else f"c{self.connection_id}"


@define(eq=False)
class _IModelQueue:
    """The connections of one iModel.

    Attributes:
        number: Its order among queues with the same work.
        itwin_id: Their iTwin.
        waiting: Those that wait, the next one first.
        head: The connection that is under way, or continues when there is a slot.
        left: The expected seconds of all that wait.
        has_slot: Whether the head has a slot.
    """

    number: int
    itwin_id: str | None
    # No deque: most of thousands of queues have one item, and an empty deque takes 600 bytes.
    waiting: list[Item] = field(factory=list)
    head: Item | None = None
    left: float = 0.0
    has_slot: bool = False

    def rank(self) -> Rank:
        """Return its order: queues with a connection under way first, then by the most work."""
        first = self.head or self.waiting[0]
        return (not first.under_way, -self.left - (self.head.expected if self.head else 0.0), self.number)


class Schedule:
    """Decides which connections may be under way.

    Attributes:
        running: How many have a slot.
        waiting: How many have not been started yet.
    """

    def __init__(self, items: Iterable[Item], *, concurrency: int, per_itwin: int | None = None) -> None:
        """Start with all items waiting.

        Args:
            items: The connections.
            concurrency: How many may be under way at a time.
            per_itwin: How many of one iTwin may be under way at a time; `None` for no such limit.
        """
        self.running = 0
        self.waiting = 0
        self._concurrency = concurrency
        self._per_itwin = per_itwin
        self._of_itwin: Counter[str | None] = Counter()
        self._queues: dict[str, _IModelQueue] = {}
        self._ready: list[tuple[Rank, _IModelQueue]] = []
        self._held_back: defaultdict[str | None, list[tuple[Rank, _IModelQueue]]] = defaultdict(list)
        for item in sorted(items, key=lambda item: (not item.under_way, -item.expected)):
            queue = self._queue_of(item)
            queue.waiting.append(item)
            queue.left += item.expected
            self.waiting += 1
        for queue in self._queues.values():
            self._make_ready(queue)

    def start_next(self) -> list[Item]:
        """Return the items that may start or continue now, and assign each a slot."""
        started: list[Item] = []
        while self._ready and self.running < self._concurrency:
            rank, queue = heapq.heappop(self._ready)
            if self._itwin_is_full(queue.itwin_id):
                heapq.heappush(self._held_back[queue.itwin_id], (rank, queue))
                continue
            if queue.head is None:
                queue.head = queue.waiting.pop(0)
                queue.left -= queue.head.expected
                self.waiting -= 1
            self.assign_slot(queue.head)
            started.append(queue.head)
        return started

    def has_slot(self, item: Item) -> bool:
        """Return whether the item has a slot."""
        return self._queue_of(item).has_slot

    def release_slot(self, item: Item) -> None:
        """Release the item's slot while another client's run is active on its iModel; the others of its queue wait."""
        self._release(self._queue_of(item))

    def request_slot(self, item: Item) -> None:
        """Let an item that released its slot continue: `start_next` returns it once there is a slot."""
        self._make_ready(self._queue_of(item))

    def assign_slot(self, item: Item) -> None:
        """Assign the item a slot unless it has one, even above the limit, as its run exists already."""
        queue = self._queue_of(item)
        if not queue.has_slot:
            queue.has_slot = True
            self.running += 1
            self._of_itwin[queue.itwin_id] += 1

    def finish(self, item: Item) -> None:
        """Remove a finished item; its iModel is free for the next."""
        queue = self._queue_of(item)
        self._release(queue)
        queue.head = None
        if queue.waiting:
            self._make_ready(queue)

    def requeue(self, item: Item) -> None:
        """Move an item that has a slot to the end of its queue."""
        queue = self._queue_of(item)
        queue.waiting.append(evolve(item, under_way=False))
        queue.left += item.expected
        self.waiting += 1
        self.finish(item)

    def _itwin_is_full(self, itwin_id: str | None) -> bool:
        if self._per_itwin is None or itwin_id is None:
            return False
        return self._of_itwin[itwin_id] >= self._per_itwin

    def _queue_of(self, item: Item) -> _IModelQueue:
        key = item.queue_key
        if key not in self._queues:
            self._queues[key] = _IModelQueue(number=len(self._queues), itwin_id=item.itwin_id)
        return self._queues[key]

    def _make_ready(self, queue: _IModelQueue) -> None:
        heapq.heappush(self._ready, (queue.rank(), queue))

    def _release(self, queue: _IModelQueue) -> None:
        if queue.has_slot:
            queue.has_slot = False
            self.running -= 1
            self._of_itwin[queue.itwin_id] -= 1
            if held_back := self._held_back[queue.itwin_id]:
                heapq.heappush(self._ready, heapq.heappop(held_back))  # one slot, one queue
