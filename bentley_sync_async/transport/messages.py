"""A request, the API product that it is for, its answer, and the interface of transports."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from attrs import evolve, field, frozen

from bentley_sync_async.redaction import redact, without, without_in_text


@frozen
class Product:
    """An API product.

    Attributes:
        path: Its folder below the platform's root.
        headers: What every request to it carries: the version of the API that the client speaks.
    """

    path: str
    headers: Mapping[str, str] = field(repr=False)


def _product(path: str, *, version: int) -> Product:
    accept = f"application/vnd.bentley.itwin-platform.v{version}+json"
    return Product(path, MappingProxyType({"Accept": accept}))


SYNCHRONIZATION: Final = _product("synchronization", version=1)
STORAGE: Final = _product("storage", version=1)
IMODELS: Final = _product("imodels", version=2)
ITWINS: Final = _product("itwins", version=1)
WEBHOOKS: Final = _product("webhooks", version=2)


def _redacted(url: str) -> str:
    return repr(redact(url))


@frozen(kw_only=True)
class Request:
    """One HTTP request.

    Attributes:
        method: Such as `GET`.
        url: Absolute, percent-encoded; shown without the signature of a signed one.
        headers: Without Authorization; the pipeline adds it.
        body: Bytes to send; `None` for no body.
        before_send: Called right before the request is sent, perhaps more than once. It may raise to keep the request
            from being sent; `None` if there is nothing to call.
        secret: The token or client secret that the request carries; no error may quote it.
    """

    method: str
    url: str = field(repr=_redacted)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    before_send: Callable[[], None] | None = field(default=None, repr=False, eq=False)
    secret: str = field(default="", repr=False, eq=False)


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


def without_secret(secret: str, response: Response) -> Response:
    """Return an answer with a secret removed from its body and headers, should the server have quoted it."""
    body = without(secret, response.body) if secret else response.body
    if any(without_in_text(secret, text) is not text for text in response.headers.values()):
        headers = {name: without_in_text(secret, text) for name, text in response.headers.items()}
        response = evolve(response, headers=headers)
    return response if body is response.body else evolve(response, body=body)


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
