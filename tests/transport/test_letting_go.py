"""An error lets go of what it failed on: no cycle, no frame, no body, within 64 kB of all that it leads to."""

import gc
import sys
import types
import weakref

import pytest
from support.transport import RawServer, answer, lost, raw_server, refusal, scripted

from bentley_sync_async import FixedPacing, PollDelayed, RetryPolicy, SynchronizationClient, SynchronizationError
from bentley_sync_async.transport import Response

BIG = b"x" * 200_000
URL = "https://api.example/synchronization/imodels/storageconnections/c/runs/r"
RUN = b'{"run": {"id": "r", "state": "Executing", "jobs": [{"id": 5, "tasks": "' + BIG + b'"}]}}'

FAILURES = {
    "an error status": lambda: refusal(422, "InvalidRequest", "y" * 100_000),
    "a web page": lambda: Response(status=500, headers={"content-type": "text/html"}, body=b"<html>" + BIG),
    "not JSON": lambda: Response(status=200, body=b"<html>" + BIG),
    "a value of the wrong type": lambda: Response(status=200, body=RUN),
    "a large one, decoded in a thread": lambda: Response(status=200, body=RUN.replace(BIG, 5 * BIG)),
    "a redirect": lambda: Response(status=302, headers={"location": "https://x.example/" + "z" * 9000}, body=BIG),
    "a lost connection": lost,
}
MODULES = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)


def size_of_all(thing):
    """The bytes of everything that can be reached from a thing, but for classes, functions and modules."""
    seen, left, total = set(), [thing], 0
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, MODULES):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        left += gc.get_referents(one)
    return total


async def failed_call(step):
    _, client = scripted(step, retry=RetryPolicy(attempts=1))
    try:
        await client.storage_connections.runs.get("c", "r")
    except SynchronizationError as error:
        return error.with_traceback(None)  # the frame of this function, and of the test, are the caller's own
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("name", FAILURES)
async def test_an_error_of_a_call_leads_to_little(name):
    assert size_of_all(await failed_call(FAILURES[name]())) < 64 * 1024


@pytest.mark.parametrize("name", FAILURES)
async def test_the_traceback_of_an_error_holds_no_answer(name):
    _, client = scripted(always=FAILURES[name]())
    with pytest.raises(SynchronizationError) as caught:
        await client.storage_connections.runs.get("c", "r")
    own, frames = True, []
    traceback = caught.value.__traceback__
    while traceback is not None:
        if not own:
            frames.append(traceback.tb_frame)
        own, traceback = False, traceback.tb_next
    held = [name for frame in frames for name, value in frame.f_locals.items() if holds_an_answer(value)]
    assert held == []


def holds_an_answer(value):
    return isinstance(value, Response) or (isinstance(value, bytes) and len(value) > 10_000)


@pytest.mark.parametrize("name", [name for name in FAILURES if "thread" not in name])  # which keeps the last error
async def test_an_error_is_freed_without_the_collector(name):
    gc.collect()
    gc.disable()
    try:
        freed = weakref.ref(await failed_call(FAILURES[name]()))
        assert freed() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", [name for name in FAILURES if name not in {"an error status", "a lost connection"}])
async def test_the_cause_of_an_event_leads_to_little(name):
    step = FAILURES[name]()
    _, client = scripted(answer(202, location=URL), always=step)
    watcher = client.watch("c", pacing=FixedPacing(interval=1, jitter=0))
    await anext(watcher)
    delayed = await anext(watcher)
    assert isinstance(delayed, PollDelayed)
    assert size_of_all(delayed.cause) < 64 * 1024


async def test_an_error_of_the_http_library_is_freed_without_the_collector():
    async with raw_server(b"HTTP/1.1 200 OK\r\nBad Header Line\r\n\r\n", repeat=True) as server:
        error = await garbled(server)
        assert size_of_all(error) < 64 * 1024
        gc.collect()
        gc.disable()
        try:
            freed = weakref.ref(await garbled(server))
            assert freed() is None
        finally:
            gc.enable()


async def garbled(server: RawServer):
    async with SynchronizationClient("token", base_url=server.url, retry=RetryPolicy(attempts=1)) as client:
        try:
            await client.storage_connections.runs.get("c", "r")
        except SynchronizationError as error:
            return error.with_traceback(None)
    raise AssertionError("it did not fail")
