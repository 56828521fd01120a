"""What will happen in a run, fixed when it is created: every state that it, its jobs and its tasks pass, and when.

Nothing here happens: a run is looked at, and what it is at that moment follows from its plan and the seconds since its
creation. Every step obeys `models.TRANSITIONS`; a plan that does not cannot be made.
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
"""States, each with the seconds that it lasts."""

BEGINNINGS = frozenset({S.NOT_STARTED, S.IDLE})
"""The states that something can begin in."""

_AT_WORK = frozenset({S.EXECUTING, S.WAITING_TO_RETRY, S.FINALIZING, S.COMPLETED})


def check_transitions(states: Iterable[S]) -> None:
    """Refuse a sequence of states in which one does not lead to the next.

    Raises:
        ConfigurationError: The message names the first step that is illegal, and those that are not.
    """
    sequence = list(states)
    for before, after in pairwise(sequence):
        if after not in TRANSITIONS[before]:
            legal = ", ".join(sorted(TRANSITIONS[before])) or "nothing"
            raise ConfigurationError(f"{before} cannot lead to {after}; it leads to {legal}")


def _checked_steps(_instance: object, _attribute: object, steps: tuple[tuple[float, S], ...]) -> None:
    check_transitions(state for _, state in steps)


@frozen
class Track:
    """The states of one run, job or task.

    Attributes:
        steps: Seconds since the run's creation, and the state from then on.
    """

    steps: tuple[tuple[float, S], ...] = field(validator=_checked_steps)

    @classmethod
    def starting(cls, begin: float, states: Sequence[tuple[S, float]]) -> Track:
        """Return the track that waits until `begin`, passes the states, and is completed."""
        waits_in, rest = S.NOT_STARTED, list(states)
        if rest and rest[0][0] in BEGINNINGS:
            waits_in, lasts = rest.pop(0)
            begin += lasts
        steps = [(0.0, waits_in)]
        for state, lasts in rest:
            steps.append((begin, state))
            begin += lasts
        return cls((*steps, (begin, S.COMPLETED)))

    def _passed(self, elapsed: float) -> int:
        return bisect_right(self.steps, elapsed, key=lambda step: step[0])

    def state(self, elapsed: float) -> S:
        """Return the state at a moment."""
        return self.steps[self._passed(elapsed) - 1][1]

    def retries(self, elapsed: float) -> int:
        """Return how often it had to be tried again until a moment."""
        return sum(state == S.WAITING_TO_RETRY for _, state in self.steps[: self._passed(elapsed)])

    @property
    def started(self) -> float:
        """When the work begins."""
        return next(at for at, state in self.steps if state in _AT_WORK)

    @property
    def ended(self) -> float:
        """When it is completed."""
        return self.steps[-1][0]


@frozen(kw_only=True)
class Failure:
    """Why a task will have failed.

    Attributes:
        key: Of the error catalogue, which says the rest.
        bridge_exit_code: The connector's exit code.
        system: The part of the service that reports it.
        phase: The step at which it happens.
    """

    key: str
    bridge_exit_code: int
    system: TaskErrorSystem
    phase: TaskErrorPhase


@frozen(kw_only=True)
class TaskPlan:
    """What will happen to one source file.

    Attributes:
        id: The task's id.
        storage_file_id: The file in Storage.
        track: Its states.
        result: What will have come of it in the end.
        error: Why it will have failed.
        report: What the connector will have found in the file.
    """

    id: str
    storage_file_id: str
    track: Track
    result: ExecutionResult
    error: Failure | None
    report: SynchronizationReport | None


@frozen(kw_only=True)
class JobPlan:
    """What one connector will do.

    Attributes:
        id: The job's id.
        connector_type: The connector.
        track: Its states.
        result: What will have come of it in the end.
        tasks: One for each file.
    """

    id: str
    connector_type: ConnectorType
    track: Track
    result: ExecutionResult
    tasks: tuple[TaskPlan, ...]


@frozen(kw_only=True)
class RunPlan:
    """What will happen in a run.

    Attributes:
        track: Its states.
        phases: Seconds since its creation, and the phase from then on.
        jobs_at: From when on its jobs can be seen.
        jobs: One for each connector type.
        result: What will have come of it in the end.
        error: Key of the error catalogue: why it will have failed as a whole.
    """

    track: Track
    phases: tuple[tuple[float, JobPhase], ...]
    jobs_at: float
    jobs: tuple[JobPlan, ...]
    result: ExecutionResult
    error: str | None

    def phase(self, elapsed: float) -> JobPhase:
        """Return the phase at a moment."""
        return self.phases[bisect_right(self.phases, elapsed, key=lambda step: step[0]) - 1][1]


def derived_result(results: Iterable[ExecutionResult]) -> ExecutionResult:
    """Return what came of the whole, given what came of its parts."""
    found = set(results)
    if not found:
        return ExecutionResult.SKIPPED
    if len(found) == 1:
        return found.pop()
    if found == {ExecutionResult.SUCCESS, ExecutionResult.SKIPPED}:
        return ExecutionResult.SUCCESS
    some_good = found & {ExecutionResult.SUCCESS, ExecutionResult.PARTIAL_SUCCESS}
    return ExecutionResult.PARTIAL_SUCCESS if some_good else ExecutionResult.ERROR
