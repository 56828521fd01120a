"""Run the platform's own client libraries against the emulator: `make official` installs, runs and stops them.

Needs Node.js 20 or later with npm, and for the page in a browser Chromium; without Chromium that part is left out. The
command line is not on npm: ITP=.../bin/run.js is where it was built, without it that part is left out.
The libraries and their versions are in package.json.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bentley_sync_async.emulator import Settings
from tests.node.packages import installed, missing

NEEDS = {"page.mjs": "CHROMIUM", "itp.mjs": "ITP"}
CLIENTS = ("service.mjs", "openid.mjs", "node_cli.mjs", "job.mjs", *NEEDS)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT = 900.0  # seconds for each client; the command line starts seventy times


@contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """Serve, and yield the variables that the emulator prints for its clients."""
    command = [sys.executable, "-m", "bentley_sync_async.emulator", "--exports", "--speed", "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            variables: dict[str, str] = {}
            while "STORAGE_FILE_ID" not in variables:
                line = process.stdout.readline()
                if not line:
                    raise SystemExit("The emulator has ended.")
                variables |= dict(re.findall(r"(\w+)=(\S+)", line))
            yield variables
        finally:
            process.send_signal(signal.SIGTERM)


def run(client: str, folder: Path, variables: dict[str, str]) -> str:
    chromium = next(filter(None, map(shutil.which, BROWSERS)), "")
    more = {"NATIVE_CLIENT_ID": Settings().native_client_id, "BROWSER": str(folder / "browser.mjs")}
    environment = {"CHROMIUM": chromium, **os.environ, **variables, **more}
    needed = NEEDS.get(client)
    if needed is not None and not environment.get(needed):
        return f"left out: no {needed}"
    command = ["node", "--require", "./keytar.cjs", client]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"failed: not done after {TIMEOUT:g} seconds"
    return "passed" if done.returncode == 0 else f"failed with exit status {done.returncode}"


def main() -> int:
    if (problem := missing()) is not None:
        print(f"Left out: {problem}")
        return 0
    folder = installed(Path(__file__).parent)
    with emulator() as variables:
        outcomes = {client: run(client, folder, variables) for client in CLIENTS}
    for client, outcome in outcomes.items():
        print(f"{client:14}{outcome}")
    return any(outcome.startswith("failed") for outcome in outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
