"""What the tasks of a snapshot say about the duration of its run. Pure."""

from collections.abc import Sequence
from math import sqrt

from bentley_sync_async.models import ExecutionState, StorageRun, StorageTask

from .distribution import DurationDistribution, ProgressEstimate

_FINALIZING = 0.05  # of the time elapsed, once all tasks are completed
_SHORTEST_FINALIZING = 10.0  # seconds
_SPREAD_OF_TASKS = 1.0  # how much the durations of tasks differ: the standard deviation of the logarithm
_LEAST_SPREAD = 0.15  # even if all but one task are completed: what follows the tasks is not known
_EXECUTING = 0.5  # the share of a task that is done while it executes, as the service does not say


def with_progress(usual: DurationDistribution, run: StorageRun | None, *, elapsed: float) -> DurationDistribution:
    """Return the distribution of a run's duration, given its usual one and a snapshot.

    Args:
        usual: The distribution from past runs.
        run: The snapshot; `None` if there is none yet.
        elapsed: Seconds since the run started.
    """
    estimate = estimate_duration(run, elapsed=elapsed) if run is not None else None
    return usual if estimate is None else usual.updated(estimate)


def estimate_duration(run: StorageRun, *, elapsed: float) -> ProgressEstimate | None:
    """Return the estimate that a snapshot gives of the run's duration; `None` while it gives none.

    The tasks that are left are expected to go on as fast as those before: a completed task counts whole, an executing
    one half, and one that waits for a retry not at all, as it does its work again. The more tasks are completed, the
    smaller is the spread. When all are completed, only finalizing is left.

    Args:
        run: The snapshot.
        elapsed: Seconds since the run started.
    """
    tasks = [task for job in run.jobs for task in job.tasks]
    states = [task.state for task in tasks]
    completed = states.count(ExecutionState.COMPLETED)
    if elapsed <= 0 or not completed:
        return None
    if completed == len(tasks):
        return _estimate_finalizing(run, elapsed)
    worked = max(elapsed - _first_task_start(run, tasks, elapsed), 1.0)
    share = (completed + _EXECUTING * states.count(ExecutionState.EXECUTING)) / len(tasks)
    remaining = worked * (1 - share) / share
    total = elapsed + remaining
    retries = sum(task.retry_attempts or 0 for task in tasks)
    spread = (_SPREAD_OF_TASKS * sqrt(1 / completed + retries / len(tasks))) * remaining / total
    return ProgressEstimate(median=total, spread=spread + _LEAST_SPREAD)


def _estimate_finalizing(run: StorageRun, elapsed: float) -> ProgressEstimate:
    """Return the estimate for a run whose tasks are all completed: finalizing takes longer if they took longer."""
    remaining = max(_FINALIZING * elapsed, _SHORTEST_FINALIZING)
    # The preprocessor and the master files come first: the tasks of the next phase may not be listed yet.
    certain = run.state == ExecutionState.FINALIZING
    return ProgressEstimate(
        median=elapsed + remaining, spread=remaining / (elapsed + remaining) * (1 if certain else 3)
    )


def _first_task_start(run: StorageRun, tasks: Sequence[StorageTask], elapsed: float) -> float:
    """Return the seconds from the start of the run to that of its first task."""
    starts = [task.start_date_time for task in tasks if task.start_date_time is not None]
    if run.start_date_time is None or not starts:
        return 0.0
    return min(max((min(starts) - run.start_date_time).total_seconds(), 0.0), elapsed)
