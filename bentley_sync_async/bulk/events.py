"""What a bulk reports while it goes on, as frozen values; each names its connection."""

from attrs import frozen

from bentley_sync_async.watch.events import WatchEvent, told
from bentley_sync_async.wire.codec import encode, to_builtins

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


@frozen(kw_only=True)
class ConnectionFinished(BulkEvent):
    """It is done with, well or not. The last event about it.

    Attributes:
        outcome: What came of it.
    """

    outcome: Outcome


def event_to_json(event: WatchEvent | BulkEvent) -> str:
    """Return an event as one line of JSON, in the API's spelling, with its name as `event`.

    The event of a watch stands in that of a bulk as `progress`. The jobs of a run stand in `RunCompleted` only, the
    tasks of a job in none: the events of the jobs and tasks themselves have told them.
    """
    if isinstance(event, WatchEvent):
        return encode(told(event)).decode()
    name = {"event": type(event).__name__}
    if isinstance(event, ConnectionProgressed):
        return encode({**name, "connectionId": event.connection_id, "progress": told(event.event)}).decode()
    return encode({**name, **to_builtins(event)}).decode()
