"""No request about a run or a trigger comes before the service's Retry-After, on whatever answer that came."""

import anyio
import pytest
from support.transport import After, answer, lost, refusal, scripted

from bentley_sync_async import (
    BackoffPacing,
    FixedPacing,
    LearnedPacing,
    PollDelayed,
    RunTriggered,
    WatchFailedError,
)
from bentley_sync_async.transport import Response

BASE = "https://api.example/synchronization/imodels/storageconnections"
RUN = f"{BASE}/connection/runs/run"
THEIRS = f"{BASE}/other/runs/theirs"
PACING = FixedPacing(interval=2, jitter=0)
CREATED = answer(202, location=RUN)


def run(state="Executing", id_="run", **headers):
    return answer(200, {"run": {"id": id_, "state": state, "result": "Undetermined", "jobs": []}}, **headers)


def html(status=200, **headers):
    return Response(status=status, body=b"<html>Maintenance</html>", headers={"content-type": "text/html", **headers})


RUNS = {"runs": []}
FOUND = answer(200, {"connection": {"id": "connection"}}, retry_after="40")
WAIT = {"retry_after": "40"}

CASES = {
    "202 of the trigger": ([answer(202, location=RUN, **WAIT)], 0),
    "303 of the trigger": ([answer(303, location=RUN, **WAIT)], 0),
    "409 of the trigger": ([refusal(409, **WAIT)], 0),
    "200 of a poll": ([CREATED, run(**WAIT)], 1),
    "500 of a poll": ([CREATED, refusal(500, **WAIT)], 1),
    "a maintenance page with 200": ([CREATED, html(**{"retry-after": "40"})], 1),
    "a redirect of a poll": ([CREATED, answer(302, location="https://elsewhere.example/", **WAIT)], 1),
    "404 within the grace": ([CREATED, refusal(404, **WAIT)], 1),
    "404 of the run in the way": ([answer(303, location=THEIRS), refusal(404, **WAIT)], 1),
    "403 of the run in the way": ([answer(303, location=THEIRS), refusal(403, **WAIT)], 1),
    "200 of the run in the way": ([answer(303, location=THEIRS), run(id_="theirs", **WAIT)], 1),
    "the search for a lost answer": ([lost("POST"), FOUND], 1),
}


@pytest.mark.parametrize("name", CASES)
async def test_the_next_request_waits_for_it(name):
    script, nth = CASES[name]
    transport, client = scripted(*script, always=CREATED)
    with anyio.move_on_after(300):
        watcher = client.watch("connection", pacing=PACING)
        while len(transport.sent) < nth + 2:
            await anext(watcher)
    assert transport.instants[nth + 1] - transport.instants[nth] == pytest.approx(40, abs=0.1)


@pytest.mark.parametrize("history", [answer(200, RUNS, **WAIT), refusal(500, **WAIT)], ids=["200", "500"])
async def test_the_first_poll_waits_for_that_of_the_list_of_past_runs(history):
    transport, client = scripted(CREATED, history, always=run())
    watcher = client.watch("connection", pacing=LearnedPacing())
    with anyio.move_on_after(300):
        while len(transport.sent) < 3:
            await anext(watcher)
    assert transport.instants[2] - transport.instants[1] == pytest.approx(40, abs=0.1)


async def test_no_retry_after_counts_for_more_than_an_hour():
    transport, client = scripted(CREATED, run(retry_after="999999"), always=run())
    watcher = client.watch("connection", pacing=PACING)
    with anyio.move_on_after(9000):
        while len(transport.sent) < 3:
            await anext(watcher)
    assert transport.instants[2] == pytest.approx(3600, abs=0.1)


@pytest.mark.parametrize("page", [html(), html(302), answer(307, location="https://login.example/")])
async def test_a_maintenance_page_in_the_middle_of_a_watch_delays_it(page):
    transport, client = scripted(CREATED, run(), page, always=run("Completed"))
    watcher = client.watch("connection", pacing=PACING)
    events = [event async for event in watcher]
    assert sum(isinstance(event, PollDelayed) for event in events) == 1
    assert all(request.url.startswith(BASE) for request in transport.requests)


async def test_maintenance_for_half_an_hour_ends_the_watch():
    _, client = scripted(CREATED, always=html(302))
    watcher = client.watch("connection", pacing=BackoffPacing())
    with pytest.raises(WatchFailedError):
        async for _ in watcher:
            pass
    assert anyio.current_time() > 1800


async def test_waiting_for_a_throttle_that_another_call_met_is_no_failure():
    transport, client = scripted(CREATED, refusal(502), refusal(429, retry_after="2400"), refusal(502), always=run())
    watcher = client.watch("connection", pacing=FixedPacing(interval=10, jitter=0))
    assert isinstance(await anext(watcher), RunTriggered)
    assert isinstance(await anext(watcher), PollDelayed)
    with pytest.raises(Exception, match="429"):
        await client.storage_connections.get("other")
    assert isinstance(await anext(watcher), PollDelayed)
    assert anyio.current_time() > 2400
    assert not isinstance(await anext(watcher), PollDelayed)
    assert len(transport.sent) == 5


async def test_the_time_that_nobody_awaited_the_watch_is_no_failure():
    _, client = scripted(CREATED, refusal(502), refusal(502), always=run())
    watcher = client.watch("connection", pacing=FixedPacing(interval=10, jitter=0))
    for _ in range(2):
        await anext(watcher)
    await anyio.sleep(3000)
    assert isinstance(await anext(watcher), PollDelayed)


async def test_a_slow_answer_counts_as_failure():
    _, client = scripted(CREATED, always=After(59.0, refusal(502)))
    watcher = client.watch("connection", pacing=FixedPacing(interval=1, jitter=0))
    with pytest.raises(WatchFailedError):
        async for _ in watcher:
            pass
    assert anyio.current_time() == pytest.approx(1800, abs=130)
