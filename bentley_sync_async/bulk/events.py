"""What a bulk reports while it goes on, as frozen values; each names its connection."""

from attrs import frozen

from bentley_sync_async.watch.events import WatchEvent, event_to_builtins
from bentley_sync_async.wire.codec import encode, to_builtins

from .outcomes import Outcome


@frozen(kw_only=True)
class BulkEvent:
    """Something happened to one connection of a bulk.

    Attributes:
        connection_id: The connection; of an iModel that could not be asked for its connections, `None`.
    """

    connection_id: str | None

    def to_json(self) -> str:
        """Return the event as one line of JSON, in the API's spelling, with the name of its class as `event`."""
        return encode({"event": type(self).__name__, **to_builtins(self)}).decode()


@frozen(kw_only=True)
class ConnectionStarted(BulkEvent):
    """Its turn has come: it is going to be triggered, or followed again if an earlier process has triggered it.

    Attributes:
        imodel_id: Its iModel; `None` if nobody could tell.
        attempt: Which run it will be, from 1; above 1, the one before failed for a cause that may have passed.
        resumed: Whether an earlier process with the same journal has begun with it.
    """

    imodel_id: str | None
    attempt: int
    resumed: bool = False


@frozen(kw_only=True)
class ConnectionProgressed(BulkEvent):
    """Something happened in the watch of its run.

    Attributes:
        event: What: any event of a watch.
    """

    event: WatchEvent

    def to_json(self) -> str:
        """Return the event as one line of JSON; the event of the watch is its `progress`."""
        progress = event_to_builtins(self.event)
        name = type(self).__name__
        return encode({"event": name, "connectionId": self.connection_id, "progress": progress}).decode()


@frozen(kw_only=True)
class ConnectionFinished(BulkEvent):
    """It is done with, well or not. The last event about it.

    Attributes:
        outcome: What came of it.
    """

    outcome: Outcome
