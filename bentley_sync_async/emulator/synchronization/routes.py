"""The routes of the Synchronization API: each operation's name, method, path and function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.routing import Operation

from .operations import authorization, connections, runs, source_files
from .store import Store

_CONNECTIONS = "/synchronization/imodels/storageconnections"
_CONNECTION = rf"{_CONNECTIONS}/(?P<connectionId>[^/]+)"
_SOURCE_FILE = rf"{_CONNECTION}/sourcefiles/(?P<sourceFileId>[^/]+)"


def operations(store: Store) -> tuple[Operation, ...]:
    """Return the operations on a store."""

    def operation(
        name: str,
        method: str,
        path: str,
        answer: Callable[[Store, Call], Reply],
        *,
        api: str | None = "synchronization",
    ) -> Operation:
        return Operation(api, name, method, path, partial(answer, store))

    return (
        operation("get-connections", "GET", "/synchronization/imodels/connections", connections.list_connections),
        operation(
            "get-authorization-information",
            "GET",
            "/synchronization/imodels/connections/authorizationinformation",
            authorization.get_authorization_information,
        ),
        operation("get-storage-connections", "GET", _CONNECTIONS, connections.list_storage_connections),
        operation("create-storage-connection", "POST", _CONNECTIONS, connections.create_storage_connection),
        operation("get-storage-connection", "GET", _CONNECTION, connections.get_storage_connection),
        operation("update-storage-connection", "PUT", _CONNECTION, connections.update_storage_connection),
        operation("delete-storage-connection", "DELETE", _CONNECTION, connections.delete_storage_connection),
        operation(
            "get-storage-connection-sourcefiles", "GET", rf"{_CONNECTION}/sourcefiles", source_files.list_source_files
        ),
        operation(
            "add-storage-connection-sourcefile", "POST", rf"{_CONNECTION}/sourcefiles", source_files.add_source_file
        ),
        operation("get-storage-connection-sourcefile", "GET", _SOURCE_FILE, source_files.get_source_file),
        operation("update-storage-connection-sourcefile", "PUT", _SOURCE_FILE, source_files.update_source_file),
        operation("remove-storage-connection-sourcefile", "DELETE", _SOURCE_FILE, source_files.remove_source_file),
        operation("run-storage-connection", "POST", rf"{_CONNECTION}/run", runs.run_storage_connection),
        operation("get-storage-connection-runs", "GET", rf"{_CONNECTION}/runs", runs.list_runs),
        operation("get-storage-connection-run", "GET", rf"{_CONNECTION}/runs/(?P<runId>[^/]+)", runs.get_run),
        operation("authenticate", "GET", "/authenticate", authorization.authenticate, api=None),
    )
