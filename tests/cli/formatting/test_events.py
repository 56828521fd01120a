from datetime import UTC, datetime, timedelta

from attrs import evolve
from support.quick import each

from bentley_sync_async import (
    ConflictError,
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    JobAppeared,
    JobCompleted,
    JobPhase,
    JobStateChanged,
    JobUpdated,
    JobVanished,
    PollDelayed,
    RunCompleted,
    RunJoined,
    RunPhaseChanged,
    RunRef,
    RunStateChanged,
    RunTriggered,
    RunUpdated,
    ServerError,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskAppeared,
    TaskCompleted,
    TaskError,
    TaskRetried,
    TaskStateChanged,
    TaskUpdated,
    TaskVanished,
    TriggerDelayed,
    UnknownValueSeen,
    WaitingForIModel,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.events import duration_text, error_text, event_text
from bentley_sync_async.models import RunErrorDetails

REF = RunRef(connection_id="connection", run_id="0123456789")
NAMES = DisplayNames({"connection": "Station"}, {"file": "hall.dgn"})
AT = datetime(2026, 1, 1, tzinfo=UTC)
QUEUED, DONE = ExecutionState.QUEUED, ExecutionState.COMPLETED

RUN = StorageRun(id="r", state=QUEUED, phase=JobPhase.MASTER_FILE)
RUN_DONE = StorageRun(id="r", state=DONE, phase=JobPhase.REFERENCE_FILE)
TASK = StorageTask(id="t", storage_file_id="file", state=QUEUED, retry_attempts=2)
TASK_DONE = StorageTask(id="t", storage_file_id="file", state=DONE)
JOB = StorageJob(id="j", state=QUEUED, connector_type=ConnectorType.DWG, tasks=(TASK, TASK))
JOB_DONE = StorageJob(id="j", state=DONE, connector_type=ConnectorType.DWG)


def failure(kind, status):
    return kind(status=status, method="GET", url="http://127.0.0.1/", message="No.")


@each(
    ("kind", "members", "expected"),
    [
        (
            TriggerDelayed,
            {"connection_id": "c", "cause": failure(ConflictError, 409), "attempt": 1, "delay": 1.26},
            "not triggered yet, again in 1.3 s: GET http://127.0.0.1/ answered 409 No.",
        ),
        (
            PollDelayed,
            {"cause": failure(ServerError, 502), "failures": 1, "delay": 2},
            "poll failed, next poll in 2.0 s: GET http://127.0.0.1/ answered 502 No.",
        ),
        (RunTriggered, {}, "triggered run 0123456789"),
        (RunTriggered, {"recovered": True}, "triggered run 0123456789 (the answer was lost, and the run was found)"),
        (RunJoined, {}, "joined run 0123456789, which was active already"),
        (RunJoined, {"foreign": True}, "joined run 01234567 of Station, which was active already"),
        (WaitingForIModel, {}, "waiting for the iModel, which is busy with run 01234567 of Station"),
        (
            UnknownValueSeen,
            {"enum": "ExecutionState", "value": "Bored"},
            "the service sent a new ExecutionState: Bored",
        ),
        (RunStateChanged, {"run": RUN, "before": ExecutionState.IDLE}, "run: Idle -> Queued"),
        (RunStateChanged, {"run": RUN_DONE, "before": QUEUED}, None),
        (RunPhaseChanged, {"run": RUN, "before": None}, "run: phase MasterFile"),
        (RunPhaseChanged, {"run": RUN_DONE, "before": None}, None),
        (RunUpdated, {"run": RUN}, None),
        (RunCompleted, {"run": RUN_DONE}, "run completed: Undetermined"),
        (JobAppeared, {"job": JOB}, "job DWG: Queued, 2 files"),
        (JobStateChanged, {"job": JOB, "before": ExecutionState.IDLE}, "job DWG: Idle -> Queued"),
        (JobStateChanged, {"job": JOB_DONE, "before": QUEUED}, None),
        (JobUpdated, {"job": JOB}, None),
        (JobCompleted, {"job": JOB_DONE}, "job DWG completed: Undetermined"),
        (JobVanished, {"job": JOB}, "job DWG is no longer listed"),
        (TaskAppeared, {"job_id": "j", "task": TASK}, "hall.dgn: Queued"),
        (TaskAppeared, {"job_id": "j", "task": TASK_DONE}, None),
        (TaskStateChanged, {"job_id": "j", "task": TASK, "before": ExecutionState.IDLE}, "hall.dgn: Idle -> Queued"),
        (TaskRetried, {"job_id": "j", "task": TASK, "before": 1}, "hall.dgn: retry 2"),
        (TaskUpdated, {"job_id": "j", "task": TASK}, None),
        (TaskVanished, {"job_id": "j", "task": TASK}, "hall.dgn is no longer listed"),
        (
            TaskCompleted,  # the service shows an error beside Success, too
            {"job_id": "j", "task": evolve(TASK_DONE, result=ExecutionResult.SUCCESS, error=TaskError(error_code="E"))},
            "hall.dgn completed: Success",
        ),
        (
            TaskCompleted,
            {"job_id": "j", "task": StorageTask(id="0123456789", state=DONE)},
            "task ...23456789 completed: Undetermined",
        ),
    ],
)
def test_an_event_in_words(kind, members, expected):
    where = {} if kind is TriggerDelayed else {"ref": REF}
    assert event_text(kind(seq=1, at=AT, **where, **members), NAMES) == expected


def waiting(state, connection_id=None):
    snapshot = StorageRun(id="r", state=state)
    return event_text(WaitingForIModel(seq=1, at=AT, ref=REF, run=snapshot), NAMES, connection_id)


def test_a_run_that_was_waited_for_and_has_ended_is_no_news():
    assert (waiting(DONE), waiting(DONE, "connection")) == (None, None)


def test_waiting_for_a_run_of_the_same_connection_is_no_busy_imodel():
    assert waiting(QUEUED, "connection") == "waiting for the end of its own active run 0123456789, Queued"


@each(
    ("kind", "expected"),
    [
        (RunTriggered, "triggered run 0123456789 http://here/0123456789"),
        (RunJoined, "joined run 0123456789, which was active already http://here/0123456789"),
    ],
)
def test_the_url_of_the_run_can_be_shown(kind, expected):
    names = DisplayNames(url=lambda ref: f"http://here/{ref.run_id}")
    assert event_text(kind(seq=1, at=AT, ref=REF), names) == expected


@each(
    ("error", "expected"),
    [
        (TaskError(error_code="TAE", message="Oh."), "TAE: Oh."),
        (TaskError(error_code="TAE", description_key="Key", message="Oh.", description="Better."), "Key: Better."),
        (TaskError(), "no reason given"),
        (RunErrorDetails(error_key="Key"), "Key"),
    ],
)
def test_an_error_in_words(error, expected):
    assert error_text(error) == expected


@each(("seconds", "expected"), [(0.4, "0s"), (59.6, "1m 00s"), (83, "1m 23s"), (3600, "1h 00m"), (90_061, "25h 01m")])
def test_a_duration_in_words(seconds, expected):
    assert duration_text(timedelta(seconds=seconds)) == expected
