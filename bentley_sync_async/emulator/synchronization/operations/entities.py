"""Finds the connection, source file or run that a path names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from bentley_sync_async.emulator.platform.ids import is_guid, is_pair
from bentley_sync_async.emulator.platform.messages import Call
from bentley_sync_async.emulator.platform.problems import ProblemError, forbidden, not_valid
from bentley_sync_async.emulator.synchronization.manifests.files import ManifestSourceFile
from bentley_sync_async.emulator.synchronization.problems import run_not_found
from bentley_sync_async.emulator.synchronization.store import Connection, Run, SourceFile, Store

from .kinds import MANIFEST, STORAGE, Kind

T = TypeVar("T")


def connection_of(store: Store, call: Call, code: str, kind: Kind = STORAGE) -> Connection:
    """Return the connection of this kind that the path names.

    Raises:
        ProblemError: 422, with this code, for a malformed id; 404 for an unknown one.
    """
    connection = _entity(store.connections, call, "connectionId", is_pair, code, kind.connection_not_found)
    if connection.kind != kind.name:
        raise kind.connection_not_found()
    return connection


def source_file_of(connection: Connection, call: Call, code: str) -> SourceFile:
    """Return the source file of the connection that the path names; it raises as `connection_of` does."""
    return _entity(connection.files, call, "sourceFileId", is_guid, code, STORAGE.source_file_not_found)


def manifest_source_file_of(connection: Connection, call: Call, code: str) -> ManifestSourceFile:
    """Return the source file of the manifest connection that the path names; it raises as `connection_of` does."""
    return _entity(connection.manifest_files, call, "sourceFileId", is_guid, code, MANIFEST.source_file_not_found)


def run_of(connection: Connection, call: Call, code: str) -> Run:
    """Return the run of the connection that the path names; it raises as `connection_of` does."""
    return _entity(connection.runs, call, "runId", _is_run_id, code, run_not_found)


def require_permission(store: Store, connection: Connection) -> None:
    """Refuse changes of a connection of a forbidden iModel.

    Raises:
        ProblemError: 403.
    """
    if connection.imodel_id.lower() in {imodel_id.lower() for imodel_id in store.forbidden_imodels}:
        raise forbidden()


def _entity(
    entities: Mapping[str, T],
    call: Call,
    parameter: str,
    is_well_formed: Callable[[str], bool],
    code: str,
    not_found: Callable[[], ProblemError],
) -> T:
    entity_id = call.path_parameters[parameter]
    if not is_well_formed(entity_id):
        raise ProblemError.invalid(code, not_valid(parameter))
    entity = entities.get(entity_id if is_pair(entity_id) else entity_id.lower())
    if entity is None:
        raise not_found()
    return entity


def _is_run_id(text: str) -> bool:
    # The service's ids are GUIDs; those on the pages have 40 hexadecimal digits.
    return is_guid(text) or re.fullmatch(r"[0-9a-f]{40}", text, re.IGNORECASE) is not None
