"""`bentley-sync storage`: files and folders in Storage, by path."""

from typing import TYPE_CHECKING, Annotated

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import ItemPath

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("storage", "Files and folders in Storage, by their paths in an iTwin.")
TRASH = Noun("storage trash", "The recycle bin of an iTwin.", above=NOUN)

FolderPath = Annotated[
    str, typer.Argument(metavar="[FOLDER]", help="The folder, by path or id; by default the iTwin's root folder.")
]
TrashedName = Annotated[str, typer.Argument(metavar="ITEM", help="The deleted file or folder, by id or name.")]


@NOUN.verb(
    "ls",
    "get-top-level-folders-and-files-by-itwin",
    "get-folders-and-files-in-folder",
    "get-files-in-folder",
    "get-folders-in-folder",
    examples=["--itwin Harbour", "designs --itwin Harbour --files -q"],
    place="itwin",
    lists=True,
)
async def ls(
    at: "Session",
    folder: FolderPath = "",
    *,
    files: Annotated[bool, typer.Option("--files", help="Files only.")] = False,
    folders: Annotated[bool, typer.Option("--folders", help="Folders only.")] = False,
) -> object:
    """List what is in a folder."""
    if not folder and not files and not folders:
        return at.client.storage.list(await at.itwin())
    folder_id = await at.lookup.folder(folder)
    if files and not folders:
        return at.client.storage.files.list(folder_id)
    if folders and not files:
        return at.client.storage.folders.list(folder_id)
    return at.client.storage.folders.list_items(folder_id)


@NOUN.verb(
    "find",
    "search-for-folders-and-files-in-folder",
    examples=["bridge --itwin Harbour", "bridge designs --itwin Harbour --json id,path"],
    place="itwin",
    lists=True,
)
async def find(
    at: "Session", name: Annotated[str, typer.Argument(help="A part of the name.")], folder: FolderPath = ""
) -> object:
    """Search files and folders by name, in a folder and below."""
    return at.client.storage.folders.search(await at.lookup.folder(folder), name)


@NOUN.verb(
    "show",
    "get-file",
    "get-folder",
    examples=["designs/bridge.dgn --itwin Harbour", "designs --itwin Harbour -q"],
    place="itwin",
)
async def show(at: "Session", path: ItemPath) -> object:
    """Show a file or a folder."""
    from bentley_sync_async.cli.work.storage import item_of

    return await item_of(at, path)


@NOUN.verb(
    "mkdir",
    "create-folder",
    examples=["designs --itwin Harbour", "designs/2026 --itwin Harbour -q"],
    place="itwin",
)
async def mkdir(at: "Session", path: ItemPath) -> object:
    """Create a folder in a folder that is there."""
    above, _, name = path.strip("/").rpartition("/")
    return await at.client.storage.folders.create(await at.lookup.folder(above), name)


@NOUN.verb(
    "upload",
    "create-file",
    "complete-file-upload",
    "update-file-content",
    examples=["bridge.dgn piers.ifc --itwin Harbour", "bridge.dgn --to designs --replace"],
    place="itwin",
)
async def upload(
    at: "Session",
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="The local files.")],
    *,
    to: Annotated[str, typer.Option(metavar="FOLDER", help="The folder in Storage, by path or id.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the content of files of the same name.")] = False,
) -> object:
    """Upload files; with --replace, a file of the same name keeps its id and gets the new content."""
    from bentley_sync_async.cli.work.storage import upload_files

    return await upload_files(at, files, to, replace=replace)


@NOUN.verb(
    "download",
    "download-file",
    examples=["designs/bridge.dgn --itwin Harbour", "designs/bridge.dgn old.dgn --force"],
    place="itwin",
)
async def download(
    at: "Session",
    path: ItemPath,
    target: Annotated[
        str, typer.Argument(metavar="[TARGET]", help="The local file; by default the file's name, here.")
    ] = "",
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a local file.")] = False,
) -> object:
    """Download a file."""
    from bentley_sync_async.cli.work.storage import download_file

    return await download_file(at, path, target, force=force)


@NOUN.verb(
    "mv",
    "update-file",
    "update-folder",
    examples=["designs/bridge.dgn bridge-old.dgn --itwin Harbour", "designs plans --itwin Harbour"],
    place="itwin",
)
async def mv(
    at: "Session", path: ItemPath, name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]
) -> object:
    """Rename a file or a folder; the service cannot move one to another folder."""
    from bentley_sync_async.cli.work.storage import rename

    return await rename(at, path, name)


@NOUN.verb(
    "rm",
    "delete-file",
    "delete-folder",
    examples=["designs/bridge.dgn --itwin Harbour", "designs --itwin Harbour --yes"],
    place="itwin",
    deletes=True,
)
async def rm(at: "Session", path: ItemPath) -> object:
    """Move a file, or a folder with all that is in it, to the recycle bin."""
    from bentley_sync_async.cli.work.storage import remove

    return await remove(at, path)


@TRASH.verb(
    "list",
    "get-folders-and-files-in-recycle-bin",
    examples=["--itwin Harbour", "--itwin Harbour --json id,displayName"],
    place="itwin",
    lists=True,
)
async def list_trash(at: "Session") -> object:
    """List what is in the recycle bin."""
    return at.client.storage.recycle_bin.list(await at.itwin())


@TRASH.verb(
    "restore",
    "restore-file",
    "restore-folder",
    examples=["bridge.dgn --itwin Harbour", "designs --itwin Harbour"],
    place="itwin",
)
async def restore(at: "Session", item: TrashedName) -> object:
    """Put a deleted file or folder back where it was."""
    from bentley_sync_async.cli.work.storage import restore_item

    return await restore_item(at, item)


@TRASH.verb(
    "delete",
    "delete-file-from-recycle-bin",
    "delete-folder-from-recycle-bin",
    examples=["bridge.dgn --itwin Harbour", "designs --itwin Harbour --yes"],
    place="itwin",
    deletes=True,
)
async def delete(at: "Session", item: TrashedName) -> object:
    """Delete a file or a folder of the recycle bin for good."""
    from bentley_sync_async.cli.work.storage import delete_item

    return await delete_item(at, item)
