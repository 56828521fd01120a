"""Publishes that are killed, in real processes and real time: `PUBLISH_KILLS=100` for the full length."""

import hashlib
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
from typing import Any

KILLS = int(os.environ.get("PUBLISH_KILLS", "20"))
HERE = Path(__file__).parent
FILES, LARGE, OF_A_CONNECTION = 60, 2, 10
LONGEST_LIFE = 3.0  # seconds; one that nobody kills takes about six
PATIENCE = 240.0
MANIFEST = """
[model]
itwin = "Station West"
imodel = "Combined"
folder = "Nightly"
files_per_connection = %d

[[files]]
path = "cad/*.dgn"
"""


@contextmanager
def service() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A served emulator, and what it holds once the block is left."""
    held: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, HERE / "publish_service.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline()), held
            said, _ = process.communicate(timeout=PATIENCE)
            held.update(json.loads(said))
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def folder_of_files(folder: Path, seed: int) -> dict[str, int]:
    """Write the files; return the description of each as it is in Storage, and its size."""
    chance = random.Random(seed)
    (folder / "cad").mkdir(parents=True)
    (folder / "publish.toml").write_text(MANIFEST % OF_A_CONNECTION)
    found = {}
    for number in range(FILES):
        content = chance.randbytes(9 * 2**20 if number < LARGE else 1000 + number)
        (folder / f"cad/{number}.dgn").write_bytes(content)
        found[f"sha256:{hashlib.sha256(content).hexdigest()} cad/{number}.dgn"] = len(content)
    return found


def life(found: dict[str, Any], folder: Path, seconds: float | None) -> bool:
    """Publish until it ends or, after so many seconds, is killed; return whether it was killed."""
    settings = os.environ | {
        "BENTLEY_SYNC_BASE_URL": found["url"],
        "BENTLEY_SYNC_CLIENT_ID": found["client_id"],
        "BENTLEY_SYNC_CLIENT_SECRET": found["client_secret"],
    }
    with subprocess.Popen(
        [sys.executable, HERE / "publishing.py", folder / "publish.toml", folder / "publish.db"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=settings,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            _, said = process.communicate(timeout=PATIENCE if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            _, said = process.communicate(timeout=PATIENCE)
            assert seconds is not None, "the publish did not end"
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode != 0


def test_a_publish_that_is_killed_at_any_moment_ends_as_one_that_is_not(tmp_path, record_property):
    chance = random.Random(int(os.environ.get("KILL_SEED", str(time.time_ns()))))
    kills, publishes = 0, 0
    while kills < KILLS:
        folder = tmp_path / str(publishes)
        expected = folder_of_files(folder, publishes)
        with service() as (found, held):
            longest = LONGEST_LIFE
            while life(found, folder, seconds=chance.uniform(0, longest)):
                kills += 1
                longest *= 1.1  # so it comes to its end on a slow machine too
            assert not life(found, folder, seconds=None)
        assert sorted(map(tuple, held["files"])) == sorted(expected.items())
        assert sorted(held["connections"]) == [f"Nightly {number}" for number in range(1, FILES // OF_A_CONNECTION + 1)]
        assert held["mapped"] == [1] * FILES
        assert sorted(held["runs"]) == sorted(set(held["runs"]))
        assert len(held["runs"]) == FILES // OF_A_CONNECTION
        assert held["completed"] == FILES
        publishes += 1
    record_property("kills", f"{kills} in {publishes} publishes")
