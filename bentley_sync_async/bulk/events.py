"""The events of a bulk, as frozen values; each names its connection. Pure."""

from attrs import frozen

from bentley_sync_async.watch.events import WatchEvent, event_to_builtins
from bentley_sync_async.wire.codec import encode, to_builtins

from .outcomes import Outcome


@frozen(kw_only=True)
class BulkEvent:
    """Any event of a bulk, about one connection.

    Attributes:
        connection_id: The connection; `None` if the connections of an iModel could not be listed.
    """

    connection_id: str | None

    def to_json(self) -> str:
        """Return the event as one line of JSON, in the API's spelling, with the name of its class as `event`."""
        return encode({"event": type(self).__name__, **to_builtins(self)}).decode()


@frozen(kw_only=True)
class ConnectionStarted(BulkEvent):
    """The connection will be triggered now, or followed again if an earlier process has triggered it.

    Attributes:
        imodel_id: Its iModel; `None` if unknown.
        attempt: The number of the run, from 1; above 1, the run before failed for a transient cause.
        resumed: Whether an earlier process with the same journal has started it.
        display_name: Its name; `None` if unknown.
    """

    imodel_id: str | None
    attempt: int
    resumed: bool = False
    display_name: str | None = None


@frozen(kw_only=True)
class ConnectionProgressed(BulkEvent):
    """The watch of its run emitted an event.

    Attributes:
        event: The event of the watch.
    """

    event: WatchEvent

    def to_json(self) -> str:
        """Return the event as one line of JSON; the event of the watch is its `progress`."""
        progress = event_to_builtins(self.event)
        name = type(self).__name__
        return encode({"event": name, "connectionId": self.connection_id, "progress": progress}).decode()


@frozen(kw_only=True)
class ConnectionFinished(BulkEvent):
    """The connection is finished. The last event about it.

    Attributes:
        outcome: Its outcome.
    """

    outcome: Outcome
