"""What the machines found, each as the shortest way to it."""

from datetime import timedelta

import anyio
import pytest
from support_runs import NOW
from support_transport import answer, lost, refusal, scripted

from bentley_sync_async import BackoffPacing, RunVanishedError
from bentley_sync_async.watch import watcher as watcher_module
from bentley_sync_async.watch.bookmark import Bookmark

CONNECTION = "connection"
LOCATION = "https://api.example/synchronization/imodels/storageconnections/connection/runs/run"
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)


@pytest.fixture(autouse=True)
def wall_clock(monkeypatch):
    monkeypatch.setattr(watcher_module, "utc_now", lambda: NOW + timedelta(seconds=anyio.current_time()))


def snapshot(**members):
    return answer(200, {"run": {"id": "run", "connectionId": CONNECTION, "result": "Undetermined", **members}})


async def tokens_of(*script, events):
    """The token of a watch after some events, and the same token by way of a watch that did nothing with it."""
    _, client = scripted(*script)
    watcher = client.watch(CONNECTION, pacing=PACING)
    for _ in range(events):
        await anext(watcher)
    token = watcher.resume_token()
    return token, client.resume(token).resume_token()


async def test_a_token_taken_from_a_resumed_watch_before_its_first_step_still_knows_of_the_lost_trigger():
    first, second = await tokens_of(lost("POST"), events=1)
    origin = "https://api.example"
    assert Bookmark.of(second, origin=origin).attempted_at == Bookmark.of(first, origin=origin).attempted_at


async def test_a_run_that_is_gone_after_a_resume_has_vanished():
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Executing"))
    watcher = client.watch(CONNECTION, pacing=PACING)
    for _ in range(2):
        await anext(watcher)
    await anyio.sleep(100)
    _, other = scripted(refusal(404))
    with pytest.raises(RunVanishedError):
        await anext(other.resume(watcher.resume_token(), pacing=PACING))


@pytest.mark.xfail(strict=True, reason="of two events about one change the second is lost")
async def test_a_change_of_state_that_was_not_taken_with_its_change_of_phase_is_told_after_a_resume():
    now = snapshot(state="Executing", phase="MasterFile")
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Queued", phase="Preprocessor"), now)
    watcher = client.watch(CONNECTION, pacing=PACING)
    told = [type(await anext(watcher)).__name__ for _ in range(3)]
    _, other = scripted(now, snapshot(state="Completed", phase="MasterFile"))
    resumed = other.resume(watcher.resume_token(), pacing=PACING)
    told += [type(event).__name__ async for event in resumed]
    assert told == [
        "RunTriggered",
        "RunAppeared",
        "RunPhaseChanged",
        "RunStateChanged",
        "RunStateChanged",
        "RunCompleted",
    ]


@pytest.mark.xfail(strict=True, reason="of two events about one change the second is lost")
async def test_a_retry_that_was_not_taken_with_its_change_of_state_is_told_after_a_resume():
    def with_task(**task):
        task = {"id": "t", "result": "Undetermined", **task}
        job = {"id": "j", "state": "Executing", "result": "Undetermined", "tasks": [task]}
        return snapshot(state="Executing", jobs=[job])

    now = with_task(state="WaitingToRetry", retryAttempts=1)
    _, client = scripted(answer(202, location=LOCATION), with_task(state="Executing", retryAttempts=0), now)
    watcher = client.watch(CONNECTION, pacing=PACING)
    told = [type(await anext(watcher)).__name__ for _ in range(5)]
    assert told[-1] == "TaskStateChanged"
    _, other = scripted(now, always=snapshot(state="Completed"))
    resumed = other.resume(watcher.resume_token(), pacing=PACING)
    assert type(await anext(resumed)).__name__ == "TaskRetried"


@pytest.mark.xfail(
    strict=True, reason="a watch that was told to its end looks again, and tells of its trouble with that"
)
async def test_nothing_is_told_after_the_end_though_the_look_of_a_resumed_watch_fails():
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Completed"))
    watcher = client.watch(CONNECTION, pacing=PACING)
    await watcher.result()
    _, other = scripted(lost(), always=snapshot(state="Completed"))
    assert [event async for event in other.resume(watcher.resume_token(), pacing=PACING)] == []
