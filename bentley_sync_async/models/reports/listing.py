"""Where the diagnostic report of a task is (page `get-diagnostic-reports`)."""

from datetime import datetime

from attrs import field, frozen


@frozen(kw_only=True)
class DiagnosticReport:
    """A report of a task, as the service lists it. `client.reports.read` reads it.

    Attributes:
        id: The report's id, 43 characters of base64url.
        imodel_id: The iModel.
        run_id: The run.
        task_id: The task.
        sas_uri: The signed URL of the report. It is a secret, expires, and is not shown.
        created_time_stamp: When it was made.
    """

    id: str
    imodel_id: str | None = field(default=None, metadata={"json": "imodelId"})
    run_id: str | None = None
    task_id: str | None = None
    sas_uri: str | None = field(default=None, repr=False)
    created_time_stamp: datetime | None = None
