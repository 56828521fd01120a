"""Fault rules: which requests they match, and how each action breaks the answer."""

from datetime import UTC, datetime

import aiohttp
import anyio
import pytest

from bentley_sync_async.emulator import FaultAction, FaultRule

pytestmark = pytest.mark.looptime(start=0)
PATH = "/synchronization/imodels/connections/authorizationinformation"
LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError)


async def statuses(api, count):
    return [(await api.get(PATH)).status for _ in range(count)]


async def test_a_status_replaces_the_operation(serving):
    async with serving() as api:
        rule = api.emulator.add_fault(FaultRule(method="post", path="/RUN$", status=503, code="Busy", retry_after=7))
        connection_id = api.emulator.add_connection()
        answer = await api.trigger(connection_id)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
        assert answer.error == {"code": "Busy", "message": "Emulated failure."}
        assert (rule.met, rule.fired, api.emulator.runs) == (1, 1, ())
        assert (await api.get(PATH)).status == 200


async def test_a_status_can_hide_a_performed_operation(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(path="/run$", status=500, performed=True))
        assert (await api.trigger(api.emulator.add_connection())).status == 500
        assert len(api.emulator.runs) == 1


async def test_a_status_without_a_code_has_no_body_and_no_content_type(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(status=502))
        answer = await api.get(PATH)
        assert (answer.body, "Content-Type" in answer.headers) == (b"", False)


async def test_a_status_can_have_any_body_and_headers(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(status=307, body="{}", headers={"Location": "https://elsewhere.example/"}))
        answer = await api.get(PATH)
        assert (answer.status, answer.json, answer.headers["Location"]) == (307, {}, "https://elsewhere.example/")


async def test_retry_after_can_be_a_date(serving):
    async with serving(start=datetime(2026, 1, 1, tzinfo=UTC)) as api:
        api.emulator.add_fault(FaultRule(status=429, retry_after=90, retry_after_date=True))
        assert (await api.get(PATH)).headers["Retry-After"] == "Thu, 01 Jan 2026 00:01:30 GMT"


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({"nth": 2}, [200, 503, 200, 200, 200, 200]),
        ({"first": 3}, [200, 200, 503, 503, 503, 503]),
        ({"last": 2}, [503, 503, 200, 200, 200, 200]),
        ({"first": 2, "last": 5, "every": 3}, [200, 503, 200, 200, 503, 200]),
        ({"probability": 0.0}, [200] * 6),
    ],
)
async def test_a_rule_selects_the_requests_that_it_breaks(serving, which, expected):
    async with serving() as api:
        rule = api.emulator.add_fault(FaultRule(**which))
        assert await statuses(api, 6) == expected
        assert (rule.met, rule.fired) == (6, expected.count(503))


async def test_a_rule_counts_only_matching_requests(serving, connections):
    async with serving() as api:
        rule = api.emulator.add_fault(FaultRule(method="POST", path="storageconnections$", nth=2))
        await api.get(connections)
        await api.post(PATH)
        assert [(await api.post(connections)).status for _ in range(2)] == [422, 503]
        assert (rule.met, rule.fired) == (2, 1)


async def test_a_caller_that_disconnects_before_the_fault_does_no_harm(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action="reset_before_headers", delay=10, nth=1))
        with pytest.raises(TimeoutError), anyio.fail_after(5):
            await api.get(PATH)
        await anyio.sleep(10)
        assert (await api.get(PATH)).status == 200


async def test_probabilities_are_drawn_from_the_seed(serving):
    seen = []
    for seed in (1, 1, 2):
        async with serving(seed=seed) as api:
            api.emulator.add_fault(FaultRule(probability=0.5))
            seen.append(await statuses(api, 20))
    assert seen[0] == seen[1] != seen[2]
    assert 0 < seen[0].count(503) < 20


async def test_the_rule_added_last_takes_precedence(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(status=500))
        api.emulator.add_fault(FaultRule(status=504, nth=1))
        assert await statuses(api, 2) == [504, 500]


async def test_a_delay_is_measured_on_the_loops_clock(serving):
    async with serving(speed=50) as api:
        api.emulator.add_fault(FaultRule(action="delay", delay=40))
        connection_id = api.emulator.add_connection()
        before = anyio.current_time()
        assert (await api.trigger(connection_id)).status == 202
        assert anyio.current_time() - before == pytest.approx(40, abs=0.1)


async def test_an_operation_with_a_late_answer_is_performed(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=40))
        with pytest.raises(TimeoutError), anyio.fail_after(5):
            await api.trigger(api.emulator.add_connection())
        assert len(api.emulator.runs) == 1


@pytest.mark.parametrize(("performed", "runs"), [(None, 0), (True, 1)])
async def test_a_reset_before_the_headers_loses_the_answer(serving, performed, runs):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action="reset_before_headers", performed=performed))
        with pytest.raises(LOST):
            await api.trigger(api.emulator.add_connection())
        assert len(api.emulator.runs) == runs
        assert api.emulator.requests[-1].status is None


@pytest.mark.parametrize("action", ["reset_after_headers", "truncated_body"])
async def test_an_answer_can_end_after_its_headers(serving, action):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action=action, nth=1))
        with pytest.raises((aiohttp.ClientPayloadError, *LOST)):
            await api.get(PATH)
        assert (await api.get(PATH)).status == 200


async def test_the_content_type_can_be_wrong(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action="wrong_content_type"))
        answer = await api.get(PATH)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "authorizationInformation" in answer.json


async def test_the_body_can_be_a_web_page(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action="html_body", nth=1))
        api.emulator.add_fault(FaultRule(action="html_body", nth=2, performed=False, status=502))
        for status in (200, 502):
            answer = await api.get(PATH)
            assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
            assert answer.body.startswith(b"<!DOCTYPE html>")


async def test_the_body_can_be_empty(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action="empty_body"))
        answer = await api.get(PATH)
        assert (answer.status, answer.body) == (200, b"")


async def test_the_location_can_be_missing_relative_or_foreign(serving):
    async with serving() as api:
        seen = []
        for action in ("no_location", "relative_location", "foreign_location"):
            api.emulator.add_fault(FaultRule(action=action, path="/run$"))
            answer = await api.trigger(api.emulator.add_connection())
            seen.append((answer.status, answer.headers.get("Location")))
        assert seen == [
            (202, None),
            (202, api.emulator.runs[1].path),
            (202, "https://attacker.example/synchronization/imodels/storageconnections/x/runs/y"),
        ]


async def test_a_relative_location_does_not_change_answers_without_a_location(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(action="relative_location"))
        assert "Location" not in (await api.get(PATH)).headers


async def test_faults_match_token_requests(serving):
    async with serving() as api:
        api.emulator.add_fault(FaultRule(path="^/connect/token$", status=503))
        assert (await api.post("/connect/token")).status == 503


async def test_every_request_is_recorded_without_showing_its_token(serving, connections):
    async with serving() as api:
        await anyio.sleep(3)
        await api.get(f"{connections}?ImodelId=x&imodelid=y", headers={"X-One": "1"})
        [request] = api.emulator.requests
        assert (request.method, request.path, request.query) == ("GET", connections, {"imodelid": "x"})
        assert (request.status, request.operation) == (422, "get-storage-connections")
        assert request.time == pytest.approx(3, abs=0.1)
        assert request.headers["x-one"] == "1"
        assert api.token not in repr(request)
