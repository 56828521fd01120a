"""The answers of the server: runs as the service shows them, midway, of three sizes."""

import json
from collections.abc import Iterator
from typing import Any

SIZES = {"1x1": (1, 1), "4x10": (4, 10), "20x50": (20, 50)}
"""Jobs, and tasks of each: bodies of about 1, 17 and 408 kB."""

MARK = b"@@@@@@@@"
"""Stands in every id for the number of the watch, as no two runs of the service share an id."""

CONNECTION_ID = "MWplZe9Uf0iR1IDMqyOMLqBN0_wHEVBGg_CzJmXdmE4"

_BEGAN, _ENDED, _NEVER = "2026-01-24T02:44:13.4109666Z", "2026-01-24T02:47:13.4109666Z", "0001-01-01T00:00:00"
_CONNECTORS = ("MSTN", "DWG", "REVIT", "IFC", "CIVIL3D")
_STATES = ("Executing", "Completed", "Failed", "Queued", "Completed", "Executing")
_ENDINGS = {"Completed": "Success", "Failed": "Error"}
_ERROR = {
    "errorCode": "TAE_BRG_1000",
    "message": "Failed to process the file.",
    "details": "Error exit code received from bridge wrapper.",
    "bridgeExitCode": 4294967295,
    "system": "cloud_orchestrator",
    "phase": "internal_server_error",
    "category": "other",
    "descriptionKey": "RunOrchestrationError",
    "description": "Failed to orchestrate Run.",
    "kbArticleLink": "",
    "canUserFix": False,
}
_REPORT = {
    "suggestedAction": "Warning",
    "message": "",
    "totalErrorsCount": 0,
    "totalWarningsCount": 20,
    "totalOtherIssuesCount": 3,
}
_FILE_BATCH = {
    "id": "vsfb_00000000",
    "created_at": 1767225600,
    "file_counts": {"cancelled": 0, "completed": 0, "failed": 0, "in_progress": 1, "total": 1},
    "object": "vector_store.file_batch",
    "status": "in_progress",
    "vector_store_id": "vs_00000000",
}


def steady(size: str) -> list[bytes]:
    """Return the one body of a run that does not change."""
    return [_bytes(run=_run(*SIZES[size]))]


def changing(size: str) -> list[bytes]:
    """Return four bodies of which each differs from the one before, and the first from the last, in one task."""
    return [_bytes(run=run) for run in _turning(*SIZES[size])]


def for_azure(size: str) -> list[bytes]:
    """Return the body of the run with the member in which azure-core expects the state."""
    return [_bytes(status="InProgress", run=_run(*SIZES[size]))]


def for_openai(size: str) -> list[bytes]:
    """Return the body of the run with the members of what openai-python polls for."""
    return [_bytes(**_FILE_BATCH, run=_run(*SIZES[size]))]


KINDS = {"steady": steady, "changing": changing, "azure": for_azure, "openai": for_openai}
"""The last segment of a URL names the size, the kind and the number: `4x10-steady-00000017`."""


def numbered(body: bytes, number: int) -> bytes:
    """Return a body of the run of one watch."""
    return body.replace(MARK, b"%08d" % number)


def _bytes(**members: object) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _turning(jobs: int, tasks: int) -> Iterator[dict[str, Any]]:
    """Yield runs in which the first task, the last, the first again and the last again is about to be retried."""
    for first, last in ((False, False), (True, False), (True, True), (False, True)):
        run = _run(jobs, tasks)
        for task, turned in ((run["jobs"][0]["tasks"][0], first), (run["jobs"][-1]["tasks"][-1], last)):
            task["state"] = "WaitingToRetry" if turned else "Executing"
        yield run


def _run(jobs: int, tasks: int) -> dict[str, Any]:
    return {
        "id": _id("a"),
        "connectionId": CONNECTION_ID,
        **_progress("Executing"),
        "phase": "MasterFile",
        "error": None,
        "jobs": [_job(job, tasks) for job in range(jobs)],
    }


def _job(job: int, tasks: int) -> dict[str, Any]:
    return {
        "id": _id("d", job),
        **_progress("Executing"),
        "connectorType": _CONNECTORS[job % len(_CONNECTORS)],
        "tasks": [_task(job, task) for task in range(tasks)],
    }


def _task(job: int, task: int) -> dict[str, Any]:
    state = _STATES[task % len(_STATES)]
    return {
        "id": _id("f", job, task),
        **_progress(state),
        "retryAttempts": 0,
        "storageFileId": _id("g", job, task),
        "error": _ERROR if state == "Failed" else None,
        "details": {"synchronizationReport": _REPORT} if state in _ENDINGS else None,
    }


def _progress(state: str) -> dict[str, str]:
    """Return dates, state and result; what is "Failed" is completed with that result."""
    ended = state in _ENDINGS
    return {
        "startDateTime": _NEVER if state == "Queued" else _BEGAN,
        "endDateTime": _ENDED if ended else _NEVER,
        "state": "Completed" if ended else state,
        "result": _ENDINGS[state] if ended else "Undetermined",
    }


def _id(prefix: str, job: int = 0, task: int = 0) -> str:
    return f"{prefix}{job:02x}{task:02x}c4f6173004f9f881914a57c5511{MARK.decode()}"
