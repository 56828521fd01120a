"""Run the platform's own client libraries against the emulator: `make official` installs, runs and stops them.

Needs Node.js 20 or later with npm, and for the page in a browser Chromium; without Chromium that part is left out.
The libraries and their versions are in package.json; they are installed below .venv, so `make clean` removes them.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bentley_sync_async.emulator import Settings

HERE = Path(__file__).parent
THERE = Path(sys.prefix) / "official"
CLIENTS = ("service.mjs", "openid.mjs", "node_cli.mjs", "page.mjs")
NPM = shlex.split("npm install --no-package-lock --legacy-peer-deps --ignore-scripts --no-audit --no-fund --silent")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT = 120.0  # seconds for each client


def install() -> None:
    THERE.mkdir(exist_ok=True)
    wanted, installed = HERE / "package.json", THERE / "installed.json"
    for path in HERE.iterdir():
        if path.is_file():
            shutil.copy(path, THERE)
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        subprocess.run(NPM, cwd=THERE, check=True)
        shutil.copy(wanted, installed)


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


def run(client: str, variables: dict[str, str]) -> str:
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if client == "page.mjs" and chromium is None:
        return "left out: no Chromium"
    more = {"NATIVE_CLIENT_ID": Settings().native_client_id, "BROWSER": str(THERE / "browser.mjs")}
    environment = {**os.environ, **variables, **more, "CHROMIUM": chromium or ""}
    command = ["node", "--require", "./keytar.cjs", client]
    try:
        done = subprocess.run(command, cwd=THERE, env=environment, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"failed: not done after {TIMEOUT:g} seconds"
    return "passed" if done.returncode == 0 else f"failed with exit status {done.returncode}"


def main() -> int:
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        print(f"{missing[0]} is not installed: install Node.js 20 or later, with npm.")
        return 1
    install()
    with emulator() as variables:
        outcomes = {client: run(client, variables) for client in CLIENTS}
    for client, outcome in outcomes.items():
        print(f"{client:14}{outcome}")
    return any(outcome.startswith("failed") for outcome in outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
