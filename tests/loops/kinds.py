"""Event loops of each kind, in real time and in a thread of their own, where the tests' own loop does not notice."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

new_event_loop = asyncio.new_event_loop


def eager() -> asyncio.AbstractEventLoop:
    """An event loop whose tasks start when they are created, from Python 3.12 on."""
    loop = new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    return loop


def debugged() -> asyncio.AbstractEventLoop:
    """An event loop in debug mode."""
    loop = new_event_loop()
    loop.set_debug(enabled=True)
    return loop


def loop_of(kind: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes an event loop of a kind; the test is skipped where there is none."""
    if kind == "uvloop":
        return pytest.importorskip("uvloop").new_event_loop
    if kind == "eager" and not hasattr(asyncio, "eager_task_factory"):
        pytest.skip("Python 3.11 has no eager tasks")
    return {"eager": eager, "debug": debugged}.get(kind, new_event_loop)


def run_in_real_time(kind: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run work to its end on an event loop of a kind."""

    async def main() -> None:
        await work()

    def run() -> None:
        with asyncio.Runner(loop_factory=loop_of(kind)) as runner:
            runner.run(main())

    with ThreadPoolExecutor(1) as thread:
        thread.submit(run).result()
