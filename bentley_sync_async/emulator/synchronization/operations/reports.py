"""Diagnostic reports (page `get-diagnostic-reports`), and what is behind their signed URLs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from bentley_sync_async.emulator.platform.ids import decode_pair, encode_pair, is_guid
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import Detail, ProblemError, not_valid
from bentley_sync_async.emulator.synchronization.reports.content import Json, report_content
from bentley_sync_async.emulator.synchronization.reports.signatures import Signer
from bentley_sync_async.emulator.synchronization.store import Run, Store
from bentley_sync_async.emulator.synchronization.timeline import JobPlan, TaskPlan

_CODE = "InvalidBadgersRequest"  # sic
_NOT_SIGNED = "Server failed to authenticate the request. Check the signature and the expiry of the URL."


class Reports:
    """The reports of all tasks that have one, as soon as their runs are completed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _signer(self) -> Signer:
        return Signer(self._store.settings.seed)

    def list(self, call: Call) -> Reply:
        """Answer `get-diagnostic-reports`."""
        imodel_id, run_id, task_id = _read(call)
        reports = [
            self._shown(call, run, task)
            for run, _, task in self._ended(imodel_id)
            if run.id == run_id and task_id in {"", task.id}
        ]
        return Reply.of_json(200, {"reports": reports})

    def content(self, call: Call) -> Reply:
        """Answer the signed URL of a report, in the words of a blob store."""
        clock = self._store.running_clock
        if "authorization" in call.headers:
            return _refused(401, "InvalidAuthenticationInfo", "A signed URL goes without an Authorization header.")
        if not self._signer.permits(call.path, call.query, clock):
            return _refused(403, "AuthenticationFailed", _NOT_SIGNED)
        imodel_id, task_id = decode_pair(call.path_parameters["id"])
        for run, job, task in self._ended(imodel_id):
            if task.id == task_id:
                return Reply.of_json(200, self._content(run, job, task))
        return _refused(404, "BlobNotFound", "The specified blob does not exist.")

    def _content(self, run: Run, job: JobPlan, task: TaskPlan) -> Json:
        itwin_id = self._store.contents.itwin_of(run.imodel_id)
        return report_content(run, job, task, itwin_id=itwin_id, clock=self._store.running_clock)

    def _ended(self, imodel_id: str) -> Iterator[tuple[Run, JobPlan, TaskPlan]]:
        """Return the tasks with a report of the completed runs on an iModel."""
        now = self._store.elapsed()
        for run in self._store.runs:
            if run.imodel_id.lower() == imodel_id and run.completed(now):
                for job in run.plan.jobs:
                    yield from ((run, job, task) for task in job.tasks if task.report is not None)

    def _shown(self, call: Call, run: Run, task: TaskPlan) -> dict[str, str]:
        clock = self._store.running_clock
        report_id = encode_pair(run.imodel_id, task.id)
        path = f"/diagnosticreports/{report_id}.json"
        return {
            "id": report_id,
            "imodelId": run.imodel_id,
            "runId": run.id,
            "taskId": task.id,
            "sasUri": f"{call.root}{path}?{self._signer.query(path, clock)}",
            "createdTimeStamp": clock.timestamp(run.created + task.timeline.ended),
        }


def _read(call: Call) -> tuple[str, str, str]:
    """Return the iModel, the run and the task that the query names; the task may be empty.

    Raises:
        ProblemError: 422, with the details of the page.
    """
    values = {name: call.query.get(name.lower(), "") for name in ("iModelId", "runId", "taskId")}
    errors: list[Detail] = [
        ("MissingRequiredProperty", f"{name} should be provided.", name)
        for name in ("iModelId", "runId")
        if not values[name]
    ]
    errors += [not_valid(name) for name, value in values.items() if value and not is_guid(value)]
    if errors:
        raise ProblemError.invalid(_CODE, *errors)
    return values["iModelId"].lower(), values["runId"].lower(), values["taskId"].lower()


def _refused(status: int, code: str, message: str) -> Reply:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})
