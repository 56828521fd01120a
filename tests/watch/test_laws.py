"""The laws of the stream: what holds for every sequence of snapshots that a service may send."""

import copy
import itertools

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from support.runs import NOW, REF, lawful_histories, normal, runs

from bentley_sync_async import (
    JobAppeared,
    JobChange,
    JobCompleted,
    JobVanished,
    RunAppeared,
    RunCompleted,
    RunEvent,
    StorageRun,
    TaskAppeared,
    TaskChange,
    TaskCompleted,
    TaskVanished,
    diff,
    fold,
)

histories = st.lists(runs, min_size=1, max_size=6)


def stream(history: list[StorageRun]) -> list[RunEvent]:
    events: list[RunEvent] = []
    last = None
    for now in history:
        events += diff(last, now, ref=REF, at=NOW, seq=len(events) + 1)
        last = now
    return events


def until_completed(history: list[StorageRun]) -> list[StorageRun]:
    ends = next((index for index, run in enumerate(history) if run.completed), len(history))
    return history[: ends + 1]


@given(histories)
def test_folding_all_events_gives_the_last_snapshot(history):
    folded = fold(stream(history))
    assert folded is not None
    assert normal(folded) == normal(history[-1])


@given(runs, histories)
def test_folding_later_events_from_a_snapshot_gives_the_last_one(start, history):
    events = stream([start, *history])[len(stream([start])) :]
    folded = fold(events, start)
    assert folded is not None
    assert normal(folded) == normal(history[-1])


@given(runs)
def test_a_snapshot_does_not_differ_from_itself_or_its_copy(run):
    assert diff(run, run, ref=REF, at=NOW) == ()
    assert diff(run, copy.deepcopy(run), ref=REF, at=NOW) == ()


@given(runs, runs)
def test_there_are_events_exactly_when_something_changed(last, now):
    assert bool(diff(last, now, ref=REF, at=NOW)) == (normal(last) != normal(now))


@given(histories)
def test_a_parent_appears_before_its_children(history):
    jobs: set[str] = set()
    seen_run = False
    for event in stream(history):
        match event:
            case RunAppeared():
                seen_run = True
            case JobAppeared(job=job):
                assert seen_run
                jobs.add(job.id)
            case JobVanished(job=job):
                jobs.remove(job.id)
            case JobChange(job=job):
                assert job.id in jobs
            case TaskChange(job_id=job_id):
                assert job_id in jobs


@given(histories)
def test_a_task_appears_once_before_it_changes_and_vanishes_only_after_it_appeared(history):
    alive: set[tuple[str, str]] = set()
    for event in stream(history):
        match event:
            case TaskAppeared(job_id=job_id, task=task):
                assert (job_id, task.id) not in alive
                alive.add((job_id, task.id))
            case TaskVanished(job_id=job_id, task=task):
                alive.remove((job_id, task.id))
            case TaskChange(job_id=job_id, task=task):
                assert (job_id, task.id) in alive


@given(histories)
def test_run_completed_comes_exactly_once_and_last(history):
    history = until_completed(history)
    places = [place for place, event in enumerate(stream(history), 1) if isinstance(event, RunCompleted)]
    assert places == ([len(stream(history))] if history[-1].completed else [])


@given(histories)
def test_seq_has_no_holes(history):
    assert [event.seq for event in stream(history)] == list(range(1, len(stream(history)) + 1))


@given(lawful_histories())
def test_in_lawful_histories_a_parent_completes_after_its_children(history):
    events = stream(history)
    for place, event in enumerate(events):
        after = events[place + 1 :]
        match event:
            case JobCompleted(job=job):
                assert not any(isinstance(late, TaskChange) and late.job_id == job.id for late in after)
            case RunCompleted():
                assert after == []


@given(lawful_histories())
def test_in_lawful_histories_everything_completes_exactly_once(history):
    events = stream(history)
    done = [(event.job_id, event.task.id) for event in events if isinstance(event, TaskCompleted)]
    done_jobs = [event.job.id for event in events if isinstance(event, JobCompleted)]
    final = history[-1]
    assert sorted(done) == sorted(
        (job.id, task.id) for job in final.jobs for task in job.tasks if task.state == "Completed"
    )
    assert sorted(done_jobs) == sorted(job.id for job in final.jobs if job.state == "Completed")


@given(lawful_histories())
def test_reordered_children_have_no_events(history):
    run = history[-1]
    for order in itertools.islice(itertools.permutations(run.jobs), 24):
        assert diff(run, evolve(run, jobs=order), ref=REF, at=NOW) == ()
