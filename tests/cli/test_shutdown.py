import asyncio
import signal

import pytest

from bentley_sync_async.cli.shutdown import TerminatedError, until_terminated


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
