"""What the machines found, each as the shortest way to it."""

from datetime import timedelta

import anyio
import pytest
from support.runs import NOW
from support.transport import answer, lost, refusal, scripted

from bentley_sync_async import BackoffPacing, RunVanishedError
from bentley_sync_async.watch import watcher as watcher_module
from bentley_sync_async.watch.resume_state import ResumeState

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


async def test_a_token_of_a_resumed_watch_keeps_the_lost_trigger():
    first, second = await tokens_of(lost("POST"), events=1)
    origin = "https://api.example"
    assert (
        ResumeState.from_token(second, origin=origin).attempted_at
        == ResumeState.from_token(first, origin=origin).attempted_at
    )


async def test_a_404_after_a_resume_ends_the_watch():
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Executing"))
    watcher = client.watch(CONNECTION, pacing=PACING)
    for _ in range(2):
        await anext(watcher)
    await anyio.sleep(100)
    _, other = scripted(refusal(404))
    with pytest.raises(RunVanishedError):
        await anext(other.resume(watcher.resume_token(), pacing=PACING))


@pytest.mark.parametrize("behind", [0, 3600])
async def test_a_resume_does_not_extend_the_grace_period_of_a_new_run(behind, monkeypatch):
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Executing"))
    watcher = client.watch(CONNECTION, pacing=PACING)
    for _ in range(2):
        await anext(watcher)
    token = watcher.resume_token()
    slow = timedelta(seconds=-behind)
    monkeypatch.setattr(watcher_module, "utc_now", lambda: NOW + slow + timedelta(seconds=anyio.current_time()))
    _, other = scripted(always=refusal(404))
    resumed = other.resume(token, pacing=PACING)
    delayed = await anext(resumed)
    assert type(delayed).__name__ == "PollDelayed"
    with pytest.raises(RunVanishedError):
        await anext(resumed)
    assert anyio.current_time() == pytest.approx(15, abs=0.1)


async def test_a_phase_change_that_was_not_taken_is_reported_after_a_resume():
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
        "RunStateChanged",
        "RunPhaseChanged",
        "RunStateChanged",
        "RunCompleted",
    ]


async def test_a_retry_that_was_not_taken_is_reported_after_a_resume():
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


async def completion_reported(**options):
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Completed"))
    watcher = client.watch(CONNECTION, pacing=PACING, **options)
    await watcher.result()
    return watcher.resume_token()


async def test_a_resumed_watch_whose_completion_was_reported_sends_nothing_and_has_no_timeout():
    token = await completion_reported(timeout=60)
    await anyio.sleep(100)
    transport, other = scripted()
    assert [event async for event in other.resume(token, pacing=PACING)] == []
    assert transport.sent == []


async def test_the_result_of_a_reported_completion_is_polled_without_events_about_failures():
    token = await completion_reported()
    transport, other = scripted(lost(), lost(), snapshot(state="Completed", result="Success"))
    watcher = other.resume(token, pacing=PACING)
    run = await watcher.result()
    assert run.succeeded
    assert [event async for event in watcher] == []
    assert await watcher.result() is run
    assert len(transport.sent) == 3


async def test_a_completion_that_was_not_taken_is_reported_after_two_resumes():
    _, client = scripted(answer(202, location=LOCATION), snapshot(state="Executing"), snapshot(state="Completed"))
    watcher = client.watch(CONNECTION, pacing=PACING)
    told = [type(await anext(watcher)).__name__ for _ in range(3)]
    assert told[-1] == "RunStateChanged"
    # A service that takes back what it said; it has no right to, and the watch must not end in silence.
    _, second = scripted(snapshot(state="Executing", phase="Afterlife"))
    middle = second.resume(watcher.resume_token(), pacing=PACING)
    assert type(await anext(middle)).__name__ == "UnknownValueSeen"
    _, third = scripted(snapshot(state="Completed"))
    assert [type(event).__name__ async for event in third.resume(middle.resume_token(), pacing=PACING)] == [
        "RunCompleted"
    ]
