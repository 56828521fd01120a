"""The scripted transport, as tests of users see it."""

import subprocess
import sys

import anyio
import pytest

from bentley_sync_async import (
    ClientCredentials,
    ConnectionLostError,
    ConnectorType,
    NotFoundError,
    RequestTimeoutError,
    RetryPolicy,
    RunRef,
    SourceFileCreate,
    SynchronizationClient,
    Timeouts,
)
from bentley_sync_async.testing import After, ScriptedTransport, ScriptFailed, answer, lost, refusal, timed_out
from bentley_sync_async.transport import Request

RUN = RunRef(connection_id="c", run_id="r")
GET = Request(method="GET", url="https://api.example/a")


async def send(transport, *, timeout=60.0):
    return await transport.send(GET, timeout=timeout)


def client_of(transport, **options):
    return SynchronizationClient("secret-token", transport=transport, base_url="https://api.example", **options)


async def test_requests_are_answered_in_the_order_of_the_script():
    transport = ScriptedTransport(answer(200), answer(503))
    assert [(await send(transport)).status for _ in range(2)] == [200, 503]


async def test_always_answers_after_the_end_of_the_script():
    transport = ScriptedTransport(answer(200), always=answer(404))
    assert [(await send(transport)).status for _ in range(3)] == [200, 404, 404]


async def test_a_request_after_the_end_of_the_script_fails_the_test_and_is_named():
    transport = ScriptedTransport(answer())
    await send(transport)
    with pytest.raises(ScriptFailed, match=r"GET https://api\.example/a, request 2"):
        await send(transport)


def test_script_failed_is_not_an_exception_that_code_catches():
    assert not issubclass(ScriptFailed, Exception)


async def token_of_a_script():
    await send(ScriptedTransport())


@pytest.mark.parametrize(
    "token", ["secret-token", ClientCredentials("service-c", "secret"), token_of_a_script], ids=["token", "app", "own"]
)
async def test_script_failed_ends_a_watch_which_survives_errors(token):
    transport = ScriptedTransport()
    async with SynchronizationClient(token, transport=transport) as client:
        with pytest.raises(ScriptFailed, match="The script has no step left"):
            await client.attach(RUN).result()
    assert len(transport.requests) <= 1


@pytest.mark.parametrize("step", [None, {"run": {}}, 200, "lost", After(1, None), lambda request: {"url": request.url}])
async def test_an_invalid_step_fails_the_test(step):
    with pytest.raises(ScriptFailed, match=r"is not a step of a script"):
        await send(ScriptedTransport(step))


async def test_an_invalid_step_is_named_with_its_request():
    with pytest.raises(ScriptFailed, match=r"^\{'run': 1\} is not a step .* GET https://api\.example/a, request 1\."):
        await send(ScriptedTransport({"run": 1}))


async def test_an_exception_in_the_script_is_raised():
    with pytest.raises(ZeroDivisionError):
        await send(ScriptedTransport(ZeroDivisionError()))


@pytest.mark.parametrize(("step", "error"), [(lost, ConnectionLostError), (timed_out, RequestTimeoutError)])
async def test_the_error_of_a_lost_answer_names_the_request(step, error):
    async with client_of(ScriptedTransport(step), retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(error, match=r"POST .*/c/run: .*; it may have been carried out") as caught:
            await client.storage_connections.runs.trigger("c")
    assert caught.value.sent


@pytest.mark.parametrize("make", [lost, timed_out])
def test_an_error_can_exclude_that_the_request_was_sent(make):
    assert not make(GET, sent=False).sent


async def test_a_function_can_answer_by_the_request():
    transport = ScriptedTransport(lambda request: answer(200, {"url": request.url}))
    assert (await send(transport)).body == b'{"url":"https://api.example/a"}'


async def test_a_coroutine_function_can_answer():
    async def slowly(request):
        await anyio.sleep(1)
        return answer(204)

    assert (await send(ScriptedTransport(slowly))).status == 204


async def coroutine_of(step):
    return step


@pytest.mark.parametrize(
    "step",
    [
        After(50, answer()),
        lambda _: After(50, answer()),
        lambda _: coroutine_of(After(50, answer())),
        lambda _: lambda _: After(50, answer()),
        After(20, After(30, answer())),
        After(20, lambda _: After(30, answer())),
    ],
)
async def test_steps_can_be_combined_and_delayed(step):
    began = anyio.current_time()
    assert (await send(ScriptedTransport(step), timeout=60)).status == 200
    assert anyio.current_time() - began == pytest.approx(50)


@pytest.mark.parametrize("step", [lambda _: lost, lambda _: lost(), lambda _: coroutine_of(lost), After(5, lost)])
async def test_an_error_in_a_combined_step_is_raised(step):
    with pytest.raises(ConnectionLostError):
        await send(ScriptedTransport(step))


@pytest.mark.parametrize("step", [After(70, answer()), After(40, After(40, answer()))])
async def test_delays_beyond_the_timeout_of_the_request_are_a_timeout(step):
    began = anyio.current_time()
    with pytest.raises(RequestTimeoutError):
        await send(ScriptedTransport(step), timeout=60)
    assert anyio.current_time() - began == pytest.approx(60)


async def test_the_requests_are_recorded():
    created = answer(201, {"connection": {"id": "c"}})
    transport = ScriptedTransport(created, After(3, refusal(404)))
    async with client_of(transport, timeouts=Timeouts(request=7)) as client:
        await client.storage_connections.create("i", [SourceFileCreate("f", ConnectorType.MSTN)], display_name="Bridge")
        with pytest.raises(NotFoundError):
            await client.storage_connections.get("c")
    assert [line.partition("storageconnections")[2] for line in transport.lines] == ["", "/c"]
    assert [request.method for request in transport.requests] == ["POST", "GET"]
    assert transport.bodies[0]["displayName"] == "Bridge"
    assert transport.bodies[1] is None
    assert transport.timeouts == [7, 7]
    assert transport.instants[0] == transport.instants[1] == pytest.approx(anyio.current_time() - 3)


async def test_a_repr_does_not_show_the_token():
    transport = ScriptedTransport(refusal(404))
    async with client_of(transport) as client:
        with pytest.raises(NotFoundError):
            await client.storage_connections.get("c")
    assert "secret-token" in transport.requests[0].headers["Authorization"]
    assert "secret-token" not in repr(transport.sent)


async def test_a_refusal_has_the_error_form_of_the_service():
    async with client_of(ScriptedTransport(refusal(404, "RunNotFound", "No run.", retry_after="3"))) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.storage_connections.runs.get("c", "r")
    assert (caught.value.code, caught.value.message, caught.value.retry_after) == ("RunNotFound", "No run.", 3)


def test_a_model_is_encoded_with_the_names_of_the_api():
    file = SourceFileCreate("f", ConnectorType.MSTN)
    assert answer(200, {"sourceFile": file}).body == b'{"sourceFile":{"storageFileId":"f","connectorType":"MSTN"}}'


def test_an_answer_without_json_has_no_body():
    assert answer(204).body == b""


@pytest.mark.parametrize("absent", ["pytest", "pytest_asyncio", "looptime", "bentley_sync_async.emulator"])
def test_importing_it_does_not_import(absent):
    code = f"import sys, bentley_sync_async.testing; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
