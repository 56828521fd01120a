"""Many watches of one contender in a process of its own: CPU a poll, and memory a watch."""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from .bulk.measuring import resident
from .contenders import WATCHES, Wait
from .server import asked

_RUNS = "1x1-steady"
_STEP = 0.01
_WARM_UP = 100
_STILL = 0.15
_RATE = 1000.0
_SETTLE = 1.0
_FOR_EVER = 3600.0


def cost(origin: str, name: str, *, watches: int, interval: float, window: float) -> float:
    """Return the seconds of CPU that a poll takes where every watch polls at an interval.

    The server counts the polls. No contender knows when to begin or to stop, so all polls are alike.
    """

    async def measured() -> float:
        async with _begun(origin, name, lambda: interval, 0, watches, within=interval):
            await asyncio.sleep(min(interval, _SETTLE))
            gc.collect()
            polls, cpu = await asked(origin), time.process_time()
            await asyncio.sleep(window)
            spent = time.process_time() - cpu
            return spent / (await asked(origin) - polls)

    return asyncio.run(measured())


def memory(origin: str, name: str, *, watches: int) -> float:
    """Return the bytes that a watch takes which has looked once and sleeps, the task that awaits it included.

    Watches begin bit by bit, as many requests at once would leave their traces in memory. Some begin before anything is
    measured: what they load, connect and fill is not taken for a watch's.
    """

    async def measured() -> float:
        async with _begun(origin, name, lambda: _FOR_EVER, 0, _WARM_UP, within=_WARM_UP / _RATE):
            await _quiet(origin)
            gc.collect()
            before = resident()
            async with _begun(origin, name, lambda: _FOR_EVER, _WARM_UP, watches, within=watches / _RATE):
                await _quiet(origin)
                gc.collect()
                return (resident() - before) / watches

    return asyncio.run(measured())


@asynccontextmanager
async def _begun(
    origin: str, name: str, wait: Wait, first: int, watches: int, *, within: float
) -> AsyncGenerator[None]:
    """Have so many watches, which begin one after the other within some seconds."""
    loop = asyncio.get_running_loop()
    async with WATCHES[name](origin, _RUNS, wait) as watch, asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []
        began = loop.time()
        while len(tasks) < watches:
            due = min(watches, int(watches * (loop.time() - began) / within) + 1)
            tasks += [group.create_task(watch(number)) for number in range(first + len(tasks), first + due)]
            await asyncio.sleep(_STEP)
        yield
        for task in tasks:
            task.cancel()


async def _quiet(origin: str) -> None:
    """Wait until no request comes any more."""
    before = -1
    while before != (now := await asked(origin)):
        before = now
        await asyncio.sleep(_STILL)
