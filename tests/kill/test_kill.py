"""Bulks that are killed, in real processes and real time: `KILLS=200` for the full length."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

KILLS = int(os.environ.get("KILLS", "10"))
HERE = Path(__file__).parent
LONGEST_LIFE = 1.0  # seconds; a bulk of sixty connections that nobody kills takes four
PATIENCE = 240.0

# Where the job kills itself, and at which times it certainly comes there.
POINTS = [
    *((point, number) for point in ("before a note", "in a note", "after a note") for number in range(1, 9)),
    *(
        (point, number)
        for point in ("while a trigger is on its way", "after the answer to a trigger")
        for number in range(1, 7)
    ),
]


@contextmanager
def service(*, connections: int, imodels: int) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """A served emulator, and the connections of its runs once the block is left."""
    runs: list[str] = []
    with subprocess.Popen(
        [sys.executable, HERE / "service.py", str(connections), str(imodels)],
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


def settings(found: dict[str, Any]) -> dict[str, str]:
    return os.environ | {
        "BENTLEY_SYNC_BASE_URL": found["url"],
        "BENTLEY_SYNC_CLIENT_ID": found["client_id"],
        "BENTLEY_SYNC_CLIENT_SECRET": found["client_secret"],
    }


def life(
    found: dict[str, Any],
    folder: Path,
    *,
    ids: list[str] | None = None,
    seconds: float | None = None,
    point: tuple[str, int] | None = None,
) -> bool:
    """Run the nightly job until it ends or is killed; return whether it was killed.

    It is killed after so many seconds from the start of its main program, or kills itself at a point.
    """
    files = [folder / "nightly.db", folder / "report.json"]
    command = [HERE / "nightly.py", *files] if point is None else [HERE / "dying.py", *files, point[0], str(point[1])]
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=settings(found),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(ids or found["connections"]))
        process.stdin.close()
        process.stdin = None
        process.stdout.readline()
        try:
            _, said = process.communicate(timeout=PATIENCE if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            _, said = process.communicate(timeout=PATIENCE)
            assert seconds is not None, "the job did not end"
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode != 0


def check_report(folder: Path, ids: list[str]) -> None:
    report = json.loads((folder / "report.json").read_text())
    outcomes = [(outcome["connectionId"], outcome["status"]) for outcome in report["outcomes"]]
    assert outcomes == [(one, "succeeded") for one in ids]


def test_a_bulk_that_is_killed_at_any_moment_runs_each_connection_exactly_once(tmp_path, record_property):
    chance = random.Random(int(os.environ.get("KILL_SEED", str(time.time_ns()))))
    kills, bulks = 0, 0
    while kills < KILLS:
        bulks += 1
        folder = tmp_path / str(bulks)
        folder.mkdir()
        with service(connections=60, imodels=20) as (found, runs):
            while not (folder / "report.json").exists():  # the job's last deed
                kills += life(found, folder, seconds=chance.uniform(0, LONGEST_LIFE) if kills < KILLS else None)
        assert sorted(runs) == sorted(found["connections"])
        check_report(folder, found["connections"])
    record_property("kills", kills)
    record_property("bulks", bulks)


def test_a_bulk_that_is_killed_at_a_certain_point_runs_each_connection_exactly_once(tmp_path, record_property):
    """All points if `KILLS` is as many, else three."""
    points = POINTS if len(POINTS) <= KILLS else random.sample(POINTS, k=3)
    with service(connections=6 * len(points), imodels=3 * len(points)) as (found, runs):
        for number, point in enumerate(points):
            folder = tmp_path / str(number)
            folder.mkdir()
            ids = found["connections"][number :: len(points)]
            assert life(found, folder, ids=ids, point=point), point
            assert not life(found, folder, ids=ids), point
            check_report(folder, ids)
    assert sorted(runs) == sorted(found["connections"])
    record_property("points", len(points))


# A disk of so many kilobytes that only this process and its children see, on which the job runs twice: the second time
# there is room.
ON_A_SMALL_DISK = """
mount -t tmpfs -o size=%dk none "$1" && "$2" "$3" "$1/nightly.db" "$1/report.json" < "$4"
first=$?
mount -o remount,size=64m "$1"
"$2" -c "$6" "$1/nightly.db"
"$2" "$3" "$1/nightly.db" "$1/report.json" < "$4" && cp "$1/report.json" "$5"
second=$?
echo "ended with $first and $second"
"""
HOW_MANY_BEGUN = """
import sqlite3, sys
begun = "SELECT count(*) FROM items WHERE attempt > 0"
print("begun:", *sqlite3.connect(sys.argv[1]).execute(begun).fetchone())
"""
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def no_disk_can_be_made() -> bool:
    if shutil.which("unshare") is None:
        return True
    command = [*UNSHARE, "mount", "-t", "tmpfs", "none", str(HERE)]
    return subprocess.run(command, check=False, capture_output=True).returncode != 0


@pytest.mark.skipif(no_disk_can_be_made(), reason="the system allows no disks of one's own")
@pytest.mark.parametrize(("size", "begun"), [(24, None), (200, "begun: [1-9]")], ids=["at once", "midway"])
def test_a_bulk_on_a_full_disk_ends_and_runs_each_connection_exactly_once_when_there_is_room(size, begun, tmp_path):
    disk, ids, report = tmp_path / "disk", tmp_path / "ids", tmp_path / "report.json"
    disk.mkdir()
    with service(connections=20, imodels=20) as (found, runs):
        ids.write_text("\n".join(found["connections"]))
        files = [disk, sys.executable, HERE / "nightly.py", ids, report]
        done = subprocess.run(
            [*UNSHARE, "sh", "-c", ON_A_SMALL_DISK % size, "sh", *files, HOW_MANY_BEGUN],
            env=settings(found),
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert done.stdout.endswith("ended with 1 and 0\n"), done.stderr
    assert "JournalError" in done.stderr
    assert ("begun: " in done.stdout) == (begun is not None)
    assert re.search(begun or "", done.stdout)
    assert sorted(runs) == sorted(found["connections"])
    check_report(tmp_path, found["connections"])


def test_a_second_process_on_the_same_journal_is_refused_with_the_pid_of_the_first(tmp_path):
    with service(connections=3, imodels=3) as (found, _):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, tmp_path / "nightly.db", found["url"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as first:
            assert first.stdout is not None
            assert first.stdout.readline() == "held\n"
            with pytest.raises(AssertionError, match=f"JournalInUseError.*in use by process {first.pid}"):
                life(found, tmp_path)
            first.communicate("", timeout=PATIENCE)
        assert not life(found, tmp_path)


HOLD = """
import asyncio, sys
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal

async def main():
    async with SQLiteJournal(sys.argv[1], origin=sys.argv[2]):
        print("held", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""
