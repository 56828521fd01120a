import anyio
import pytest

from bentley_sync_async import Announcements, CompletionSignal, RunRef

pytestmark = pytest.mark.looptime(start=0)
RUN = RunRef(connection_id="c", run_id="0a-R")


async def woken(announcements, ref, wait=10.0):
    """Whether somebody who waits so many seconds for a run is woken."""
    with anyio.move_on_after(wait):
        await announcements.wait(ref)
        return True
    return False


def test_announcements_are_a_signal():
    assert isinstance(Announcements(), CompletionSignal)


async def test_who_waits_for_a_run_is_woken_by_its_end():
    announcements = Announcements()
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(announcements.wait, RUN)
        await anyio.sleep(5)
        announcements.announce(RUN)
    assert anyio.current_time() == 5


async def test_who_waits_for_a_run_of_another_connection_is_not_woken():
    announcements = Announcements()
    async with anyio.create_task_group() as group:
        group.start_soon(announcements.wait, RUN)
        await anyio.wait_all_tasks_blocked()
        announcements.announce(RunRef(connection_id="d", run_id="0a-R"))
        await anyio.wait_all_tasks_blocked()
        assert announcements._waiting.keys() == {"c"}
        group.cancel_scope.cancel()


async def test_an_end_that_was_told_before_wakes_at_once_and_every_time():
    announcements = Announcements()
    announcements.announce(RunRef(connection_id="c", run_id="0A-r"))
    assert [await woken(announcements, RUN) for _ in range(2)] == [True, True]
    assert anyio.current_time() == 0


async def test_the_end_of_an_earlier_run_does_not_wake_who_begins_to_wait_after_it():
    announcements = Announcements()
    announcements.announce(RunRef(connection_id="c", run_id="earlier"))
    assert not await woken(announcements, RUN)


async def test_whatever_id_the_message_has_who_waits_for_a_run_of_the_connection_is_woken():
    announcements = Announcements()
    async with anyio.create_task_group() as group:
        group.start_soon(announcements.wait, RUN)
        await anyio.wait_all_tasks_blocked()
        announcements.announce(RunRef(connection_id="c", run_id="another-name-of-it"))
    assert not announcements._waiting


async def test_who_no_longer_waits_leaves_nothing_behind():
    announcements = Announcements()
    assert not await woken(announcements, RUN)
    assert not announcements._waiting


async def test_the_latest_ten_thousand_ends_are_remembered():
    announcements = Announcements()
    for n in range(10_001):
        announcements.announce(RunRef(connection_id="c", run_id=f"{n}"))
    assert len(announcements._ended) == 10_000
    assert not await woken(announcements, RunRef(connection_id="c", run_id="0"))
    assert await woken(announcements, RunRef(connection_id="c", run_id="1"))
