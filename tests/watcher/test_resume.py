"""A watch that is resumed by another client, perhaps on another machine."""

import asyncio
import base64
import random
import string
from uuid import UUID

import anyio
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support.quick import length
from support.runs import NOW, REF, lawful_histories, normal, runs
from support.transport import answer, lost, refusal, scripted
from support.watch import RESUME_STATE, completed_tasks, emulated, events_of, names, triggers

from bentley_sync_async import (
    BackoffPacing,
    ConnectorType,
    ExecutionState,
    FixedPacing,
    JobVanished,
    PermissionDeniedError,
    PollDelayed,
    ResumeTokenError,
    RunCompleted,
    RunStateChanged,
    RunTriggered,
    RunVanishedError,
    RunWatcher,
    StorageJob,
    StorageRun,
    StorageTask,
    SynchronizationClient,
    TaskVanished,
    WatchEvent,
    WatchTimeoutError,
    diff,
    fold,
)
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule
from bentley_sync_async.watch import watcher as watcher_module
from bentley_sync_async.watch.fingerprints import RunFingerprint, fingerprint_run, restore_run
from bentley_sync_async.watch.resume_state import ResumeState
from bentley_sync_async.wire import resume as resume_module
from bentley_sync_async.wire.codec import to_builtins
from bentley_sync_async.wire.resume import pack, unpack

FILES = [("a.dgn", ConnectorType.MSTN), ("b.dgn", ConnectorType.MSTN), ("c.dwg", ConnectorType.DWG)]
PACING = BackoffPacing(shortest=20, longest=60, jitter=0)

UNLEARNED = FixedPacing()  # fetches no past runs


async def resumed(emulator, token):
    """Resume in a new client, as another process would; return the watcher and its events."""
    async with SynchronizationClient(emulator.token(lifetime=1e9), base_url=emulator.url) as client:
        watcher = client.resume(token, pacing=PACING)
        events = await events_of(watcher)
        return watcher, events


async def test_a_watch_resumed_after_any_number_of_events_has_no_hole_and_no_repetition():
    async with emulated() as (emulator, client):
        whole = await events_of(client.watch(emulator.add_connection(files=FILES), pacing=PACING))
    for number in range(len(whole)):
        async with emulated() as (emulator, client):
            watcher = client.watch(emulator.add_connection(files=FILES), pacing=PACING)
            before = [await anext(watcher) for _ in range(number)]
            later, after = await resumed(emulator, watcher.resume_token())
        where = f"resumed after {number} of {len(whole)} events"
        both = before + after
        assert [event.seq for event in both] == list(range(1, len(both) + 1)), where
        assert names(both).count("RunTriggered") == 1, where
        assert isinstance(both[-1], RunCompleted), where
        assert len(completed_tasks(both)) == len(set(completed_tasks(both))) == 3, where
        assert len(emulator.runs) == 1, where
        folded = fold(both)
        assert folded is not None, where
        assert normal(folded) == normal(later.run), where


async def test_changes_between_two_watches_are_reported():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(files=FILES))
        first = [await anext(watcher) for _ in range(2)]
        token = watcher.resume_token()
        await anyio.sleep(3600)
        _, after = await resumed(emulator, token)
    changed = [event for event in after if isinstance(event, RunStateChanged)]
    assert names(first) == ["RunTriggered", "RunAppeared"]
    assert [event.before for event in changed] == [first[1].run.state]
    assert len(completed_tasks(after)) == 3


async def test_a_watch_whose_completion_was_reported_has_no_more_events():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        run = await watcher.result()
        later, after = await resumed(emulator, watcher.resume_token())
        sent = len(emulator.requests)
        again = client.resume(watcher.resume_token())
        assert await again.result() == run
    assert after == []
    assert later.run is None
    assert len(emulator.requests) == sent + 1


async def test_a_watch_whose_completion_was_reported_has_its_result_after_its_timeout():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(), timeout=1000)
        events = await events_of(watcher)
        await anyio.sleep(5000)
        later, after = await resumed(emulator, watcher.resume_token())
        again = client.resume(watcher.resume_token())
        assert await again.result() == watcher.run
        assert await client.resume(again.resume_token()).result() == watcher.run
    assert isinstance(events[-1], RunCompleted)
    assert after == []
    assert later.ref == watcher.ref


