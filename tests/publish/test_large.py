"""A large file, published by the command in a process of its own: `PUBLISH_MIB=5120` for the full size."""

import json
import os
import subprocess
import sys
import urllib.request

import pytest
from support.served import environment, served

MIB = 2**20
SIZE = int(os.environ.get("PUBLISH_MIB", "64"))
MANIFEST = """
[model]
itwin = "Station West"
imodel = "Combined"
folder = "Nightly"
create = true

[[files]]
path = "*.dgn"
"""


# The most memory that it had; what `wait4` returns includes that of the process that started it.
PROGRAM = """
import re
from pathlib import Path
from bentley_sync_async.cli import main
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak(folder, size):
    """Publish a sparse file of so many MiB; return the most memory that the command had, in MiB."""
    folder.mkdir()
    (folder / "publish.toml").write_text(MANIFEST)
    with (folder / "a.dgn").open("wb") as file:
        file.truncate(size * MIB)
    with served() as service:
        service.emulator.add_itwin("Station West")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "publish", str(folder / "publish.toml"), "--json"],
            env=environment(service.variables),
            stdout=subprocess.PIPE,
            check=True,
        )
        *events, memory = done.stdout.splitlines()
        [file_id] = [one["fileId"] for one in map(json.loads, events) if one["event"] == "FileUploaded"]
        request = urllib.request.Request(
            f"{service.emulator.url}/storage/files/{file_id}",
            headers={
                "Authorization": f"Bearer {service.token()}",
                "Accept": "application/vnd.bentley.itwin-platform.v1+json",
            },
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["file"]["size"] == size * MIB
    return int(memory) / 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_file_of_any_size_is_published_in_little_memory(tmp_path, record_property):
    small, large = peak(tmp_path / "small", 1), peak(tmp_path / "large", SIZE)
    record_property("memory", f"{large:.0f} MiB for {SIZE} MiB, {small:.0f} for 1")
    assert large - small < 100  # four blocks of 8 MiB are in flight, and are copied on their way
