"""What it costs to import the package and to show the command's help, each in a process of its own."""

import subprocess
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_HELP = """
import io, sys
out, sys.stdout, sys.argv = sys.stdout, io.StringIO(), ["bentley-sync", "--help"]
try:
    from bentley_sync_async.cli import main
    main()
except SystemExit:
    pass
shown, sys.stdout = sys.stdout.getvalue(), out
assert "Usage" in shown, shown
"""

_TIMED = "import time\nbegan = time.process_time()\n{}\nprint(time.process_time() - began)"


def programs() -> dict[str, str]:
    """Return what is timed, by name."""
    return {
        "dependencies": f"import {', '.join(_dependencies())}",
        "package": "import bentley_sync_async",
        "client": "from bentley_sync_async import SynchronizationClient",
        "typer and rich": "import typer, rich",
        "help": _HELP,
    }


def measure(*, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of CPU of each program, without those of starting Python, by round."""
    found: dict[str, list[float]] = {name: [] for name in programs()}
    for _ in range(rounds):
        for name, program in programs().items():
            command = [sys.executable, "-c", _TIMED.format(program)]
            done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
            found[name].append(float(done.stdout))
    return found


def _dependencies() -> list[str]:
    """Return the packages that the package declares; all are imported by the names under which they are installed."""
    declared = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return [requirement.partition(">")[0].strip() for requirement in declared]
