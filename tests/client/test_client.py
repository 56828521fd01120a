"""The settings of a client take effect, its lifetime, and its watchers."""

import asyncio

import aiohttp
import anyio
import pytest
from support.quick import each
from support.transport import After, ScriptedTransport, answer, http, raw_server, refusal, scripted

from bentley_sync_async import Environment, SynchronizationClient
from bentley_sync_async.auth.client_credentials import ClientCredentials
from bentley_sync_async.auth.refreshing import RefreshingTokenSource
from bentley_sync_async.auth.static import StaticTokenSource
from bentley_sync_async.config import Timeouts
from bentley_sync_async.errors import (
    APIError,
    ConfigurationError,
    CredentialsError,
    ForeignOriginError,
    InvalidArgumentError,
    LocationError,
    RequestTimeoutError,
    ResponseTooLargeError,
)
from bentley_sync_async.models import RunRef
from bentley_sync_async.pacing.strategies import BackoffPacing
from bentley_sync_async.transport.retry import RetryPolicy
from bentley_sync_async.transport.tokens import Token
from bentley_sync_async.watch.watcher import RunWatcher

API = "https://api.example"
RUN = f"{API}/synchronization/imodels/storageconnections/c/runs/r"
REF = RunRef(connection_id="c", run_id="r")
CONNECTION = answer(200, {"connection": {"id": "c", "iModelId": "i"}})


async def coroutine():
    return "fetched"


class Callable:
    async def __call__(self):
        return Token(value="fetched", expires_in=60)


class OwnSource:
    async def token(self):
        return Token(value="own")

    def invalidate(self, token):
        return False


async def sent(token, **options):
    """Return the one request of a call."""
    transport = ScriptedTransport(CONNECTION)
    api = SynchronizationClient(token, transport=transport, **{"base_url": API, **options})
    await api.storage_connections.get("c")
    [request] = transport.requests
    return request


# Tokens.


@each(
    ("token", "expected"),
    [
        ("plain", "plain"),
        ("Bearer plain", "plain"),
        (coroutine, "fetched"),
        (Callable(), "fetched"),
        (OwnSource(), "own"),
        (StaticTokenSource("static"), "static"),
        (RefreshingTokenSource(coroutine), "fetched"),
    ],
)
async def test_every_kind_of_token_is_sent_as_a_bearer_token(token, expected):
    assert (await sent(token)).headers["Authorization"] == f"Bearer {expected}"


async def test_a_coroutine_function_is_called_once_for_many_calls():
    calls = []

    async def fetch():
        calls.append(anyio.current_time())
        return "fetched"

    api = SynchronizationClient(fetch, transport=ScriptedTransport(always=CONNECTION))
    for _ in range(3):
        await api.storage_connections.get("c")

    assert calls == [0.0]


async def test_a_coroutine_function_is_called_again_when_its_token_was_refused():
    tokens = iter(["old", "new"])

    async def fetch():
        return next(tokens)

    transport = ScriptedTransport(refusal(401), CONNECTION)
    await SynchronizationClient(fetch, transport=transport).storage_connections.get("c")

    assert [request.headers["Authorization"] for request in transport.requests] == ["Bearer old", "Bearer new"]


@each("token", [None, 7, b"bytes", ["list"], {"token": "x"}, object()])
def test_a_value_that_is_no_token_is_rejected_by_its_type(token):
    with pytest.raises(ConfigurationError, match=f"not {type(token).__name__}"):
        SynchronizationClient(token)


@each("token", ["", "  ", "Bearer ", "two words", "line\nend"])
def test_an_invalid_token_is_rejected_before_anything_is_sent(token):
    with pytest.raises(ConfigurationError, match="access token"):
        SynchronizationClient(token)


# Settings.


@each("environment", Environment)
async def test_each_environment_has_its_host(environment):
    request = await sent("token", environment=environment, base_url=None)

    assert request.url == f"{environment.base_url}/synchronization/imodels/storageconnections/c"


async def test_production_is_the_default():
    assert (await sent("token", base_url=None)).url.startswith("https://api.bentley.com/synchronization/")


