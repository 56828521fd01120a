"""Each block ends at its own timeout, although one timer serves all."""

import asyncio

import anyio
import pytest

from bentley_sync_async.transport.timeouts import RequestTimeouts


async def ends_after(timeouts, seconds, *, begins=0.0, takes=1e6):
    """Return when a block that takes `takes` seconds ends under a timeout of `seconds`, and its exception."""
    await anyio.sleep(begins)
    try:
        with timeouts.within(seconds):
            await anyio.sleep(takes)
    except TimeoutError:
        return anyio.current_time(), TimeoutError
    return anyio.current_time(), None


@pytest.fixture
def timers(monkeypatch):
    """The timers that are set, without those of sleeping."""
    handles = []

    async def watch():
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def counted(when, callback, *arguments, **options):
            handle = call_at(when, callback, *arguments, **options)
            if getattr(callback, "__name__", "") == "_on_timer":
                handles.append(handle)
            return handle

        monkeypatch.setattr(loop, "call_at", counted, raising=False)
        return handles

    return watch


async def test_a_block_that_takes_too_long_ends_with_a_timeout_error():
    assert await ends_after(RequestTimeouts(), 33.25) == (33.25, TimeoutError)


async def test_a_block_that_ends_in_time_is_not_interrupted():
    assert await ends_after(RequestTimeouts(), 33.0, takes=32.0) == (32.0, None)


@pytest.mark.parametrize("seconds", [(10.0, 20.0, 30.0), (30.0, 20.0, 10.0), (20.0, 30.0, 10.0), (10.0, 10.0, 10.0)])
async def test_each_block_ends_at_its_own_timeout(seconds):
    timeouts = RequestTimeouts()

    ends = await asyncio.gather(*[ends_after(timeouts, each) for each in seconds])

    assert ends == [(each, TimeoutError) for each in seconds]


async def test_a_block_that_began_while_the_timer_was_set_for_another_ends_at_its_timeout():
    timeouts = RequestTimeouts()

    ends = await asyncio.gather(ends_after(timeouts, 60.0, takes=1.0), ends_after(timeouts, 60.0, begins=50.0))

    assert ends == [(1.0, None), (110.0, TimeoutError)]


async def test_a_block_that_begins_after_all_others_have_ended_ends_at_its_timeout():
    timeouts = RequestTimeouts()
    await ends_after(timeouts, 60.0, takes=1.0)
    await anyio.sleep(100.0)

    assert await ends_after(timeouts, 60.0) == (161.0, TimeoutError)


async def test_a_thousand_blocks_that_end_in_time_need_one_timer(timers):
    timeouts, set_timers = RequestTimeouts(), await timers()

    for _ in range(1000):
        await ends_after(timeouts, 60.0, takes=0.01)

    assert len(set_timers) == 1


async def test_closing_cancels_the_timer(timers):
    timeouts, set_timers = RequestTimeouts(), await timers()
    await ends_after(timeouts, 60.0, takes=1.0)

    timeouts.close()

    assert [timer.cancelled() for timer in set_timers] == [True]


async def test_timeouts_can_be_used_again_after_they_were_closed():
    timeouts = RequestTimeouts()
    await ends_after(timeouts, 60.0, takes=1.0)
    timeouts.close()

    assert await ends_after(timeouts, 60.0) == (61.0, TimeoutError)


async def test_a_block_that_is_under_way_at_the_closing_still_ends_at_its_timeout():
    timeouts = RequestTimeouts()
    asyncio.get_running_loop().call_later(1.0, timeouts.close)

    assert await ends_after(timeouts, 60.0) == (60.0, TimeoutError)


@pytest.mark.parametrize("instant", [5.0, 10.0])
async def test_a_cancellation_from_elsewhere_cancels_the_task(instant):
    task = asyncio.create_task(ends_after(RequestTimeouts(), 10.0))
    asyncio.get_running_loop().call_at(instant, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_cancellation_is_pending_after_a_timeout():
    task = asyncio.current_task()
    await ends_after(RequestTimeouts(), 10.0)

    assert task.cancelling() == 0


async def test_a_block_that_completes_despite_its_timeout_raises_nothing():
    task = asyncio.current_task()
    with RequestTimeouts().within(10.0):
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            done = anyio.current_time()

    assert (done, task.cancelling()) == (10.0, 0)


async def fails_at_its_timeout():
    with RequestTimeouts().within(10.0):
        try:
            await anyio.sleep_forever()
        finally:
            raise ZeroDivisionError


async def test_another_exception_is_not_replaced_by_a_timeout_error():
    with pytest.raises(ZeroDivisionError):
        await fails_at_its_timeout()


async def test_an_enclosing_cancel_scope_may_end_the_block_first():
    with anyio.move_on_after(5.0) as scope:
        await ends_after(RequestTimeouts(), 10.0)

    assert (scope.cancelled_caught, anyio.current_time()) == (True, 5.0)
