"""The events of a watch and their JSON."""

import json
from datetime import UTC, datetime

from attrs import fields
from support.quick import each

from bentley_sync_async import (
    ConnectorType,
    ExecutionState,
    JobAppeared,
    PollDelayed,
    RateLimitedError,
    RunCompleted,
    RunJoined,
    RunRef,
    RunStateChanged,
    RunTriggered,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskCompleted,
    WaitingForIModel,
    WatchEvent,
)
from bentley_sync_async.watch import events

REF = RunRef(connection_id="c", run_id="r")
AT = datetime(2026, 11, 22, 1, 2, 3, 400000, tzinfo=UTC)
TASK = StorageTask(id="t", state=ExecutionState.COMPLETED, storage_file_id="f")
JOB = StorageJob(id="j", connector_type=ConnectorType.MSTN, tasks=(TASK,))
RUN = StorageRun(id="r", connection_id="c", state=ExecutionState.COMPLETED, jobs=(JOB,))
COMMON = {"seq": 3, "at": "2026-11-22T01:02:03.400000Z", "ref": {"connectionId": "c", "runId": "r", "kind": "storage"}}
TASK_JSON = {"id": "t", "storageFileId": "f", "state": "Completed", "result": "Undetermined"}
JOB_JSON = {"id": "j", "state": "NotStarted", "result": "Undetermined", "connectorType": "MSTN"}
RUN_JSON = {"id": "r", "connectionId": "c", "state": "Completed", "result": "Undetermined"}

EVENTS = [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, WatchEvent)]


@each("cls", EVENTS)
def test_events_are_keyword_only(cls):
    assert all(attribute.kw_only for attribute in fields(cls))


@each("cls", EVENTS)
def test_events_have_slots(cls):
    assert "__slots__" in vars(cls)


def test_recovered_and_foreign_default_to_false():
    assert not RunTriggered(seq=1, at=AT, ref=REF).recovered
    assert not RunJoined(seq=1, at=AT, ref=REF).foreign


@each(
    ("event", "expected"),
    [
        (
            TaskCompleted(seq=3, at=AT, ref=REF, job_id="j", task=TASK),
            {"event": "TaskCompleted", **COMMON, "jobId": "j", "task": TASK_JSON},
        ),
        (
            WaitingForIModel(seq=3, at=AT, ref=REF, run=RUN),
            {"event": "WaitingForIModel", **COMMON, "run": {**RUN_JSON, "jobs": []}},
        ),
        (WaitingForIModel(seq=3, at=AT, ref=REF), {"event": "WaitingForIModel", **COMMON}),
        (
            JobAppeared(seq=3, at=AT, ref=REF, job=JOB),
            {"event": "JobAppeared", **COMMON, "job": {**JOB_JSON, "tasks": []}},
        ),
        (
            RunStateChanged(seq=3, at=AT, ref=REF, run=RUN, before=ExecutionState.EXECUTING),
            {"event": "RunStateChanged", **COMMON, "run": {**RUN_JSON, "jobs": []}, "before": "Executing"},
        ),
        (
            RunCompleted(seq=3, at=AT, ref=REF, run=RUN),
            {"event": "RunCompleted", **COMMON, "run": {**RUN_JSON, "jobs": [{**JOB_JSON, "tasks": [TASK_JSON]}]}},
        ),
    ],
)
def test_an_event_is_one_line_of_json_with_the_names_of_the_api(event, expected):
    line = event.to_json()
    assert "\n" not in line
    assert json.loads(line) == expected


def test_the_cause_of_a_delay_has_its_class_and_text_in_json():
    cause = RateLimitedError(status=429, method="GET", url="https://api.bentley.com/x", code="RateLimitExceeded")
    event = PollDelayed(seq=3, at=AT, ref=REF, cause=cause, failures=1, delay=2.5)
    data = json.loads(event.to_json())
    assert data["cause"] == {"type": "RateLimitedError", "message": str(cause)}
    assert (data["failures"], data["delay"]) == (1, 2.5)
