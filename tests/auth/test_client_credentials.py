"""Tokens for a service application, from a scripted issuer and from the emulator."""

from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import anyio
import pytest
from support.quick import each
from support.transport import After, ScriptedTransport, answer, lost, refusal, timed_out

from bentley_sync_async import Environment, SynchronizationClient
from bentley_sync_async.auth.client_credentials import ClientCredentials, fetch_with
from bentley_sync_async.auth.refreshing import RefreshingTokenSource
from bentley_sync_async.emulator import Emulator, FaultRule
from bentley_sync_async.errors import CredentialsError, SynchronizationError, TokenUnavailableError
from bentley_sync_async.models import AuthenticationType, SourceFileCreate
from bentley_sync_async.transport.http import AiohttpTransport
from bentley_sync_async.transport.messages import Response

ISSUER = "https://ims.example"
CREDENTIALS = ClientCredentials("service-1", "hush")
GRANTED = answer(200, {"access_token": "abc", "expires_in": 3600, "token_type": "Bearer"})


def fetching(transport, credentials=CREDENTIALS, **options):
    return fetch_with(credentials, issuer=ISSUER, transport=transport, **options)


async def failure(step, credentials=CREDENTIALS):
    with pytest.raises(SynchronizationError) as caught:
        await fetching(ScriptedTransport(step), credentials)()
    return caught.value


# Requests.


async def test_the_request_goes_to_the_token_endpoint_of_the_issuer():
    transport = ScriptedTransport(GRANTED)

    await fetching(transport)()

    assert transport.lines == [f"POST {ISSUER}/connect/token"]


async def test_the_form_requests_the_scope_of_the_platform():
    transport = ScriptedTransport(GRANTED)

    await fetching(transport)()

    assert parse_qs(transport.requests[0].body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["service-1"],
        "client_secret": ["hush"],
        "scope": ["itwin-platform"],
    }


async def test_the_content_type_is_that_of_a_form():
    transport = ScriptedTransport(GRANTED)

    await fetching(transport)()

    assert transport.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


async def test_no_bearer_token_is_sent_to_the_issuer():
    transport = ScriptedTransport(GRANTED)

    await fetching(transport)()

    assert "authorization" not in {name.lower() for name in transport.requests[0].headers}


async def test_a_secret_with_special_characters_arrives_unchanged():
    transport = ScriptedTransport(GRANTED)
    odd = "a+b&c=d%2F e\u00e9"

    await fetching(transport, ClientCredentials("service-1", odd))()

    assert parse_qs(transport.requests[0].body.decode())["client_secret"] == [odd]


async def test_the_url_does_not_hold_the_secret():
    transport = ScriptedTransport(GRANTED)

    await fetching(transport)()

    assert "hush" not in transport.requests[0].url


async def test_the_issuer_has_its_own_timeout():
    transport = ScriptedTransport(GRANTED)

    await fetching(transport, timeout=7.0)()

    assert transport.timeouts == [7.0]


# Answers.


async def test_a_token_has_the_lifetime_of_the_answer():
    token = await fetching(ScriptedTransport(GRANTED))()

    assert (token.value, token.expires_in) == ("abc", 3600)


@each("lifetime", [None, 0, -5, "3600", []])
async def test_an_invalid_lifetime_is_unknown(lifetime):
    token = await fetching(ScriptedTransport(answer(200, {"access_token": "abc", "expires_in": lifetime})))()

    assert token.expires_in is None


REASONS = [
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
]


@each("status", [400, 401, 403])
@each("reason", REASONS)
async def test_rejected_credentials_are_final(status, reason):
    assert isinstance(await failure(answer(status, {"error": reason})), CredentialsError)


@each("status", [429, 500, 502, 503])
@each("reason", REASONS)
async def test_a_throttle_or_a_server_error_is_never_final_whatever_its_reason(status, reason):
    error = await failure(answer(status, {"error": reason}, retry_after="17"))

    assert isinstance(error, TokenUnavailableError)
    assert error.retry_after == 17.0


@each("part", ["service-1", ISSUER, "400", "invalid_client: Unknown client.", "itwin-platform"])
async def test_an_error_names_what_is_needed_to_correct_it(part):
    refused = answer(400, {"error": "invalid_client", "error_description": "Unknown client."})

    assert part in str(await failure(refused))


@each(
    "step",
    [
        answer(400, {"error": "invalid_client", "error_description": "client_secret=hush is wrong"}),
        answer(503, {"error": "server_error", "error_description": "client_secret: hush"}),
        answer(200, {"wrong": "client_secret=hush"}),
        lost(),
    ],
)
async def test_no_failure_shows_the_secret(step):
    error = await failure(step)

    assert "hush" not in f"{error}{error!r}{error.__cause__}"


