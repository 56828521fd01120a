"""Where a watch is, as a resume token has it."""

import math

import pytest
from attrs import evolve
from support.watch import RESUME_STATE

from bentley_sync_async import ExecutionState, ResumeTokenError, RunRef, StorageJob, StorageRun
from bentley_sync_async.watch.fingerprints import fingerprint_run
from bentley_sync_async.watch.resume_state import ResumeState

ORIGIN = "https://api.bentley.com"
RUN = StorageRun(id="r", state=ExecutionState.EXECUTING, jobs=(StorageJob(id="j"),))


def taken_up(origin=ORIGIN, **changes):
    return ResumeState.from_token(evolve(RESUME_STATE, **changes).token(), origin=origin)


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 0},
        {"run": None},
        {"run": ("manifest", "c", "r")},
        {"timeout": 0.5, "ends_at": 1.5},
        {"timeout": 60.0, "ends_at": -1.5},
        {"attempted_at": 2.5},
        {"grace_ends": 3.5},
        {"run": None, "blocking_run": ("manifest", "m", "r")},
        {"run": None, "blocking_run": ("storage", "c", "r"), "blocking_fingerprint": b"print"},
        {"when_active": "rerun", "when_busy": "fail"},
        {"unknown_values": [("ExecutionState", "Asleep")]},
        {"unreported_completions": [["j"], ["j", "t"], []]},
    ],
)
def test_a_watch_is_taken_up_where_it_was(changes):
    assert taken_up(**changes) == evolve(RESUME_STATE, **changes)


def test_the_fingerprint_of_the_run_survives_the_token():
    assert taken_up(fingerprint=fingerprint_run(RUN).pack()).run_fingerprint() == fingerprint_run(RUN)


@pytest.mark.parametrize("state", [*ExecutionState, ExecutionState("Asleep"), ExecutionState("Zombie")])
@pytest.mark.parametrize("ending", [[], [["j"]], [[]]])
def test_the_completion_was_reported_if_state_and_event_were(state, ending):
    told = taken_up(
        fingerprint=fingerprint_run(evolve(RUN, state=state)).pack(), unreported_completions=ending
    ).completion_reported
    assert told == (state == ExecutionState.COMPLETED and [] not in ending)


def test_the_completion_of_an_unreported_run_was_not_reported():
    assert not taken_up().completion_reported


def test_a_state_without_a_run_has_no_ref_and_no_fingerprint():
    early = taken_up(run=None)
    assert (early.ref, early.run_fingerprint()) == (None, None)


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
            for name in ("timeout", "attempted_at", "grace_ends")
            for value in (math.inf, -math.inf, math.nan)
        ),
        *({"timeout": 60.0, "ends_at": value} for value in (math.inf, -math.inf, math.nan)),
        {"ends_at": 1.5},
        {"connection_id": ""},
        {"connection_id": "a b"},
        {"run": ("storage", "c", "")},
        {"run": ("storage", "a b", "r")},
        {"run": ("shared", "c", "r")},
        {"run": None, "blocking_run": ("shared", "c", "r")},
        {"run": None, "blocking_run": ("storage", "c", "")},
        {"blocking_run": ("storage", "other", "r")},
        {"fingerprint": ["Executing", None, b"", [[b"g123", "Queued", b"", []]]]},
        {"fingerprint": ["Executing", None, b""]},
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


def test_a_resume_state_is_built_by_attribute_names():
    with pytest.raises(TypeError, match="takes 1 positional"):
        ResumeState(ORIGIN)


def test_a_token_of_this_version_is_read_by_every_later_one():
    """A change of form needs a new version; this token is not to be changed then."""
    written = (
        "bsr1.XXiZCXjam789o6SkoNhKXz-xIFMvKTWvJCe1Ui85P3dh8uTlxSX5RYnpqQuTFxaxn3bwYwCD0463LpU0KIAYN0P-OAgwMCw"
        "tSi0qzVtSnphZMnHSOteK1OTSksz8vOCSxJLUZY7FOampBVNWQoXz0g8cYXuvJdogpjtxyhGmkqxVfvklQJVFJakpR9jMHGYwaB2"
        "eMHHiwiyw6c4XGBgOHAAAfUdEvg"
    )
    assert ResumeState.from_token(written, origin=ORIGIN) == taken_up(
        seq=7,
        timeout=60.0,
        ends_at=1_800_000_000.5,
        attempted_at=1_700_000_000.25,
        when_active="rerun",
        unknown_values=[("ExecutionState", "Asleep")],
        fingerprint=fingerprint_run(RUN).pack(),
        unreported_completions=[["j"]],
        grace_ends=1_700_000_015.25,
    )
    assert ResumeState.from_token(
        "bsr1.JraZT3jaAUQAu_-ft2h0dHBzOi8vYXBpLmJlbnRsZXkuY29toWPAA8DAwKRqb2lupHdhaXSQwJDAk6htYW5pZmVzdKFtoXLEBnByaW50IRyJHwk",
        origin=ORIGIN,
    ) == taken_up(run=None, blocking_run=("manifest", "m", "r"), blocking_fingerprint=b"print!")
