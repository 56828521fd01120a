"""The operations on files and the recycle bin (pages `create-file`, `update-file-content`, ...)."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.requests.bodies import Body

from .items import (
    CODE,
    apply,
    file_not_found,
    file_of,
    folder_not_found,
    folder_of,
    itwin_of_query,
    listed,
    read_name,
    shown,
)
from .store import Item, Storage


def create_file(storage: Storage, call: Call) -> Reply:
    """Answer `create-file`: nobody sees the file until it is complete."""
    folder = folder_of(storage, call)
    body = Body(call, CODE)
    name, description = read_name(body, "file", required=True), body.string("description")
    body.check()
    file = storage.create("file", folder, name or "", description)
    file.created_by = call.user_id
    return _upload(storage, file, call)


def update_content(storage: Storage, call: Call) -> Reply:
    """Answer `update-file-content`: the new content is in force when it is complete."""
    return _upload(storage, file_of(storage, call), call)


async def complete_file(storage: Storage, call: Call) -> Reply:
    """Answer `complete-file-upload`."""
    file = file_of(storage, call, incomplete=True)
    content = await storage.container.inspect(file.pending_blob)
    if content is None:
        raise ProblemError.invalid(CODE, ("InvalidChange", "The content of the file was not uploaded.", "fileId"))
    storage.complete(file, content)
    return _file(storage, file, call)


def get_file(storage: Storage, call: Call) -> Reply:
    """Answer `get-file`."""
    return _file(storage, file_of(storage, call), call)


def update_file(storage: Storage, call: Call) -> Reply:
    """Answer `update-file`."""
    file = file_of(storage, call)
    apply(Body(call, CODE), file, storage)
    return _file(storage, file, call)


def delete_file(storage: Storage, call: Call) -> Reply:
    """Answer `delete-file`: it is in the recycle bin then."""
    file_of(storage, call, incomplete=True).deleted = True
    return Reply(204)


def download_file(storage: Storage, call: Call) -> Reply:
    """Answer `download-file`: a redirect to its content."""
    file = file_of(storage, call)
    return Reply(302, headers={"Location": storage.container.download_url(file.blob or "", call.root)})


def list_recycle_bin(storage: Storage, call: Call) -> Reply:
    """Answer `get-folders-and-files-in-recycle-bin`."""
    itwin_id = itwin_of_query(storage, call)
    items = storage.in_recycle_bin(itwin_id)
    return listed(storage, call, "items", items, "/storage/recyclebin", query={"iTwinId": itwin_id})


def restore(storage: Storage, call: Call) -> Reply:
    """Answer `restore-file` and `restore-folder`."""
    _deleted(storage, call).deleted = False
    return Reply(204)


def remove(storage: Storage, call: Call) -> Reply:
    """Answer `delete-file-from-recycle-bin` and `delete-folder-from-recycle-bin`."""
    storage.remove(_deleted(storage, call))
    return Reply(204)


def _deleted(storage: Storage, call: Call) -> Item:
    kind = "file" if "fileId" in call.path_parameters else "folder"
    item = storage.state.items.get(call.path_parameters[f"{kind}Id"])
    if item is None or item.type != kind or not item.deleted:
        raise file_not_found() if kind == "file" else folder_not_found()
    return item


def _file(storage: Storage, file: Item, call: Call) -> Reply:
    return Reply.of_json(200, {"file": shown(storage, file, call.root)})


def _upload(storage: Storage, file: Item, call: Call) -> Reply:
    file.uploads += 1
    links = {
        "completeUrl": {"href": f"{call.root}/storage/files/{file.id}/complete"},
        "uploadUrl": {"href": storage.container.upload_url(file.pending_blob, call.root)},
    }
    return Reply.of_json(202, {"_links": links})
