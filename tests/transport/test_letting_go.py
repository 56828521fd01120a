"""An error lets go of what it failed on: no cycle, no frame, no body, within 64 kB of all that it leads to."""

import asyncio
import gc
import sys
import types
import weakref

import pytest
from support.bulk import in_place
from support.quick import each
from support.transport import RawServer, answer, lost, raw_server, refusal, scripted

import bentley_sync_async
from bentley_sync_async import (
    FixedPacing,
    PollDelayed,
    RetryPolicy,
    StorageRun,
    SynchronizationClient,
    SynchronizationError,
    TokenError,
    TokenUnavailableError,
    errors,
)
from bentley_sync_async.models import runs
from bentley_sync_async.transport import Response
from bentley_sync_async.watch import errors as watch_errors

ONCE = RetryPolicy(attempts=1)

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


@each("name", FAILURES)
async def test_an_error_of_a_call_leads_to_little(name):
    assert size_of_all(await failed_call(FAILURES[name]())) < 64 * 1024


@each("name", FAILURES)
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


@each("name", [name for name in FAILURES if "thread" not in name])
async def test_an_error_is_freed_without_the_collector(name):
    gc.disable()
    try:
        freed = weakref.ref(await failed_call(FAILURES[name]()))
        assert freed() is None
    finally:
        gc.enable()


@each("name", [name for name in FAILURES if name not in {"an error status", "a lost connection"}])
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


# The error classes, whatever is put into them, and the other things that carry errors.

TREE = sorted(
    (
        kind
        for module in (errors, runs, watch_errors)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, SynchronizationError)
    ),
    key=lambda kind: kind.__name__,
)


def made(kind):
    if issubclass(kind, errors.APIError):
        return kind(status=422, method="GET", url=URL, message="wrong")
    if issubclass(kind, errors.TransportError):
        return kind("it broke", method="GET", url=URL, sent=True)
    if issubclass(kind, watch_errors.WatchError):
        return kind("it ended", ref=None, run=None)
    special = {
        errors.DecodeError: lambda: kind("not JSON"),
        errors.WebhookError: lambda: kind("forged", status=401),
        errors.FileTransferError: lambda: kind("not sent", file_id="f"),
        errors.ReportUnavailableError: lambda: kind("expired", report_id="r", status=403, code=None),
        errors.IModelNotInitializedError: lambda: kind("not yet", imodel_id="i", state="scheduled"),
        errors.AmbiguousNameError: lambda: kind("several", ids=("a", "b")),
        errors.JournalInUseError: lambda: kind("in use", pid=7),
        runs.RunFailedError: lambda: kind("it failed", run=StorageRun(id="r"), failed_tasks=()),
    }
    return special[kind]() if kind in special else kind("it cannot be")


class Raising:
    """A transport that raises an error of a class, while a frame holds something large."""

    def __init__(self, kind):
        self.kind = kind

    async def send(self, request, *, timeout):
        large = bytearray(BIG)
        raise made(self.kind) from ValueError(len(large))


async def raised(kind, use):
    client = SynchronizationClient("token", transport=Raising(kind), base_url="https://api.example", retry=ONCE)
    try:
        await use(client)
    except SynchronizationError as error:
        return error.with_traceback(None)
    raise AssertionError("it did not fail")


USES = {
    "a call": lambda client: client.storage_connections.runs.get("c", "r"),
    "a list": lambda client: anext(aiter(client.storage_connections.list("c"))),
    "a watch": lambda client: asyncio.wait_for(client.attach(URL, timeout=60).result(), 4000),
}


@each("use", USES)
@each("kind", TREE)
async def test_an_error_of_any_class_is_freed_without_the_collector_and_leads_to_little(kind, use):
    gc.disable()
    try:
        error = await raised(kind, USES[use])
        assert size_of_all(error) < 64 * 1024
        freed = weakref.ref(error)
        del error
        assert freed() is None
    finally:
        gc.enable()


def test_every_class_is_tried():
    public = {getattr(bentley_sync_async, name) for name in bentley_sync_async.__all__}
    assert {kind for kind in public if isinstance(kind, type) and issubclass(kind, SynchronizationError)} == set(TREE)


# What the caller's own code raises.


def raise_deep(group):
    large = bytearray(BIG)
    try:
        {}[len(large)]
    except KeyError as exc:
        if group:
            raise ExceptionGroup("two", [exc, ValueError("b")]) from exc
        raise LookupError("no token") from exc


@each("group", [False, True])
@each("use", ["a call", "a watch"])
async def test_an_error_of_a_token_function_lets_go_of_its_frames(group, use):
    async def token():
        raise_deep(group)

    gc.disable()
    try:
        client = SynchronizationClient(token, transport=Raising(TokenError), base_url="https://api.example", retry=ONCE)
        with pytest.raises((TokenUnavailableError, watch_errors.WatchTimeoutError)) as caught:
            await USES[use](client)
        error = caught.value.with_traceback(None)
        del caught
        assert size_of_all(error) < 64 * 1024
        assert "test_letting_go.py, line" in str(error) or use == "a watch"
        freed = weakref.ref(error)
        del error, client
        assert freed() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", [name for name in FAILURES if "thread" not in name])
async def test_the_outcomes_of_a_bulk_and_its_journal_lead_to_little(name, tmp_path, monkeypatch):
    monkeypatch.setattr("anyio.to_thread.run_sync", in_place)
    step = FAILURES[name]()
    _, client = scripted(always=step, retry=ONCE)
    path = tmp_path / "bulk.db"
    async with client.run_many(["c"], timeout=60, journal=path) as bulk:
        report = await bulk.result()
    assert size_of_all(report.outcomes) < 64 * 1024
    assert path.stat().st_size < 64 * 1024


async def test_the_error_that_ends_a_bulk_is_freed_without_the_collector():
    async def failed():
        _, client = scripted(always=refusal(401, "Bad", "y" * 100_000), retry=ONCE)
        try:
            async with client.run_many(["c"]) as bulk:
                await bulk.result()
        except SynchronizationError as error:
            return error.with_traceback(None)
        raise AssertionError("it did not fail")

    gc.disable()
    try:
        error = await failed()
        assert size_of_all(error) < 64 * 1024
        freed = weakref.ref(error)
        del error
        assert freed() is None
    finally:
        gc.enable()