async def test_a_watch_whose_completion_was_not_reported_times_out():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(), timeout=1000)
        while not isinstance(await anext(watcher), RunCompleted):
            token = watcher.resume_token()
        await anyio.sleep(5000)
        with pytest.raises(WatchTimeoutError):
            await client.resume(token).result()


async def test_a_token_can_be_taken_after_the_event_loop_has_ended(monkeypatch):
    """An `except KeyboardInterrupt` stands outside of `asyncio.run`."""
    monkeypatch.setattr(watcher_module, "utc_now", lambda: NOW)
    _, client = scripted(lost("POST"))

    def in_another_loop():
        async def left() -> RunWatcher:
            watcher = client.watch("connection", timeout=60)
            await anext(watcher)
            return watcher

        return asyncio.run(left()).resume_token()

    token = await asyncio.to_thread(in_another_loop)
    resume_state = ResumeState.from_token(token, origin=client.config.base_url)
    assert resume_state.ends_at is not None
    assert resume_state.ends_at - resume_state.attempted_at == pytest.approx(60, abs=1)


async def test_a_run_too_large_for_a_token_ends_with_its_own_error(monkeypatch):
    monkeypatch.setattr(resume_module, "_LONGEST", 300)
    jobs = tuple(StorageJob(id=f"job {number}") for number in range(20))
    _, client = scripted(snapshot(StorageRun(id="run", state=ExecutionState.EXECUTING, jobs=jobs)), refusal(403))
    watcher = client.attach(REF, pacing=UNLEARNED)
    for _ in range(21):
        await anext(watcher)
    with pytest.raises(PermissionDeniedError) as caught:
        await anext(watcher)
    assert caught.value.resume_token is None
    with pytest.raises(ResumeTokenError, match="too large"):
        watcher.resume_token()


async def test_a_watch_that_sent_nothing_triggers_after_a_resume():
    async with emulated() as (emulator, client):
        token = client.watch(emulator.add_connection()).resume_token()
        await anyio.sleep(100)
        _, after = await resumed(emulator, token)
    assert isinstance(after[0], RunTriggered)
    assert len(emulator.runs) == 1


async def test_the_run_of_a_cancelled_trigger_is_found_and_not_triggered_again():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=30, method="POST", path="/run$", nth=1))
        watcher = client.watch(emulator.add_connection())
        with anyio.move_on_after(5):
            await anext(watcher)
        _, after = await resumed(emulator, watcher.resume_token())
    assert len(triggers(emulator)) == 1
    assert isinstance(after[0], RunTriggered)
    assert after[0].recovered


async def test_a_resumed_waiting_watch_continues_to_wait_and_triggers_once():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel_id))
        watcher = client.watch(emulator.add_connection(imodel_id))
        before = [await anext(watcher) for _ in range(2)]
        later, after = await resumed(emulator, watcher.resume_token())
    assert names(before) == ["WaitingForIModel"] * 2
    assert len(emulator.runs) == 2
    assert names(after).count("RunTriggered") == 1
    assert later.run is not None
    assert later.run.connection_id == watcher.connection_id


async def test_a_resume_does_not_move_the_timeout():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(duration=7200))
        watcher = client.watch(emulator.add_connection(), timeout=600)
        await anext(watcher)
        await anyio.sleep(400)
        late = client.resume(watcher.resume_token())
        began = anyio.current_time()
        with pytest.raises(WatchTimeoutError) as caught:
            await late.result()
        assert anyio.current_time() - began == pytest.approx(200, abs=2)
        again = client.resume(caught.value.resume_token)
        with pytest.raises(WatchTimeoutError):
            await anext(again)


