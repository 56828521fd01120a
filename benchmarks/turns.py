"""CPU a poll of several contenders in one process and one event loop: one polls while the others sleep.

So all have the same server, the same interpreter and the same moment of a noisy machine.
"""

import asyncio
import gc
import json
import math
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from . import contenders
from .contenders import Contender

POLLS: dict[str, tuple[Contender, str]] = {
    "bare": (contenders.bare, "4x10-steady"),
    "unchanged": (contenders.ours, "4x10-steady"),
    "changed": (contenders.ours, "4x10-changing"),
    "msgspec": (contenders.msgspec_loop, "4x10-steady"),
    "bare POST": (contenders.posts, ""),
    "trigger": (contenders.triggers, ""),
}
"""Who takes turns, and with which runs."""

_ROOT = Path(__file__).parents[1]
_BUSY, _OVER = 0.9, 0.98  # of a turn: no poll begins after the one, none is under way after the other
_WARM_UP = 0.4


class Turns:
    """Says who may poll, and counts."""

    def __init__(self, names: list[str], *, seconds: float, pause: float, begins: float) -> None:
        """Let each of the names have turns of so many seconds, one after the other, in each round another one first.

        What a contender leaves behind, such as a processor that has gone to sleep, then meets all others alike.

        Args:
            names: The contenders.
            seconds: How long a turn is.
            pause: Seconds between two polls of a watch, give or take a half: watches in step would share wake-ups.
            begins: When the first turn begins, by the event loop's clock.
        """
        self.polls: Counter[str] = Counter()
        self._names = names
        self._seconds = seconds
        self._pause = pause
        self._begins = begins
        self._time = asyncio.get_running_loop().time

    def wait(self, name: str) -> float:
        """Count a poll and return the seconds until the next one of the same watch."""
        self.polls[name] += 1
        place = (self._time() - self._begins) / self._seconds
        turn = math.floor(place)
        if self.whose(turn) == name and place - turn < _BUSY:
            return random.uniform(0.5, 1.5) * self._pause
        following = next(later for later in count(turn + 1) if self.whose(later) == name)
        return (following - place) * self._seconds

    def whose(self, turn: int) -> str:
        """Return the name of the contender whose turn it is."""
        before, place = divmod(turn, len(self._names))
        return self._names[(before + place) % len(self._names)]

    async def over(self, turn: int) -> None:
        """Wait until the last poll of a turn has ended."""
        await asyncio.sleep(self._begins + (turn + _OVER) * self._seconds - self._time())


async def take_turns(
    origin: str, names: list[str], *, watches: int, pause: float, seconds: float, rounds: int
) -> dict[str, list[float]]:
    """Return the seconds of CPU that a poll takes, by contender and round.

    Args:
        origin: The server's.
        names: Of the contenders, from `POLLS`.
        watches: How many each of them has.
        pause: Seconds between two polls of a watch.
        seconds: How long a turn is.
        rounds: How many turns each has, after one to warm up.
    """
    begins = asyncio.get_running_loop().time() + _WARM_UP
    turns = Turns(names, seconds=seconds, pause=pause, begins=begins)
    found: dict[str, list[float]] = {name: [] for name in names}
    async with AsyncExitStack() as stack:
        entered = [
            await stack.enter_async_context(make(origin, runs, partial(turns.wait, name)))
            for name, (make, runs) in ((name, POLLS[name]) for name in names)
        ]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [group.create_task(watch(number)) for watch in entered for number in range(watches)]
        await turns.over(-1)
        for turn in range((1 + rounds) * len(names)):  # the first round warms up
            name = turns.whose(turn)
            gc.collect()
            cpu, polls = time.process_time(), turns.polls[name]
            await turns.over(turn)
            if turn >= len(names):
                # No poll at all is a machine too busy to measure on, and no reason to fail.
                found[name].append((time.process_time() - cpu) / max(1, turns.polls[name] - polls))
        for task in tasks:
            task.cancel()
    return found


def measure(
    origin: str, names: list[str], *, watches: int, pause: float, seconds: float, rounds: int, loop: str = "asyncio"
) -> dict[str, list[float]]:
    """Take turns in an event loop of its own; see `take_turns`.

    Args:
        origin: The server's.
        names: Of the contenders.
        watches: How many each of them has.
        pause: Seconds between two polls of a watch.
        seconds: How long a turn is.
        rounds: How many turns each has.
        loop: "asyncio", "uvloop", or "eager" for uvloop with eager tasks.
    """
    with asyncio.Runner(loop_factory=partial(_loop, loop)) as runner:
        return runner.run(take_turns(origin, names, watches=watches, pause=pause, seconds=seconds, rounds=rounds))


def _loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "asyncio":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - it may not be installed

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    if kind == "eager":
        loop.set_task_factory(_eager)
    return loop


def _eager(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    """As `asyncio.eager_task_factory`, which before Python 3.13.3 does not take all that uvloop passes."""
    return asyncio.Task(coroutine, loop=loop, **options | {"eager_start": True})


def eager_python() -> str | None:
    """Return the Python that measures eager tasks: this one, or that of the matrix; `None` if neither has them."""
    if hasattr(asyncio, "eager_task_factory"):
        return sys.executable if find_spec("uvloop") else None
    other = _ROOT / ".matrix/uvloop/bin/python"
    return str(other) if other.exists() else None


def measure_eager(**options: object) -> dict[str, list[float]]:
    """Measure with uvloop and eager tasks, in a process of its own."""
    python = eager_python()
    if python is None:
        return {}
    command = [python, "-m", "benchmarks.turns", json.dumps(options)]
    found: dict[str, list[float]] = json.loads(subprocess.check_output(command, cwd=_ROOT))
    return found


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]), loop="eager")))
