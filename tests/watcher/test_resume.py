"""A watch that is left and taken up again, by another client, perhaps on another machine."""

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
    RunRef,
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

UNLEARNED = FixedPacing()  # it asks for no past runs


async def taken_up(emulator, token):
    """Go on with a new client, as another process would."""
    async with SynchronizationClient(emulator.token(lifetime=1e9), base_url=emulator.url) as client:
        watcher = client.resume(token, pacing=PACING)
        events = await events_of(watcher)
        return watcher, events


async def test_a_watch_left_after_any_number_of_events_is_taken_up_without_a_hole_or_a_repetition():
    async with emulated() as (emulator, client):
        whole = await events_of(client.watch(emulator.add_connection(files=FILES), pacing=PACING))
    for number in range(len(whole)):
        async with emulated() as (emulator, client):
            watcher = client.watch(emulator.add_connection(files=FILES), pacing=PACING)
            before = [await anext(watcher) for _ in range(number)]
            later, after = await taken_up(emulator, watcher.resume_token())
        where = f"left after {number} of {len(whole)} events"
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
        _, after = await taken_up(emulator, token)
    changed = [event for event in after if isinstance(event, RunStateChanged)]
    assert names(first) == ["RunTriggered", "RunAppeared"]
    assert [event.before for event in changed] == [first[1].run.state]
    assert len(completed_tasks(after)) == 3


async def test_a_watch_whose_completion_was_reported_has_no_more_events():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection())
        run = await watcher.result()
        later, after = await taken_up(emulator, watcher.resume_token())
        sent = len(emulator.requests)
        again = client.resume(watcher.resume_token())
        assert await again.result() == run
    assert after == []
    assert later.run is None
    assert len(emulator.requests) == sent + 1


async def test_a_watch_whose_completion_was_reported_has_its_result_after_its_timeout():
    async with emulated() as (emulator, client):
        watcher = client.watch(emulator.add_connection(), timeout=1000)
        told = await events_of(watcher)
        await anyio.sleep(5000)
        later, after = await taken_up(emulator, watcher.resume_token())
        resumed = client.resume(watcher.resume_token())
        assert await resumed.result() == watcher.run
        assert await client.resume(resumed.resume_token()).result() == watcher.run
    assert isinstance(told[-1], RunCompleted)
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
    _, client = scripted(
        blocking_fingerprint(StorageRun(id="run", state=ExecutionState.EXECUTING, jobs=jobs)), refusal(403)
    )
    watcher = client.attach(REF, pacing=UNLEARNED)
    for _ in range(21):
        await anext(watcher)
    with pytest.raises(PermissionDeniedError) as caught:
        await anext(watcher)
    assert caught.value.resume_token is None
    with pytest.raises(ResumeTokenError, match="too large"):
        watcher.resume_token()


async def test_a_watch_that_sent_nothing_yet_triggers_when_it_is_taken_up():
    async with emulated() as (emulator, client):
        token = client.watch(emulator.add_connection()).resume_token()
        await anyio.sleep(100)
        _, after = await taken_up(emulator, token)
    assert isinstance(after[0], RunTriggered)
    assert len(emulator.runs) == 1


async def test_the_run_of_a_cancelled_trigger_is_found_and_not_triggered_again():
    async with emulated() as (emulator, client):
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=30, method="POST", path="/run$", nth=1))
        watcher = client.watch(emulator.add_connection())
        with anyio.move_on_after(5):
            await anext(watcher)
        _, after = await taken_up(emulator, watcher.resume_token())
    assert len(triggers(emulator)) == 1
    assert isinstance(after[0], RunTriggered)
    assert after[0].recovered


async def test_a_watch_that_waits_for_the_imodel_goes_on_waiting_and_triggers_once():
    async with emulated() as (emulator, client):
        imodel_id = emulator.new_imodel_id()
        emulator.start_run(emulator.add_connection(imodel_id))
        watcher = client.watch(emulator.add_connection(imodel_id))
        before = [await anext(watcher) for _ in range(2)]
        later, after = await taken_up(emulator, watcher.resume_token())
    assert names(before) == ["WaitingForIModel"] * 2
    assert len(emulator.runs) == 2
    assert names(after).count("RunTriggered") == 1
    assert later.run is not None
    assert later.run.connection_id == watcher.connection_id


async def test_the_timeout_ends_when_it_would_have_ended():
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


async def test_an_error_of_a_watch_brings_the_token_to_go_on_with():
    async with emulated() as (emulator, client):
        hidden = emulator.add_fault(FaultRule(path="/runs/", status=404, first=5, last=5))
        watcher = client.watch(emulator.add_connection())
        before = [await anext(watcher) for _ in range(2)]
        with pytest.raises(RunVanishedError) as caught:
            await watcher.result()
        _, after = await taken_up(emulator, caught.value.resume_token)
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
async def test_what_is_no_token_is_refused(token):
    async with emulated() as (_, client):
        with pytest.raises(ResumeTokenError, match=r"not a resume token|damaged"):
            client.resume(token)


async def test_a_token_of_a_later_version_says_that_the_package_must_be_updated():
    async with emulated() as (_, client):
        with pytest.raises(ResumeTokenError, match="update it"):
            client.resume("bsr2.AAAAAAAA")


