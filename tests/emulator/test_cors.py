"""Requests of pages of other origins."""

import pytest

from bentley_sync_async.emulator import FaultRule

pytestmark = pytest.mark.looptime(start=0)
ORIGIN = {"Origin": "http://localhost:3000"}


async def preflight(api, path, *, method="POST", headers="authorization,content-type,prefer", **more):
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers, **more}
    return await api.send("OPTIONS", path, headers={"Authorization": "", **ORIGIN, **asked})


@pytest.mark.parametrize("path", ["/synchronization/imodels/storageconnections", "/connect/token", "/blobs/a", "/x"])
async def test_a_preflight_allows_every_method_and_header_without_a_token(serving, path):
    async with serving() as api:
        answer = await preflight(api, path, method="PUT", headers="authorization,prefer,x-ms-blob-type")
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization,prefer,x-ms-blob-type"


async def test_a_preflight_counts_neither_towards_the_quota_nor_for_a_fault(serving, connections):
    async with serving(per_minute=1) as api:
        rule = api.emulator.add_fault(FaultRule(nth=2))
        await preflight(api, connections)
        assert rule.met == 0
        assert (await api.get(f"{connections}/{api.emulator.add_connection()}")).status == 200
        assert [request.operation for request in api.emulator.requests] == ["preflight", "get-storage-connection"]


async def test_a_page_of_the_internet_may_call_this_machine(serving, connections):
    async with serving() as api:
        answer = await preflight(api, connections, **{"Access-Control-Request-Private-Network": "true"})
        assert answer.headers["Access-Control-Allow-Private-Network"] == "true"


async def test_other_options_requests_are_none(serving, connections):
    async with serving() as api:
        assert (await api.send("OPTIONS", connections)).status == 405
        assert (await api.send("OPTIONS", connections, headers=ORIGIN)).status == 405


async def test_a_page_of_another_origin_reads_answers_with_their_location(serving, connections):
    async with serving() as api:
        run = await api.post(f"{connections}/{api.emulator.add_connection()}/run", headers=ORIGIN)
        assert run.status == 202
        assert run.headers["Access-Control-Allow-Origin"] == "*"
        assert {"Location", "Retry-After"} <= set(run.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/synchronization/imodels/storageconnections", 401),
        ("GET", "/nowhere", 404),
        ("PATCH", "/connect/token", 405),
        ("POST", "/connect/token", 400),
    ],
)
async def test_a_page_of_another_origin_reads_errors(serving, method, path, status):
    async with serving() as api:
        answer = await api.send(method, path, headers={"Authorization": "", **ORIGIN})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")


async def test_a_page_of_another_origin_reads_answers_that_a_fault_made(serving, connections):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(status=503, retry_after=7))
        answer = await api.get(connections, headers=ORIGIN)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (503, "*")


async def test_without_an_origin_there_are_no_such_headers(serving, connections):
    async with serving() as api:
        answer = await api.get(connections)
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
