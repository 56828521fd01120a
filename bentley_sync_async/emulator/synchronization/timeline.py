"""The plan of a run: the states of the run, its jobs and its tasks over time, fixed when the run is created.

Nothing runs in the background: the current state follows from the plan and the seconds since the run's creation.
Every state change is one that `models.TRANSITIONS` allows; a plan with any other raises an error.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from attrs import field, frozen

from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import (
    ConnectorType,
    ExecutionResult,
    JobPhase,
    SynchronizationReport,
    TaskErrorPhase,
    TaskErrorSystem,
)
from bentley_sync_async.models import ExecutionState as S
from bentley_sync_async.models.states import TRANSITIONS

StateSteps = tuple[tuple[S, float], ...]
"""States, each with its duration in seconds."""

INITIAL_STATES = frozenset({S.NOT_STARTED, S.IDLE})
"""The states in which a run, job or task can begin."""

_STARTED = frozenset({S.EXECUTING, S.WAITING_TO_RETRY, S.FINALIZING, S.COMPLETED})


def check_transitions(states: Iterable[S]) -> None:
    """Refuse a sequence of states with a transition that the state table does not allow.

    Raises:
        ConfigurationError: The message names the first illegal transition, and the legal ones from the same state.
    """
    sequence = list(states)
    for before, after in pairwise(sequence):
        if after not in TRANSITIONS[before]:
            legal = ", ".join(sorted(TRANSITIONS[before])) or "nothing"
            raise ConfigurationError(f"{before} cannot lead to {after}; it leads to {legal}")


def _checked_steps(_instance: object, _attribute: object, steps: tuple[tuple[float, S], ...]) -> None:
    check_transitions(state for _, state in steps)


@frozen
class StateTimeline:
    """The states of one run, job or task over time.

    Attributes:
        steps: Times in seconds since the run's creation, each with the state that begins then.
    """

    steps: tuple[tuple[float, S], ...] = field(validator=_checked_steps)

    @classmethod
    def starting(cls, begin: float, states: Sequence[tuple[S, float]]) -> StateTimeline:
        """Return a timeline that passes the states with their durations, beginning at `begin`, and then completes."""
        initial, rest = S.NOT_STARTED, list(states)
        if rest and rest[0][0] in INITIAL_STATES:
            initial, duration = rest.pop(0)
            begin += duration
        steps = [(0.0, initial)]
        for state, duration in rest:
            steps.append((begin, state))
            begin += duration
        return cls((*steps, (begin, S.COMPLETED)))

    def _begun(self, elapsed: float) -> int:
        return bisect_right(self.steps, elapsed, key=lambda step: step[0])

    def state(self, elapsed: float) -> S:
        """Return the state at a time."""
        return self.steps[self._begun(elapsed) - 1][1]

    def retries(self, elapsed: float) -> int:
        """Return the number of retries until a time."""
        return sum(state == S.WAITING_TO_RETRY for _, state in self.steps[: self._begun(elapsed)])

    @property
    def started(self) -> float:
        """The time when the work begins."""
        return next(at for at, state in self.steps if state in _STARTED)

    @property
    def ended(self) -> float:
        """The time of completion."""
        return self.steps[-1][0]


@frozen(kw_only=True)
class Failure:
    """The error with which a task fails.

    Attributes:
        key: Key of the error catalogue, which has the other fields.
        bridge_exit_code: The connector's exit code.
        system: The part of the service that reports the error.
        phase: The step at which the error occurs.
    """

    key: str
    bridge_exit_code: int
    system: TaskErrorSystem
    phase: TaskErrorPhase


@frozen(kw_only=True)
class TaskPlan:
    """The plan of a task, which synchronizes one source file.

    Attributes:
        id: The task's id.
        storage_file_id: The file in Storage; in a run of a manifest connection, the file's id in the manifest.
        timeline: The task's states.
        result: The final result.
        error: The final error, if the task fails.
        report: The connector's report on the file.
        file_name: The file's name.
        references: Id and name of each file that the manifest says it refers to.
    """

    id: str
    storage_file_id: str
    timeline: StateTimeline
    result: ExecutionResult
    error: Failure | None
    report: SynchronizationReport | None
    file_name: str = ""
    references: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class JobPlan:
    """The plan of a job, which runs one connector.

    Attributes:
        id: The job's id.
        connector_type: The connector.
        timeline: The job's states.
        result: The final result.
        tasks: One task for each file.
    """

    id: str
    connector_type: ConnectorType
    timeline: StateTimeline
    result: ExecutionResult
    tasks: tuple[TaskPlan, ...]


@frozen(kw_only=True)
class RunPlan:
    """The plan of a run.

    Attributes:
        timeline: The run's states.
        phases: Times in seconds since the run's creation, each with the phase that begins then.
        jobs_at: The time from which the run shows its jobs.
        jobs: One job for each connector type.
        result: The final result.
        error: Key of the error catalogue for the run's final error.
    """

    timeline: StateTimeline
    phases: tuple[tuple[float, JobPhase], ...]
    jobs_at: float
    jobs: tuple[JobPlan, ...]
    result: ExecutionResult
    error: str | None

    def phase(self, elapsed: float) -> JobPhase:
        """Return the phase at a time."""
        return self.phases[bisect_right(self.phases, elapsed, key=lambda step: step[0]) - 1][1]


def derived_result(results: Iterable[ExecutionResult]) -> ExecutionResult:
    """Return the result of a run or job that follows from the results of its parts."""
    found = set(results)
    if not found:
        return ExecutionResult.SKIPPED
    if len(found) == 1:
        return found.pop()
    if found == {ExecutionResult.SUCCESS, ExecutionResult.SKIPPED}:
        return ExecutionResult.SUCCESS
    any_succeeded = found & {ExecutionResult.SUCCESS, ExecutionResult.PARTIAL_SUCCESS}
    return ExecutionResult.PARTIAL_SUCCESS if any_succeeded else ExecutionResult.ERROR
