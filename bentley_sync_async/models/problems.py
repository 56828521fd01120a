"""What the service says when it refuses a request."""

from attrs import frozen


@frozen(kw_only=True)
class ProblemDetail:
    """One thing that is wrong with a request (an element of `error.details` in every 422 example).

    Attributes:
        code: Such as `InvalidValue` or `MissingRequiredProperty`.
        message: For people.
        target: The property or parameter that it is about; `None` if it is about the whole body.
    """

    code: str | None = None
    message: str | None = None
    target: str | None = None

    def __str__(self) -> str:
        about = f"{self.target}: " if self.target else ""
        return f"{about}{self.message or 'no message'} ({self.code or 'no code'})"


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