@given(st.data())
def test_a_token_that_lost_or_changed_a_character_is_refused(data):
    token = pack(["http://127.0.0.1", {"a": [1, 2.5, None, b"xyz"]}, "text" * 30])
    place = data.draw(st.integers(5, len(token) - 1))
    other = data.draw(st.sampled_from(["", *(string.ascii_letters + string.digits)]))
    damaged = token[:place] + other + token[place + 1 :]
    meant = base64.urlsafe_b64decode(token[5:] + "==")
    if base64.urlsafe_b64decode(damaged[5:] + "===") == meant:
        return  # the last character has bits that mean nothing
    with pytest.raises(ResumeTokenError, match="damaged"):
        unpack(damaged)


@pytest.mark.parametrize("values", [None, [], ["http://127.0.0.1:1"], {"origin": "x"}, 7])
def test_values_of_another_form_are_refused(values):
    with pytest.raises(ResumeTokenError, match="does not hold"):
        ResumeState.from_token(pack(values), origin="http://127.0.0.1:1")


def resume_state(**changes):
    return evolve(RESUME_STATE, **changes)


def test_a_resume_state_survives_the_token():
    memory = fingerprint_run(StorageRun(id="r"))
    there = resume_state(
        unknown_values=[("ExecutionState", "Asleep")], attempted_at=1.5, fingerprint=tuple(memory.pack())
    )
    assert ResumeState.from_token(there.token(), origin=there.origin) == there
    assert there.run_fingerprint() == memory
    assert there.ref == RunRef(connection_id="c", run_id="r")


@pytest.mark.parametrize("changes", [{"seq": -1}, {"timeout": -1.0}, {"attempted_at": float("inf")}])
def test_numbers_that_cannot_be_are_refused(changes):
    with pytest.raises(ResumeTokenError, match="does not hold"):
        ResumeState.from_token(resume_state(**changes).token(), origin="https://api.bentley.com")


def test_a_memory_of_another_form_is_refused():
    with pytest.raises(ResumeTokenError, match="does not hold"):
        ResumeState.from_token(resume_state(fingerprint=[1, 2]).token(), origin="https://api.bentley.com")


@given(runs)
def test_what_is_remembered_comes_back_from_a_token(run):
    assert RunFingerprint.unpack(unpack(pack(fingerprint_run(run).pack()))) == fingerprint_run(run)


@given(runs)
def test_an_unchanged_run_is_not_reported_twice(run):
    assert diff(restore_run(fingerprint_run(normal(run)), run), run, ref=REF, at=NOW) == ()


@given(runs, runs)
def test_after_a_gap_the_events_lead_from_the_reported_snapshot_to_the_current_one(told, now):
    events = diff(restore_run(fingerprint_run(told), now), now, ref=REF, at=NOW)
    folded = fold(events, told)
    assert folded is not None
    assert normal(folded) == normal(now)


@given(runs, runs)
def test_after_a_gap_there_are_events_exactly_when_something_changed(told, now):
    assert bool(diff(restore_run(fingerprint_run(told), now), now, ref=REF, at=NOW)) == (normal(told) != normal(now))


def blocking_fingerprint(run):
    return answer(200, {"run": to_builtins(run)})


async def until_nothing_more(watcher):
    events = []
    async for event in watcher:
        if isinstance(event, PollDelayed):
            break
        events.append(event)
    return events


def told(events):
    """What each event tells; of what vanished after a resume only its id is known."""
    things = [getattr(event, name, None) for event in events for name in ("run", "job", "task")]
    ids = [thing and thing.id for thing in things]
    per_event = zip(ids[::3], ids[1::3], ids[2::3], strict=True)
    return sorted(
        repr((type(event).__name__, *ids, getattr(event, "job_id", None), getattr(event, "before", None)))
        for event, ids in zip(events, per_event, strict=True)
    )


@settings(deadline=None, max_examples=40)
@given(runs, runs)
async def test_a_watch_resumed_between_two_events_reports_the_rest_only(first, second):
    polls = [blocking_fingerprint(evolve(first, state=ExecutionState.EXECUTING)), blocking_fingerprint(second)]
    _, client = scripted(*polls, always=lost())
    whole = await until_nothing_more(client.attach(REF, pacing=UNLEARNED))
    for cut in range(len(whole) + 1):
        transport, client = scripted(*polls)
        watcher = client.attach(REF, pacing=UNLEARNED)
        before = [await anext(watcher) for _ in range(cut)]
        seen = max(len(transport.sent) - 1, 0)  # the resumed watch sees what this one saw last
        _, other = scripted(*polls[seen:], always=lost())
        after = await until_nothing_more(other.resume(watcher.resume_token(), pacing=UNLEARNED))
        assert [event.seq for event in before + after] == list(range(1, len(whole) + 1))
        assert told(after) == told(whole[cut:])
        folded = fold(before + after)
        assert folded is not None
        assert normal(folded) == normal(second)


@settings(deadline=None, max_examples=40)
@given(runs, runs)
async def test_a_watch_resumed_after_every_event_reports_each_once(first, second):
    polls = [blocking_fingerprint(evolve(first, state=ExecutionState.EXECUTING)), blocking_fingerprint(second)]
    _, client = scripted(*polls, always=lost())
    whole = await until_nothing_more(client.attach(REF, pacing=UNLEARNED))
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
    assert told(events) == told(whole)


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
    told = StorageRun(id="r", jobs=(job,))
    (task, vanished) = diff(restore_run(fingerprint_run(told), StorageRun(id="r")), StorageRun(id="r"), ref=REF, at=NOW)
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