async def test_the_token_of_an_error_resumes_the_watch():
    async with emulated() as (emulator, client):
        hidden = emulator.add_fault(FaultRule(path="/runs/", status=404, first=5, last=5))
        watcher = client.watch(emulator.add_connection())
        before = [await anext(watcher) for _ in range(2)]
        with pytest.raises(RunVanishedError) as caught:
            await watcher.result()
        _, after = await resumed(emulator, caught.value.resume_token)
    assert hidden.fired == 1
    assert names(before) == ["RunTriggered", "RunAppeared"]
    assert isinstance(after[-1], RunCompleted)
    assert "RunAppeared" not in names(after)


async def test_a_token_of_another_origin_is_refused_before_anything_is_sent():
    async with emulated() as (emulator, client):
        token = client.watch(emulator.add_connection()).resume_token()
        async with SynchronizationClient("token", base_url="http://127.0.0.1:1") as other:
            with pytest.raises(ResumeTokenError, match=r"belongs to http://127.*Nothing was sent"):
                other.resume(token)
    assert emulator.requests == []


@pytest.mark.parametrize("token", ["", "hello", "bsr1.", "bsr1.AAAA", "bsr1.ä", None, "bsr1." + "A" * 100])
async def test_invalid_tokens_are_refused(token):
    async with emulated() as (_, client):
        with pytest.raises(ResumeTokenError, match=r"not a resume token|damaged"):
            client.resume(token)


async def test_a_token_of_a_later_version_is_refused_with_a_hint_to_update():
    async with emulated() as (_, client):
        with pytest.raises(ResumeTokenError, match="update it"):
            client.resume("bsr4.AAAAAAAA")


@given(st.data())
def test_a_token_that_lost_or_changed_a_character_is_refused(data):
    token = pack(["http://127.0.0.1", {"a": [1, 2.5, None, b"xyz"]}, "text" * 30])
    place = data.draw(st.integers(5, len(token) - 1))
    other = data.draw(st.sampled_from(["", *(string.ascii_letters + string.digits)]))
    damaged = token[:place] + other + token[place + 1 :]
    content_bytes = base64.urlsafe_b64decode(token[5:] + "==")
    if base64.urlsafe_b64decode(damaged[5:] + "===") == content_bytes:
        return  # the last character has unused bits
    with pytest.raises(ResumeTokenError, match="damaged"):
        unpack(damaged)


@pytest.mark.parametrize("values", [None, [], ["http://127.0.0.1:1"], {"origin": "x"}, 7])
def test_values_of_another_form_are_refused(values):
    with pytest.raises(ResumeTokenError, match="does not have the values"):
        ResumeState.from_token(pack(values), origin="http://127.0.0.1:1")


def resume_state(**changes):
    return evolve(RESUME_STATE, **changes)


@given(runs)
def test_a_fingerprint_survives_the_token(run):
    assert RunFingerprint.unpack(unpack(pack(fingerprint_run(run).pack()))) == fingerprint_run(run)


@given(runs)
def test_an_unchanged_run_is_not_reported_twice(run):
    assert diff(restore_run(fingerprint_run(normal(run)), run), run, ref=REF, at=NOW) == ()


@given(runs, runs)
def test_after_a_gap_the_events_lead_from_the_reported_snapshot_to_the_current_one(reported, now):
    events = diff(restore_run(fingerprint_run(reported), now), now, ref=REF, at=NOW)
    folded = fold(events, reported)
    assert folded is not None
    assert normal(folded) == normal(now)


@given(runs, runs)
def test_after_a_gap_there_are_events_exactly_when_something_changed(reported, now):
    assert bool(diff(restore_run(fingerprint_run(reported), now), now, ref=REF, at=NOW)) == (
        normal(reported) != normal(now)
    )


def snapshot(run):
    return answer(200, {"run": to_builtins(run)})


async def events_until_failure(watcher):
    events = []
    async for event in watcher:
        if isinstance(event, PollDelayed):
            break
        events.append(event)
    return events


def content(events):
    """What each event reports; of a task that vanished before a resume only the id is known."""
    nodes = [getattr(event, name, None) for event in events for name in ("run", "job", "task")]
    ids = [node and node.id for node in nodes]
    per_event = zip(ids[::3], ids[1::3], ids[2::3], strict=True)
    return sorted(
        repr((type(event).__name__, *ids, getattr(event, "job_id", None), getattr(event, "before", None)))
        for event, ids in zip(events, per_event, strict=True)
    )


