"""`bentley-sync manifest`: manifest connections, their source files, and their runs."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import ConnectionName

from .connections import Authentication

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("manifest", "Manifest connections: files of your own, whose signed URLs come with each run.")
FILES = Noun("manifest file", "The source files of a manifest connection.", above=NOUN)

OwnId = Annotated[str, typer.Argument(metavar="YOUR_ID", help="Your own id of the file.")]
SourceFileName = Annotated[str, typer.Argument(metavar="FILE", help="The source file, by its id or your own.")]


@NOUN.verb(
    "list",
    "get-manifest-connections",
    examples=["--imodel Station --itwin Harbour", "--imodel Station -q"],
    place="imodel",
    lists=True,
)
async def list_(at: "Session") -> object:
    """List the manifest connections of an iModel."""
    return at.client.manifest_connections.list(await at.imodel(), prefer="representation")


@NOUN.verb(
    "show",
    "get-manifest-connection",
    examples=["Archive --imodel Station --itwin Harbour", "Archive --imodel Station -o json"],
    place="imodel",
)
async def show(at: "Session", connection: ConnectionName) -> object:
    """Show a manifest connection."""
    return await at.client.manifest_connections.get(await at.connection(connection, "manifest"))


@NOUN.verb(
    "create",
    "create-manifest-connection",
    examples=["Archive --file doc-1 --imodel Station", "Archive --file doc-1 -q"],
    place="imodel",
)
async def create(
    at: "Session",
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name; it need not be unique.")],
    *,
    file: Annotated[list[str], typer.Option(metavar="YOUR_ID", help="Your own id of a file; may be repeated.")],
    authentication: Authentication = None,
) -> object:
    """Create a connection of files of your own to an iModel."""
    from bentley_sync_async.cli.work.connections import authentication_type

    return await at.client.manifest_connections.create(
        await at.imodel(), file, display_name=name, authentication_type=authentication_type(authentication)
    )


@NOUN.verb(
    "update",
    "update-manifest-connection",
    examples=["Archive --name 'Old archive' --imodel Station", "Archive --authentication user --imodel Station"],
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

    return await at.client.manifest_connections.update(
        await at.connection(connection, "manifest"),
        display_name=name,
        authentication_type=authentication_type(authentication),
    )


@NOUN.verb(
    "delete",
    "delete-manifest-connection",
    examples=["Archive --imodel Station --itwin Harbour", "Archive --imodel Station --yes"],
    place="imodel",
    deletes=True,
)
async def delete(at: "Session", connection: ConnectionName) -> object:
    """Delete a connection; what it brought to the iModel stays."""
    connection_id = await at.connection(connection, "manifest")
    return await at.delete("the manifest connection", connection_id, at.client.manifest_connections.delete)


@NOUN.verb(
    "run",
    "create-manifest-connection-run",
    examples=["Archive files.toml --imodel Station --watch", "Archive - --imodel Station -q < files.toml"],
    place="imodel",
)
async def run(
    at: "Session",
    connection: ConnectionName,
    files: Annotated[
        str,
        typer.Argument(
            metavar="FILES|-", help="A TOML file with a [[file]] for each: id, name, connector, url, relative_path."
        ),
    ],
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
) -> object:
    """Trigger a run with files at signed URLs, unless one is active on the iModel."""
    from bentley_sync_async.cli.verbs.session import Follow
    from bentley_sync_async.cli.work.manifests import read_files

    manifest = read_files(files)
    connection_id = await at.connection(connection, "manifest")
    triggered = await at.client.manifest_connections.runs.trigger(connection_id, manifest)
    return Follow(triggered.ref) if watch else triggered


@FILES.verb(
    "list",
    "get-manifest-connection-sourcefiles",
    examples=["Archive --imodel Station --itwin Harbour", "Archive --imodel Station --json sourceFileId"],
    place="imodel",
    lists=True,
)
async def list_files(at: "Session", connection: ConnectionName) -> object:
    """List the source files of a connection."""
    return at.client.manifest_connections.source_files.list(await at.connection(connection, "manifest"))


@FILES.verb(
    "show",
    "get-manifest-connection-sourcefile",
    examples=["Archive doc-1 --imodel Station", "Archive doc-1 --imodel Station -q"],
    place="imodel",
)
async def show_file(at: "Session", connection: ConnectionName, file: SourceFileName) -> object:
    """Show a source file of a connection."""
    connection_id = await at.connection(connection, "manifest")
    source_file_id = await at.lookup.source_file(connection_id, file, "manifest")
    return await at.client.manifest_connections.source_files.get(connection_id, source_file_id)


@FILES.verb(
    "add",
    "add-manifest-connection-sourcefile",
    examples=["Archive doc-3 --imodel Station", "Archive doc-3 --imodel Station -q"],
    place="imodel",
)
async def add_file(at: "Session", connection: ConnectionName, own_id: OwnId) -> object:
    """Add a file of your own to a connection."""
    connection_id = await at.connection(connection, "manifest")
    return await at.client.manifest_connections.source_files.add(connection_id, own_id)


@FILES.verb(
    "update",
    "update-manifest-connection-sourcefile",
    examples=["Archive doc-3 doc-4 --imodel Station", "Archive doc-3 doc-4 -o json"],
    place="imodel",
)
async def update_file(at: "Session", connection: ConnectionName, file: SourceFileName, own_id: OwnId) -> object:
    """Change which of your files a source file is."""
    connection_id = await at.connection(connection, "manifest")
    source_file_id = await at.lookup.source_file(connection_id, file, "manifest")
    return await at.client.manifest_connections.source_files.update(connection_id, source_file_id, own_id)


@FILES.verb(
    "remove",
    "remove-manifest-connection-sourcefile",
    examples=["Archive doc-3 --imodel Station", "Archive doc-3 --imodel Station --yes"],
    place="imodel",
    deletes=True,
)
async def remove_file(at: "Session", connection: ConnectionName, file: SourceFileName) -> object:
    """Remove a source file from a connection."""
    connection_id = await at.connection(connection, "manifest")
    source_file_id = await at.lookup.source_file(connection_id, file, "manifest")
    remove = partial(at.client.manifest_connections.source_files.remove, connection_id)
    return await at.delete("the source file", source_file_id, remove, done="Removed")
