"""The state of a watch in a resume token."""

import math
from datetime import UTC, datetime

import pytest
from attrs import evolve
from support.quick import each
from support.watch import RESUME_STATE

from bentley_sync_async import ExecutionState, ResumeTokenError, RunRef, StorageJob, StorageRun, WaitingForIModel
from bentley_sync_async.watch.fingerprints import fingerprint_run
from bentley_sync_async.watch.resume_state import STARTS, ResumeState, start_of

ORIGIN = "https://api.bentley.com"
RUN = StorageRun(id="r", state=ExecutionState.EXECUTING, jobs=(StorageJob(id="j"),))


def round_trip(origin=ORIGIN, **changes):
    return ResumeState.from_token(evolve(RESUME_STATE, **changes).token(), origin=origin)


@each(
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
        {"kind": "manifest"},
        {"kind": "manifest", "run": None},
        {"kind": "manifest", "unreported_start": "triggered"},
        {"unreported_start": "triggered"},
        {"unreported_start": "joined foreign"},
    ],
)
def test_a_resume_state_survives_its_token(changes):
    assert round_trip(**changes) == evolve(RESUME_STATE, **changes)


def test_the_fingerprint_of_the_run_survives_the_token():
    assert round_trip(fingerprint=fingerprint_run(RUN).pack()).run_fingerprint() == fingerprint_run(RUN)


@each("state", [*ExecutionState, ExecutionState("Asleep"), ExecutionState("Zombie")])
@each("unreported", [[], [["j"]], [[]]])
def test_a_completion_is_reported_when_state_and_event_are(state, unreported):
    reported = round_trip(
        fingerprint=fingerprint_run(evolve(RUN, state=state)).pack(), unreported_completions=unreported
    ).completion_reported
    assert reported == (state == ExecutionState.COMPLETED and [] not in unreported)


def test_the_completion_of_an_unreported_run_is_not_reported():
    assert not round_trip().completion_reported


def test_a_state_without_a_run_has_no_ref_and_no_fingerprint():
    state = round_trip(run=None)
    assert (state.ref, state.run_fingerprint()) == (None, None)


def test_the_ref_has_the_kind_of_the_connection():
    assert round_trip(run=("manifest", "m", "r")).ref == RunRef(connection_id="m", run_id="r", kind="manifest")


@each(
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
        {"fingerprint": [1, 2]},
        {"when_active": "never"},
        {"when_busy": "never"},
        {"unreported_start": "never"},
        {"run": None, "unreported_start": "joined"},
    ],
)
def test_impossible_values_are_refused(changes):
    with pytest.raises(ResumeTokenError, match="does not have the values of its version"):
        round_trip(**changes)


def test_a_token_of_another_origin_is_refused_with_both_origins():
    with pytest.raises(
        ResumeTokenError, match=r"belongs to https://api\.bentley\.com, .* talks to https://qa\.example"
    ):
        round_trip(origin="https://qa.example")


def test_a_resume_state_is_keyword_only():
    with pytest.raises(TypeError, match="takes 1 positional"):
        ResumeState(ORIGIN)


def test_a_token_of_version_1_is_read_by_all_later_versions():
    """A change of form needs a new version; this token is not to be changed then."""
    written = (
        "bsr1.XXiZCXjam789o6SkoNhKXz-xIFMvKTWvJCe1Ui85P3dh8uTlxSX5RYnpqQuTFxaxn3bwYwCD0463LpU0KIAYN0P-OAgwMCw"
        "tSi0qzVtSnphZMnHSOteK1OTSksz8vOCSxJLUZY7FOampBVNWQoXz0g8cYXuvJdogpjtxyhGmkqxVfvklQJVFJakpR9jMHGYwaB2"
        "eMHHiwiyw6c4XGBgOHAAAfUdEvg"
    )
    assert ResumeState.from_token(written, origin=ORIGIN) == round_trip(
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
    ) == round_trip(run=None, blocking_run=("manifest", "m", "r"), blocking_fingerprint=b"print!")


def test_a_token_of_version_3_is_read_by_all_later_versions():
    written = (
        "bsr3.QCSn1Xjau8MguD2jpKSg2EpfP7EgUy8pNa8kJ7VSLzk_d2HyAeYDB0473gz54yDAwLC0KLWoNG9JeWJmyYQDE"
        "w4AwYrcxLzMtNTiEgD6mh8N"
    )
    assert ResumeState.from_token(written, origin=ORIGIN) == round_trip(
        run=None, attempted_at=1_700_000_000.25, when_active="rerun", kind="manifest"
    )


@each("start", STARTS)
def test_the_event_of_a_start_is_the_one_that_was_not_taken(start):
    event, members = STARTS[start]
    made = event(seq=1, at=datetime.now(UTC), ref=RunRef(connection_id="c", run_id="r"), **members)
    assert start_of(made) == start


def test_a_waiting_reports_no_start():
    event = WaitingForIModel(seq=1, at=datetime.now(UTC), ref=RunRef(connection_id="c", run_id="r"))
    assert start_of(event) is None


@each(
    ("start", "kind", "version"),
    [
        (None, "storage", "bsr1."),
        ("joined", "storage", "bsr2."),
        (None, "manifest", "bsr3."),
        ("joined", "manifest", "bsr3."),
    ],
)
def test_a_token_is_of_the_earliest_version_that_can_hold_its_state(start, kind, version):
    state = evolve(RESUME_STATE, unreported_start=start, kind=kind)
    assert state.token().startswith(version)
    assert ResumeState.from_token(state.token(), origin=state.origin) == state
