"""The routes of the Synchronization API: each operation's name, method, path and function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from bentley_sync_async.emulator.platform.messages import Reply
from bentley_sync_async.emulator.platform.routing import Operation

from .operations import authorization, configurations, connections, manifests, runs, source_files
from .operations.kinds import MANIFEST, Kind
from .operations.reports import Reports
from .store import Store

_CONNECTIONS = "/synchronization/imodels/storageconnections"
_CONNECTION = rf"{_CONNECTIONS}/(?P<connectionId>[^/]+)"
_SOURCE_FILE = rf"{_CONNECTION}/sourcefiles/(?P<sourceFileId>[^/]+)"
_MANIFESTS = "/synchronization/imodels/manifestconnections"
_MANIFEST = rf"{_MANIFESTS}/(?P<connectionId>[^/]+)"
_MANIFEST_FILE = rf"{_MANIFEST}/sourcefiles/(?P<sourceFileId>[^/]+)"


def operations(store: Store) -> tuple[Operation, ...]:
    """Return the operations on a store."""

    def operation(
        name: str,
        method: str,
        path: str,
        answer: Callable[..., Reply],
        *,
        api: str | None = "synchronization",
        **options: Kind,
    ) -> Operation:
        return Operation(api, name, method, path, partial(answer, store, **options))

    return (*_storage(operation), *_manifests(operation), *_configurations(operation), *_reports(store))


def _storage(operation: Callable[..., Operation]) -> tuple[Operation, ...]:
    return (
        operation("get-connections", "GET", "/synchronization/imodels/connections", connections.list_connections),
        operation(
            "get-authorization-information",
            "GET",
            "/synchronization/imodels/connections/authorizationinformation",
            authorization.get_authorization_information,
        ),
        operation("get-storage-connections", "GET", _CONNECTIONS, connections.list_connections_of_kind),
        operation("create-storage-connection", "POST", _CONNECTIONS, connections.create_storage_connection),
        operation("get-storage-connection", "GET", _CONNECTION, connections.get_connection),
        operation("update-storage-connection", "PUT", _CONNECTION, connections.update_connection),
        operation("delete-storage-connection", "DELETE", _CONNECTION, connections.delete_connection),
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


def _manifests(operation: Callable[..., Operation]) -> tuple[Operation, ...]:
    of_kind = partial(operation, kind=MANIFEST)
    return (
        of_kind("get-manifest-connections", "GET", _MANIFESTS, connections.list_connections_of_kind),
        operation("create-manifest-connection", "POST", _MANIFESTS, manifests.create_manifest_connection),
        of_kind("get-manifest-connection", "GET", _MANIFEST, connections.get_connection),
        of_kind("update-manifest-connection", "PUT", _MANIFEST, connections.update_connection),
        of_kind("delete-manifest-connection", "DELETE", _MANIFEST, connections.delete_connection),
        operation(
            "get-manifest-connection-sourcefiles", "GET", rf"{_MANIFEST}/sourcefiles", manifests.list_source_files
        ),
        operation("add-manifest-connection-sourcefile", "POST", rf"{_MANIFEST}/sourcefiles", manifests.add_source_file),
        operation("get-manifest-connection-sourcefile", "GET", _MANIFEST_FILE, manifests.get_source_file),
        operation("update-manifest-connection-sourcefile", "PUT", _MANIFEST_FILE, manifests.update_source_file),
        operation("remove-manifest-connection-sourcefile", "DELETE", _MANIFEST_FILE, manifests.remove_source_file),
        operation("create-manifest-connection-run", "POST", rf"{_MANIFEST}/runs", manifests.run_manifest_connection),
        of_kind("get-manifest-connection-runs", "GET", rf"{_MANIFEST}/runs", runs.list_runs),
        of_kind("get-manifest-connection-run", "GET", rf"{_MANIFEST}/runs/(?P<runId>[^/]+)", runs.get_run),
    )


def _configurations(operation: Callable[..., Operation]) -> Iterator[Operation]:
    for scope, noun in (("itwins", "itwin"), ("imodels", "imodel"), ("connections", "connection")):
        path = rf"/synchronization/configurations/(?P<scope>{scope})/(?P<id>[^/]+)"
        yield operation(f"create-{noun}-configuration", "POST", path, configurations.create_configuration)
        yield operation(f"get-{noun}-configuration", "GET", path, configurations.get_configuration)
        yield operation(f"patch-{noun}-configuration", "PATCH", path, configurations.patch_configuration)
        yield operation(f"delete-{noun}-configuration", "DELETE", path, configurations.delete_configuration)


def _reports(store: Store) -> tuple[Operation, ...]:
    reports = Reports(store)
    return (
        Operation("synchronization", "get-diagnostic-reports", "GET", "/synchronization/reports", reports.list),
        Operation(
            None, "diagnostic-report", "GET", r"/diagnosticreports/(?P<id>[A-Za-z0-9_-]{43})\.json", reports.content
        ),
    )
