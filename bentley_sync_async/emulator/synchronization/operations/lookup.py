"""Finding what a path names, or saying that there is no such thing."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.ids import is_guid, is_pair, is_run_id
from bentley_sync_async.emulator.platform.messages import Call
from bentley_sync_async.emulator.platform.problems import (
    ProblemError,
    connection_not_found,
    forbidden,
    not_valid,
    run_not_found,
    source_file_not_found,
)
from bentley_sync_async.emulator.synchronization.store import Connection, Run, SourceFile, Store


def connection_of(store: Store, call: Call, code: str) -> Connection:
    """Return the connection that the path names.

    Raises:
        ProblemError: 422, with that code, if it cannot be an id; 404 if there is none.
    """
    connection_id = call.names["connection_id"]
    if not is_pair(connection_id):
        raise ProblemError.invalid(code, not_valid("connectionId"))
    connection = store.connections.get(connection_id)
    if connection is None:
        raise connection_not_found()
    return connection


def source_file_of(connection: Connection, call: Call, code: str) -> SourceFile:
    """Return the source file that the path names.

    Raises:
        ProblemError: 422, with that code, if it cannot be an id; 404 if there is none.
    """
    source_file_id = call.names["source_file_id"]
    if not is_guid(source_file_id):
        raise ProblemError.invalid(code, not_valid("sourceFileId"))
    file = connection.files.get(source_file_id.lower())
    if file is None:
        raise source_file_not_found()
    return file


def run_of(connection: Connection, call: Call, code: str) -> Run:
    """Return the run that the path names.

    Raises:
        ProblemError: 422, with that code, if it cannot be an id; 404 if there is none.
    """
    run_id = call.names["run_id"]
    if not is_run_id(run_id):
        raise ProblemError.invalid(code, not_valid("runId"))
    run = connection.runs.get(run_id.lower())
    if run is None:
        raise run_not_found()
    return run


def require_permission(store: Store, connection: Connection) -> None:
    """Return if the caller may change this connection.

    Raises:
        ProblemError: 403.
    """
    if connection.imodel_id.lower() in {imodel_id.lower() for imodel_id in store.forbidden_imodels}:
        raise forbidden()
