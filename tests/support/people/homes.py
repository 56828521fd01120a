"""The home of a person: where their profiles, tokens and keyring are, for commands in processes of their own."""

import shlex
import subprocess
import sys
from pathlib import Path

from support.served import COMMAND, environment, settings

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

    def texts(self):
        """Every file below the home, by its name."""
        return {path.name: path.read_text("utf-8") for path in self.folder.rglob("*") if path.is_file()}
