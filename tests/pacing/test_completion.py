import anyio
import pytest

from bentley_sync_async import RunRef
from bentley_sync_async.pacing import CompletionNotifier, CompletionSignal

pytestmark = pytest.mark.looptime(start=0)
RUN = RunRef(connection_id="c", run_id="0a-R")


async def woken(notifier, ref, wait=10.0):
    """Whether somebody who waits so many seconds for a run is woken."""
    with anyio.move_on_after(wait):
        await notifier.wait(ref)
        return True
    return False


def test_announcements_are_a_signal():
    assert isinstance(CompletionNotifier(), CompletionSignal)


async def test_who_waits_for_a_run_is_woken_by_its_end():
    notifier = CompletionNotifier()
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(notifier.wait, RUN)
        await anyio.sleep(5)
        notifier.notify(RUN)
    assert anyio.current_time() == 5


async def test_who_waits_for_a_run_of_another_connection_is_not_woken():
    notifier = CompletionNotifier()
    async with anyio.create_task_group() as group:
        group.start_soon(notifier.wait, RUN)
        await anyio.wait_all_tasks_blocked()
        notifier.notify(RunRef(connection_id="d", run_id="0a-R"))
        await anyio.wait_all_tasks_blocked()
        assert notifier._waiting.keys() == {"c"}
        group.cancel_scope.cancel()


async def test_a_past_signal_wakes_every_later_waiter_at_once():
    notifier = CompletionNotifier()
    notifier.notify(RunRef(connection_id="c", run_id="0A-r"))
    assert [await woken(notifier, RUN) for _ in range(2)] == [True, True]
    assert anyio.current_time() == 0


async def test_the_end_of_an_earlier_run_does_not_wake_who_begins_to_wait_after_it():
    notifier = CompletionNotifier()
    notifier.notify(RunRef(connection_id="c", run_id="earlier"))
    assert not await woken(notifier, RUN)


async def test_whatever_id_the_message_has_who_waits_for_a_run_of_the_connection_is_woken():
    notifier = CompletionNotifier()
    async with anyio.create_task_group() as group:
        group.start_soon(notifier.wait, RUN)
        await anyio.wait_all_tasks_blocked()
        notifier.notify(RunRef(connection_id="c", run_id="another-name-of-it"))
    assert not notifier._waiting


async def test_who_no_longer_waits_leaves_nothing_behind():
    notifier = CompletionNotifier()
    assert not await woken(notifier, RUN)
    assert not notifier._waiting


async def test_the_latest_ten_thousand_ends_are_remembered():
    notifier = CompletionNotifier()
    for n in range(10_001):
        notifier.notify(RunRef(connection_id="c", run_id=f"{n}"))
    assert len(notifier._ended) == 10_000
    assert not await woken(notifier, RunRef(connection_id="c", run_id="0"))
    assert await woken(notifier, RunRef(connection_id="c", run_id="1"))
