"""A transport that answers from a script and records the requests, without a server or a socket."""

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio
from attrs import frozen

from bentley_sync_async.errors import ConnectionLostError, RequestTimeoutError
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.wire.codec import encode, parse

_Make = Callable[[Request], "Step | Awaitable[Step]"]
_UNNAMED = Request(method="GET", url="https://api.example/")


@frozen
class After:
    """A delayed answer; if the request's timeout ends before the delay, a `RequestTimeoutError` is raised instead.

    Attributes:
        seconds: The delay, on the event loop's clock.
        answer: The step that follows the delay.
    """

    seconds: float
    answer: "Step"


Step: TypeAlias = Response | BaseException | _Make | After
"""One step of a script: a `Response`, an exception to raise, a function or coroutine function that takes the request
and returns a step, or `After`, which delays a step."""


class ScriptFailed(BaseException):
    """The script cannot answer a request: no step is left, or the next step is not a valid one.

    Like the exception of `pytest.fail`, it is not an `Exception`: the client retries after an exception of a token
    source, and the code under test may catch every `Exception`.
    """


@frozen(kw_only=True)
class Sent:
    """A request that a `ScriptedTransport` received.

    Attributes:
        request: The request, with its token.
        at: When it was sent, in seconds on the event loop's clock.
        timeout: Its timeout in seconds.
    """

    request: Request
    at: float
    timeout: float


class ScriptedTransport:
    """Answers requests with the steps of its script, in order, whatever the requests are.

    `SynchronizationClient("token", transport=ScriptedTransport(...))` is a client that opens no connection.

    Attributes:
        script: The remaining steps.
        always: The step that answers when no other is left.
        sent: Every request so far.
    """

    def __init__(self, *script: Step, always: Step | None = None) -> None:
        """Create a transport.

        Args:
            script: The steps, in order.
            always: The step that answers when no other is left; without it, one more request raises `ScriptFailed`.
        """
        self.script = list(script)
        self.always = always
        self.sent: list[Sent] = []

    @property
    def requests(self) -> list[Request]:
        """Every request so far."""
        return [sent.request for sent in self.sent]

    @property
    def lines(self) -> list[str]:
        """Method and URL of every request so far, such as `GET https://api.bentley.com/synchronization/...`."""
        return [f"{request.method} {request.url}" for request in self.requests]

    @property
    def bodies(self) -> list[object]:
        """The parsed JSON body of every request so far; `None` for a request without a body."""
        return [None if request.body is None else parse(request.body) for request in self.requests]

    @property
    def instants(self) -> list[float]:
        """When each request was sent, in seconds on the event loop's clock."""
        return [sent.at for sent in self.sent]

    @property
    def timeouts(self) -> list[float]:
        """The timeout of each request, in seconds."""
        return [sent.timeout for sent in self.sent]

    async def send(self, request: Request, *, timeout: float) -> Response:
        """Answer with the next step of the script; see `Transport.send`.

        Args:
            request: The request.
            timeout: Seconds within which the answer must arrive.

        Raises:
            ScriptFailed: No step is left, or the next step is not a valid one.
        """
        began = anyio.current_time()
        self.sent.append(Sent(request=request, at=began, timeout=timeout))
        described = f"{request.method} {request.url}, request {len(self.sent)}."
        if not self.script and self.always is None:
            raise ScriptFailed(f"The script has no step left for {described}")
        step = self.script.pop(0) if self.script else self.always
        while not isinstance(step, Response):
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, After):
                left = began + timeout - anyio.current_time()
                await anyio.sleep(min(step.seconds, left))
                step = step.answer if step.seconds < left else timed_out(request)
            elif callable(step):
                returned = step(request)
                step = await returned if inspect.isawaitable(returned) else returned
            else:
                raise ScriptFailed(
                    f"{step!r} is not a step of a script (a Response, such as answer() returns, an exception, a "
                    f"function of the request, or After), so there is no answer to {described}"
                )
        return step


def answer(status: int = 200, json: object = None, /, **headers: str) -> Response:
    """Return an answer.

    Args:
        status: HTTP status.
        json: The body: dicts, lists and strings, or a model, whose fields get the API's names; `None` for no body.
        **headers: The headers; `retry_after="3"` becomes `retry-after: 3`.
    """
    body = b"" if json is None else encode(json)
    return Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body)


def refusal(status: int, code: str = "SomeCode", message: str = "Some message.", /, **headers: str) -> Response:
    """Return an error answer in the API's form.

    Args:
        status: HTTP status, 400 or more.
        code: The error's code.
        message: The error's text.
        **headers: As for `answer`.
    """
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


def lost(request: Request = _UNNAMED, *, sent: bool = True) -> ConnectionLostError:
    """Return the error of a lost connection; the function itself is also a step of a script.

    Args:
        request: The request without an answer.
        sent: Whether the service may have received it.
    """
    return ConnectionLostError("the connection broke", method=request.method, url=request.url, sent=sent)


def timed_out(request: Request = _UNNAMED, *, sent: bool = True) -> RequestTimeoutError:
    """Return the error of a timeout; the function itself is also a step of a script.

    Args:
        request: The request without an answer.
        sent: Whether the service may have received it.
    """
    return RequestTimeoutError("no whole answer", method=request.method, url=request.url, sent=sent)
