"""A client belongs to one event loop: elsewhere, or in a fork, it says so; and it survives a loop that was closed."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import aiohttp
import pytest
from support.served import served
from support.transport import ScriptedTransport, answer, raw_server, scripted

from bentley_sync_async import FixedPacing, RunRef, SynchronizationClient, UsageError

ID, RUN_ID = "a" * 43, "0d3c4f4c-1f33-4ad0-9ef5-0d8c1f2a4b5c"
REF = RunRef(connection_id=ID, run_id=RUN_ID)
CONNECTION = answer(200, {"connection": {"id": ID}})
COMPLETED = answer(200, {"run": {"id": RUN_ID, "state": "Completed"}})
PACING = FixedPacing(interval=0.01, jitter=0)

USES = {
    "a call": lambda client: client.storage_connections.get(ID),
    "a list": lambda client: anext(aiter(client.storage_connections.list(ID))),
    "a watch": lambda client: anext(client.watch(ID)),
    "a run that is attached to": lambda client: client.attach(REF).result(),
    "a bulk": lambda client: entered(client.run_many([ID])),
    "the plan of a bulk": lambda client: client.run_many([ID]).plan(),
}


async def entered(context):
    async with context:
        pass


@contextmanager
def loop_in_a_thread():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run_once(coroutine):
    """Run a coroutine in an event loop of its own, for ten seconds at the most."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, 10))
    finally:
        loop.close()


def abandoned(*coroutines):
    """Start coroutines in an event loop that is closed in the middle; return their tasks, which never end."""
    loop = asyncio.new_event_loop()

    async def start():
        tasks = [asyncio.create_task(one) for one in coroutines]
        await asyncio.sleep(0.02)
        return tasks

    tasks = loop.run_until_complete(start())
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False
    return tasks


class Silent:
    """A transport that never answers, until it has another one."""

    def __init__(self):
        self.other = None
        self.sent = 0

    async def send(self, request, *, timeout):
        self.sent += 1
        if self.other is None:
            await asyncio.get_running_loop().create_future()
        return await self.other.send(request, timeout=timeout)


def silent(**options):
    transport = Silent()
    return transport, SynchronizationClient("token", transport=transport, base_url="https://api.example", **options)


@pytest.mark.parametrize("use", USES)
async def test_a_client_that_is_open_in_another_thread_says_so(use):
    transport, client = scripted()
    with loop_in_a_thread() as loop:
        async with client:
            used = asyncio.run_coroutine_threadsafe(USES[use](client), loop)
            with pytest.raises(UsageError, match=r"another event loop.*run_coroutine_threadsafe"):
                used.result(10)
    assert transport.sent == []


async def test_a_client_that_is_open_in_another_thread_cannot_be_entered_there():
    _, client = scripted(CONNECTION)
    await client.storage_connections.get(ID)
    with loop_in_a_thread() as loop, pytest.raises(UsageError, match="another event loop"):
        asyncio.run_coroutine_threadsafe(entered(client), loop).result(10)


async def test_a_watch_with_a_request_under_way_says_so_in_another_thread():
    _, client = silent()
    watcher = client.attach(REF)
    await interrupted(watcher)
    with loop_in_a_thread() as loop:
        used = asyncio.run_coroutine_threadsafe(watcher.result(), loop)
        with pytest.raises(UsageError, match="another event loop"):
            used.result(10)
    await client._pipeline.tasks.close(0)


async def test_a_bulk_that_is_open_in_another_thread_says_so():
    _, client = scripted(always=answer(404))
    with loop_in_a_thread() as loop:
        async with client.run_many([ID]) as bulk:
            used = asyncio.run_coroutine_threadsafe(bulk.result(), loop)
            with pytest.raises(UsageError, match="entered in another event loop"):
                used.result(10)
            assert bulk.progress.total == 0


async def test_the_progress_of_a_bulk_can_be_read_in_another_thread():
    _, client = scripted(always=answer(404))
    async with client.run_many([ID]) as bulk:
        assert (await asyncio.to_thread(lambda: bulk.report)).duration >= 0


def test_outside_of_an_event_loop_a_client_says_so():
    _, client = scripted()
    getting = client.storage_connections.get(ID)
    with pytest.raises(UsageError, match="No event loop of asyncio is running"):
        getting.send(None)


