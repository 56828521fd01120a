"""Every error of a watch has a resume token; the watch that is resumed from it completes, with one run."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from attrs import define
from support.runs import NOW
from support.transport import ScriptedTransport, Step, answer, lost, refusal, scripted, timed_out

from bentley_sync_async import (
    AuthenticationError,
    BackoffPacing,
    ConfigurationError,
    ConflictError,
    CredentialsError,
    ForeignOriginError,
    IModelBusyError,
    NotFoundError,
    PermissionDeniedError,
    PollDelayed,
    ResponseTooLargeError,
    RunCompleted,
    RunRef,
    RunVanishedError,
    RunWatcher,
    SynchronizationClient,
    SynchronizationError,
    TriggerDelayed,
    UnprocessableError,
    WatchEvent,
    WatchFailedError,
    WatchTimeoutError,
)
from bentley_sync_async.transport.messages import Request, Response

BASE = "https://api.example"
ROOT = "/synchronization/imodels/storageconnections"
RUN_URL = f"{BASE}{ROOT}/connection/runs/run"
OTHERS_URL = f"{BASE}{ROOT}/other/runs/theirs"
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)
EXECUTING = answer(200, {"run": {"id": "run", "connectionId": "connection", "state": "Executing", "jobs": []}})
HTML = Response(status=200, headers={"content-type": "text/html"}, body=b"<html>It works!</html>")
TRIGGERED = answer(202, location=RUN_URL)


@define
class Service:
    """A service without failures; its one run, once created, has just been completed."""

    created: int = 0

    def __call__(self, request: Request) -> Response:
        if request.method == "POST":
            self.created += 1
            return TRIGGERED
        run = {"id": "run", "connectionId": "connection", "state": "Completed", "result": "Success", "jobs": []}
        run["endDateTime"] = (NOW + timedelta(days=1)).isoformat()
        links = {"lastRun": {"href": RUN_URL}} if self.created else {}
        match urlsplit(request.url).path.removeprefix(ROOT).split("/")[1:]:
            case ["connection"]:
                return answer(200, {"connection": {"id": "connection", "_links": links}})
            case ["connection", "runs"]:
                return answer(200, {"runs": [run] if self.created else []})
            case _:
                return answer(200, {"run": run}, date="Sun, 22 Nov 2026 12:00:00 GMT")

    def then(self, step: Step) -> Callable[[Request], Response]:
        """Carry out the request, and answer with something else."""

        def answering(request: Request) -> Response:
            self(request)
            if isinstance(step, BaseException):
                raise step
            assert isinstance(step, Response)
            return step

        return answering


def too_large() -> ResponseTooLargeError:
    return ResponseTooLargeError("the answer is larger than 9 bytes", method="GET", url=RUN_URL, sent=True)


def redirect() -> Response:
    return answer(301, location="https://elsewhere.example/")


ERRORS: dict[str, tuple[list[Step | str], type[SynchronizationError]]] = {
    "the trigger is answered 401": ([refusal(401)], AuthenticationError),
    "the trigger is answered 403": ([refusal(403)], PermissionDeniedError),
    "the trigger is answered 404": ([refusal(404)], NotFoundError),
    "the trigger is answered 422": ([refusal(422)], UnprocessableError),
    "the trigger is answered 409 ten times": ([refusal(409)] * 10, ConflictError),
    "the Location is on another origin": (
        ["created", answer(202, location="https://evil.example/x")],
        ForeignOriginError,
    ),
    "the search for the run of a lost answer is rejected": (
        ["created", lost("POST"), refusal(403)],
        PermissionDeniedError,
    ),
    "there are no credentials": ([CredentialsError("No.")], CredentialsError),
    "the client is not open": ([ConfigurationError("Not open.")], ConfigurationError),
    "the iModel is busy": ([answer(303, location=OTHERS_URL)], IModelBusyError),
    "a poll is answered 401": (["created", TRIGGERED, refusal(401)], AuthenticationError),
    "a poll is answered 403": (["created", TRIGGERED, EXECUTING, refusal(403)], PermissionDeniedError),
    "a poll is answered 422": (["created", TRIGGERED, EXECUTING, refusal(422)], UnprocessableError),
    "the run is gone": (["created", TRIGGERED, EXECUTING, refusal(404)], RunVanishedError),
}


async def follow(watcher: RunWatcher) -> tuple[list[WatchEvent], SynchronizationError | None]:
    events: list[WatchEvent] = []
    try:
        async for event in watcher:
            events.append(event)  # noqa: PERF401 - kept when the watch ends with an error
    except SynchronizationError as error:
        return events, error
    return events, None


async def check_resumed_watch(service: Service, events: list[WatchEvent], error: SynchronizationError | None) -> None:
    assert error is not None
    token = error.resume_token
    _, client = scripted(always=service)
    after, resumed_error = await follow(client.resume(token, pacing=PACING))
    assert resumed_error is None
    assert isinstance(after[-1], RunCompleted)
    assert [event.seq for event in events + after] == list(range(1, len(events + after) + 1))
    assert service.created == 1


@pytest.mark.parametrize("case", ERRORS)
async def test_every_error_has_a_token_that_resumes_the_watch(case):
    script, cls = ERRORS[case]
    service = Service()
    steps = list(script)
    if steps[0] == "created":
        steps[:2] = [service.then(steps[1])]
    _, client = scripted(*steps)
    events, error = await follow(client.watch("connection", pacing=PACING, when_busy="fail"))
    assert type(error) is cls
    await check_resumed_watch(service, events, error)


@pytest.mark.parametrize("script", [[], [TRIGGERED, EXECUTING]], ids=["triggering", "following"])
@pytest.mark.parametrize(
    ("timeout", "cls"), [(None, WatchFailedError), (300, WatchTimeoutError)], ids=["failure budget", "timeout"]
)
async def test_an_error_after_an_outage_has_a_token_that_resumes_the_watch(script, timeout, cls):
    service = Service(created=len(script) // 2)
    _, client = scripted(*script, always=lost(sent=False))
    events, error = await follow(client.watch("connection", pacing=PACING, timeout=timeout))
    assert type(error) is cls
    if timeout is None:
        await check_resumed_watch(service, events, error)
    else:
        _, again = await follow(client.resume(error.resume_token))
        assert isinstance(again, WatchTimeoutError)


async def test_the_error_of_attaching_to_an_unknown_run_has_a_token():
    service = Service(created=1)
    _, client = scripted(refusal(404))
    events, error = await follow(client.attach(RunRef(connection_id="connection", run_id="run")))
    assert type(error) is NotFoundError
    await check_resumed_watch(service, events, error)


async def test_an_error_of_result_has_a_token():
    _, client = scripted(refusal(403))
    watcher = client.watch("connection")
    with pytest.raises(PermissionDeniedError) as caught:
        await watcher.result()
    assert caught.value.resume_token == watcher.resume_token()


async def test_web_pages_count_as_failures_for_half_an_hour():
    transport, client = scripted(always=HTML)
    events, error = await follow(client.watch("connection", pacing=PACING))
    assert type(error) is WatchFailedError
    assert {type(event) for event in events} == {TriggerDelayed}
    assert transport.instants[-1] == pytest.approx(1800, abs=60)
    assert [request.method for request in transport.requests].count("POST") == 1


@pytest.mark.parametrize("bad_answer", [too_large(), HTML, timed_out(), answer(200)], ids=lambda it: type(it).__name__)
async def test_a_poll_with_an_unusable_answer_is_repeated(bad_answer):
    service = Service(created=1)
    _, client = scripted(TRIGGERED, bad_answer, always=service)
    events, error = await follow(client.watch("connection", pacing=PACING))
    assert error is None
    assert [type(event).__name__ for event in events[:2]] == ["RunTriggered", "PollDelayed"]
    assert isinstance(events[-1], RunCompleted)


async def test_the_cause_in_an_event_has_no_tracebacks():
    async def no_token() -> str:
        raise TimeoutError("no token") from OSError("no network")

    client = SynchronizationClient(no_token, base_url=BASE, transport=ScriptedTransport())
    delayed = await anext(client.watch("connection", pacing=PACING))
    _, polling = scripted(TRIGGERED, HTML)
    watcher = polling.watch("connection", pacing=PACING)
    await anext(watcher)
    garbled = await anext(watcher)
    assert isinstance(delayed, TriggerDelayed)
    assert isinstance(garbled, PollDelayed)
    assert delayed.cause.__cause__ is not None
    for event in (delayed, garbled):
        link: BaseException | None = event.cause
        while link is not None:
            assert link.__traceback__ is None
            link = link.__cause__
