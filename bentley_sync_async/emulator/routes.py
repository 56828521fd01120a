"""Which function answers which request. Paths are compared without regard to case, as old clients need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from attrs import frozen

from .messages import Call, Reply
from .operations import authorization, connections, runs, source_files
from .problems import method_not_allowed, no_such_operation
from .world import World

_CONNECTIONS = "/synchronization/imodels/storageconnections"
_CONNECTION = rf"{_CONNECTIONS}/(?P<connection_id>[^/]+)"
_SOURCE_FILE = rf"{_CONNECTION}/sourcefiles/(?P<source_file_id>[^/]+)"


@frozen
class Operation:
    """One operation.

    Attributes:
        name: As the last part of its page's address.
        method: HTTP method.
        path: Regular expression of the whole path.
        answer: What answers it.
        open: Whether it needs no token and counts against no quota.
    """

    name: str
    method: str
    path: str
    answer: Callable[[World, Call], Reply]
    open: bool = False


OPERATIONS: Sequence[Operation] = (
    Operation("get-connections", "GET", "/synchronization/imodels/connections", connections.list_connections),
    Operation(
        "get-authorization-information",
        "GET",
        "/synchronization/imodels/connections/authorizationinformation",
        authorization.get_authorization_information,
    ),
    Operation("get-storage-connections", "GET", _CONNECTIONS, connections.list_storage_connections),
    Operation("create-storage-connection", "POST", _CONNECTIONS, connections.create_storage_connection),
    Operation("get-storage-connection", "GET", _CONNECTION, connections.get_storage_connection),
    Operation("update-storage-connection", "PUT", _CONNECTION, connections.update_storage_connection),
    Operation("delete-storage-connection", "DELETE", _CONNECTION, connections.delete_storage_connection),
    Operation(
        "get-storage-connection-sourcefiles", "GET", rf"{_CONNECTION}/sourcefiles", source_files.list_source_files
    ),
    Operation("add-storage-connection-sourcefile", "POST", rf"{_CONNECTION}/sourcefiles", source_files.add_source_file),
    Operation("get-storage-connection-sourcefile", "GET", _SOURCE_FILE, source_files.get_source_file),
    Operation("update-storage-connection-sourcefile", "PUT", _SOURCE_FILE, source_files.update_source_file),
    Operation("remove-storage-connection-sourcefile", "DELETE", _SOURCE_FILE, source_files.remove_source_file),
    Operation("run-storage-connection", "POST", rf"{_CONNECTION}/run", runs.run_storage_connection),
    Operation("get-storage-connection-runs", "GET", rf"{_CONNECTION}/runs", runs.list_runs),
    Operation("get-storage-connection-run", "GET", rf"{_CONNECTION}/runs/(?P<run_id>[^/]+)", runs.get_run),
    Operation("authenticate", "GET", "/authenticate", authorization.authenticate, open=True),
)


def find(operations: Sequence[Operation], method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation of a request, and the variable parts of its path.

    Raises:
        ProblemError: 404 or 405.
    """
    allowed = []
    for operation in operations:
        match = re.fullmatch(operation.path, path, re.IGNORECASE)
        if match is not None and operation.method == method:
            return operation, match.groupdict()
        if match is not None:
            allowed.append(operation.method)
    raise method_not_allowed(allowed) if allowed else no_such_operation()
