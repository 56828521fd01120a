"""The routes of the Storage API."""

from __future__ import annotations

from functools import partial

from bentley_sync_async.emulator.platform.routing import Operation

from . import files, folders
from .store import Storage

_FOLDER = "/storage/folders/(?P<folderId>[^/]+)"
_FILE = "/storage/files/(?P<fileId>[^/]+)"
_BIN = "/storage/recyclebin"
_BIN_FILE = f"{_BIN}/files/(?P<fileId>[^/]+)"
_BIN_FOLDER = f"{_BIN}/folders/(?P<folderId>[^/]+)"


def operations(storage: Storage) -> tuple[Operation, ...]:
    """Return the operations on folders and files."""
    table = (
        ("get-top-level-folders-and-files-by-itwin", "GET", "/storage/?", folders.list_top_level),
        ("get-folder", "GET", _FOLDER, folders.get_folder),
        ("update-folder", "PATCH", _FOLDER, folders.update_folder),
        ("delete-folder", "DELETE", _FOLDER, folders.delete_folder),
        ("create-folder", "POST", f"{_FOLDER}/folders", folders.create_folder),
        ("get-folders-in-folder", "GET", f"{_FOLDER}/folders", folders.list_folders),
        ("create-file", "POST", f"{_FOLDER}/files", files.create_file),
        ("get-files-in-folder", "GET", f"{_FOLDER}/files", folders.list_files),
        ("get-folders-and-files-in-folder", "GET", f"{_FOLDER}/list", folders.list_items),
        ("search-for-folders-and-files-in-folder", "GET", f"{_FOLDER}/search", folders.search),
        ("get-file", "GET", _FILE, files.get_file),
        ("update-file", "PATCH", _FILE, files.update_file),
        ("delete-file", "DELETE", _FILE, files.delete_file),
        ("complete-file-upload", "POST", f"{_FILE}/complete", files.complete_file),
        ("update-file-content", "POST", f"{_FILE}/updatecontent", files.update_content),
        ("download-file", "GET", f"{_FILE}/download", files.download_file),
        ("get-folders-and-files-in-recycle-bin", "GET", f"{_BIN}/?", files.list_recycle_bin),
        ("restore-file", "POST", f"{_BIN_FILE}/restore", files.restore),
        ("restore-folder", "POST", f"{_BIN_FOLDER}/restore", files.restore),
        ("delete-file-from-recycle-bin", "DELETE", _BIN_FILE, files.remove),
        ("delete-folder-from-recycle-bin", "DELETE", _BIN_FOLDER, files.remove),
    )
    return tuple(
        Operation("storage", name, method, path, partial(answer, storage)) for name, method, path, answer in table
    )
