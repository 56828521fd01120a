"""A service of one iModel in memory, a clock that jumps, and a ledger of what a watch may tell: for the machines."""

import asyncio
import heapq
import json
import os
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import anyio
import pytest
from attrs import define, evolve, field
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from support.runs import normal
from support.transport import answer, lost, refusal, timed_out

from bentley_sync_async import (
    AuthenticationError,
    BackoffPacing,
    ConflictError,
    JobAppeared,
    JobCompleted,
    JobStateChanged,
    JobUpdated,
    JobVanished,
    RunAppeared,
    RunCompleted,
    RunJoined,
    RunPhaseChanged,
    RunStateChanged,
    RunTriggered,
    RunUpdated,
    StorageRun,
    SynchronizationClient,
    SynchronizationError,
    TaskAppeared,
    TaskCompleted,
    TaskRetried,
    TaskStateChanged,
    TaskUpdated,
    TaskVanished,
    UnknownValueSeen,
    WatchEvent,
    WatchFailedError,
    WatchTimeoutError,
    fold,
)
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.watch import watcher as watcher_module
from bentley_sync_async.watch.retry_state import FAILURE_BUDGET
from bentley_sync_async.wire.codec import decode_one

BASE = "https://api.example"
ROOT = "/synchronization/imodels/storageconnections/"
OURS, OTHER = "our-connection", "other-connection"
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
HTML = Response(status=200, headers={"content-type": "text/html"}, body=b"<html>It works!</html>")
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=EXAMPLES or 20,
    stateful_step_count=60 if EXAMPLES else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=False,
)

