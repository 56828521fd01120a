"""Source files of a storage connection (pages `get-storage-connection-sourcefiles`, ...)."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.emulator.synchronization.payloads import source_file
from bentley_sync_async.emulator.synchronization.problems import already_mapped
from bentley_sync_async.emulator.synchronization.store import Connection, SourceFile, Store

from .bodies import FileSpec, read_file
from .entities import connection_of, require_permission, source_file_of

_CODE = "InvalidStorageConnectionSourceFileRequest"
_LIST_CODE = "InvalidStorageConnectionSourceFilesRequest"


def list_source_files(store: Store, call: Call) -> Reply:
    """Answer `get-storage-connection-sourcefiles`."""
    connection = connection_of(store, call, _LIST_CODE)
    minimal = not wants_representation(call, store.settings)
    return page(
        call,
        store.settings,
        code=_LIST_CODE,
        name="sourceFiles",
        items=list(connection.files.values()),
        show=lambda file: source_file(store, connection, file, call.root, minimal=minimal),
        path=f"/synchronization/imodels/storageconnections/{connection.id}/sourcefiles",
    )


def add_source_file(store: Store, call: Call) -> Reply:
    """Answer `add-storage-connection-sourcefile`."""
    connection = connection_of(store, call, _CODE)
    require_permission(store, connection)
    storage_file_id, connector_type = _read(store, call)
    if storage_file_id in store.mapped_files(connection.imodel_id):
        raise already_mapped()
    return _answer(store, connection, store.add_file(connection, storage_file_id, connector_type), call, status=201)


def get_source_file(store: Store, call: Call) -> Reply:
    """Answer `get-storage-connection-sourcefile`."""
    connection = connection_of(store, call, _CODE)
    return _answer(store, connection, source_file_of(connection, call, _CODE), call)


def update_source_file(store: Store, call: Call) -> Reply:
    """Answer `update-storage-connection-sourcefile`."""
    connection = connection_of(store, call, _CODE)
    file = source_file_of(connection, call, _CODE)
    storage_file_id, connector_type = _read(store, call)
    if storage_file_id in store.mapped_files(connection.imodel_id) - {file.storage_file_id}:
        raise already_mapped()
    file.storage_file_id, file.connector_type = storage_file_id, connector_type
    return _answer(store, connection, file, call)


def remove_source_file(store: Store, call: Call) -> Reply:
    """Answer `remove-storage-connection-sourcefile`."""
    connection = connection_of(store, call, _CODE)
    require_permission(store, connection)
    del connection.files[source_file_of(connection, call, _CODE).id]
    return Reply(204)


def _read(store: Store, call: Call) -> FileSpec:
    spec, errors = read_file(call.json_object(_CODE))
    errors = errors or store.contents.refusals(file_ids=[spec[0]] if spec else [])
    if spec is None or errors:
        raise ProblemError.invalid(_CODE, *errors)
    return spec


def _answer(store: Store, connection: Connection, file: SourceFile, call: Call, *, status: int = 200) -> Reply:
    return Reply.of_json(status, {"sourceFile": source_file(store, connection, file, call.root, minimal=False)})
