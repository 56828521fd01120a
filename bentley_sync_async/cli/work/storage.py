"""Files and folders in Storage, by path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bentley_sync_async import InvalidArgumentError, NotFoundError
from bentley_sync_async.cli.lookup import is_folder, is_id, named
from bentley_sync_async.cli.verbs.session import Done, Session
from bentley_sync_async.models.platform import StorageItem


async def item_of(at: Session, path: str) -> StorageItem:
    """Return a file or a folder, by path or id."""
    if not is_id(path):
        found = await at.lookup.item(path)
        storage = at.client.storage
        return await (storage.folders.get(found.id) if is_folder(found) else storage.files.get(found.id))
    file_id = await at.lookup.file(path)
    try:
        return await at.client.storage.files.get(file_id)
    except NotFoundError:
        return await at.client.storage.folders.get(file_id)


async def upload_files(at: Session, paths: Sequence[str], folder: str, *, replace: bool) -> object:
    """Upload local files to a folder, one after the other."""
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise InvalidArgumentError(f"{', '.join(missing)} cannot be read: there is no such file. Nothing was sent.")
    folder_id = await at.lookup.folder(folder)
    there: dict[str, str] = {}
    if replace:
        there = {name: one for one, name in named([item async for item in at.client.storage.files.list(folder_id)])}
    uploaded = []
    for path in map(Path, paths):
        if path.name in there:
            uploaded.append(await at.client.storage.files.update_content(there[path.name], path))
        else:
            uploaded.append(await at.client.storage.files.upload(folder_id, path))
    return uploaded[0] if len(uploaded) == 1 else uploaded


async def download_file(at: Session, path: str, target: str, *, force: bool) -> object:
    """Download a file to a local one, which is not there yet unless it may be replaced."""
    file_id = await at.lookup.file(path)
    if not target:
        name = (await at.client.storage.files.get(file_id)).display_name or file_id
        target = Path(name.replace("\\", "/")).name
        if target in {"", ".", ".."}:
            raise InvalidArgumentError(f"The file's name {name!r} cannot be one here: name the local file.")
    local = Path(target)
    if local.exists() and not force:
        raise InvalidArgumentError(f"{local} is there already: --force replaces it, or name another file.")
    size = await at.client.storage.files.download(file_id, local)
    return {"file": str(local), "size": size, "id": file_id}


async def rename(at: Session, path: str, name: str) -> object:
    """Give a file or a folder another name.

    Raises:
        InvalidArgumentError: The name is a path.
    """
    if "/" in name:
        raise InvalidArgumentError("The service can rename a file or folder, not move it: the new name is no path.")
    item = await item_of(at, path)
    if is_folder(item):
        return await at.client.storage.folders.update(item.id, display_name=name)
    return await at.client.storage.files.update(item.id, display_name=name)


async def remove(at: Session, path: str) -> object:
    """Move a file or a folder to the recycle bin."""
    item = await item_of(at, path)
    storage = at.client.storage
    delete = storage.folders.delete if is_folder(item) else storage.files.delete
    what = "the folder and all that is in it:" if is_folder(item) else "the file"
    return await at.delete(what, item.id, delete)


async def restore_item(at: Session, text: str) -> object:
    """Put a deleted file or folder back."""
    item = await _trashed(at, text)
    bin_ = at.client.storage.recycle_bin
    await (bin_.restore_folder if is_folder(item) else bin_.restore_file)(item.id)
    return Done(f"Restored {item.display_name or item.id}.", [item.id])


async def delete_item(at: Session, text: str) -> object:
    """Delete a file or a folder of the recycle bin for good."""
    item = await _trashed(at, text)
    bin_ = at.client.storage.recycle_bin
    return await at.delete("for good", item.id, bin_.delete_folder if is_folder(item) else bin_.delete_file)


async def _trashed(at: Session, text: str) -> StorageItem:
    items = [item async for item in at.client.storage.recycle_bin.list(await at.itwin())]
    one = next((item for item in items if item.id == text), None)
    if one is not None:
        return one
    picked = at.lookup.pick("deleted file or folder", text, named(items))
    return next(item for item in items if item.id == picked)
