"""Where a watch is, as a resume token has it."""

import math

import pytest
from attrs import evolve

from bentley_sync_async import ExecutionState, ResumeTokenError, RunRef, StorageJob, StorageRun
from bentley_sync_async.watch.bookmark import Bookmark
from bentley_sync_async.watch.memory import remember

ORIGIN = "https://api.bentley.com"
RUN = StorageRun(id="r", state=ExecutionState.EXECUTING, jobs=(StorageJob(id="j"),))
PLAIN = Bookmark(
    origin=ORIGIN,
    connection_id="c",
    run=("storage", "c", "r"),
    seq=3,
    timeout=None,
    ends_at=None,
    attempted_at=None,
    when_active="join",
    when_busy="wait",
    reported=[],
    memory=None,
    ending=[],
)


def taken_up(origin=ORIGIN, **changes):
    return Bookmark.of(evolve(PLAIN, **changes).token(), origin=origin)


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 0},
        {"run": None},
        {"run": ("manifest", "c", "r")},
        {"timeout": 0.5, "ends_at": 1.5},
        {"ends_at": -1.5},
        {"attempted_at": 2.5},
        {"when_active": "rerun", "when_busy": "fail"},
        {"reported": [("ExecutionState", "Asleep")]},
        {"ending": [["j"], ["j", "t"], []]},
    ],
)
def test_a_watch_is_taken_up_where_it_was(changes):
    assert taken_up(**changes) == evolve(PLAIN, **changes)


def test_what_was_told_of_the_run_comes_back():
    assert taken_up(memory=remember(RUN).pack()).remembered() == remember(RUN)


@pytest.mark.parametrize("state", [*ExecutionState, ExecutionState("Asleep"), ExecutionState("Zombie")])
@pytest.mark.parametrize("ending", [[], [["j"]], [[]]])
def test_a_run_was_told_to_its_end_if_it_was_told_to_be_completed_and_to_have_ended(state, ending):
    told = taken_up(memory=remember(evolve(RUN, state=state)).pack(), ending=ending).told_to_its_end
    assert told == (state == ExecutionState.COMPLETED and [] not in ending)


def test_a_run_that_nobody_was_told_of_was_not_told_to_its_end():
    assert not taken_up().told_to_its_end


def test_before_a_run_is_known_there_is_none_to_follow_and_nothing_was_told():
    early = taken_up(run=None)
    assert (early.ref, early.remembered()) == (None, None)


def test_the_run_is_named_with_its_kind():
    assert taken_up(run=("manifest", "m", "r")).ref == RunRef(connection_id="m", run_id="r", kind="manifest")


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": -1},
        {"timeout": 0.0},
        {"timeout": -1.0},
        *(
            {name: value}
            for name in ("timeout", "ends_at", "attempted_at")
            for value in (math.inf, -math.inf, math.nan)
        ),
        {"connection_id": ""},
        {"connection_id": "a b"},
        {"run": ("storage", "c", "")},
        {"run": ("storage", "a b", "r")},
        {"run": ("shared", "c", "r")},
        {"memory": ["Executing", None, b"", [[b"g123", "Queued", b"", []]]]},
        {"memory": ["Executing", None, b""]},
        {"when_active": "never"},
        {"when_busy": "never"},
    ],
)
def test_what_no_watch_can_be_at_is_refused(changes):
    with pytest.raises(ResumeTokenError, match="does not hold what one of its version holds"):
        taken_up(**changes)


def test_a_token_of_another_origin_is_refused_and_both_are_named():
    with pytest.raises(
        ResumeTokenError, match=r"belongs to https://api\.bentley\.com, .* talks to https://qa\.example"
    ):
        taken_up(origin="https://qa.example")


def test_a_bookmark_is_made_by_the_names_of_its_attributes():
    with pytest.raises(TypeError, match="takes 1 positional"):
        Bookmark(ORIGIN)
