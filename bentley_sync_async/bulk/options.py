"""What a caller can choose for a bulk."""

from attrs import frozen

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.watch.choices import WhenActive
from bentley_sync_async.watch.pacing import Pacing


@frozen(kw_only=True)
class BulkOptions:
    """How a bulk is to be run.

    Attributes:
        concurrency: How many runs may be under way at a time.
        per_itwin: How many of one iTwin; `None` for no such bound.
        when_active: What to do when a run of the connection itself is active.
        timeout: Seconds for the watch of each connection, from its turn; `None` for no end.
        retry_failed: How many more runs a connection gets whose run failed for a cause that may pass.
        pacing: How often runs are looked at.
    """

    concurrency: int
    per_itwin: int | None
    when_active: WhenActive
    timeout: float | None
    retry_failed: int
    pacing: Pacing

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            InvalidArgumentError: An option cannot be right.
        """
        for name, value, least in (
            ("concurrency", self.concurrency, 1),
            ("per_itwin", self.per_itwin, 1),
            ("retry_failed", self.retry_failed, 0),
        ):
            optional = name == "per_itwin"
            if not (optional and value is None) and not (type(value) is int and value >= least):
                raise InvalidArgumentError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        if self.timeout is not None and not (isinstance(self.timeout, int | float) and self.timeout > 0):
            raise InvalidArgumentError(f"timeout must be a number of seconds above 0, not {self.timeout!r}.")
        if self.when_active not in {"join", "rerun"}:
            raise InvalidArgumentError(f"when_active must be 'join' or 'rerun', not {self.when_active!r}.")