BEFORE = ("unsent", "lost before", "slow before", "429", "429 silent", "503", "503 silent", "500", "html", "401")
AFTER = ("lost after", "slow after", "502 after", "html after", "cut short")
FAULTS = st.sampled_from(BEFORE + AFTER)
BOUNDS = st.sampled_from([0.01, 0.3, 3.0, 40.0, 600.0, 4000.0])
LATENCIES = st.sampled_from([0.1, 0.5, 8.0])


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts where it is set to and jumps to the next timer when nothing is ready."""

    def __init__(self, now):
        self._now = now
        super().__init__()

    def time(self):
        return self._now

    def _run_once(self):
        while self._scheduled and self._scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False
        if not self._ready and not self._stopping:
            assert self._scheduled, "everything waits, and for nothing"
            self._now = max(self._now, self._scheduled[0]._when)
        super()._run_once()


@define
class Run:
    """A run as the service has it; `data` is what it shows of it."""

    connection_id: str
    by_us: bool
    data: dict
    created_at: float
    began_at: float | None = None

    @property
    def active(self):
        return self.data["state"] != "Completed"


@define
class Service:
    """One iModel with two connections, one active run at a time."""

    runs: list[Run] = field(factory=list)
    conflicts: int = 0

    @property
    def active(self):
        return next((run for run in self.runs if run.active), None)

    @property
    def created_by_us(self):
        return [run for run in self.runs if run.by_us]

    def start(self, connection_id, now, *, by_us):
        run_id = f"run-{len(self.runs)}"
        data = {"id": run_id, "connectionId": connection_id, "state": "Queued", "result": "Undetermined", "jobs": []}
        self.runs.append(Run(connection_id, by_us, data, now))
        return self.runs[-1]

    def find(self, connection_id, run_id):
        return next((run for run in self.runs if (run.connection_id, run.data["id"]) == (connection_id, run_id)), None)

    def respond(self, method, path, now) -> Response:
        match method, path.removeprefix(ROOT).split("/"):
            case "POST", [connection_id, "run"]:
                return self.trigger(connection_id, now)
            case "GET", [connection_id, "runs", run_id]:
                run = self.find(connection_id, run_id)
                return answer(200, {"run": run.data}) if run is not None else refusal(404)
            case "GET", [connection_id, "runs"]:
                own = [run.data for run in self.runs if run.connection_id == connection_id]
                return answer(200, {"runs": own, "_links": {}})
            case "GET", [connection_id]:
                own = [run for run in self.runs if run.connection_id == connection_id]
                links = {"lastRun": {"href": location(own[-1])}} if own else {}
                return answer(200, {"connection": {"id": connection_id, "_links": links}})
        raise AssertionError(f"nobody should ask for {method} {path}")

    def trigger(self, connection_id, now):
        if self.conflicts:
            self.conflicts -= 1
            return refusal(409)
        if self.active is not None:
            return answer(303, location=location(self.active))
        return answer(202, location=location(self.start(connection_id, now, by_us=True)))


def location(run):
    return f"{BASE}{ROOT}{run.connection_id}/runs/{run.data['id']}"


@define
class Ledger:
    """What was reported, and whether each further event can be: without a hole, nothing twice, the end last."""

    events: list[WatchEvent] = field(factory=list)
    states: dict = field(factory=dict)
    completed: set = field(factory=set)
    phase: object = None
    retries: dict = field(factory=dict)
    unknown: set = field(factory=set)

    @property
    def ended(self):
        return bool(self.events) and isinstance(self.events[-1], RunCompleted)

    def of(self, *kinds):
        return [event for event in self.events if isinstance(event, kinds)]

    def take(self, event):
        assert not self.ended, f"{event} after the end"
        assert event.seq == len(self.events) + 1
        assert not self.events or event.at >= self.events[-1].at
        before = fold(self.events)
        self.check(event, before, fold([event], before))
        self.events.append(event)

    def check(self, event, before, after):  # noqa: PLR0912 - a case for each kind of event
        match event:
            case RunTriggered() | RunJoined():
                assert not self.of(RunTriggered, RunJoined)
            case RunAppeared(run=run):
                self.phase = run.phase
                self.appeared((), run)
            case JobAppeared(job=job):
                self.appeared((job.id,), job)
            case TaskAppeared(job_id=job_id, task=task):
                assert (job_id,) in self.states, "a task before its job"
                self.retries[job_id, task.id] = task.retry_attempts or 0
                self.appeared((job_id, task.id), task)
            case RunStateChanged(run=run):
                self.changed((), run, event.before)
            case JobStateChanged(job=job):
                self.changed((job.id,), job, event.before)
            case TaskStateChanged(job_id=job_id, task=task):
                self.changed((job_id, task.id), task, event.before)
            case RunCompleted(run=run):
                self.ends((), run)
            case JobCompleted(job=job):
                self.ends((job.id,), job)
            case TaskCompleted(job_id=job_id, task=task):
                self.ends((job_id, task.id), task)
            case JobVanished(job=job):
                self.vanished((job.id,))
            case TaskVanished(job_id=job_id, task=task):
                self.vanished((job_id, task.id))
            case RunPhaseChanged(run=run):
                assert event.before == self.phase != run.phase
                self.phase = run.phase
            case TaskRetried(job_id=job_id, task=task):
                assert event.before == self.retries[job_id, task.id] < task.retry_attempts
            case UnknownValueSeen(enum=enum, value=value):
                assert (enum, value) not in self.unknown
                self.unknown.add((enum, value))
            case RunUpdated() | JobUpdated() | TaskUpdated():
                assert before != after, "an update that says nothing new"
        if isinstance(event, TaskRetried | TaskUpdated | TaskStateChanged):
            key = (event.job_id, event.task.id)
            retried = isinstance(event, TaskRetried) or (event.task.retry_attempts or 0) < self.retries[key]
            self.retries[key] = (event.task.retry_attempts or 0) if retried else self.retries[key]

    def appeared(self, key, thing):
        assert key not in self.states
        self.states[key] = thing.state

    def changed(self, key, thing, before):
        assert self.states[key] == before != thing.state
        self.states[key] = thing.state
        self.completed.discard(key)

    def ends(self, key, thing):
        assert thing.state == self.states[key] == "Completed"
        assert key not in self.completed
        self.completed.add(key)

    def vanished(self, key):
        assert not any(other[:1] == key for other in self.states if len(other) > len(key)), "a job before its tasks"
        del self.states[key]
        self.completed.discard(key)


class WatchStateMachine(RuleBasedStateMachine):
    """A watch that is polled, cancelled, asked again, left and taken up: what all machines share."""

    def __init__(self):
        super().__init__()
        self.loop = JumpingLoop(0.0)
        self.offset = 0.0
        self.service = Service()
        self.ledger = Ledger()
        self.faults = deque()
        self.latency = 0.1
        self.skew = timedelta(0)
        self.served: bytes | None = None  # the run as this watcher got it last
        self.frozen = False  # the watch got to see the run's end
        self.stopped = False  # this watcher said that there is no more
        self.ends_at: float | None = None
        self.asked = False
        self.stepped = True
        self.token = ""  # the one that this watcher was made of
        self.answered_last = ""  # the latest answer's fault
        self.refused = 0  # conflicts that the service answered
        self.looking = False  # for the last snapshot, after the end
        self.broken = False  # an event broke the law; what comes after it says nothing
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(watcher_module, "utc_now", lambda: START + self.skew + timedelta(seconds=self.now))
        self.watchers = 1  # how many there were so far
        self.client = self.new_client()

    def new_client(self):
        return SynchronizationClient("token", base_url=BASE, transport=self)

    def open(self, skew, **options):
        self.skew = timedelta(seconds=skew)
        self.timeout = options.get("timeout")
        self.pacing = BackoffPacing(shortest=2, longest=60)
        self.watcher = self.client.watch(OURS, pacing=self.pacing, **options)

    @property
    def now(self):
        """Seconds since the machine began, whatever event loop counts them."""
        return self.loop.time() - self.offset

    @property
    def timed_out(self):
        return self.ends_at is not None and self.now >= self.ends_at - 1e-3

    def iso(self):
        return (START + timedelta(seconds=self.now)).isoformat()

    # The transport.

    async def send(self, request: Request, *, timeout: float) -> Response:
        path = urlsplit(request.url).path
        assert self.looking or not self.ledger.ended, "a request after the end"
        assert self.ends_at is None or self.now <= self.ends_at + 1e-3, "a request after the timeout"
        look = self.watcher.ref is not None
        assert not (look and request.method == "POST"), "a trigger though there is a run"
        if look and self.served is not None:
            self.served_is(self.served)
        fault = self.faults.popleft() if self.faults else ""
        if fault == "404" and not (look and self.may_be_unknown()):
            fault = ""
        self.answered_last = fault
        number = self.watchers
        response = await self.exchange(request, path, fault, timeout)
        self.refused += response.status == 409
        if look and not fault and number == self.watchers:  # otherwise it is the answer to a watcher that was dropped
            self.served = response.body
            self.frozen = json.loads(response.body)["run"]["state"] == "Completed"
        return response

    async def exchange(self, request, path, fault, timeout):  # noqa: PLR0911 - one for each fault
        await anyio.sleep(self.latency / 2)
        match fault:
            case "unsent":
                raise lost(request.method, request.url, sent=False)
            case "lost before":
                raise lost(request.method, request.url)
            case "slow before":
                await anyio.sleep(timeout)
                raise timed_out(request)
            case "429" | "503":
                return refusal(int(fault), retry_after="7")
            case "401" | "404" | "500":
                return refusal(int(fault))
            case "429 silent" | "503 silent":
                return refusal(int(fault[:3]))
            case "html":
                return HTML
        response = self.service.respond(request.method, path, self.now)
        date = format_datetime(START.replace(microsecond=0) + timedelta(seconds=int(self.now)), usegmt=True)
        response = evolve(response, headers={**response.headers, "date": date})
        await anyio.sleep(self.latency / 2)
        match fault:
            case "lost after":
                raise lost(request.method, request.url)
            case "slow after":
                await anyio.sleep(timeout)
                raise timed_out(request)
            case "502 after":
                return refusal(502)
            case "html after":
                return HTML
            case "cut short":
                return evolve(response, headers={}, body=response.body[:-3])
        return response

    def may_be_unknown(self):
        return False

    # The consumer.

    def served_is(self, body):
        known = fold(self.ledger.events)
        assert known is not None
        assert normal(known) == normal(decode_one(body, "run", StorageRun))

    def wait(self, seconds):
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def ask(self, bound):
        """Ask for the next event and give up after `bound` seconds; return whether one came."""
        self.stepped = True
        if not self.asked:
            self.asked = True
            self.ends_at = (
                self.now + self.timeout if self.timeout is not None and self.ends_at is None else self.ends_at
            )
        return self.loop.run_until_complete(self.asking(bound))

    async def asking(self, bound):
        with anyio.move_on_after(bound):
            try:
                event = await anext(self.watcher)
            except StopAsyncIteration:
                assert self.ledger.ended
                self.stopped = True
            except SynchronizationError as error:
                self.ended_by(error)
            else:
                self.broken = True
                self.ledger.take(event)
                self.reported(event)
                self.broken = False
                return True
        return False

    def ended_by(self, error):
        """Accept what may end the asking; it brings the way back, and the same watcher can be asked again."""
        assert error.resume_token == self.watcher.resume_token()
        match error:
            case WatchTimeoutError():
                assert self.timed_out
            case ConflictError():
                assert self.refused >= 10
            case AuthenticationError():
                assert self.answered_last == "401"
            case WatchFailedError():
                assert self.now >= FAILURE_BUDGET
            case _:
                raise error

    def reported(self, event):
        pass

    @rule(seconds=st.sampled_from([0.5, 4.0, 20.0, 300.0, 5000.0]))
    def advance(self, seconds):
        self.wait(seconds)

    @rule(bound=BOUNDS)
    def poll(self, bound):
        self.ask(bound)

    @rule(times=st.integers(1, 12))
    def poll_on(self, times):
        for _ in range(times):
            if not self.ask(120):
                break

    @rule(latency=LATENCIES)
    def become(self, latency):
        self.latency = latency

    @precondition(lambda self: len(self.faults) < 6)
    @rule(fault=FAULTS, times=st.integers(1, 3))
    def fail(self, fault, times):
        self.faults.extend([fault] * times)

    @rule(boot=st.none() | st.sampled_from([0.0, 1e3, 1e6]))
    def take_up_in_a_new_client(self, boot):
        # A token of a watch that made no step yet is tests/machines/test_found.py's.
        token = self.watcher.resume_token() if self.stepped else self.token
        if boot is not None:  # on another machine, whose event loop counts from elsewhere
            now = self.now
            self.end_loop()
            self.loop = JumpingLoop(boot)
            self.offset = boot - now
        self.client = self.new_client()
        self.watcher = self.client.resume(token, pacing=self.pacing)
        self.token, self.stepped = token, False
        self.served, self.stopped = None, False
        self.watchers += 1

    def teardown(self):
        try:
            if hasattr(self, "watcher") and not self.broken:
                self.finish()
        finally:
            self.end_loop()
            self.patch.undo()

    def end_loop(self):
        """End the event loop, and the requests that are under way in it."""
        for task in (tasks := asyncio.all_tasks(self.loop)):
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()

    def finish(self):
        raise NotImplementedError

    def ask_to_the_end(self):
        """Ask until there is no more, of a service that has come to its senses."""
        self.faults.clear()
        for _ in range(500):
            if self.stopped or (self.timed_out and not self.ledger.ended):
                return
            self.ask(4000)
        raise AssertionError("the watch does not end")

    def ended_well(self, run):
        """The consumer knows the run as it is, gets no more events, and gets its snapshot."""
        body = answer(200, {"run": run.data}).body
        self.served_is(body)
        assert not self.ask(10)
        if not self.timed_out:
            self.looking = True
            result = self.loop.run_until_complete(self.watcher.result())
            assert result == decode_one(body, "run", StorageRun)
            assert not self.ask(10)
