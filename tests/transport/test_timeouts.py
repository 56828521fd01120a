"""Each task ends when its time is up, though one timer serves them all."""

import asyncio

import anyio
import pytest

from bentley_sync_async.transport.timeouts import RequestTimeouts


async def ends_after(deadlines, seconds, *, begins=0.0, takes=1e6):
    """When, and with what, something ends that would take so long and may take that long."""
    await anyio.sleep(begins)
    try:
        with deadlines.within(seconds):
            await anyio.sleep(takes)
    except TimeoutError:
        return anyio.current_time(), TimeoutError
    return anyio.current_time(), None


@pytest.fixture
def timers(monkeypatch):
    """The timers that are set, but for those of sleeping."""
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


async def test_what_takes_too_long_ends_with_a_timeout_when_its_time_is_up():
    assert await ends_after(RequestTimeouts(), 33.25) == (33.25, TimeoutError)


async def test_what_is_done_in_time_is_left_alone():
    assert await ends_after(RequestTimeouts(), 33.0, takes=32.0) == (32.0, None)


@pytest.mark.parametrize("seconds", [(10.0, 20.0, 30.0), (30.0, 20.0, 10.0), (20.0, 30.0, 10.0), (10.0, 10.0, 10.0)])
async def test_each_ends_when_its_own_time_is_up(seconds):
    deadlines = RequestTimeouts()

    ends = await asyncio.gather(*[ends_after(deadlines, each) for each in seconds])

    assert ends == [(each, TimeoutError) for each in seconds]


async def test_one_that_began_while_the_timer_was_set_for_another_ends_when_its_time_is_up():
    deadlines = RequestTimeouts()

    ends = await asyncio.gather(ends_after(deadlines, 60.0, takes=1.0), ends_after(deadlines, 60.0, begins=50.0))

    assert ends == [(1.0, None), (110.0, TimeoutError)]


async def test_one_that_begins_after_all_others_ended_ends_when_its_time_is_up():
    deadlines = RequestTimeouts()
    await ends_after(deadlines, 60.0, takes=1.0)
    await anyio.sleep(100.0)

    assert await ends_after(deadlines, 60.0) == (161.0, TimeoutError)


async def test_a_thousand_that_are_done_in_time_need_one_timer(timers):
    deadlines, set_timers = RequestTimeouts(), await timers()

    for _ in range(1000):
        await ends_after(deadlines, 60.0, takes=0.01)

    assert len(set_timers) == 1


async def test_what_is_closed_keeps_no_timer(timers):
    deadlines, set_timers = RequestTimeouts(), await timers()
    await ends_after(deadlines, 60.0, takes=1.0)

    deadlines.close()

    assert [timer.cancelled() for timer in set_timers] == [True]


async def test_what_was_closed_can_be_used_again():
    deadlines = RequestTimeouts()
    await ends_after(deadlines, 60.0, takes=1.0)
    deadlines.close()

    assert await ends_after(deadlines, 60.0) == (61.0, TimeoutError)


async def test_what_is_still_under_way_when_it_is_closed_ends_when_its_time_is_up():
    deadlines = RequestTimeouts()
    asyncio.get_running_loop().call_later(1.0, deadlines.close)

    assert await ends_after(deadlines, 60.0) == (60.0, TimeoutError)


@pytest.mark.parametrize("instant", [5.0, 10.0])
async def test_a_task_that_somebody_else_cancels_is_cancelled(instant):
    task = asyncio.create_task(ends_after(RequestTimeouts(), 10.0))
    asyncio.get_running_loop().call_at(instant, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_cancellation_is_left_behind():
    task = asyncio.current_task()
    await ends_after(RequestTimeouts(), 10.0)

    assert task.cancelling() == 0


async def test_what_is_done_all_the_same_when_its_time_is_up_is_done():
    task = asyncio.current_task()
    with RequestTimeouts().within(10.0):
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            done = anyio.current_time()

    assert (done, task.cancelling()) == (10.0, 0)


async def fails_when_its_time_is_up():
    with RequestTimeouts().within(10.0):
        try:
            await anyio.sleep_forever()
        finally:
            raise ZeroDivisionError


async def test_another_failure_is_not_taken_for_a_timeout():
    with pytest.raises(ZeroDivisionError):
        await fails_when_its_time_is_up()


async def test_a_cancel_scope_around_it_ends_it_first():
    with anyio.move_on_after(5.0) as scope:
        await ends_after(RequestTimeouts(), 10.0)

    assert (scope.cancelled_caught, anyio.current_time()) == (True, 5.0)
