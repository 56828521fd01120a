import anyio
import pytest
from support.quick import each
from support.transport import (
    After,
    answer,
    client_of,
    emulated,
    http,
    lost,
    raw_server,
    refusal,
    reset,
    scripted,
    then,
    timed_out,
)

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.emulator import FaultAction, FaultRule
from bentley_sync_async.errors import (
    ConflictError,
    ConnectionLostError,
    ForeignOriginError,
    LocationError,
    ProtocolError,
    RequestTimeoutError,
    ServerError,
)
from bentley_sync_async.models import RunRef

BASE = "https://api.example"
OURS = f"{BASE}/synchronization/imodels/storageconnections/c/runs/r"
REF = RunRef(connection_id="c", run_id="r")


async def triggered(*script, connection="c"):
    transport, api = scripted(*script)
    return await api.storage_connections.runs.trigger(connection), transport


async def failure(*script):
    transport, api = scripted(*script)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
        await api.storage_connections.runs.trigger("c")
    return caught.value, transport


# What was triggered.


async def test_a_202_is_a_run_that_was_created():
    run, _ = await triggered(answer(202, location=OURS))

    assert (run.ref, run.created, run.foreign) == (REF, True, False)


async def test_a_303_is_a_run_that_was_there():
    run, _ = await triggered(answer(303, location=OURS))

    assert (run.ref, run.created, run.foreign) == (REF, False, False)


async def test_a_303_may_lead_to_the_run_of_another_connection():
    run, _ = await triggered(answer(303, location=OURS.replace("/c/", "/other/")))

    assert (run.ref.connection_id, run.created, run.foreign) == ("other", False, True)


async def test_a_303_may_lead_to_the_run_of_a_manifest_connection():
    run, _ = await triggered(answer(303, location=OURS.replace("storageconnections/c", "manifestconnections/m")))

    assert (run.ref.kind, run.foreign) == ("manifest", True)


async def test_a_303_to_a_manifest_connection_of_the_same_id_is_another_connections_run():
    run, _ = await triggered(answer(303, location=OURS.replace("storageconnections", "manifestconnections")))

    assert run.foreign


@each(
    "location",
    [
        "/synchronization/imodels/storageconnections/c/runs/r",
        "runs/r",
        "./runs/r",
        "../c/runs/r",
        "//api.example/synchronization/imodels/storageconnections/c/runs/r",
        "HTTPS://API.EXAMPLE/synchronization/imodels/storageconnections/c/runs/r",
        "https://api.example:443/synchronization/imodels/storageconnections/c/runs/r",
        f"{OURS}/",
        f"  {OURS}  ",
        f"{OURS}?version=1",
        f"{OURS}#top",
        OURS.replace("storageconnections", "storageConnections"),
        OURS.replace("/synchronization", "/SYNCHRONIZATION").replace("runs", "RUNS"),
        OURS.replace("/runs/r", "/runs/%72"),
    ],
)
async def test_a_location_may_be_absolute_or_relative_and_of_any_case(location):
    run, _ = await triggered(answer(202, location=location))

    assert run.ref == REF


async def test_an_encoded_id_of_the_connection_is_its_own():
    run, _ = await triggered(
        answer(202, location=f"{BASE}/synchronization/imodels/storageconnections/a%2Fb/runs/r"), connection="a/b"
    )

    assert (run.ref.connection_id, run.foreign) == ("a/b", False)


async def test_a_trigger_has_no_body():
    _, transport = await triggered(answer(202, location=OURS))

    assert transport.requests[0].body is None


async def test_what_an_accepted_trigger_says_in_its_body_does_not_matter():
    run, _ = await triggered(answer(202, ["nonsense"], location=OURS))

    assert run.ref == REF


# Locations that lead nowhere.


@each("status", [202, 303])
async def test_a_missing_location_is_an_error_that_says_the_run_may_exist(status):
    error, _ = await failure(answer(status))

    assert type(error) is LocationError
    assert f"connection c was answered {status} without a Location" in str(error)
    assert "The run may exist" in str(error)


@each(
    "location",
    [
        "",
        "/",
        f"{BASE}/synchronization/imodels/storageconnections/c",
        f"{BASE}/synchronization/imodels/storageconnections/c/runs",
        f"{BASE}/synchronization/imodels/storageconnections/c/runs/",
        f"{BASE}/synchronization/imodels/storageconnections//runs/r",
        f"{OURS}/jobs/j",
        f"{BASE}/synchronization/imodels/storageconnections/c/runs/%2e%2e",
        f"{BASE}/synchronization/imodels/storageconnections/c/runs/%20",
        f"{BASE}/synchronization/imodels/storageconnections/c/runs/a%0d%0ab",
        f"{BASE}/synchronization/imodels/otherconnections/c/runs/r",
        f"{BASE}/?next={OURS}",
    ],
)
async def test_a_location_that_names_no_run_is_an_error(location):
    error, _ = await failure(answer(202, location=location))

    assert type(error) is LocationError


FOREIGN = [
    "https://attacker.example/synchronization/imodels/storageconnections/c/runs/r",
    "//attacker.example/synchronization/imodels/storageconnections/c/runs/r",
    "http://api.example/synchronization/imodels/storageconnections/c/runs/r",
    "https://api.example:8443/synchronization/imodels/storageconnections/c/runs/r",
    "https://api.example.attacker.example/synchronization/imodels/storageconnections/c/runs/r",
    "https://api.example@attacker.example/synchronization/imodels/storageconnections/c/runs/r",
    "https://sub.api.example/synchronization/imodels/storageconnections/c/runs/r",
    "file:///synchronization/imodels/storageconnections/c/runs/r",
]


