"""The progress of a bulk. Pure."""

from collections.abc import Mapping

from attrs import frozen

from .outcomes import OutcomeStatus


@frozen(kw_only=True)
class BulkProgress:
    """The progress of a bulk.

    Attributes:
        total: Connections.
        waiting: Those whose turn has not come.
        active: Those that are triggered, followed, or wait for somebody else's run.
        finished: Those that are done with, by an earlier process as well.
        counts: How many of them came to what.
        requests: Requests to the API so far, token requests not counted.
        seconds_left: How long it should still take; `None` before it is known what there is to do.
    """

    total: int
    waiting: int
    active: int
    finished: int
    counts: Mapping[OutcomeStatus, int]
    requests: int
    seconds_left: float | None
