"""CPU a poll on uvloop, and with eager tasks as well: here, or on a newer Python of `make matrix` if there is one.

python -m benchmarks.loops '{"origin": ..., ...}'          # the arguments of `turns.measure`; prints JSON
"""

import asyncio
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from . import turns

ROOT = Path(__file__).parents[1]


def eager_python() -> str | None:
    """Return the Python that measures eager tasks: this one, or that of the matrix; `None` if neither has them."""
    if hasattr(asyncio, "eager_task_factory"):
        return sys.executable if find_spec("uvloop") else None
    other = ROOT / ".matrix/uvloop/bin/python"
    return str(other) if other.exists() else None


def measure_eager(**options: object) -> dict[str, list[float]]:
    """Measure with uvloop and eager tasks, in a process of its own."""
    python = eager_python()
    if python is None:
        return {}
    command = [python, "-m", "benchmarks.loops", json.dumps(options)]
    found: dict[str, list[float]] = json.loads(subprocess.check_output(command, cwd=ROOT))
    return found


if __name__ == "__main__":
    print(json.dumps(turns.measure(**json.loads(sys.argv[1]), loop="eager")))