@settings(deadline=None, max_examples=length(15, 40))
@given(runs, runs)
async def test_a_watch_resumed_between_two_events_reports_the_rest_only(first, second):
    polls = [snapshot(evolve(first, state=ExecutionState.EXECUTING)), snapshot(second)]
    _, client = scripted(*polls, always=lost())
    whole = await events_until_failure(client.attach(REF, pacing=UNLEARNED))
    for cut in range(len(whole) + 1):
        transport, client = scripted(*polls)
        watcher = client.attach(REF, pacing=UNLEARNED)
        before = [await anext(watcher) for _ in range(cut)]
        seen = max(len(transport.sent) - 1, 0)  # the resumed watch sees what this one saw last
        _, other = scripted(*polls[seen:], always=lost())
        after = await events_until_failure(other.resume(watcher.resume_token(), pacing=UNLEARNED))
        assert [event.seq for event in before + after] == list(range(1, len(whole) + 1))
        assert content(after) == content(whole[cut:])
        folded = fold(before + after)
        assert folded is not None
        assert normal(folded) == normal(second)


@settings(deadline=None, max_examples=length(15, 40))
@given(runs, runs)
async def test_a_watch_resumed_after_every_event_reports_each_once(first, second):
    polls = [snapshot(evolve(first, state=ExecutionState.EXECUTING)), snapshot(second)]
    _, client = scripted(*polls, always=lost())
    whole = await events_until_failure(client.attach(REF, pacing=UNLEARNED))
    token = client.attach(REF, pacing=UNLEARNED).resume_token()
    events: list[WatchEvent] = []
    while len(events) <= len(whole):
        transport, client = scripted(*polls, always=lost())
        watcher = client.resume(token, pacing=UNLEARNED)
        event = await anext(watcher, None)
        if event is None or isinstance(event, PollDelayed):
            break
        events.append(event)
        token = watcher.resume_token()
        del polls[: len(transport.sent) - 1]
    assert [event.seq for event in events] == list(range(1, len(whole) + 1))
    assert content(events) == content(whole)


@given(lawful_histories(), st.integers(0, 30))
def test_a_gap_in_a_lawful_history_completes_everything_once(history, gap):
    place = min(gap, len(history) - 1)
    seen = history[place]
    events = diff(restore_run(fingerprint_run(seen), history[-1]), history[-1], ref=REF, at=NOW)
    before = [task.id for task in seen.tasks if task.state == ExecutionState.COMPLETED]
    everything = [task.id for task in history[-1].tasks if task.state == ExecutionState.COMPLETED]
    assert sorted(before + completed_tasks(events)) == sorted(everything)


def test_a_task_that_vanished_in_the_gap_is_reported_with_its_last_state():
    job = StorageJob(id="j", state=ExecutionState.EXECUTING, tasks=(StorageTask(id="t", state=ExecutionState.IDLE),))
    reported = StorageRun(id="r", jobs=(job,))
    (task, vanished) = diff(
        restore_run(fingerprint_run(reported), StorageRun(id="r")), StorageRun(id="r"), ref=REF, at=NOW
    )
    assert isinstance(task, TaskVanished)
    assert (task.task.id, task.task.state) == ("t", ExecutionState.IDLE)
    assert isinstance(vanished, JobVanished)
    assert (vanished.job.id, vanished.job.state) == ("j", ExecutionState.EXECUTING)


def test_a_token_for_a_thousand_tasks_stays_below_forty_characters_a_task():
    chance = random.Random(1)

    def guid():
        return str(UUID(int=chance.getrandbits(128)))

    tasks = tuple(
        StorageTask(id=guid(), state=ExecutionState.EXECUTING, retry_attempts=0, storage_file_id=guid())
        for _ in range(1000)
    )
    run = StorageRun(id=guid(), jobs=(StorageJob(id=guid(), tasks=tasks),))
    assert len(resume_state(fingerprint=fingerprint_run(run).pack()).token()) < 40_000
