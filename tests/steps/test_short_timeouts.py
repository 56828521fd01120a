"""A consumer with a short timeout around each step gets every event as soon as a patient one, by the same requests."""

import asyncio
import gc
import weakref
from collections import Counter

import anyio
import pytest
from support.transport import After, ScriptedTransport, answer, lost, refusal
from support.watch import names

from bentley_sync_async import FixedPacing, RunCompleted, RunJoined, RunTriggered, SynchronizationClient, Timeouts
from bentley_sync_async.watch.resume_state import ResumeState

BASE = "https://api.example"
RUN = f"{BASE}/synchronization/imodels/storageconnections/connection/runs/run"
PACING = FixedPacing(interval=10, jitter=0)


class Service(ScriptedTransport):
    """Answers each request after some seconds; the run is executed from 10 to 40 seconds after its trigger."""

    def __init__(self, latency, **options):
        super().__init__(always=After(latency, self.respond), **options)
        self.triggered_at = []

    def respond(self, request):
        now = anyio.current_time()
        if request.method == "POST":
            self.triggered_at.append(now)
            return answer(202, location=RUN)
        elapsed = now - self.triggered_at[0]
        state = "Queued" if elapsed < 10 else "Executing" if elapsed < 40 else "Completed"
        result = "Success" if state == "Completed" else "Undetermined"
        return answer(200, {"run": {"id": "run", "state": state, "result": result, "jobs": []}})

    def client(self, **options):
        return SynchronizationClient("token", base_url=BASE, transport=self, **options)

    @property
    def kinds(self):
        return Counter(line.removeprefix(BASE).partition("?")[0] for line in self.lines)


async def events_within(watcher, seconds):
    """The events with the instants at which the consumer got them, and how often it gave up a step."""
    events, instants, given_up = [], [], 0
    while not (events and isinstance(events[-1], RunCompleted)):
        try:
            async with asyncio.timeout(seconds):
                events.append(await anext(watcher))
                instants.append(anyio.current_time())
        except TimeoutError:
            given_up += 1
            assert given_up < 10_000
    return events, instants, given_up


@pytest.mark.parametrize("latency", [0.01, 0.3, 0.7, 1.3, 4])
@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5, 1, 5])
async def test_a_short_timeout_costs_no_request_and_no_event(seconds, latency, record_property):
    patient, hasty = Service(latency), Service(latency)
    async with patient.client() as client:
        expected, due, _ = await events_within(client.watch("connection", pacing=PACING), None)
    async with hasty.client() as client:
        began = anyio.current_time()
        events, instants, given_up = await events_within(client.watch("connection", pacing=PACING), seconds)
    assert hasty.kinds == patient.kinds
    assert names(events) == names(expected)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert len(hasty.triggered_at) == 1
    late = max((at - began) - (then - due[0] + latency) for at, then in zip(instants, due, strict=True))
    assert late <= seconds + 0.01
    record_property(
        "cell", f"T={seconds} L={latency}: {dict(hasty.kinds)}, {len(events)} events, one run, gave up {given_up} times"
    )


async def test_the_run_of_a_cancelled_trigger_is_known_as_soon_as_its_answer_is_there():
    service = Service(latency=3)
    async with service.client() as client:
        watcher = client.watch("connection")
        with anyio.move_on_after(1):
            await anext(watcher)
        assert watcher.ref is None
        await anyio.sleep(2.1)
        assert watcher.ref is not None
        state = ResumeState.from_token(watcher.resume_token(), origin=BASE)
        assert (state.ref, state.attempted_at) == (watcher.ref, None)
        assert isinstance(await anext(watcher), RunTriggered)
    assert len(service.sent) == 1


