"""`bentley-sync report`: what connectors found in the files of a run, element by element."""

from typing import TYPE_CHECKING, Annotated

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import ConnectionName

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("report", "What connectors found in the files of a run; a preview of the service.")

Run = Annotated[
    str, typer.Option("--run", metavar="RUN", help="The run: its id or the beginning of it; by default the latest.")
]
Task = Annotated[str | None, typer.Option(metavar="ID", help="Only the reports of this task.")]


@NOUN.verb(
    "list",
    "get-diagnostic-reports",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge --run 1c1f6ba0 --imodel Station -q"],
    place="imodel",
    lists=True,
)
async def list_(at: "Session", connection: ConnectionName, *, run: Run = "latest", task: Task = None) -> object:
    """List the reports of a run of a storage connection."""
    from bentley_sync_async.cli.work.reports import reports_of

    return await reports_of(at, connection, run, task)


@NOUN.verb(
    "show",
    "get-diagnostic-reports",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge -o tsv --json file,level,message"],
    place="imodel",
    lists=True,
)
async def show(at: "Session", connection: ConnectionName, *, run: Run = "latest", task: Task = None) -> object:
    """Show the issues in the reports of a run, the gravest first."""
    from bentley_sync_async.cli.work.reports import issues_of

    return await issues_of(at, connection, run, task)


@NOUN.verb(
    "download",
    "get-diagnostic-reports",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge --to reports --imodel Station"],
    place="imodel",
)
async def download(
    at: "Session",
    connection: ConnectionName,
    *,
    run: Run = "latest",
    task: Task = None,
    to: Annotated[str, typer.Option(metavar="FOLDER", help="Where the files go.")] = ".",
) -> object:
    """Write each report of a run to a JSON file."""
    from bentley_sync_async.cli.work.reports import download_reports

    return await download_reports(at, connection, run, task, to)
