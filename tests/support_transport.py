"""A transport that answers from a script and remembers what it was asked."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable

import anyio
from attrs import frozen

from bentley_sync_async.errors import ConnectionLostError, RequestTimeoutError
from bentley_sync_async.transport.messages import Request, Response

Make = Callable[[Request], "Response | BaseException | Awaitable[Response]"]


@frozen
class After:
    """An answer that takes its time; past the request's timeout it becomes a `RequestTimeoutError`."""

    seconds: float
    answer: Response | BaseException | Make


Step = Response | BaseException | Make | After


@frozen(kw_only=True)
class Sent:
    request: Request
    at: float
    timeout: float


class ScriptedTransport:
    """Gives its answers one after the other: a `Response`, an exception, a function of the request, or `After` one.

    `always` answers what the script does not; without it a request too many is an `AssertionError`.
    """

    def __init__(self, *script: Step, always: Step | None = None) -> None:
        self.script = list(script)
        self.always = always
        self.sent: list[Sent] = []

    @property
    def requests(self) -> list[Request]:
        return [sent.request for sent in self.sent]

    @property
    def instants(self) -> list[float]:
        return [sent.at for sent in self.sent]

    @property
    def timeouts(self) -> list[float]:
        return [sent.timeout for sent in self.sent]

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.requests]

    @property
    def bodies(self) -> list[object]:
        return [None if request.body is None else json.loads(request.body) for request in self.requests]

    async def send(self, request: Request, *, timeout: float) -> Response:
        self.sent.append(Sent(request=request, at=anyio.current_time(), timeout=timeout))
        step = self.script.pop(0) if self.script else self.always
        if isinstance(step, After):
            await anyio.sleep(min(step.seconds, timeout))
            if step.seconds >= timeout:
                raise timed_out(request)
            step = step.answer
        if callable(step) and not isinstance(step, BaseException):
            made = step(request)
            step = await made if inspect.isawaitable(made) else made
        if isinstance(step, BaseException):
            raise step
        assert step is not None, f"nothing in the script answers {request.method} {request.url}"
        return step


def answer(status: int = 200, json_body: object = None, /, **headers: str) -> Response:
    """Return an answer; `retry_after="3"` is the header `retry-after: 3`."""
    body = b"" if json_body is None else json.dumps(json_body).encode()
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status=status, headers=names, body=body)


def refusal(status: int, code: str = "SomeCode", message: str = "Some message.", /, **headers: str) -> Response:
    """Return an error answer with the API's error object."""
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


def lost(method: str = "GET", url: str = "https://api.example/", *, sent: bool = True) -> ConnectionLostError:
    return ConnectionLostError("the connection broke", method=method, url=url, sent=sent)


def timed_out(request: Request | None = None, *, sent: bool = True) -> RequestTimeoutError:
    method, url = (request.method, request.url) if request is not None else ("GET", "https://api.example/")
    return RequestTimeoutError("no whole answer", method=method, url=url, sent=sent)
