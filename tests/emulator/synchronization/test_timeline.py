"""Plans of runs: timelines, results and reports."""

import random
import uuid
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bentley_sync_async.emulator import FileRule, RunRule
from bentley_sync_async.emulator.synchronization.planning import DEFAULT_FILE, DEFAULT_RUN, PlannedFile, Planner
from bentley_sync_async.emulator.synchronization.rules import merged
from bentley_sync_async.emulator.synchronization.timeline import StateTimeline, derived_result
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import ConnectorType
from bentley_sync_async.models import ExecutionResult as R
from bentley_sync_async.models import ExecutionState as S
from bentley_sync_async.models.states import TRANSITIONS

SPANS = st.one_of(st.none(), st.floats(0, 1000), st.tuples(st.floats(0, 10), st.floats(10, 100)))
RUN_RULES = st.builds(
    RunRule,
    queued=SPANS,
    waiting=SPANS,
    preprocessing=SPANS,
    references=SPANS,
    finalizing=SPANS,
    parallel=st.one_of(st.none(), st.integers(1, 5)),
    jobs=st.one_of(st.none(), st.booleans()),
)
FILE_RULES = st.builds(
    FileRule,
    queued=SPANS,
    duration=SPANS,
    retries=st.one_of(st.none(), st.integers(0, 3)),
    retry_delay=SPANS,
    result=st.one_of(st.none(), st.sampled_from([member for member in R if member is not R.UNDETERMINED])),
)
KINDS = st.sampled_from([ConnectorType.MSTN, ConnectorType.DWG])


def plan(run_rule, file_rules, *, seed=0, error_rate=0.0, retry_rate=0.0):
    rng = random.Random(seed)
    planner = Planner(
        new_id=lambda: str(uuid.UUID(int=rng.getrandbits(128))), error_rate=error_rate, retry_rate=retry_rate
    )
    files = [
        PlannedFile(
            storage_file_id=str(number),
            connector_type=kind,
            rule=merged(FileRule, [rule, DEFAULT_FILE]),
            rng=random.Random(f"{seed}/{number}"),
        )
        for number, (kind, rule) in enumerate(file_rules)
    ]
    return planner.plan(merged(RunRule, [run_rule, DEFAULT_RUN]), files, rng)


@settings(deadline=None)
@example(RunRule(finalizing=0.0), [(ConnectorType.MSTN, FileRule(retries=2, retry_delay=412.0))], 1)
@given(RUN_RULES, st.lists(st.tuples(KINDS, FILE_RULES), max_size=6), st.integers())
def test_every_plan_has_legal_transitions_and_parents_that_end_last(run_rule, file_rules, seed):
    made = plan(run_rule, file_rules, seed=seed, error_rate=0.5, retry_rate=0.5)
    jobs = [(job.timeline, made.timeline) for job in made.jobs]
    tasks = [(task.timeline, job.timeline) for job in made.jobs for task in job.tasks]
    for timeline in (made.timeline, *(inner for inner, _ in jobs + tasks)):
        states = [state for _, state in timeline.steps]
        assert all(after in TRANSITIONS[before] for before, after in pairwise(states))
        assert states[0] in {S.NOT_STARTED, S.IDLE}
        assert [at for at, _ in timeline.steps] == sorted(at for at, _ in timeline.steps)
        assert timeline.state(timeline.ended) == S.COMPLETED
    for inner, outer in jobs + tasks:
        assert inner.ended <= outer.ended
        assert inner.started >= outer.started
    assert len(made.jobs) == (0 if run_rule.jobs is False else len({kind for kind, _ in file_rules}))


def test_parallel_limits_the_tasks_of_a_job_that_execute_at_the_same_time():
    files = [(ConnectorType.MSTN, FileRule(queued=0, duration=10, retries=0))] * 5
    [job] = plan(RunRule(parallel=2, queued=0, waiting=0, preprocessing=0), files).jobs
    assert [task.timeline.started for task in job.tasks] == [0, 0, 10, 10, 20]


def test_all_states_can_be_scripted():
    steps = [["Idle", 5], ["Executing", 1], ["Idle", 2], ["Queued", 3], ["Executing", 4], ["WaitingToRetry", 1]]
    made = plan(
        RunRule(states=[["Idle", 1], ["Queued", 2]], preprocessing=0),
        [(ConnectorType.DWG, FileRule(states=[*steps, ["Executing", 1]]))],
    )
    assert made.timeline.steps[:3] == ((0.0, S.IDLE), (1.0, S.QUEUED), (3.0, S.EXECUTING))
    [task] = made.jobs[0].tasks
    assert [(at - 3, state) for at, state in task.timeline.steps[1:]] == [
        (5, S.EXECUTING),
        (6, S.IDLE),
        (8, S.QUEUED),
        (11, S.EXECUTING),
        (15, S.WAITING_TO_RETRY),
        (16, S.EXECUTING),
        (17, S.COMPLETED),
    ]


def test_a_timeline_with_an_illegal_transition_is_refused():
    with pytest.raises(ConfigurationError, match="Finalizing cannot lead to Executing"):
        StateTimeline.starting(0, [(S.EXECUTING, 1), (S.FINALIZING, 1), (S.EXECUTING, 1)])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], R.SKIPPED),
        ([R.SUCCESS, R.SUCCESS], R.SUCCESS),
        ([R.ERROR, R.ERROR], R.ERROR),
        ([R.SUCCESS, R.ERROR], R.PARTIAL_SUCCESS),
        ([R.PARTIAL_SUCCESS, R.ERROR], R.PARTIAL_SUCCESS),
        ([R.SUCCESS, R.SKIPPED], R.SUCCESS),
        ([R.SKIPPED, R.SKIPPED], R.SKIPPED),
        ([R.SKIPPED, R.ERROR], R.ERROR),
        ([R.TIMED_OUT, R.ERROR], R.ERROR),
        ([R.CANCELED], R.CANCELED),
    ],
)
def test_a_result_follows_from_the_results_of_the_parts(parts, expected):
    assert derived_result(parts) == expected


def test_some_unscripted_files_fail_or_are_retried():
    files = [(ConnectorType.MSTN, FileRule())] * 1000
    tasks = plan(RunRule(), files, error_rate=0.02, retry_rate=0.1).jobs[0].tasks
    failed = sum(task.result == R.ERROR for task in tasks)
    retried = sum(task.timeline.retries(task.timeline.ended) > 0 for task in tasks)
    warned = sum(task.report.suggested_action == "Warning" for task in tasks)
    assert 5 < failed < 50
    assert 50 < retried < 200
    assert 200 < warned < 400


def test_a_report_can_be_scripted():
    rule = FileRule(
        total_errors_count=0, total_warnings_count=20, total_other_issues_count=3, message="20 levels are missing"
    )
    [task] = plan(RunRule(), [(ConnectorType.DWG, rule)]).jobs[0].tasks
    assert (task.report.suggested_action, task.report.message) == ("Warning", "20 levels are missing")
    assert (task.report.total_warnings_count, task.report.total_other_issues_count) == (20, 3)


def test_a_skipped_task_has_no_report():
    [task] = plan(RunRule(), [(ConnectorType.DWG, FileRule(result="Skipped"))]).jobs[0].tasks
    assert (task.report, task.error) == (None, None)
