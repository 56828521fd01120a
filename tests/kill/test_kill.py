"""Bulks that are killed, in real processes and real time: `KILLS=200` for the full length."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

KILLS = int(os.environ.get("KILLS", "10"))
CONNECTIONS, IMODELS = 60, 20
HERE = Path(__file__).parent
LONGEST_LIFE = 2.5  # seconds; a bulk that nobody kills takes somewhat longer
PATIENCE = 120.0


@contextmanager
def world() -> Iterator[tuple[dict[str, object], list[str]]]:
    """A served emulator, and the connections of its runs once the block is left."""
    runs: list[str] = []
    with subprocess.Popen(
        [sys.executable, HERE / "world.py", str(CONNECTIONS), str(IMODELS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline()), runs
            said, _ = process.communicate(timeout=PATIENCE)
            runs.extend(json.loads(said))
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def life(found: dict[str, object], folder: Path, *, seconds: float | None) -> bool:
    """Run the nightly job, and kill it after so many seconds unless it has ended; return whether it was killed."""
    environment = os.environ | {
        "BENTLEY_SYNC_BASE_URL": str(found["url"]),
        "BENTLEY_SYNC_CLIENT_ID": str(found["client_id"]),
        "BENTLEY_SYNC_CLIENT_SECRET": str(found["client_secret"]),
    }
    with subprocess.Popen(
        [sys.executable, HERE / "nightly.py", folder / "nightly.db", folder / "report.json"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin is not None
        process.stdin.write("\n".join(found["connections"]))  # type: ignore[arg-type]
        process.stdin.close()
        process.stdin = None
        try:
            _, said = process.communicate(timeout=seconds or PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE)
            assert seconds is not None, "the job did not end"
            return True
    assert process.returncode == 0, said
    return False


def test_a_bulk_that_is_killed_at_any_moment_runs_each_connection_exactly_once(tmp_path, record_property):
    chance = random.Random(int(os.environ.get("KILL_SEED", str(time.time_ns()))))
    kills, bulks = 0, 0
    while kills < KILLS:
        bulks += 1
        folder = tmp_path / str(bulks)
        folder.mkdir()
        with world() as (found, runs):
            report_file = folder / "report.json"  # the job's last deed: what is killed after it has finished
            while not report_file.exists():
                kills += life(found, folder, seconds=chance.uniform(0.5, LONGEST_LIFE) if kills < KILLS else None)
        report = json.loads(report_file.read_text())
        outcomes = {outcome["connectionId"]: outcome["status"] for outcome in report["outcomes"]}
        assert sorted(runs) == sorted(found["connections"])  # type: ignore[call-overload]
        assert outcomes == dict.fromkeys(found["connections"], "succeeded")  # type: ignore[call-overload]
    record_property("kills", kills)
    record_property("bulks", bulks)


def test_a_second_process_on_the_same_journal_is_refused_with_the_pid_of_the_first(tmp_path):
    with world() as (found, _):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, tmp_path / "nightly.db", str(found["url"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as first:
            assert first.stdout is not None
            assert first.stdout.readline() == "held\n"
            with pytest.raises(AssertionError, match=f"JournalInUseError.*in use by process {first.pid}"):
                life(found, tmp_path, seconds=None)
            first.communicate("", timeout=PATIENCE)
        assert not life(found, tmp_path, seconds=None)


HOLD = """
import asyncio, sys
from bentley_sync_async.bulk.sqlite_journal import SQLiteJournal

async def main():
    async with SQLiteJournal(sys.argv[1], origin=sys.argv[2]):
        print("held", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""