@pytest.mark.parametrize("status", [202, 303])
async def test_a_token_of_a_run_whose_start_was_not_taken_reports_it(status):
    transport = ScriptedTransport(After(3, answer(status, location=RUN)))
    async with SynchronizationClient("token", base_url=BASE, transport=transport) as client:
        watcher = client.watch("connection")
        with anyio.move_on_after(1):
            await anext(watcher)
        await anyio.sleep(3)
        token = watcher.resume_token()
        resumed = client.resume(token)
        assert resumed.resume_token() == token
        events = [await anext(watcher), await anext(resumed)]
        for one in (watcher, resumed):
            state = ResumeState.from_token(one.resume_token(), origin=BASE)
            assert (state.unreported_start, state.seq, state.ref) == (None, 1, watcher.ref)
    assert [type(event) for event in events] == [RunTriggered if status == 202 else RunJoined] * 2
    assert [event.seq for event in events] == [1, 1]
    assert len(transport.sent) == 1


async def test_a_trigger_that_was_not_sent_yet_is_not_sent_while_nobody_awaits_the_watch():
    service = Service(latency=0.1)
    service.script.append(refusal(429, retry_after="10"))
    async with service.client() as client:
        watcher = client.watch("connection")
        with anyio.move_on_after(1):
            while True:
                await anext(watcher)
        await anyio.sleep(60)
        assert len(service.sent) == 1
        assert ResumeState.from_token(watcher.resume_token(), origin=BASE).attempted_at is None
        assert isinstance(await anext(watcher), RunTriggered)
    assert len(service.sent) == 2


async def test_a_search_after_a_lost_answer_makes_progress_over_short_steps():
    connection = After(0.7, answer(200, {"connection": {"id": "connection"}}))
    transport = ScriptedTransport(
        lost("POST"), connection, After(0.7, answer(200, {"runs": []})), After(0.7, answer(202, location=RUN))
    )
    async with SynchronizationClient("token", base_url=BASE, transport=transport) as client:
        watcher = client.watch("connection", pacing=PACING)
        await anext(watcher)
        while watcher.ref is None:
            with anyio.move_on_after(0.5):
                await anext(watcher)
    assert [request.method for request in transport.requests] == ["POST", "GET", "GET", "POST"]


async def test_a_dropped_watcher_leaves_only_its_request_under_way():
    service = Service(latency=3)
    async with service.client() as client:
        watcher = client.watch("connection")
        dropped = weakref.ref(watcher)
        with anyio.move_on_after(1):
            await anext(watcher)
        gc.disable()
        try:
            del watcher
            await asyncio.sleep(0)  # until then the event loop holds the cancellation, whose frames hold the watcher
            assert dropped() is None
        finally:
            gc.enable()
        assert len(asyncio.all_tasks()) == 2
        await anyio.sleep(2.1)
        assert len(asyncio.all_tasks()) == 1
        await anyio.sleep(60)
    assert len(service.sent) == 1


@pytest.mark.parametrize(("latency", "known"), [(4, True), (8, False)])
async def test_a_client_that_is_left_waits_some_seconds_for_the_answer_to_a_trigger(latency, known):
    service = Service(latency)
    async with service.client(timeouts=Timeouts(close=5)) as client:
        watcher = client.watch("connection")
        with anyio.move_on_after(1):
            await anext(watcher)
        left_at = anyio.current_time()
    assert anyio.current_time() - left_at == pytest.approx(3 if known else 5, abs=0.1)
    assert (watcher.ref is not None) == known
    assert (ResumeState.from_token(watcher.resume_token(), origin=BASE).attempted_at is None) == known
    assert len(asyncio.all_tasks()) == 1


async def test_a_client_that_is_left_does_not_wait_for_polls():
    service = Service(latency=4)
    async with service.client() as client:
        watchers = [client.attach(RUN, pacing=PACING) for _ in range(300)]
        service.triggered_at.append(anyio.current_time())
        async with anyio.create_task_group() as group:
            for watcher in watchers:
                group.start_soon(anext, watcher)
            await anyio.sleep(1)
            group.cancel_scope.cancel()
        left_at = anyio.current_time()
    assert anyio.current_time() == left_at
    assert len(asyncio.all_tasks()) == 1
