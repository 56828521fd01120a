import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from bentley_sync_async.cli.shutdown import TerminatedError, run_to_end, until_terminated

FAST_LOOP = "winloop" if sys.platform == "win32" else "uvloop"


async def terminated():
    signal.raise_signal(signal.SIGTERM)
    await asyncio.sleep(1)


async def test_sigterm_cancels_the_work():
    with pytest.raises(TerminatedError):
        await until_terminated(terminated)


async def test_the_work_is_left_in_order_when_sigterm_comes():
    left = []

    async def work():
        try:
            await terminated()
        finally:
            left.append("in order")

    with pytest.raises(TerminatedError):
        await until_terminated(work)
    assert left == ["in order"]


async def test_sigterm_is_what_it_was_after_the_work():
    before = signal.getsignal(signal.SIGTERM)
    assert await until_terminated(lambda: asyncio.sleep(1, "done")) == "done"
    assert signal.getsignal(signal.SIGTERM) == before


async def test_the_work_is_done_where_loops_handle_no_signals(monkeypatch):
    def unknown(*_args):
        raise NotImplementedError

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "add_signal_handler", unknown)
    monkeypatch.setattr(loop, "remove_signal_handler", unknown)
    assert await until_terminated(lambda: asyncio.sleep(1, "done")) == "done"


async def loop_in_use():
    return asyncio.get_running_loop()


def ran_in_a_thread():
    with ThreadPoolExecutor(1) as thread:  # in the main thread it would replace the loop of this test's plugins
        return thread.submit(run_to_end, loop_in_use).result()


def test_work_runs_on_uvloop_where_it_is_installed(monkeypatch):
    loop = asyncio.SelectorEventLoop()
    monkeypatch.setitem(sys.modules, FAST_LOOP, SimpleNamespace(new_event_loop=lambda: loop))
    assert ran_in_a_thread() is loop


def test_work_runs_on_the_loop_of_asyncio_where_uvloop_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, FAST_LOOP, None)
    assert type(ran_in_a_thread()).__module__.startswith("asyncio.")
