"""The progress of a bulk while it works: counts, requests and the time left. Pure."""

from collections.abc import Mapping

from attrs import frozen

from .outcomes import OutcomeStatus


@frozen(kw_only=True)
class BulkProgress:
    """The progress of a bulk.

    Attributes:
        total: The number of connections.
        waiting: Those that were not started.
        active: Those that are being triggered or followed, or wait for another client's run.
        finished: Those that are finished, by this process or an earlier one.
        counts: The number of finished connections by status.
        requests: Requests to the API so far, token requests not counted.
        seconds_left: The estimated time until the end; `None` until the duration of any run is known, an earlier one
            or one of this bulk.
    """

    total: int
    waiting: int
    active: int
    finished: int
    counts: Mapping[OutcomeStatus, int]
    requests: int
    seconds_left: float | None
