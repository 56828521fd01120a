"""Which connection of a bulk may be triggered next. Pure.

The service runs one synchronization of an iModel at a time, so the connections of an iModel form a lane, in which one
is under way. Of the lanes, the one with the most work left goes first: what is left at the end is then short. A lane
gives its place back while a run of somebody else occupies its iModel.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable

from attrs import define, evolve, field, frozen

Rank = tuple[bool, float, int]
"""How early a lane comes; the least comes first."""


@frozen(kw_only=True)
class Item:
    """A connection that is to be run.

    Attributes:
        connection_id: The connection.
        imodel_id: Its iModel; `None` if nobody could tell: it is then taken for the only connection of one.
        itwin_id: Its iTwin; `None` if nobody could tell.
        expected: Seconds that its run will take, as far as can be told.
        under_way: Whether an earlier process has begun with it: it goes before all others.
    """

    connection_id: str
    imodel_id: str | None = None
    itwin_id: str | None = None
    expected: float
    under_way: bool = False

    @property
    def lane(self) -> str:
        """What only one connection at a time may occupy: the iModel, or the connection itself if that is unknown."""
        # A letter before it tells an iModel from a connection.
        return f"i{self.imodel_id.lower()}" if self.imodel_id is not None else f"c{self.connection_id}"


@define(eq=False)
class _Lane:
    """The connections of one iModel.

    Attributes:
        number: Its place among lanes of the same work.
        itwin_id: Their iTwin.
        waiting: Those that wait, the next one first.
        head: The one that is under way, or is to go on when there is a place.
        left: Expected seconds of all that wait.
        holds: Whether the head has a place.
    """

    number: int
    itwin_id: str | None
    waiting: list[Item] = field(factory=list)  # of thousands of lanes most have one, and an empty deque has 600 bytes
    head: Item | None = None
    left: float = 0.0
    holds: bool = False

    def rank(self) -> Rank:
        """Return how early it comes: what is under way first, then the most work."""
        first = self.head or self.waiting[0]
        return (not first.under_way, -self.left - (self.head.expected if self.head else 0.0), self.number)


class Schedule:
    """Decides which connections may be under way.

    Attributes:
        running: How many have a place.
        waiting: How many have not been taken yet.
    """

    def __init__(self, items: Iterable[Item], *, concurrency: int, per_itwin: int | None = None) -> None:
        """Begin with all items waiting.

        Args:
            items: What is to be run.
            concurrency: How many may be under way at a time.
            per_itwin: How many of one iTwin; `None` for no such bound.
        """
        self.running = 0
        self.waiting = 0
        self._concurrency = concurrency
        self._per_itwin = per_itwin
        self._of_itwin: Counter[str | None] = Counter()
        self._lanes: dict[str, _Lane] = {}
        self._ready: list[tuple[Rank, _Lane]] = []
        self._held_back: defaultdict[str | None, list[tuple[Rank, _Lane]]] = defaultdict(list)
        for item in sorted(items, key=lambda item: (not item.under_way, -item.expected)):
            lane = self._lane(item)
            lane.waiting.append(item)
            lane.left += item.expected
            self.waiting += 1
        for lane in self._lanes.values():
            self._offer(lane)

    def take(self) -> list[Item]:
        """Return the items that may start or go on now, and give each a place."""
        taken: list[Item] = []
        while self._ready and self.running < self._concurrency:
            rank, lane = heapq.heappop(self._ready)
            if self._itwin_is_full(lane.itwin_id):
                heapq.heappush(self._held_back[lane.itwin_id], (rank, lane))
                continue
            if lane.head is None:
                lane.head = lane.waiting.pop(0)
                lane.left -= lane.head.expected
                self.waiting -= 1
            self.seize(lane.head)
            taken.append(lane.head)
        return taken

    def holds(self, item: Item) -> bool:
        """Return whether the item has a place."""
        return self._lane(item).holds

    def release(self, item: Item) -> None:
        """Give the item's place back while somebody else's run occupies its iModel; its lane stays occupied."""
        self._give_back(self._lane(item))

    def reclaim(self, item: Item) -> None:
        """Let an item that gave its place back go on: `take` returns it once there is a place."""
        self._offer(self._lane(item))

    def seize(self, item: Item) -> None:
        """Give the item a place though there may be none, unless it has one: its run is there already."""
        lane = self._lane(item)
        if not lane.holds:
            lane.holds = True
            self.running += 1
            self._of_itwin[lane.itwin_id] += 1

    def finish(self, item: Item) -> None:
        """Note that the item is done with, and its iModel free for the next."""
        lane = self._lane(item)
        self._give_back(lane)
        lane.head = None
        if lane.waiting:
            self._offer(lane)

    def again(self, item: Item) -> None:
        """Put an item that has a place back to the end of its lane, where it goes before nobody any more."""
        lane = self._lane(item)
        lane.waiting.append(evolve(item, under_way=False))
        lane.left += item.expected
        self.waiting += 1
        self.finish(item)

    def _itwin_is_full(self, itwin_id: str | None) -> bool:
        if self._per_itwin is None or itwin_id is None:
            return False
        return self._of_itwin[itwin_id] >= self._per_itwin

    def _lane(self, item: Item) -> _Lane:
        name = item.lane
        if name not in self._lanes:
            self._lanes[name] = _Lane(number=len(self._lanes), itwin_id=item.itwin_id)
        return self._lanes[name]

    def _offer(self, lane: _Lane) -> None:
        heapq.heappush(self._ready, (lane.rank(), lane))

    def _give_back(self, lane: _Lane) -> None:
        if lane.holds:
            lane.holds = False
            self.running -= 1
            self._of_itwin[lane.itwin_id] -= 1
            if held_back := self._held_back[lane.itwin_id]:
                heapq.heappush(self._ready, heapq.heappop(held_back))  # one place, one lane
