"""What a snapshot says about how long its run will take. Pure."""

from collections.abc import Sequence
from math import sqrt

from bentley_sync_async.models import ExecutionState, StorageRun, StorageTask

from .distribution import DurationDistribution, ProgressEstimate

_WINDING_UP = 0.05  # of the time elapsed, once all tasks are completed
_WINDING_UP_AT_LEAST = 10.0  # seconds
_SPREAD_OF_TASKS = 1.0  # how much tasks differ: the standard deviation of the logarithm
_UNSURE = 0.15  # even if all but one task are done: what comes after them
_RUNNING = 0.5  # how far a task is that runs, as far as anyone knows


def expected(usual: DurationDistribution, run: StorageRun | None, *, elapsed: float) -> DurationDistribution:
    """Return how long a run may take, from how long it usually does and what its snapshot shows.

    Args:
        usual: From its connection's past.
        run: The snapshot, if there is one.
        elapsed: Seconds since the run started.
    """
    seen = estimate(run, elapsed=elapsed) if run is not None else None
    return usual if seen is None else usual.given(seen)


def estimate(run: StorageRun, *, elapsed: float) -> ProgressEstimate | None:
    """Return what the snapshot says about the run's duration; `None` while it says nothing.

    As long as tasks are to be done, the rest is taken to go on as fast as before: a task completed counts whole, one
    that runs counts half, one that waits to be retried counts nothing, as it will do its work again. The more are
    done, the surer that is. When all are done, little is left but winding up.

    Args:
        run: The snapshot.
        elapsed: Seconds since the run started.
    """
    tasks = [task for job in run.jobs for task in job.tasks]
    states = [task.state for task in tasks]
    done = states.count(ExecutionState.COMPLETED)
    if elapsed <= 0 or not done:
        return None
    if done == len(tasks):
        return _winding_up(run, elapsed)
    begun = _begun(run, tasks, elapsed)
    worked = max(elapsed - begun, 1.0)
    share = (done + _RUNNING * states.count(ExecutionState.EXECUTING)) / len(tasks)
    left = worked * (1 - share) / share
    total = elapsed + left
    retried = sum(task.retry_attempts or 0 for task in tasks)
    doubt = (_SPREAD_OF_TASKS * sqrt(1 / done + retried / len(tasks))) * left / total
    return ProgressEstimate(median=total, spread=doubt + _UNSURE)


def _winding_up(run: StorageRun, elapsed: float) -> ProgressEstimate:
    """Return when the run is over whose tasks are all completed: the longer they took, the longer this does, too."""
    left = max(_WINDING_UP * elapsed, _WINDING_UP_AT_LEAST)
    # The preprocessor and the master files come first: tasks of the next phase may not be shown yet.
    sure = run.state == ExecutionState.FINALIZING
    return ProgressEstimate(median=elapsed + left, spread=left / (elapsed + left) * (1 if sure else 3))


def _begun(run: StorageRun, tasks: Sequence[StorageTask], elapsed: float) -> float:
    """Return the seconds from the start of the run to that of its first task."""
    starts = [task.start_date_time for task in tasks if task.start_date_time is not None]
    if run.start_date_time is None or not starts:
        return 0.0
    return min(max((min(starts) - run.start_date_time).total_seconds(), 0.0), elapsed)
