"""The home of a person: where their profiles, tokens and keyring are, for commands in processes of their own."""

import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.served import COMMAND, environment, settings
from typer.testing import CliRunner

from bentley_sync_async.cli.app import app

HERE = Path(__file__).parent
BROWSER = shlex.join([sys.executable, str(HERE / "browser.py"), "%s"])


class Home:
    """A home in a folder, and the commands that are started there."""

    def __init__(self, folder, emulator, *, keyring=False):
        self.folder = folder
        self.config = folder / "config.toml"
        self.keyring = folder / "keyring.json"
        self.state = folder / "state"
        self.visits = folder / "visits"
        self.variables = settings(
            BENTLEY_SYNC_BASE_URL=emulator.url,
            BENTLEY_SYNC_CONFIG=str(self.config),
            XDG_STATE_HOME=str(self.state),
            HOME=str(folder),
            BROWSER=BROWSER,
            VISITS=str(self.visits),
        )
        if keyring:
            backend = {"PYTHON_KEYRING_BACKEND": "support.people.keyrings.FileKeyring"}
            self.variables |= backend | {"KEYRING_FILE": str(self.keyring), "PYTHONPATH": str(HERE.parents[1])}

    def start(self, *args, **more):
        return subprocess.Popen(
            [*COMMAND, *args],
            env=environment(self.variables | more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args, **more):
        with self.start(*args, **more) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def login(self, **more):
        """Sign in on any free port, as tests run at the same time."""
        application = ("--client-id", "native-emulated-0123456789", "--redirect-uri", "http://127.0.0.1/signed-in")
        return self.run("auth", "login", *application, "--timeout", "30", **more)

    def visited(self):
        """What the browser has visited and seen, once it has seen it: it may end after the command."""
        for _ in range(200):
            if self.visits.exists() and (text := self.visits.read_text("utf-8")):
                return text
            time.sleep(0.05)
        raise AssertionError("Nobody has visited anything.")

    def texts(self):
        """Every file below the home, by its name."""
        return {path.name: path.read_text("utf-8") for path in self.folder.rglob("*") if path.is_file()}


class HomeInProcess(Home):
    """A home whose commands run in this process."""

    def run(self, *args, **more):
        # In a thread of its own: the event loop of this one belongs to pytest's plugins.
        with ThreadPoolExecutor(1) as thread:
            variables = self.variables | more
            result = thread.submit(CliRunner().invoke, app, args, env=variables, prog_name="bentley-sync").result()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(args, result.exit_code, result.stdout, result.stderr)
