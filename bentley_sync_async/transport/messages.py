"""A request, its answer, and the interface of transports."""

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import field, frozen


@frozen(kw_only=True)
class Request:
    """One HTTP request.

    Attributes:
        method: Such as `GET`.
        url: Absolute, percent-encoded.
        headers: Without Authorization; the pipeline adds it.
        body: Bytes to send; `None` for no body.
        before_send: Called right before the request is sent, perhaps more than once. It may raise to keep the request
            from being sent; `None` if there is nothing to call.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    before_send: Callable[[], None] | None = field(default=None, repr=False, eq=False)


@frozen(kw_only=True)
class Response:
    """One whole answer.

    Attributes:
        status: HTTP status; redirects are answers like any other.
        headers: Names in lower case.
        body: All of it, decompressed.
    """

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class Transport(Protocol):
    """Carries a request to its server and brings back the whole answer.

    An implementation follows no redirect, sends no cookie, retries nothing, and raises `TransportError` with the right
    `sent` for everything that keeps a whole answer from arriving. If it waits for a connection, it calls
    `request.before_send` afterwards, and lets what that raises pass.
    """

    async def send(self, request: Request, *, timeout: float) -> Response:
        """Send the request and return the answer, whatever its status.

        Args:
            request: What to send.
            timeout: Seconds until the whole body must be there.

        Raises:
            ConnectionLostError: No connection, or it broke.
            RequestTimeoutError: It took too long.
            ResponseTooLargeError: The body passes the bound.
        """
        ...
