"""A wall clock that jumps, because the machine slept or the clock was set, while the event loop's clock does not."""

from datetime import timedelta

import anyio
import pytest
from support.runs import NOW
from support.transport import answer, lost, scripted
from support.watch import emulated

from bentley_sync_async import BackoffPacing, RunTriggered, WatchTimeoutError
from bentley_sync_async.emulator import FileRule
from bentley_sync_async.watch import watcher as watcher_module
from bentley_sync_async.watch.resume_state import ResumeState

LOCATION = "https://api.example/synchronization/imodels/storageconnections/connection/runs/run"
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)
JUMPS = pytest.mark.parametrize("hours", [5, -5])


class WallClock:
    def __init__(self):
        self.ahead = timedelta(0)

    def __call__(self):
        return NOW + self.ahead + timedelta(seconds=anyio.current_time())

    def jump(self, hours):
        self.ahead += timedelta(hours=hours)


@pytest.fixture
def clock(wall_clock, monkeypatch):
    clock = WallClock()
    monkeypatch.setattr(watcher_module, "utc_now", clock)
    return clock


@JUMPS
async def test_an_event_has_the_instant_of_its_poll(clock, hours):
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        await anext(watcher)
        clock.jump(hours)
        event = await anext(watcher)
        assert event.at == clock()


@JUMPS
async def test_a_watch_keeps_its_timeout(clock, hours):
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(duration=7200))
        watcher = client.watch(emulator.add_connection(), timeout=3600)
        began = anyio.current_time()
        await anext(watcher)
        clock.jump(hours)
        with pytest.raises(WatchTimeoutError):
            await watcher.result()
        assert anyio.current_time() - began == pytest.approx(3600, abs=1)


@JUMPS
async def test_a_resumed_watch_has_the_seconds_left_of_its_timeout(clock, hours):
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(duration=7200))
        watcher = client.watch(emulator.add_connection(), timeout=3600)
        began = anyio.current_time()
        await anext(watcher)
        clock.jump(hours)
        with pytest.raises(WatchTimeoutError):
            await client.resume(watcher.resume_token()).result()
        assert anyio.current_time() - began == pytest.approx(3600, abs=1)


@JUMPS
async def test_a_token_keeps_the_instant_of_a_lost_trigger(clock, hours):
    _, client = scripted(lost("POST"))
    watcher = client.watch("connection", pacing=PACING)
    await anext(watcher)
    clock.jump(hours)
    await anyio.sleep(100)
    resume_state = ResumeState.from_token(watcher.resume_token(), origin=client.config.base_url)
    assert clock().timestamp() - resume_state.attempted_at == pytest.approx(100, abs=1)


@JUMPS
async def test_a_token_keeps_the_grace_period_of_a_new_run(clock, hours):
    _, client = scripted(answer(202, location=LOCATION))
    watcher = client.watch("connection", pacing=PACING)
    assert isinstance(await anext(watcher), RunTriggered)
    clock.jump(hours)
    resume_state = ResumeState.from_token(watcher.resume_token(), origin=client.config.base_url)
    assert resume_state.grace_ends - clock().timestamp() == pytest.approx(15, abs=1)
