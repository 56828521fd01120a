"""A transport that answers from a script and remembers what it was asked: no server, no socket."""

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
    """An answer that takes its time; when the request's timeout is over first, it is a `RequestTimeoutError`.

    Attributes:
        seconds: How long it takes, on the event loop's clock.
        answer: What comes then.
    """

    seconds: float
    answer: "Step"


Step: TypeAlias = Response | BaseException | _Make | After
"""One answer of a script: a `Response`, an exception to raise, a function of the request (a coroutine function, too)
that returns one of these, or `After` some time any of them."""


class ScriptFailed(BaseException):
    """The script does not say how to answer a request: it is used up, or a step of it is none.

    It is no `Exception`, as what pytest fails a test with is none: the client takes an exception of a token source for
    an outage and tries again, and the code under test may catch all of them.
    """


@frozen(kw_only=True)
class Sent:
    """A request that a `ScriptedTransport` got.

    Attributes:
        request: The request, with the token that it was sent with.
        at: When, on the event loop's clock, in seconds.
        timeout: Seconds that it was given.
    """

    request: Request
    at: float
    timeout: float


class ScriptedTransport:
    """Gives the answers of its script, one after the other, whatever the requests are.

    `SynchronizationClient("token", transport=ScriptedTransport(...))` is a client that sends nothing anywhere.

    Attributes:
        script: The answers that are left.
        always: What answers when none is left.
        sent: Every request so far.
    """

    def __init__(self, *script: Step, always: Step | None = None) -> None:
        """Make a transport.

        Args:
            script: The answers, in order.
            always: What answers when none is left; without it, one request too many is a `ScriptFailed`.
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
        """The JSON of every request so far, as dicts and lists; `None` for a request without a body."""
        return [None if request.body is None else parse(request.body) for request in self.requests]

    @property
    def instants(self) -> list[float]:
        """When each request came, on the event loop's clock, in seconds."""
        return [sent.at for sent in self.sent]

    @property
    def timeouts(self) -> list[float]:
        """The seconds that each request was given."""
        return [sent.timeout for sent in self.sent]

    async def send(self, request: Request, *, timeout: float) -> Response:
        """Answer with the next step of the script; see `Transport.send`.

        Args:
            request: What is asked.
            timeout: Seconds until the answer must be there.

        Raises:
            ScriptFailed: The script does not say what to answer.
        """
        began = anyio.current_time()
        self.sent.append(Sent(request=request, at=began, timeout=timeout))
        asked = f"{request.method} {request.url}, request {len(self.sent)}."
        if not self.script and self.always is None:
            raise ScriptFailed(f"Nothing in the script is left to answer {asked}")
        step = self.script.pop(0) if self.script else self.always
        while not isinstance(step, Response):
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, After):
                left = began + timeout - anyio.current_time()
                await anyio.sleep(min(step.seconds, left))
                step = step.answer if step.seconds < left else timed_out(request)
            elif callable(step):
                made = step(request)
                step = await made if inspect.isawaitable(made) else made
            else:
                raise ScriptFailed(
                    f"{step!r} is no step of a script (a Response, such as answer() makes, an exception, a function of "
                    f"the request, or After): there is no answer to {asked}"
                )
        return step


def answer(status: int = 200, json: object = None, /, **headers: str) -> Response:
    """Return an answer.

    Args:
        status: HTTP status.
        json: Its body: dicts, lists and strings, or a model in the API's own spelling; `None` for no body.
        **headers: Its headers; `retry_after="3"` is `retry-after: 3`.
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
    """Return the error of a connection that broke; `lost` itself is a step of a script, too.

    Args:
        request: The request that gets no answer.
        sent: Whether the service may have received it.
    """
    return ConnectionLostError("the connection broke", method=request.method, url=request.url, sent=sent)


def timed_out(request: Request = _UNNAMED, *, sent: bool = True) -> RequestTimeoutError:
    """Return the error of an answer that did not come in time; `timed_out` itself is a step of a script, too.

    Args:
        request: The request that gets no answer.
        sent: Whether the service may have received it.
    """
    return RequestTimeoutError("no whole answer", method=request.method, url=request.url, sent=sent)