@each("location", FOREIGN)
@each("status", [202, 303])
async def test_a_location_on_another_origin_is_refused(location, status):
    error, transport = await failure(answer(status, location=location))

    assert type(error) is ForeignOriginError
    assert len(transport.sent) == 1


async def test_a_foreign_origin_is_named_and_that_nothing_was_sent_there():
    error, _ = await failure(answer(202, location=FOREIGN[0]))

    assert [part in str(error) for part in ("https://attacker.example", BASE, "Nothing was sent there")] == [True] * 3


async def test_a_foreign_origin_is_named_without_its_credentials():
    error, _ = await failure(answer(202, location="https://me:hush@attacker.example/x"))

    assert "hush" not in str(error)


@each("status", [202, 303])
async def test_a_foreign_server_gets_no_connection(status):
    async with raw_server(http(), repeat=True) as foreign:
        location = f"{foreign.url}/synchronization/imodels/storageconnections/c/runs/r"
        async with raw_server(http(f"{status} Whatever", Location=location)) as server, client_of(server) as api:
            with pytest.raises(ForeignOriginError):
                await api.storage_connections.runs.trigger("c")

        assert foreign.connections == 0


# Statuses the API does not have.


@each("status", [200, 201, 204])
async def test_another_success_is_a_protocol_error(status):
    error, _ = await failure(answer(status, location=OURS))

    assert type(error) is ProtocolError
    assert f"answered {status}, and the operation has 202 and 303 only" in str(error)


@each("status", [301, 302, 307, 308])
async def test_another_redirect_is_not_followed(status):
    error, transport = await failure(answer(status, location=OURS))

    assert (type(error), len(transport.sent)) == (ProtocolError, 1)


# Not twice.


@each(
    ("step", "kind"),
    [
        (lost("POST"), ConnectionLostError),
        (timed_out(), RequestTimeoutError),
        (After(100.0, answer(202, location=OURS)), RequestTimeoutError),
        (refusal(500), ServerError),
        (refusal(502), ServerError),
        (refusal(503), ServerError),
        (refusal(504), ServerError),
        (refusal(409), ConflictError),
    ],
)
async def test_a_trigger_that_may_have_created_a_run_is_not_repeated(step, kind):
    error, transport = await failure(step)

    assert (type(error), len(transport.sent)) == (kind, 1)


async def test_a_lost_trigger_says_that_a_run_may_exist():
    error, _ = await failure(lost("POST"))

    assert error.sent
    assert "it may have been carried out" in str(error)


@each("step", [lost("POST", sent=False), refusal(429), refusal(503, retry_after="1"), refusal(401)])
async def test_a_trigger_that_created_no_run_is_repeated_if_that_may_help(step):
    async def token():
        return "another"

    transport, _ = scripted(step, answer(202, location=OURS))
    api = SynchronizationClient(token, transport=transport, base_url=BASE)

    assert (await api.storage_connections.runs.trigger("c")).created
    assert len(transport.sent) == 2


@each("broken", [reset, then(b"HTTP/1.1 202 Acc", reset)])
async def test_a_trigger_whose_answer_breaks_on_the_wire_is_sent_once(broken):
    async with raw_server(broken, repeat=True) as server, client_of(server) as api:
        with pytest.raises(ConnectionLostError):
            await api.storage_connections.runs.trigger("c")

    assert len(server.requests) == 1


# Against the emulator.


async def test_the_emulator_creates_a_run_and_then_names_it():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        first = await api.storage_connections.runs.trigger(connection)
        await anyio.sleep(1)
        second = await api.storage_connections.runs.trigger(connection)

        assert (first.created, second.created, second.ref, len(emulator.runs)) == (True, False, first.ref, 1)


async def test_the_emulator_names_the_run_of_another_connection_of_the_imodel():
    async with emulated() as (emulator, api):
        imodel = emulator.new_imodel_id()
        ours, other = emulator.add_connection(imodel), emulator.add_connection(imodel)
        emulator.start_run(other)
        run = await api.storage_connections.runs.trigger(ours)

    assert (run.foreign, run.created, run.ref.connection_id) == (True, False, other)


async def test_a_twin_trigger_is_a_conflict():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.runs.trigger(connection)
        with pytest.raises(ConflictError) as caught:
            await api.storage_connections.runs.trigger(connection)

    assert caught.value.code == "ConflictWithAnotherIModelRequest"


async def test_a_relative_location_of_the_emulator_is_understood():
    async with emulated(location="relative") as (emulator, api):
        run = await api.storage_connections.runs.trigger(emulator.add_connection())

        assert run.ref.run_id == emulator.runs[0].id


async def test_a_303_is_not_followed():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        emulator.start_run(connection)
        await api.storage_connections.runs.trigger(connection)

        assert [request.method for request in emulator.requests] == ["POST"]


@each(
    ("action", "kind"), [(FaultAction.NO_LOCATION, LocationError), (FaultAction.FOREIGN_LOCATION, ForeignOriginError)]
)
async def test_a_bad_location_of_the_emulator_is_refused(action, kind):
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=action))
        with pytest.raises(kind):
            await api.storage_connections.runs.trigger(emulator.add_connection())


@each("action", [FaultAction.RESET_BEFORE_HEADERS, FaultAction.RESET_AFTER_HEADERS])
async def test_a_trigger_whose_answer_was_lost_creates_one_run(action):
    async with emulated() as (emulator, api):
        emulator.add_fault(FaultRule(action=action, performed=True))
        with pytest.raises(ConnectionLostError):
            await api.storage_connections.runs.trigger(emulator.add_connection())

        assert len(emulator.runs) == 1
