"""The execution states as a table of transitions, and the classification of observed changes.

The pages list the states and name no transitions; the table is inferred. A run, job or task begins as NotStarted or
Idle, is queued, waits for a machine, executes, and may go back to Idle or wait to be retried; Finalizing writes the
results, and Completed is the only end. The emulator obeys the table. The client only samples the service, so it
misses states and accepts every change: it classifies a change and never refuses one.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache

from .enums import ExecutionState as S

_FIRST_STEPS = frozenset({S.QUEUED, S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED})

TRANSITIONS: Mapping[S, frozenset[S]] = {
    S.NOT_STARTED: _FIRST_STEPS,
    S.IDLE: _FIRST_STEPS,
    S.QUEUED: frozenset({S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED}),
    S.WAITING_TO_EXECUTE: frozenset({S.EXECUTING, S.COMPLETED}),
    S.EXECUTING: frozenset({S.IDLE, S.WAITING_TO_RETRY, S.FINALIZING, S.COMPLETED}),
    S.WAITING_TO_RETRY: frozenset({S.QUEUED, S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED}),
    S.FINALIZING: frozenset({S.COMPLETED}),
    S.COMPLETED: frozenset(),
}


class Transition(Enum):
    """The kind of a change of state between two polls, by the table."""

    DIRECT = "direct"
    """One step of the table."""

    SKIPPED = "skipped"
    """Several steps: the client did not observe the states between them."""

    IRREGULAR = "irregular"
    """The table has no such way, such as out of Completed."""

    UNKNOWN = "unknown"
    """One of the two states is unknown to this package."""


@cache
def _reachable(state: S) -> frozenset[S]:
    """Return every state that one or more steps lead to."""
    found: frozenset[S] = TRANSITIONS[state]
    while True:
        further = found.union(*(TRANSITIONS[step] for step in found))
        if further == found:
            return found
        found = further


def classify(before: S, after: S) -> Transition:
    """Return the kind of the change from one observed state to the next. Never raises."""
    if not (before.known and after.known):
        return Transition.UNKNOWN
    if after in TRANSITIONS[before]:
        return Transition.DIRECT
    return Transition.SKIPPED if after in _reachable(before) else Transition.IRREGULAR
