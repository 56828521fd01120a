"""What a bulk reports while it goes on, as frozen values; each names its connection."""

from attrs import frozen

from bentley_sync_async.watch.events import WatchEvent

from .outcomes import Outcome


@frozen(kw_only=True)
class BulkEvent:
    """Something happened to one connection of a bulk.

    Attributes:
        connection_id: The connection; of an iModel that could not be asked for its connections, `None`.
    """

    connection_id: str | None


@frozen(kw_only=True)
class ConnectionStarted(BulkEvent):
    """Its turn has come: it is going to be triggered, or followed again if an earlier process has triggered it.

    Attributes:
        attempt: Which run it will be, from 1; above 1, the one before failed for a cause that may have passed.
        resumed: Whether an earlier process with the same journal has begun with it.
    """

    attempt: int
    resumed: bool = False


@frozen(kw_only=True)
class ConnectionProgressed(BulkEvent):
    """Something happened in the watch of its run.

    Attributes:
        event: What: any event of a watch.
    """

    event: WatchEvent


@frozen(kw_only=True)
class ConnectionFinished(BulkEvent):
    """It is done with, well or not. The last event about it.

    Attributes:
        outcome: What came of it.
    """

    outcome: Outcome
