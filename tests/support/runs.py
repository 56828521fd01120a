"""Generated runs for property tests, and the normal form in which two snapshots are compared."""

from datetime import UTC, datetime

from attrs import evolve
from hypothesis import strategies as st

from bentley_sync_async import (
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    JobPhase,
    RunRef,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskError,
)
from bentley_sync_async.models import RunErrorDetails
from bentley_sync_async.models.states import TRANSITIONS

REF = RunRef(connection_id="connection", run_id="run")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

states = st.sampled_from([*ExecutionState, ExecutionState("Hibernating")])
results = st.sampled_from([*ExecutionResult, ExecutionResult("Miraculous")])
dates = st.none() | st.sampled_from([NOW.replace(hour=hour) for hour in range(4)])
errors = st.none() | st.builds(TaskError, error_code=st.sampled_from(["a", "b"]), can_user_fix=st.booleans())

tasks = st.builds(
    StorageTask,
    id=st.sampled_from(["t1", "t2", "t3", "t4"]),
    state=states,
    result=results,
    start_date_time=dates,
    end_date_time=dates,
    retry_attempts=st.none() | st.integers(0, 3),
    error=errors,
)
jobs = st.builds(
    StorageJob,
    id=st.sampled_from(["j1", "j2", "j3"]),
    state=states,
    result=results,
    end_date_time=dates,
    connector_type=st.sampled_from([ConnectorType.MSTN, ConnectorType("WARP")]),
    # Not unique by id: a service may send anything.
    tasks=st.lists(tasks, max_size=4).map(tuple),
)
runs = st.builds(
    StorageRun,
    id=st.just("run"),
    connection_id=st.just("connection"),
    state=states,
    result=results,
    phase=st.none() | st.sampled_from([*JobPhase, JobPhase("Afterlife")]),
    error=st.none() | st.builds(RunErrorDetails, error_key=st.sampled_from(["k1", "k2"])),
    start_date_time=dates,
    jobs=st.lists(jobs, max_size=3).map(tuple),
)


def normal(run: StorageRun) -> StorageRun:
    """The run with its children in the order of their ids, and of two with one id the last."""
    by_id = {job.id: job for job in run.jobs}
    ordered = [evolve(by_id[key], tasks=_normal_tasks(by_id[key])) for key in sorted(by_id)]
    return evolve(run, jobs=tuple(ordered))


def _normal_tasks(job: StorageJob) -> tuple[StorageTask, ...]:
    by_id = {task.id: task for task in job.tasks}
    return tuple(by_id[key] for key in sorted(by_id))


@st.composite
def lawful_histories(draw: st.DrawFn) -> list[StorageRun]:
    """Samples of a run that obeys the state table: children appear and never vanish, and end before their parents."""
    run = StorageRun(id="run", connection_id="connection")
    history = [run]
    for _ in range(draw(st.integers(1, 25))):
        if run.completed:
            break
        run = draw(_lawful_step(run))
        if draw(st.booleans()):  # the client only samples
            history.append(run)
    return [*history, run]


@st.composite
def _lawful_step(draw: st.DrawFn, run: StorageRun) -> StorageRun:
    move = draw(st.sampled_from(["run", "new job", "job", "new task", "task", "shuffle"]))
    open_jobs = [job for job in run.jobs if not _completed(job)]
    job = draw(st.sampled_from(open_jobs)) if open_jobs else None
    open_tasks = [task for task in job.tasks if not _completed(task)] if job is not None else []
    changed = run
    match move:
        case "run":
            changed = evolve(run, state=draw(_next_state(run.state, not open_jobs)))
        case "new job":
            changed = evolve(run, jobs=(*run.jobs, StorageJob(id=f"j{len(run.jobs)}")))
        case "job" if job is not None:
            changed = _with_job(run, evolve(job, state=draw(_next_state(job.state, not open_tasks))))
        case "new task" if job is not None:
            changed = _with_job(run, evolve(job, tasks=(*job.tasks, StorageTask(id=f"t{len(job.tasks)}"))))
        case "task" if job is not None and open_tasks:
            task = draw(st.sampled_from(open_tasks))
            now = evolve(task, state=draw(_next_state(task.state, True)), retry_attempts=draw(st.integers(0, 2)))
            changed = _with_job(run, evolve(job, tasks=tuple(now if old is task else old for old in job.tasks)))
        case _:
            changed = evolve(run, jobs=tuple(draw(st.permutations(run.jobs))))
    return changed


def _next_state(state: ExecutionState, may_end: bool) -> st.SearchStrategy[ExecutionState]:
    steps = sorted(step for step in TRANSITIONS[state] if may_end or step != ExecutionState.COMPLETED)
    return st.sampled_from([state, *steps])


def _with_job(run: StorageRun, job: StorageJob) -> StorageRun:
    return evolve(run, jobs=tuple(job if other.id == job.id else other for other in run.jobs))


def _completed(node: StorageRun | StorageJob | StorageTask) -> bool:
    return node.state == ExecutionState.COMPLETED