FORK = """
import asyncio, os, sys
from bentley_sync_async import SynchronizationClient, UsageError

async def main():
    async with SynchronizationClient("token", base_url="http://127.0.0.1:1") as client:
        child = os.fork()
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        try:
            await client.storage_connections.get("c")
        except UsageError as error:
            print(error, flush=True)
            os._exit(7)

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_after_a_fork_the_child_says_so():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    assert "was forked. Make a client in each process, after the fork." in done.stdout


def test_a_client_may_be_used_in_one_loop_after_another():
    _, client = scripted(always=CONNECTION)
    for _ in range(3):
        assert run_once(client.storage_connections.get(ID)).id == ID
    assert client.budget.minute.spent == {"call": 3}


def test_a_client_may_be_opened_in_one_loop_after_another():
    async def use():
        async with client:
            return await client.watch(one, pacing=PACING).result()

    with served() as service:
        one = service.emulator.add_connection()
        client = SynchronizationClient(service.token(), base_url=service.emulator.url)
        for _ in range(2):
            assert run_once(use()).completed


@pytest.mark.parametrize("freed", ["before", "after"])
def test_the_permits_of_a_closed_loop_come_back(freed):
    transport, client = silent(max_connections=2)
    tasks = abandoned(*(client.storage_connections.get(ID) for _ in range(5)))
    assert (transport.sent, client.budget.under_way, client.budget.waiting) == (2, 2, 3)
    if freed == "before":
        tasks.clear()
        gc.collect()
    transport.other = ScriptedTransport(always=CONNECTION)
    assert run_once(client.storage_connections.get(ID)).id == ID
    tasks.clear()
    gc.collect()
    assert (client.budget.under_way, client.budget.waiting) == (0, 0)
    assert client.budget.minute.spent == {"call": 3}


def test_a_watch_goes_on_after_its_loop_was_closed_during_a_poll():
    transport, client = silent()
    watcher = client.attach(REF, pacing=PACING)
    tasks = abandoned(interrupted(watcher))
    transport.other = ScriptedTransport(always=COMPLETED)
    assert run_once(watcher.result()).completed
    tasks.clear()


def test_a_trigger_whose_loop_was_closed_is_a_lost_answer():
    with served() as service:
        one = service.emulator.add_connection()
        transport, client = silent()
        client = SynchronizationClient(service.token(), base_url=service.emulator.url, transport=transport)
        watcher = client.watch(one, pacing=PACING)
        tasks = abandoned(interrupted(watcher))

        async def go_on():
            from bentley_sync_async.transport.http import AiohttpTransport

            async with AiohttpTransport() as transport.other:
                return await watcher.result()

        assert run_once(go_on()).completed
        assert service.triggers() == 1
        tasks.clear()


async def interrupted(watcher):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(watcher)


def test_a_bulk_whose_loop_was_closed_says_so():
    _, client = silent()
    bulk = client.run_many([ID])
    tasks = abandoned(entered_for_ever(bulk))
    with pytest.raises(UsageError, match="entered in another event loop"):
        run_once(bulk.result())
    tasks.clear()


async def entered_for_ever(bulk):
    async with bulk:
        await bulk.result()


def test_a_token_function_whose_loop_was_closed_is_called_again():
    async def token():
        calls.append(1)
        if len(calls) == 1:
            await asyncio.get_running_loop().create_future()
        return "token"

    calls = []
    client = SynchronizationClient(
        token, transport=ScriptedTransport(always=CONNECTION), base_url="https://api.example"
    )
    tasks = abandoned(client.storage_connections.get(ID), client.storage_connections.get(ID))
    assert run_once(client.storage_connections.get(ID)).id == ID
    tasks.clear()


async def test_a_session_of_another_loop_says_so():
    async def make():
        return aiohttp.ClientSession()

    async with raw_server() as server:
        with loop_in_a_thread() as loop:
            session = asyncio.run_coroutine_threadsafe(make(), loop).result(10)
            client = await asyncio.to_thread(SynchronizationClient, "token", base_url=server.url, session=session)
            async with client:
                with pytest.raises(UsageError, match="The session passed in belongs to another event loop"):
                    await client.storage_connections.get(ID)
            asyncio.run_coroutine_threadsafe(session.close(), loop).result(10)
        assert server.connections == 0
