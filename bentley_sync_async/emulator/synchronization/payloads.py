"""The JSON of connections, source files and runs, in the form that the API's pages show."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.platform.clock import Clock
from bentley_sync_async.emulator.settings import Settings
from bentley_sync_async.models import ExecutionResult, ExecutionState, SynchronizationReport

from .catalogue import CATALOGUE
from .store import Connection, Run, SourceFile, Store
from .timeline import Failure, JobPlan, StateTimeline, TaskPlan

Json = dict[str, Any]

_EMPTY_DATE = "0001-01-01T00:00:00"  # the service's value of an instant that has not come yet


def connection_summary(connection: Connection) -> Json:
    """Return the minimal form of a connection, which lists contain by default."""
    named = {} if connection.display_name is None else {"displayName": connection.display_name}
    return {"id": connection.id, **named}


def connection_of_any_kind(connection: Connection, root: str) -> Json:
    """Return the full form of a connection in the list of connections of all kinds."""
    links = {
        "iModel": {"href": f"{root}/imodels/{connection.imodel_id}"},
        "iTwin": {"href": f"{root}/itwins/{connection.itwin_id}"},
    }
    if connection.last_run is not None:
        links["lastRun"] = {"href": root + connection.last_run.path}
    return {**connection_summary(connection), "iModelId": connection.imodel_id, "_links": links}


def storage_connection(connection: Connection, root: str) -> Json:
    """Return the full form of a storage connection."""
    json = connection_of_any_kind(connection, root)
    links = json.pop("_links")
    return {
        **json,
        "iTwinId": connection.itwin_id,
        "authenticationType": connection.authentication_type,
        "_links": links,
    }


def source_file(store: Store, connection: Connection, file: SourceFile, root: str, *, minimal: bool) -> Json:
    """Return a source file; the minimal form has no connector type."""
    json: Json = {"id": file.id, "storageFileId": file.storage_file_id}
    if not minimal:
        json["connectorType"] = file.connector_type
    name = store.last_known_name(connection, file)
    if name is not None:
        json["lastKnownFileName"] = name
    return {**json, "_links": {"file": {"href": f"{root}/files/{file.storage_file_id}"}}}


class RunView:
    """The JSON of a run at the time when the view is created."""

    def __init__(self, run: Run, clock: Clock, settings: Settings) -> None:
        self._run = run
        self._clock = clock
        self._settings = settings
        self._elapsed = clock.elapsed() - run.created

    def summary(self) -> Json:
        """Return the minimal form of the run, which lists contain by default."""
        return {"id": self._run.id, **self._progress(self._run.plan.timeline, self._run.plan.result)}

    def full(self) -> Json:
        """Return the run with its jobs and tasks."""
        plan = self._run.plan
        completed = self._elapsed >= plan.timeline.ended
        key = plan.error if completed else None
        json = {
            "id": self._run.id,
            "connectionId": self._run.connection_id,
            "startDateTime": self._clock.timestamp(self._run.created),
            "endDateTime": self._date(plan.timeline.ended),
            "phase": plan.phase(self._elapsed),
            **self._progress(plan.timeline, plan.result),
            "error": {"errorKey": key, "description": CATALOGUE[key].description} if key else None,
        }
        return json | self._jobs()

    def _jobs(self) -> Json:
        plan = self._run.plan
        if self._elapsed >= plan.jobs_at:
            return {"jobs": [self._job(job) for job in plan.jobs]}
        absent: dict[str, Json] = {"missing": {}, "null": {"jobs": None}, "empty": {"jobs": []}}
        return absent[self._settings.jobs_at_start]

    def _job(self, job: JobPlan) -> Json:
        return {
            "id": job.id,
            **self._dates(job.timeline),
            **self._progress(job.timeline, job.result),
            "connectorType": job.connector_type,
            "tasks": [self._task(task) for task in job.tasks],
        }

    def _task(self, task: TaskPlan) -> Json:
        json = {
            "id": task.id,
            **self._dates(task.timeline),
            "retryAttempts": task.timeline.retries(self._elapsed),
            "storageFileId": task.storage_file_id,
            **self._progress(task.timeline, task.result),
        }
        if self._elapsed >= task.timeline.ended:
            if task.error is not None:
                json["error"] = _task_error(task.error)
            if task.report is not None:
                json["details"] = {"synchronizationReport": _report(task.report)}
        return json

    def _progress(self, timeline: StateTimeline, result: ExecutionResult) -> Json:
        state = timeline.state(self._elapsed)
        if state != ExecutionState.COMPLETED:
            return {"state": state, "result": ExecutionResult.UNDETERMINED}
        return {"state": state, "result": self._settings.canceled if result == ExecutionResult.CANCELED else result}

    def _dates(self, timeline: StateTimeline) -> Json:
        return {"startDateTime": self._date(timeline.started), "endDateTime": self._date(timeline.ended)}

    def _date(self, at: float) -> str:
        return self._clock.timestamp(self._run.created + at) if self._elapsed >= at else _EMPTY_DATE


def _task_error(failure: Failure) -> Json:
    entry = CATALOGUE[failure.key]
    return {
        "errorCode": "TAE_BRG_1000",
        "message": "Failed to process the file.",
        "details": "Error exit code received from bridge wrapper.",
        "bridgeExitCode": failure.bridge_exit_code,
        "system": failure.system,
        "phase": failure.phase,
        "category": entry.category,
        "descriptionKey": entry.key,
        "description": entry.description,
        "kbArticleLink": entry.kb_article_link,
        "canUserFix": entry.can_user_fix,
    }


def _report(report: SynchronizationReport) -> Json:
    return {
        "suggestedAction": report.suggested_action,
        "message": report.message,
        "totalErrorsCount": report.total_errors_count,
        "totalWarningsCount": report.total_warnings_count,
        "totalOtherIssuesCount": report.total_other_issues_count,
    }
