"""`bentley-sync connection`: storage connections and their source files."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import ConnectionName

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("connection", "Storage connections: files in Storage that are synchronized to an iModel.")
FILES = Noun("connection file", "The source files of a storage connection.", above=NOUN)

Authentication = Annotated[
    Literal["user", "service"] | None,
    typer.Option(help="As whom the service works: a user who has consented, or the service application."),
]
SourceFileName = Annotated[
    str, typer.Argument(metavar="FILE", help="The source file: its id, that of its file, or the name it had last.")
]
StorageFileName = Annotated[
    str, typer.Argument(metavar="PATH", help="The file in Storage: its id, or its path in the iTwin.")
]
Connector = Annotated[str, typer.Option(metavar="TYPE", help="The connector that reads it, such as MSTN or REVIT.")]


@NOUN.verb(
    "list",
    "get-storage-connections",
    "get-connections",
    examples=["--imodel Station --itwin Harbour", "--imodel Station -q"],
    place="imodel",
    lists=True,
)
async def list_(
    at: "Session",
    *,
    all_kinds: Annotated[bool, typer.Option("--all-kinds", help="Also those of manifests, by name only.")] = False,
) -> object:
    """List the connections of an iModel."""
    imodel_id = await at.imodel()
    if all_kinds:
        return at.client.connections.list(imodel_id, prefer="representation")
    return at.client.storage_connections.list(imodel_id, prefer="representation")


@NOUN.verb(
    "show",
    "get-storage-connection",
    "get-storage-connection-sourcefiles",
    "get-storage-connection-runs",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge --json id,_links.lastRun.href"],
    place="imodel",
)
async def show(at: "Session", connection: ConnectionName) -> object:
    """Show a connection, with its files and its latest run."""
    from bentley_sync_async.cli.work.connections import connection_card

    return await connection_card(at, await at.connection(connection))


@NOUN.verb(
    "create",
    "create-storage-connection",
    examples=[
        "Bridge --file b.dgn:MSTN --imodel Station",
        "Quay --file a.dgn --connector DWG -q",
    ],
    place="imodel",
)
async def create(
    at: "Session",
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name; it need not be unique.")],
    *,
    file: Annotated[
        list[str],
        typer.Option(metavar="PATH[:CONNECTOR]", help="A file in Storage, by path or id; may be repeated."),
    ],
    connector: Annotated[
        str | None, typer.Option(metavar="TYPE", help="The connector of files that name none, such as MSTN.")
    ] = None,
    authentication: Authentication = None,
) -> object:
    """Create a connection of files in Storage to an iModel."""
    from bentley_sync_async.cli.work.connections import create_connection

    return await create_connection(at, name, file, connector, authentication)


@NOUN.verb(
    "update",
    "update-storage-connection",
    examples=["Bridge --name 'Old bridge' --imodel Station", "Bridge --authentication service"],
    place="imodel",
)
async def update(
    at: "Session",
    connection: ConnectionName,
    *,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    authentication: Authentication = None,
) -> object:
    """Change the name of a connection, or as whom the service works."""
    from bentley_sync_async.cli.work.connections import authentication_type

    return await at.client.storage_connections.update(
        await at.connection(connection), display_name=name, authentication_type=authentication_type(authentication)
    )


@NOUN.verb(
    "delete",
    "delete-storage-connection",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge --imodel Station --yes"],
    place="imodel",
    deletes=True,
)
async def delete(at: "Session", connection: ConnectionName) -> object:
    """Delete a connection; its files, and what it brought to the iModel, stay."""
    connection_id = await at.connection(connection)
    return await at.delete("the connection", connection_id, at.client.storage_connections.delete)


@NOUN.verb(
    "run",
    "run-storage-connection",
    examples=["Bridge --imodel Station --itwin Harbour --watch", "Bridge --imodel Station -q"],
    place="imodel",
)
async def run(
    at: "Session",
    connection: ConnectionName,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
) -> object:
    """Trigger a run, unless one is active on the iModel; that one is returned then."""
    from bentley_sync_async.cli.verbs.session import Follow

    triggered = await at.client.storage_connections.runs.trigger(await at.connection(connection))
    return Follow(triggered.ref) if watch else triggered


@NOUN.verb(
    "watch",
    "get-storage-connection-runs",
    "get-storage-connection-run",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge --imodel Station -o json"],
    place="imodel",
)
async def watch(at: "Session", connection: ConnectionName) -> object:
    """Follow the active run of a connection to its end, or show how the latest ended; triggers nothing."""
    from bentley_sync_async.cli.verbs.session import Follow

    return Follow(await at.lookup.run(await at.connection(connection)))


@FILES.verb(
    "list",
    "get-storage-connection-sourcefiles",
    examples=["Bridge --imodel Station --itwin Harbour", "Bridge -o tsv --json lastKnownFileName"],
    place="imodel",
    lists=True,
)
async def list_files(at: "Session", connection: ConnectionName) -> object:
    """List the source files of a connection."""
    return at.client.storage_connections.source_files.list(await at.connection(connection), prefer="representation")


@FILES.verb(
    "show",
    "get-storage-connection-sourcefile",
    examples=["Bridge bridge.dgn --imodel Station", "Bridge bridge.dgn --imodel Station -o json"],
    place="imodel",
)
async def show_file(at: "Session", connection: ConnectionName, file: SourceFileName) -> object:
    """Show a source file of a connection."""
    connection_id = await at.connection(connection)
    source_file_id = await at.lookup.source_file(connection_id, file)
    return await at.client.storage_connections.source_files.get(connection_id, source_file_id)


@FILES.verb(
    "add",
    "add-storage-connection-sourcefile",
    examples=[
        "Bridge designs/piers.ifc --connector IFC",
        "Bridge piers.rvt --connector REVIT -q",
    ],
    place="imodel",
)
async def add_file(at: "Session", connection: ConnectionName, path: StorageFileName, *, connector: Connector) -> object:
    """Add a file in Storage to a connection; the next run synchronizes it."""
    from bentley_sync_async.cli.work.connections import source_file

    connection_id = await at.connection(connection)
    created = await source_file(at, path, connector)
    return await at.client.storage_connections.source_files.add(connection_id, created)


@FILES.verb(
    "update",
    "update-storage-connection-sourcefile",
    examples=[
        "Bridge piers.ifc --connector IFC",
        "Bridge piers.ifc --path designs/new.ifc",
    ],
    place="imodel",
)
async def update_file(
    at: "Session",
    connection: ConnectionName,
    file: SourceFileName,
    *,
    path: Annotated[str | None, typer.Option(help="Another file in Storage, by path or id.")] = None,
    connector: Annotated[str | None, typer.Option(metavar="TYPE", help="Another connector.")] = None,
) -> object:
    """Change the connector of a source file, or which file in Storage it is."""
    from bentley_sync_async.cli.work.connections import connector_type

    connection_id = await at.connection(connection)
    return await at.client.storage_connections.source_files.update(
        connection_id,
        await at.lookup.source_file(connection_id, file),
        storage_file_id=await at.lookup.file(path) if path else None,
        connector_type=connector_type(connector) if connector else None,
    )


@FILES.verb(
    "remove",
    "remove-storage-connection-sourcefile",
    examples=["Bridge piers.ifc --imodel Station", "Bridge piers.ifc --yes"],
    place="imodel",
    deletes=True,
)
async def remove_file(at: "Session", connection: ConnectionName, file: SourceFileName) -> object:
    """Remove a source file from a connection; the file stays in Storage."""
    connection_id = await at.connection(connection)
    source_file_id = await at.lookup.source_file(connection_id, file)
    remove = partial(at.client.storage_connections.source_files.remove, connection_id)
    return await at.delete("the source file", source_file_id, remove, done="Removed")
