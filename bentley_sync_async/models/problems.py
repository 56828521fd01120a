"""The error object of the service's error answers."""

from attrs import frozen

from bentley_sync_async.errors import ProblemDetail


@frozen(kw_only=True)
class Problem:
    """The error object of an answer ("Error"). The pages warn that any part of it may be missing.

    Attributes:
        code: The service's error code, such as `StorageConnectionNotFound`. The same error has had several: see the
            status first.
        message: For people.
        target: What the error is about; usually `None`, as the details say it.
        details: One for each thing that is wrong; empty when the service gives none.
    """

    code: str | None = None
    message: str | None = None
    target: str | None = None
    details: tuple[ProblemDetail, ...] = ()
