"""Connections of an iModel (pages `create-storage-connection`, `get-storage-connections`, `get-connections`, ...)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bentley_sync_async.emulator.platform.ids import is_guid
from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page, wants_representation
from bentley_sync_async.emulator.platform.problems import Detail, ProblemError, not_valid
from bentley_sync_async.emulator.synchronization.payloads import (
    connection_of_any_kind,
    connection_summary,
    storage_connection,
)
from bentley_sync_async.emulator.synchronization.problems import (
    AUTHENTICATION_TYPE,
    NO_IMODEL_ID,
    already_in_use,
    already_mapped,
)
from bentley_sync_async.emulator.synchronization.store import Connection, Store
from bentley_sync_async.models import AuthenticationType

from .bodies import read_files
from .entities import connection_of

_CODE = "InvalidStorageConnectionRequest"


def list_connections(store: Store, call: Call) -> Reply:
    """Answer `get-connections`: connections of all kinds, of which the emulator only has storage connections."""
    return _list(store, call, connection_of_any_kind, "connections", "InvalidConnectionsRequest")


def list_storage_connections(store: Store, call: Call) -> Reply:
    """Answer `get-storage-connections`."""
    return _list(store, call, storage_connection, "storageconnections", "InvalidStorageConnectionsRequest")


def _list(
    store: Store, call: Call, show: Callable[[Connection, str], Mapping[str, Any]], collection: str, code: str
) -> Reply:
    imodel_id = call.query.get("imodelid", "")
    if not imodel_id:
        raise ProblemError.invalid(code, NO_IMODEL_ID)
    if not is_guid(imodel_id):
        raise ProblemError.invalid(code, not_valid("imodelId"))
    full = wants_representation(call, store.settings)
    return page(
        call,
        store.settings,
        code=code,
        name="connections",
        items=store.connections_of(imodel_id),
        show=lambda connection: show(connection, call.root) if full else connection_summary(connection),
        path=f"/synchronization/imodels/{collection}",
        query={"imodelId": imodel_id},
    )


def create_storage_connection(store: Store, call: Call) -> Reply:
    """Answer `create-storage-connection`."""
    body = call.json_object(_CODE)
    files, errors = read_files(body.get("sourceFiles"))
    imodel_id, authentication_type = body.get("iModelId"), _authentication_type(body, errors)
    if imodel_id in {None, ""}:
        errors.append(NO_IMODEL_ID)
    elif not is_guid(imodel_id):
        errors.append(not_valid("imodelId"))
    display_name = _display_name(body, errors)
    storage_file_ids = [storage_file_id for storage_file_id, _ in files]
    errors = errors or store.contents.refusals(imodel_id=str(imodel_id), file_ids=storage_file_ids)
    if errors:
        raise ProblemError.invalid(_CODE, *errors)
    duplicates = len(set(storage_file_ids)) < len(storage_file_ids)
    if duplicates or store.mapped_files(str(imodel_id)).intersection(storage_file_ids):
        raise already_mapped()
    connection = store.connect(
        str(imodel_id), files, display_name=display_name, authentication_type=authentication_type
    )
    return Reply.of_json(201, {"connection": storage_connection(connection, call.root)})


def get_storage_connection(store: Store, call: Call) -> Reply:
    """Answer `get-storage-connection`."""
    connection = connection_of(store, call, _CODE)
    return Reply.of_json(200, {"connection": storage_connection(connection, call.root)})


def update_storage_connection(store: Store, call: Call) -> Reply:
    """Answer `update-storage-connection`, which changes the display name and the authentication type.

    It is a PUT: without an authentication type, the connection gets the default, User. All other properties are
    ignored, because older clients send the whole connection.
    """
    connection = connection_of(store, call, _CODE)
    body = call.json_object(_CODE)
    errors: list[Detail] = []
    authentication_type, display_name = _authentication_type(body, errors), _display_name(body, errors)
    if errors:
        raise ProblemError.invalid(_CODE, *errors)
    connection.authentication_type = authentication_type
    if display_name is not None:
        connection.display_name = display_name
    return Reply.of_json(200, {"connection": storage_connection(connection, call.root)})


def delete_storage_connection(store: Store, call: Call) -> Reply:
    """Answer `delete-storage-connection`."""
    connection = connection_of(store, call, _CODE)
    if connection.last_run is not None and not connection.last_run.completed(store.elapsed()):
        raise already_in_use()
    store.disconnect(connection)
    return Reply(204)


def _authentication_type(body: Mapping[str, Any], errors: list[Detail]) -> AuthenticationType:
    value = body.get("authenticationType")
    if value is None:
        return AuthenticationType.USER
    if isinstance(value, str) and AuthenticationType(value).known:
        return AuthenticationType(value)
    errors.append(AUTHENTICATION_TYPE)
    return AuthenticationType.USER


def _display_name(body: Mapping[str, Any], errors: list[Detail]) -> str | None:
    value = body.get("displayName")
    if value is None or isinstance(value, str):
        return value
    errors.append(not_valid("displayName"))
    return None