async def test_a_secret_that_the_issuer_quotes_without_its_name_is_not_shown():
    error = await failure(answer(400, {"error": "invalid_client", "error_description": "hush is not the secret"}))

    assert "hush" not in str(error)


@each(
    "written",
    [r"abc\u002Bdef\/ghijk0123456789==", r"abc\u002bdef/ghijk0123456789\u003D\u003d", "abc%2bdef%2fghijk0123456789=="],
)
async def test_a_secret_that_the_issuer_quotes_in_escaped_form_is_not_shown(written):
    body = f'{{"error": "invalid_client", "error_description": "{written} is not the secret"}}'.encode()
    error = await failure(Response(status=400, body=body), ClientCredentials("s", "abc+def/ghijk0123456789=="))

    assert "(invalid_client: [hidden] is not the secret)" in str(error)


async def test_a_401_with_any_reason_is_final():
    assert isinstance(await failure(answer(401, {"error": "invalid_credentials"})), CredentialsError)


@each("status", [204, 301, 400, 401, 403, 404, 405, 407, 421, 451])
@each(
    "body",
    [
        b"",
        b"<html>Forbidden</html>",
        b'{"code": "Forbidden", "message": "Blocked."}',
        b'{"error": {"code": "HeaderNotFound", "message": "Access denied."}}',
    ],
)
async def test_an_answer_without_a_reason_does_not_mean_wrong_credentials(status, body):
    assert isinstance(await failure(Response(status=status, body=body)), TokenUnavailableError)


@each(
    "step",
    [
        refusal(429),
        refusal(500),
        answer(502),
        Response(status=503, body=b"<html>Bad Gateway</html>"),
        answer(400, {"error": "temporarily_unavailable"}),
        answer(401, {"error": "temporarily_unavailable"}),
        answer(404, {"status": 404, "error": "Not Found", "path": "/connect/token"}),
        answer(400, {"error": "server_error", "error_description": "Sorry."}),
        Response(status=200, body=b"<html>Sign in</html>"),
        answer(200),
        answer(200, []),
        answer(200, {}),
        answer(200, {"access_token": ""}),
        answer(200, {"access_token": 7}),
        lost(),
        lost(sent=False),
        timed_out(),
    ],
)
async def test_a_transient_failure_is_an_unavailable_token(step):
    assert isinstance(await failure(step), TokenUnavailableError)


@each("status", [429, 503])
async def test_the_issuers_retry_after_is_passed_on(status):
    assert (await failure(refusal(status, retry_after="17"))).retry_after == 17.0


async def test_without_the_issuers_retry_after_no_wait_is_requested():
    assert (await failure(refusal(503))).retry_after is None


async def test_a_lost_connection_is_the_cause_of_the_token_error():
    step = lost("POST", f"{ISSUER}/connect/token")

    assert (await failure(step)).__cause__ is step


async def test_a_transient_failure_names_the_issuer():
    assert ISSUER in str(await failure(answer(502)))


async def test_a_token_with_invalid_characters_is_rejected():
    error = await failure(answer(200, {"access_token": "a b"}))

    assert isinstance(error, SynchronizationError)


# With a client.


def client(transport, **options):
    options = {"base_url": "https://api.example", "issuer": ISSUER, **options}
    return SynchronizationClient(CREDENTIALS, transport=transport, **options)


CONNECTION = answer(200, {"connection": {"id": "c", "iModelId": "i"}})


async def test_a_call_requests_a_token_first():
    transport = ScriptedTransport(GRANTED, CONNECTION)

    async with client(transport) as api:
        await api.storage_connections.get("c")

    assert transport.lines[0] == f"POST {ISSUER}/connect/token"
    assert transport.requests[1].headers["Authorization"] == "Bearer abc"


@each("step", [refusal(503), refusal(429), lost(), Response(status=200, body=b"<html>")])
async def test_a_call_survives_an_issuer_that_fails_once(step):
    transport = ScriptedTransport(step, GRANTED, CONNECTION)

    async with client(transport) as api:
        assert (await api.storage_connections.get("c")).id == "c"


async def test_a_call_waits_as_long_as_the_issuers_retry_after_says():
    transport = ScriptedTransport(refusal(503, retry_after="40"), GRANTED, CONNECTION)

    async with client(transport) as api:
        await api.storage_connections.get("c")

    assert transport.instants == [0.0, 40.0, 40.0]


async def test_rejected_credentials_end_a_call_at_once():
    transport = ScriptedTransport(answer(400, {"error": "invalid_client"}))

    async with client(transport) as api:
        with pytest.raises(CredentialsError):
            await api.storage_connections.get("c")

    assert (len(transport.sent), anyio.current_time()) == (1, 0.0)


