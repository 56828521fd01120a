"""The operations on folders (pages `storage/operations/*`)."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.requests.bodies import Body

from .items import CODE, apply, folder_of, itwin_of_query, listed, read_name, root_folder_id, shown
from .store import Item, Storage


def list_top_level(storage: Storage, call: Call) -> Reply:
    """Answer `get-top-level-folders-and-files-by-itwin`, which also links to the root folder."""
    itwin_id = itwin_of_query(storage, call)
    folder = storage.root_folder(root_folder_id(itwin_id))
    return listed(
        storage,
        call,
        "items",
        storage.children(folder) if folder else [],
        "/storage",
        query={"iTwinId": itwin_id},
        links={"folder": {"href": f"{call.root}/storage/folders/{root_folder_id(itwin_id)}"}},
    )


def create_folder(storage: Storage, call: Call) -> Reply:
    """Answer `create-folder`."""
    parent = folder_of(storage, call)
    body = Body(call, "InvalidCreateFolderRequest")
    name, description = read_name(body, "folder", required=True), body.string("description")
    body.check()
    folder = storage.create("folder", parent, name or "", description)
    folder.created_by = call.user_id
    return Reply.of_json(201, {"folder": shown(storage, folder, call.root)})


def get_folder(storage: Storage, call: Call) -> Reply:
    """Answer `get-folder`."""
    return Reply.of_json(200, {"folder": shown(storage, folder_of(storage, call), call.root)})


def update_folder(storage: Storage, call: Call) -> Reply:
    """Answer `update-folder`."""
    folder = _own(storage, call)
    apply(Body(call, CODE), folder, storage)
    return Reply.of_json(200, {"folder": shown(storage, folder, call.root)})


def delete_folder(storage: Storage, call: Call) -> Reply:
    """Answer `delete-folder`: it is in the recycle bin then, with all that is in it."""
    _own(storage, call).deleted = True
    return Reply(204)


def list_folders(storage: Storage, call: Call) -> Reply:
    """Answer `get-folders-in-folder`."""
    folder = folder_of(storage, call)
    path = f"/storage/folders/{folder.id}/folders"
    return listed(storage, call, "folders", storage.children(folder, "folder"), path)


def list_files(storage: Storage, call: Call) -> Reply:
    """Answer `get-files-in-folder`."""
    folder = folder_of(storage, call)
    return listed(storage, call, "files", storage.children(folder, "file"), f"/storage/folders/{folder.id}/files")


def list_items(storage: Storage, call: Call) -> Reply:
    """Answer `get-folders-and-files-in-folder`."""
    folder = folder_of(storage, call)
    return listed(storage, call, "items", storage.children(folder), f"/storage/folders/{folder.id}/list")


def search(storage: Storage, call: Call) -> Reply:
    """Answer `search-for-folders-and-files-in-folder`, whose folders are searched as well."""
    folder, name = folder_of(storage, call), call.query.get("name", "")
    found = [item for item in storage.below(folder) if name.lower() in item.display_name.lower()]
    return listed(storage, call, "items", found, f"/storage/folders/{folder.id}/search", query={"name": name})


def _own(storage: Storage, call: Call) -> Item:
    """Return the folder that the path names, which must not be a root folder: the service made that one."""
    folder = folder_of(storage, call)
    if not folder.parent_id:
        raise ProblemError.invalid(CODE, ("InvalidChange", "The root folder cannot be changed.", "folderId"))
    return folder
