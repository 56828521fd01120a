"""The suite on every Python, event loop and version of the dependencies that counts, one row each.

`make matrix` runs all rows; `.venv/bin/python tests/matrix/run.py 3.12 uvloop -- tests/watch -x` the named ones, with
other arguments for pytest. Each row has an environment of its own in `.matrix/`, made anew, and a log beside it. Prints
a table at the end, and fails if a row failed. A Python that is not found is left out, and the table says so.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".matrix"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
TIMEOUT = 3600.0  # seconds a row; a suite takes five minutes on an idle machine
REAL_TIME = ("tests/loops", "tests/cli", "tests/kill")
"""What needs no virtual time, as uvloop has none. The command line and its processes use uvloop if it is installed."""


@frozen(kw_only=True)
class Row:
    """A row of the matrix.

    Attributes:
        pythons: Versions of Python; the first that is found is used.
        extras: What is installed.
        oldest: Whether in the oldest versions that pyproject.toml allows; then linters and type checkers run, too.
        variables: Environment variables of the tests.
        tests: Arguments for pytest.
    """

    pythons: Sequence[str]
    extras: str = "dev"
    oldest: bool = False
    variables: dict[str, str] = field(factory=dict)
    tests: Sequence[str] = ()


@frozen(kw_only=True)
class Result:
    """What became of a row."""

    row: str
    python: str
    passed: int
    failed: int
    seconds: float
    good: bool


ROWS = {
    **{version: Row(pythons=[version]) for version in PYTHONS},
    "oldest": Row(pythons=PYTHONS, extras="dev,uvloop", oldest=True),
    "eager": Row(pythons=PYTHONS[:0:-1], variables={"EAGER_TASKS": "1"}),  # from 3.12 on
    "debug": Row(pythons=PYTHONS, variables={"PYTHONASYNCIODEBUG": "1"}),
    "uvloop": Row(pythons=PYTHONS[::-1], extras="dev,uvloop", tests=REAL_TIME),
}


def main(arguments: Sequence[str]) -> int:
    """Run the rows, print the table, and return the exit code."""
    names, _, tests = " ".join(arguments).partition("--")
    wanted = names.split() or list(ROWS)
    if unknown := set(wanted) - set(ROWS):
        print(f"No row is named {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}.")
        return 2
    results, left_out = [], []
    for name in wanted:
        if (python := interpreter(ROWS[name].pythons)) is None:
            left_out.append(name)
            continue
        results.append(run(name, ROWS[name], python, tests.split()))
        print(line(results[-1]), flush=True)
    print(f"\n{'row':8} {'python':8} {'passed':>7} {'failed':>7} {'seconds':>8}")
    for result in results:
        print(line(result))
    for name in left_out:
        print(f"{name:8} left out: Python {' or '.join(ROWS[name].pythons)} was not found")
    return 0 if results and all(result.good for result in results) else 1


def interpreter(versions: Sequence[str]) -> str | None:
    """Return the path of the first Python that is found, by pyenv's folder or on the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in versions:
        candidates = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))[::-1]]
        for path in filter(None, [*candidates, shutil.which(f"python{version}")]):
            # pyenv's shims exist for versions that are not active, too.
            if subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0:
                return path
    return None


def run(name: str, row: Row, python: str, tests: Sequence[str]) -> Result:
    """Make the environment of a row and run its tests in it."""
    PLACE.mkdir(exist_ok=True)
    began = time.monotonic()
    environment, log = PLACE / name, PLACE / f"{name}.log"
    own = environment / ("Scripts" if os.name == "nt" else "bin")
    uv = [sys.executable, "-m", "uv"]
    resolution = ["--resolution", "lowest-direct"] if row.oldest else []
    commands = [
        [*uv, "venv", "--clear", "--python", python, str(environment)],
        [*uv, "pip", "install", "--python", str(environment), *resolution, "--editable", f".[{row.extras}]"],
    ]
    if row.oldest:  # READY is made by another interpreter
        commands.append(["make", "-o", ".venv/ready", "lint", "types", "imports", f"BIN={own}"])
    commands.append([str(own / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *(tests or row.tests)])
    with log.open("w") as output:
        # All of them: a linter that fails is no reason not to run the tests.
        good = all([executed(command, output.fileno(), row.variables) for command in commands])  # noqa: C419
    last = log.read_text().rstrip().rpartition("\n")[2]
    passed, failed = (sum(map(int, re.findall(rf"(\d+) {what}", last))) for what in ("passed", "(?:failed|error)"))
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version.split()[0])"], check=True, text=True, capture_output=True
    )
    return Result(
        row=name,
        python=version.stdout.strip(),
        passed=passed,
        failed=failed,
        seconds=time.monotonic() - began,
        good=good and passed > 0,
    )


def executed(command: Sequence[str], output: int, variables: dict[str, str]) -> bool:
    """Execute a command and return whether it succeeded."""
    os.write(output, f"$ {' '.join(command)}\n".encode())
    environment = os.environ | variables
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        os.write(output, f"no end after {TIMEOUT:g} s\n".encode())
        return False
    return done.returncode == 0


def line(result: Result) -> str:
    """Return the line of a result in the table."""
    where = "" if result.good else f"  failed: see .matrix/{result.row}.log"
    return f"{result.row:8} {result.python:8} {result.passed:7} {result.failed:7} {result.seconds:8.0f}{where}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
