"""`bentley-sync runs`: the runs of a connection of either kind."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import ConnectionName

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("runs", "The runs of a connection.")

KindOption = Annotated[Literal["storage", "manifest"], typer.Option(help="The kind of the connection.")]
RunName = Annotated[
    str, typer.Argument(metavar="[RUN]", help="The run: its id or the beginning of it; by default the latest.")
]


@NOUN.verb(
    "list",
    "get-storage-connection-runs",
    "get-manifest-connection-runs",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge --limit 3 --json id,state,result"],
    place="imodel",
    lists=True,
)
async def list_(at: "Session", connection: ConnectionName, *, kind: KindOption = "storage") -> object:
    """List the runs of a connection, as the service orders them."""
    connection_id = await at.connection(connection, kind)
    if kind == "manifest":
        return at.client.manifest_connections.runs.list(connection_id, prefer="representation")
    return at.client.storage_connections.runs.list(connection_id, prefer="representation")


@NOUN.verb(
    "show",
    "get-storage-connection-run",
    "get-manifest-connection-run",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge 1c1f6ba0 --imodel Station -o json"],
    place="imodel",
)
async def show(
    at: "Session", connection: ConnectionName, run: RunName = "latest", *, kind: KindOption = "storage"
) -> object:
    """Show a run with each of its files: what failed, why, and where to read on."""
    from bentley_sync_async.cli.work.connections import run_card

    return await run_card(at, await at.lookup.run(await at.connection(connection, kind), run, kind))
