"""What the operations of Storage share: the JSON of items, their names, errors and lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bentley_sync_async.emulator.platform.ids import encode_pair, is_guid
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.requests.bodies import LONGEST_NAME, Body

from .store import Item, Storage

CODE = "InvalidStorageRequest"
_BAD_CHARACTERS = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
_DANGEROUS = frozenset({"bat", "cmd", "com", "dll", "exe", "jar", "js", "msi", "ps1", "scr", "sh", "vbs"})
_MOST = 1000


def file_not_found() -> ProblemError:
    """Return the 404 for a file."""
    return ProblemError(404, "FileNotFound", "Requested file not available.")


def folder_not_found() -> ProblemError:
    """Return the 404 for a folder."""
    return ProblemError(404, "FolderNotFound", "Requested folder not available.")


def folder_of(storage: Storage, call: Call) -> Item:
    """Return the folder that the path names.

    Raises:
        ProblemError: 404.
    """
    folder = storage.folder(call.path_parameters["folderId"])
    if folder is None:
        raise folder_not_found()
    return folder


def file_of(storage: Storage, call: Call, *, incomplete: bool = False) -> Item:
    """Return the file that the path names.

    Raises:
        ProblemError: 404.
    """
    file = storage.file(call.path_parameters["fileId"], incomplete=incomplete)
    if file is None:
        raise file_not_found()
    return file


def itwin_of_query(storage: Storage, call: Call) -> str:
    """Return the iTwin that the query names.

    Raises:
        ProblemError: 422 for a missing or malformed id; 404 for an unknown one.
    """
    itwin_id = call.query.get("itwinid") or call.query.get("projectid") or ""
    if not is_guid(itwin_id):
        kind = "InvalidValue" if itwin_id else "MissingRequiredParameter"
        raise ProblemError.invalid(CODE, (kind, "Provided 'iTwinId' value is not valid.", "iTwinId"))
    itwin = storage.itwins.get(itwin_id)
    if itwin is None:
        raise ProblemError(404, "iTwinNotFound", "Requested iTwin is not available.")
    return itwin.id


def read_name(body: Body, kind: str, *, required: bool) -> str | None:
    """Return the name of an item in a request body, and note what is wrong with it."""
    name = body.string("displayName", required=required, longest=LONGEST_NAME)
    if name and (_BAD_CHARACTERS.search(name) or (kind == "file" and _extension(name) in _DANGEROUS)):
        body.invalid("displayName")
    return name


def apply(body: Body, item: Item, storage: Storage) -> None:
    """Change the name and the description of an item as a request body says."""
    name, description = read_name(body, item.type, required=False), body.string("description")
    body.check()
    item.display_name = name or item.display_name
    if "description" in body:
        item.description = description
    item.modified = storage.context.now()


def shown(storage: Storage, item: Item, root: str) -> dict[str, Any]:
    """Return the JSON of an item."""
    user = {"href": f"{root}/users/{item.created_by}"}
    links: dict[str, Any] = {"createdBy": user, "lastModifiedBy": user} if item.created_by else {}
    json: dict[str, Any] = {
        "id": item.id,
        "type": item.type,
        "displayName": item.display_name,
        "description": item.description,
        "path": storage.path(item),
    }
    if not item.is_folder:
        json["size"] = item.size
    json |= {
        "lastModifiedByDisplayName": "Emulated user",
        "createdDateTime": _date(item.created),
        "lastModifiedDateTime": _date(item.modified),
    }
    if item.parent_id:
        json["parentFolderId"] = item.parent_id
        links["parentFolder"] = {"href": f"{root}/storage/folders/{item.parent_id}"}
    return {**json, "_links": links}


def listed(
    storage: Storage,
    call: Call,
    name: str,
    items: list[Item],
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    links: Mapping[str, Any] | None = None,
) -> Reply:
    """Return a page of items."""
    top = call.query.get("$top", "")
    if top.isascii() and top.isdecimal() and int(top[:9]) > _MOST:
        raise ProblemError(422, CODE, f"Page size is over {_MOST} items limit.")
    return page(
        call,
        storage.context.settings,
        code=CODE,
        name=name,
        items=items,
        show=lambda item: shown(storage, item, call.root),
        path=path,
        query=query,
        links=links,
    )


def root_folder_id(itwin_id: str) -> str:
    """Return the id of the root folder of an iTwin."""
    return encode_pair(itwin_id, itwin_id)


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _date(instant: str) -> str:
    return f"{instant[:19]}+00:00"