async def test_the_client_secret_is_never_sent_to_the_api():
    transport = ScriptedTransport(GRANTED, CONNECTION)

    async with client(transport) as api:
        await api.storage_connections.get("c")

    assert "hush" not in f"{transport.requests[1].headers}{transport.requests[1].body}"


@each("environment", Environment)
async def test_each_environment_has_its_issuer(environment):
    transport = ScriptedTransport(GRANTED, CONNECTION)

    async with SynchronizationClient(CREDENTIALS, transport=transport, environment=environment) as api:
        await api.storage_connections.get("c")

    assert transport.requests[0].url == f"{environment.issuer}/connect/token"


async def test_a_token_request_times_out_after_half_a_minute():
    transport = ScriptedTransport(After(31.0, GRANTED), GRANTED, CONNECTION)

    async with client(transport) as api:
        await api.storage_connections.get("c")

    assert transport.timeouts[:2] == [30.0, 30.0]


# Against the emulator.


@asynccontextmanager
async def emulated(credentials=None, **options):
    async with Emulator(**options) as emulator:
        known = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials or known, base_url=emulator.url, issuer=emulator.url) as api:
            yield emulator, api


def token_requests(emulator):
    return [request.time for request in emulator.requests if request.operation == "token"]


async def test_the_emulator_grants_a_token():
    async with Emulator() as emulator, AiohttpTransport() as transport:
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        token = await fetch_with(credentials, issuer=emulator.url, transport=transport)()

    assert token.expires_in == 3600


@each("wrong", [("other", None), (None, "other")])
async def test_the_emulator_rejects_other_credentials(wrong):
    client_id, client_secret = wrong
    async with Emulator() as emulator, AiohttpTransport() as transport:
        credentials = ClientCredentials(client_id or emulator.client_id, client_secret or emulator.client_secret)
        with pytest.raises(CredentialsError, match="invalid_client"):
            await fetch_with(credentials, issuer=emulator.url, transport=transport)()


async def test_one_token_serves_many_calls():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(api.storage_connections.get, connection)

        assert len(token_requests(emulator)) == 1


async def test_calls_over_hours_never_use_an_expired_token():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        for hour in range(8):
            await anyio.sleep_until(hour * 3550.0)
            await api.storage_connections.get(connection)

        assert {request.status for request in emulator.requests} == {200}


async def test_revoked_tokens_are_replaced_by_one_fetch():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.get(connection)
        emulator.revoke_tokens()
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(api.storage_connections.get, connection)

        assert len(token_requests(emulator)) == 2


async def test_an_issuer_that_fails_for_a_while_only_delays_a_call():
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(path="/connect/token", last=3, status=503))
        connection = emulator.add_connection()

        assert (await api.storage_connections.get(connection)).id == connection


async def test_a_connection_made_with_client_credentials_works_as_the_service():
    async with emulated() as (emulator, api):
        file = SourceFileCreate(emulator.new_storage_file_id(), "MSTN")
        connection = await api.storage_connections.create(emulator.new_imodel_id(), [file])

    assert connection.authentication_type is AuthenticationType.SERVICE


async def test_the_caller_of_create_may_choose_the_authentication_type():
    async with emulated() as (emulator, api):
        file = SourceFileCreate(emulator.new_storage_file_id(), "MSTN")
        connection = await api.storage_connections.create(
            emulator.new_imodel_id(), [file], authentication_type=AuthenticationType.USER
        )

    assert connection.authentication_type is AuthenticationType.USER


async def test_with_another_kind_of_token_the_service_chooses_the_authentication_type():
    async with Emulator() as emulator:
        file = SourceFileCreate(emulator.new_storage_file_id(), "MSTN")
        async with SynchronizationClient(emulator.token(), base_url=emulator.url) as api:
            connection = await api.storage_connections.create(emulator.new_imodel_id(), [file])

    assert connection.authentication_type is AuthenticationType.USER


async def test_client_credentials_can_be_used_in_a_token_source_of_the_caller():
    transport = ScriptedTransport(GRANTED)

    assert (await RefreshingTokenSource(fetching(transport)).token()).value == "abc"


async def test_a_gateway_that_forbids_the_issuer_for_minutes_only_delays_a_watch():
    async with emulated(token_lifetime=60) as (emulator, api):
        gateway = emulator.add_fault(FaultRule(path="/connect/token", first=2, last=15, status=403, body="<html>"))

        run = await api.watch(emulator.add_connection(files=[("a.dgn", "MSTN")])).result()

    assert (run.succeeded, gateway.fired, len(emulator.runs)) == (True, 14, 1)