@each(
    ("base_url", "root"),
    [
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example"),
        ("https://api.example///", "https://api.example"),
        (" https://api.example/ \n", "https://api.example"),
        ("https://gateway.example/bentley/", "https://gateway.example/bentley"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
async def test_a_base_url_is_the_root_of_every_request(base_url, root):
    request = await sent("token", base_url=base_url)

    assert request.url == f"{root}/synchronization/imodels/storageconnections/c"


@each("name", ["base_url", "issuer"])
@each(
    ("url", "message"),
    [
        ("http://api.example", "plain http"),
        ("", "must be a URL"),
        ("https://me:hush@api.example", "no user"),
        ("https://api.example:port", "not a URL"),
    ],
)
def test_an_invalid_root_url_is_rejected_by_name(name, url, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        SynchronizationClient("token", **{name: url})

    assert str(caught.value).startswith(name)
    assert "hush" not in str(caught.value)


@each(
    ("addresses", "issuer"),
    [
        ({"base_url": "http://127.0.0.1:1/"}, "http://127.0.0.1:1"),
        ({"base_url": "https://gateway.example"}, "https://ims.bentley.com"),
        ({"base_url": "https://gateway.example", "environment": Environment.QA}, "https://qa-ims.bentley.com"),
        ({"base_url": "http://127.0.0.1:1", "issuer": "https://ims.example/"}, "https://ims.example"),
        ({"issuer": "https://ims.example"}, "https://ims.example"),
    ],
)
def test_the_credentials_of_an_emulator_are_never_sent_to_a_real_issuer(addresses, issuer):
    assert SynchronizationClient("token", **addresses).config.issuer == issuer


@each("number", [0, -1, 0.5, "7", None])
def test_an_invalid_number_of_connections_is_rejected_by_name(number):
    with pytest.raises(ConfigurationError, match=r"^max_connections must be a whole number of 1 or more"):
        SynchronizationClient("token", max_connections=number)


async def test_max_connections_limits_the_requests_under_way():
    transport, api = scripted(always=After(1.0, CONNECTION), max_connections=2)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(api.storage_connections.get, "c")

    assert transport.instants == [0, 0, 1]


async def test_the_request_timeout_begins_after_waiting_for_a_connection_of_a_session_passed_in():
    def slowly(transport):
        body = b'{"connection": {"id": "c", "iModelId": "i"}}'
        asyncio.get_running_loop().call_later(3, transport.write, http("200 OK", body))

    options = {"timeouts": Timeouts(request=5.0), "retry": RetryPolicy(attempts=1)}
    async with (
        raw_server(slowly, repeat=True) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        SynchronizationClient("token", base_url=server.url, session=session, **options) as api,
        anyio.create_task_group() as group,
    ):
        for _ in range(4):
            group.start_soon(api.storage_connections.get, "c")

    assert len(server.requests) == 4


async def test_a_session_with_an_authorization_header_is_rejected():
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer theirs"}) as session:
        with pytest.raises(ConfigurationError, match="Authorization"):
            SynchronizationClient("token", session=session)


async def test_the_callers_timeouts_are_used():
    transport = ScriptedTransport(CONNECTION)
    api = SynchronizationClient("token", transport=transport, timeouts=Timeouts(request=7.0))

    await api.storage_connections.get("c")

    assert transport.timeouts == [7.0]


async def test_the_callers_retry_policy_is_used():
    transport, api = scripted(refusal(503), retry=RetryPolicy(attempts=1))

    with pytest.raises(APIError):
        await api.storage_connections.get("c")

    assert len(transport.sent) == 1


async def test_the_bound_on_a_body_is_the_callers():
    async with (
        raw_server(http("200 OK", b"a" * 101)) as server,
        SynchronizationClient("token", base_url=server.url, max_body_bytes=100) as api,
    ):
        with pytest.raises(ResponseTooLargeError):
            await api.storage_connections.get("c")


async def test_the_callers_connect_timeout_is_used(monkeypatch):
    async def never(*_arguments):
        await anyio.sleep_forever()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never, raising=False)
    options = {"timeouts": Timeouts(connect=3.0), "retry": RetryPolicy(attempts=1)}
    async with SynchronizationClient("token", base_url="http://127.0.0.1:9", **options) as api:
        with pytest.raises(RequestTimeoutError):
            await api.storage_connections.get("c")

    assert anyio.current_time() == 3.0


def test_the_settings_can_be_read():
    api = SynchronizationClient("token", environment=Environment.DEV, max_body_bytes=9)

    assert (api.config.base_url, api.config.issuer, api.config.max_body_bytes) == (
        "https://dev-api.bentley.com",
        "https://qa-ims.bentley.com",
        9,
    )


# Lifetime.


async def test_a_call_without_entering_the_client_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="async with"):
        await SynchronizationClient("token").storage_connections.get("c")


async def test_a_call_after_leaving_the_client_is_a_configuration_error():
    async with SynchronizationClient("token") as api:
        pass

    with pytest.raises(ConfigurationError, match="async with"):
        await api.storage_connections.get("c")


async def test_entering_a_client_sends_nothing():
    async with raw_server() as server, SynchronizationClient("token", base_url=server.url):
        assert server.connections == 0


async def test_an_exception_of_the_block_passes_through_unchanged():
    with pytest.raises(ZeroDivisionError):
        async with SynchronizationClient("token"):
            raise ZeroDivisionError


async def test_a_client_with_a_transport_of_the_caller_needs_no_entering():
    _, api = scripted(CONNECTION)

    assert (await api.storage_connections.get("c")).id == "c"


async def test_a_client_with_a_transport_of_the_caller_may_be_entered():
    _, api = scripted(CONNECTION)

    async with api as same:
        assert same is api


async def test_a_session_of_the_caller_stays_open():
    async with aiohttp.ClientSession() as session:
        async with SynchronizationClient("token", session=session):
            pass

        assert not session.closed


# Representation.


@each("token", ["hush", ClientCredentials("service-1", "hush"), StaticTokenSource("hush"), coroutine])
@each("show", [repr, str])
def test_repr_and_str_of_a_client_show_no_secret(token, show):
    assert show(SynchronizationClient(token, base_url=API)) == f"<SynchronizationClient of {API}>"


# Environment variables.

TOKEN = {"BENTLEY_SYNC_TOKEN": "hush"}
SERVICE = {"BENTLEY_SYNC_CLIENT_ID": "service-1", "BENTLEY_SYNC_CLIENT_SECRET": "hush"}


@each(
    ("variables", "base_url", "issuer"),
    [
        ({}, "https://api.bentley.com", "https://ims.bentley.com"),
        ({"BENTLEY_SYNC_BASE_URL": "http://127.0.0.1:1/"}, "http://127.0.0.1:1", "http://127.0.0.1:1"),
        (
            {"BENTLEY_SYNC_ENVIRONMENT": "qa", "BENTLEY_SYNC_BASE_URL": "https://gateway.example"},
            "https://gateway.example",
            "https://qa-ims.bentley.com",
        ),
    ],
)
@each("credentials", [TOKEN, SERVICE])
def test_variables_set_base_url_and_issuer(credentials, variables, base_url, issuer):
    config = SynchronizationClient.from_env({**credentials, **variables}).config

    assert (config.base_url, config.issuer) == (base_url, issuer)


@each(
    ("variables", "message"),
    [
        ({}, "set BENTLEY_SYNC_CLIENT_ID and BENTLEY_SYNC_CLIENT_SECRET for a service application"),
        ({"BENTLEY_SYNC_TOKEN": "two hush words"}, "access token"),
    ],
)
def test_an_invalid_or_missing_variable_is_named(variables, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        SynchronizationClient.from_env(variables)

    assert "hush" not in str(caught.value)


async def test_a_token_variable_takes_precedence_over_a_service_application():
    async with raw_server(http("404 Not Found")) as server:
        variables = {**TOKEN, **SERVICE, "BENTLEY_SYNC_BASE_URL": server.url, "BENTLEY_SYNC_ISSUER": server.url}
        async with SynchronizationClient.from_env(variables) as api:
            with pytest.raises(APIError):
                await api.storage_connections.get("c")

    assert server.header("Authorization") == "Bearer hush"


async def test_a_service_application_requests_a_token_from_its_issuer_first():
    async with (
        raw_server(http("400 Bad Request", b'{"error":"invalid_client"}')) as server,
        SynchronizationClient.from_env({**SERVICE, "BENTLEY_SYNC_ISSUER": server.url}) as api,
    ):
        with pytest.raises(CredentialsError, match="service-1"):
            await api.storage_connections.get("c")

    assert server.targets == ["/connect/token"]


def test_the_variables_of_the_process_are_the_default(monkeypatch):
    monkeypatch.setenv("BENTLEY_SYNC_TOKEN", "hush")
    monkeypatch.setenv("BENTLEY_SYNC_BASE_URL", "https://here.example")

    assert SynchronizationClient.from_env().config.base_url == "https://here.example"


def test_a_subclass_makes_its_own_kind_from_variables():
    class Own(SynchronizationClient):
        pass

    assert type(Own.from_env(TOKEN)) is Own


# Watchers.


@each(
    ("argument", "value"),
    [
        ("timeout", 0),
        ("timeout", -1.0),
        ("timeout", float("nan")),
        ("when_active", "wait"),
        ("when_active", None),
        ("when_busy", "rerun"),
        ("when_busy", ""),
    ],
)
def test_an_invalid_argument_of_watch_is_rejected_by_name(argument, value):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match=f"^{argument} must be"):
        api.watch("c", **{argument: value})

    assert transport.sent == []


@each("bad", ["", " ", "..", "a b", RUN, None, 7])
def test_an_invalid_connection_id_of_watch_is_rejected(bad):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match=r"^connection_id"):
        api.watch(bad)

    assert transport.sent == []


@each("make", [lambda api: api.watch("c"), lambda api: api.attach(REF)])
def test_making_a_watcher_sends_nothing(make):
    transport, api = scripted()

    assert type(make(api)) is RunWatcher
    assert transport.sent == []


def test_a_new_watch_has_a_connection_and_no_run():
    _, api = scripted()
    watcher = api.watch("c")

    assert (watcher.connection_id, watcher.ref, watcher.run) == ("c", None, None)


@each("what", [REF, RUN, "/synchronization/imodels/storageconnections/c/runs/r"])
def test_attach_takes_a_reference_or_a_url(what):
    _, api = scripted()

    assert (api.attach(what).ref, api.attach(what).connection_id) == (REF, "c")


@each("url", ["https://attacker.example/synchronization/imodels/storageconnections/c/runs/r", "//attacker.example/x"])
def test_attach_rejects_a_run_on_another_origin(url):
    transport, api = scripted()

    with pytest.raises(ForeignOriginError, match="Nothing was sent there"):
        api.attach(url)

    assert transport.sent == []


@each("url", ["", "r", "c/r", f"{RUN}/jobs/j", RUN.replace("/runs/r", ""), "https://[", "mailto:x"])
def test_attach_rejects_a_url_that_names_no_run(url):
    _, api = scripted()

    with pytest.raises((LocationError, ForeignOriginError)):
        api.attach(url)


@each("what", [None, 7, b"bytes", {"run": "r"}])
def test_attach_rejects_what_is_neither_reference_nor_url(what):
    _, api = scripted()

    with pytest.raises(InvalidArgumentError):
        api.attach(what)


@each("ref", [RunRef(connection_id="", run_id="r"), RunRef(connection_id="c", run_id="..")])
def test_attach_rejects_an_invalid_reference(ref):
    _, api = scripted()

    with pytest.raises(InvalidArgumentError):
        api.attach(ref)


@each("timeout", [0, -1.0])
def test_attach_rejects_an_invalid_timeout(timeout):
    _, api = scripted()

    with pytest.raises(InvalidArgumentError, match=r"^timeout must be"):
        api.attach(REF, timeout=timeout)


async def test_the_polls_of_a_watch_are_not_retried_by_the_transport():
    transport, api = scripted(
        refusal(503), answer(200, {"run": {"id": "r", "state": "Completed", "result": "Success"}})
    )

    await api.attach(REF, pacing=BackoffPacing(shortest=40.0, longest=40.0, jitter=0.0)).result()

    assert transport.instants == [0.0, 40.0]
