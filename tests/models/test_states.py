from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import ExecutionState
from bentley_sync_async.models import Transition
from bentley_sync_async.models.states import TRANSITIONS, classify

S = ExecutionState
EVERYTHING = set(S)

# The table of design: what one step leads to.
ONE_STEP = {
    S.NOT_STARTED: {S.QUEUED, S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED},
    S.IDLE: {S.QUEUED, S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED},
    S.QUEUED: {S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED},
    S.WAITING_TO_EXECUTE: {S.EXECUTING, S.COMPLETED},
    S.EXECUTING: {S.IDLE, S.WAITING_TO_RETRY, S.FINALIZING, S.COMPLETED},
    S.WAITING_TO_RETRY: {S.QUEUED, S.WAITING_TO_EXECUTE, S.EXECUTING, S.COMPLETED},
    S.FINALIZING: {S.COMPLETED},
    S.COMPLETED: set(),
}
# What several steps lead to, and no single one does.
SEVERAL_STEPS = {
    S.NOT_STARTED: {S.IDLE, S.WAITING_TO_RETRY, S.FINALIZING},
    S.IDLE: {S.IDLE, S.WAITING_TO_RETRY, S.FINALIZING},
    S.QUEUED: {S.IDLE, S.QUEUED, S.WAITING_TO_RETRY, S.FINALIZING},
    S.WAITING_TO_EXECUTE: {S.IDLE, S.QUEUED, S.WAITING_TO_EXECUTE, S.WAITING_TO_RETRY, S.FINALIZING},
    S.EXECUTING: {S.QUEUED, S.WAITING_TO_EXECUTE, S.EXECUTING},
    S.WAITING_TO_RETRY: {S.IDLE, S.WAITING_TO_RETRY, S.FINALIZING},
    S.FINALIZING: set(),
    S.COMPLETED: set(),
}
PAIRS = [(before, after) for before in S for after in S]


def test_the_table_is_the_published_design():
    assert {state: set(steps) for state, steps in TRANSITIONS.items()} == ONE_STEP


def test_every_state_has_a_row():
    assert set(TRANSITIONS) == EVERYTHING


def test_completed_is_the_only_end():
    assert [state for state, steps in TRANSITIONS.items() if not steps] == [S.COMPLETED]


def test_every_state_leads_to_completed():
    assert all(classify(state, S.COMPLETED) is Transition.DIRECT for state in EVERYTHING - {S.COMPLETED})


def test_nothing_leads_back_to_not_started():
    assert {classify(state, S.NOT_STARTED) for state in S} == {Transition.IRREGULAR}


@each(("before", "after"), PAIRS)
def test_a_change_of_state_is_classified_by_the_table(before, after):
    expected = Transition.IRREGULAR
    if after in ONE_STEP[before]:
        expected = Transition.DIRECT
    elif after in SEVERAL_STEPS[before]:
        expected = Transition.SKIPPED
    assert classify(before, after) is expected


@each(("before", "after"), [("Hibernating", "Completed"), ("Queued", "Hibernating"), ("Hibernating", "Hibernating")])
def test_a_change_from_or_to_an_unknown_state_is_unknown(before, after):
    assert classify(S(before), S(after)) is Transition.UNKNOWN


@given(st.text(), st.text())
def test_no_change_is_refused(before, after):
    assert classify(S(before), S(after)) in set(Transition)
