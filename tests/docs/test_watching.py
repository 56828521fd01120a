"""The promises of the page on watching that running its programs once does not prove."""

import os
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from support.watch import RUN_PATH, TRIGGER_PATH, emulated

import bentley_sync_async
from bentley_sync_async import (
    JobChange,
    PermissionDeniedError,
    RunChange,
    RunEvent,
    RunVanishedError,
    SynchronizationClient,
    TaskChange,
    WatchEvent,
)
from bentley_sync_async.emulator import FaultAction, FaultRule
from bentley_sync_async.watch import watcher as watcher_module

PAGE = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")
BASES = {WatchEvent, RunEvent, RunChange, JobChange, TaskChange}


class Killed(BaseException):
    """Stands for a killed process: no handler of the job catches it."""


def nightly_job(print_seq):
    programs = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    program = next(program for program in programs if "KEPT" in program)
    module = {"print": lambda seq, name: print_seq(seq)}
    exec(program.replace("asyncio.run(main())", ""), module)
    return module["main"]


@asynccontextmanager
async def night(monkeypatch, tmp_path):
    """An emulator, the environment variables of the job, and a wall clock that follows the event loop's."""
    start = datetime.now(UTC)
    monkeypatch.setattr(watcher_module, "utc_now", lambda: start + timedelta(seconds=anyio.current_time()))
    async with emulated() as (emulator, _):
        monkeypatch.setenv("BENTLEY_SYNC_BASE_URL", emulator.url)
        monkeypatch.setenv("BENTLEY_SYNC_TOKEN", emulator.token(lifetime=1e9))
        monkeypatch.setenv("CONNECTION_ID", emulator.add_connection())
        monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "token"))
        yield emulator


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(1, id="while the trigger is on its way"),
        pytest.param(10, id="while it is queued"),
        pytest.param(200, id="while files are worked on"),
        pytest.param(310, id="shortly before its end"),
    ],
)
async def test_the_nightly_job_survives_a_restart(seconds, monkeypatch, tmp_path):
    printed = []
    async with night(monkeypatch, tmp_path) as emulator:
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=2, method="POST", path=TRIGGER_PATH, nth=1))
        main = nightly_job(printed.append)
        with anyio.move_on_after(seconds) as scope:
            await main()
        await anyio.sleep(60)
        await main()
    assert scope.cancelled_caught
    assert printed == list(range(1, len(printed) + 1))
    assert len(emulator.runs) == 1
    assert list(tmp_path.iterdir()) == []


async def test_the_killed_nightly_job_reports_only_the_last_event_again(monkeypatch, tmp_path):
    printed = []

    def print_seq(seq):
        printed.append(seq)
        if len(printed) == 5:
            raise Killed

    async with night(monkeypatch, tmp_path) as emulator:
        with pytest.raises(Killed):
            await nightly_job(print_seq)()
        await nightly_job(print_seq)()
    assert printed[:6] == [1, 2, 3, 4, 5, 5]
    assert printed[5:] == list(range(5, printed[-1] + 1))
    assert len(emulator.runs) == 1


@pytest.mark.parametrize(("status", "error"), [(403, PermissionDeniedError), (404, RunVanishedError)])
async def test_the_nightly_job_keeps_its_token_after_a_failure_that_may_be_resumed(
    status, error, monkeypatch, tmp_path
):
    token = tmp_path / "token"
    async with night(monkeypatch, tmp_path) as emulator, SynchronizationClient.from_env() as client:
        watcher = client.watch(os.environ["CONNECTION_ID"], timeout=1000)
        await watcher.result()
        token.write_text(watcher.resume_token())  # and then the process was killed
        await anyio.sleep(2000)
        emulator.add_fault(FaultRule(path=RUN_PATH, status=status, nth=1))
        with pytest.raises(error):
            await nightly_job(print)()
        kept = token.exists()
        if kept:
            await nightly_job(print)()
    assert kept == (status == 403)
    assert len(emulator.runs) == 1
    assert not token.exists()


def test_the_table_of_events_lists_every_event():
    public = {getattr(bentley_sync_async, name) for name in bentley_sync_async.__all__}
    events = {thing.__name__ for thing in public if isinstance(thing, type) and issubclass(thing, WatchEvent)}
    table = PAGE[PAGE.index("## Events") : PAGE.index("## State is not result")]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == events - {base.__name__ for base in BASES}
