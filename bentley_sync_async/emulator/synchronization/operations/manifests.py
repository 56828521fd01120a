"""Manifest connections, their source files and runs (pages `create-manifest-connection`, ..., `...-run`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from attrs import evolve

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.paging import page
from bentley_sync_async.emulator.platform.problems import Detail, ProblemError, not_valid
from bentley_sync_async.emulator.synchronization.manifests.files import ManifestEntry, ManifestSourceFile
from bentley_sync_async.emulator.synchronization.payloads import storage_connection
from bentley_sync_async.emulator.synchronization.problems import (
    ACTION,
    CONNECTOR_TYPE,
    NO_FILES,
    already_mapped,
    file_already_mapped,
    missing,
)
from bentley_sync_async.emulator.synchronization.store import Connection, Store
from bentley_sync_async.models import ConnectorType

from .bodies import is_connector
from .connections import read_connection
from .entities import connection_of, manifest_source_file_of, require_permission
from .kinds import MANIFEST
from .runs import trigger


def create_manifest_connection(store: Store, call: Call) -> Reply:
    """Answer `create-manifest-connection`."""
    body = call.json_object(MANIFEST.code)
    ids, errors = _read_source_files(body.get("sourceFiles"))
    imodel_id, display_name, authentication_type = read_connection(body, errors)
    if errors:
        raise ProblemError.invalid(MANIFEST.code, *errors)
    if len(set(ids)) < len(ids) or store.mapped_manifest_files(imodel_id).intersection(ids):
        raise already_mapped()
    connection = store.connect(
        imodel_id, (), display_name=display_name, authentication_type=authentication_type, kind=MANIFEST.name
    )
    for source_file_id in ids:
        store.add_manifest_file(connection, source_file_id)
    return Reply.of_json(201, {"connection": storage_connection(connection, call.root)})


def list_source_files(store: Store, call: Call) -> Reply:
    """Answer `get-manifest-connection-sourcefiles`."""
    connection = connection_of(store, call, MANIFEST.files_code, MANIFEST)
    return page(
        call,
        store.settings,
        code=MANIFEST.files_code,
        name="sourceFiles",
        items=list(connection.manifest_files.values()),
        show=_shown,
        path=f"{MANIFEST.path}/{connection.id}/sourcefiles",
    )


def add_source_file(store: Store, call: Call) -> Reply:
    """Answer `add-manifest-connection-sourcefile`."""
    connection = _connection_for_file(store, call)
    source_file_id = _read_source_file(call)
    if source_file_id in store.mapped_manifest_files(connection.imodel_id):
        raise file_already_mapped()
    return _answer(store.add_manifest_file(connection, source_file_id), status=201)


def get_source_file(store: Store, call: Call) -> Reply:
    """Answer `get-manifest-connection-sourcefile`."""
    connection = connection_of(store, call, MANIFEST.file_code, MANIFEST)
    return _answer(manifest_source_file_of(connection, call, MANIFEST.file_code))


def update_source_file(store: Store, call: Call) -> Reply:
    """Answer `update-manifest-connection-sourcefile`."""
    connection = connection_of(store, call, MANIFEST.file_code, MANIFEST)
    file = manifest_source_file_of(connection, call, MANIFEST.file_code)
    source_file_id = _read_source_file(call)
    if source_file_id in store.mapped_manifest_files(connection.imodel_id) - {file.source_file_id}:
        raise file_already_mapped()
    file.source_file_id = source_file_id
    return _answer(file)


def remove_source_file(store: Store, call: Call) -> Reply:
    """Answer `remove-manifest-connection-sourcefile`."""
    connection = connection_of(store, call, MANIFEST.file_code, MANIFEST)
    require_permission(store, connection)
    del connection.manifest_files[manifest_source_file_of(connection, call, MANIFEST.file_code).id]
    return Reply(204)


def run_manifest_connection(store: Store, call: Call) -> Reply:
    """Answer `create-manifest-connection-run`; as for a storage connection, only one run of an iModel is active."""
    connection = connection_of(store, call, MANIFEST.run_code, MANIFEST)
    require_permission(store, connection)
    manifest = _read_manifest(call.json_object(MANIFEST.run_code))
    return trigger(store, call, connection, lambda: store.start_run(connection, manifest))


def _connection_for_file(store: Store, call: Call) -> Connection:
    """Return the connection that gets a file; the 404 of the page has the code of a source file."""
    try:
        connection = connection_of(store, call, MANIFEST.file_code, MANIFEST)
    except ProblemError as problem:
        if problem.status == 404:  # noqa: PLR2004 - as on the page
            raise ProblemError(404, MANIFEST.source_file_not_found().code, problem.message) from None
        raise
    require_permission(store, connection)
    return connection


def _read_source_file(call: Call) -> str:
    ids, errors = _read_source_files([call.json_object(MANIFEST.file_code)])
    if errors:
        raise ProblemError.invalid(MANIFEST.file_code, *errors)
    return ids[0]


def _read_source_files(value: object) -> tuple[list[str], list[Detail]]:
    if value is None:
        return [], [missing("sourceFiles")]
    if not isinstance(value, list) or not value:
        return [], [NO_FILES]
    ids = [item.get("sourceFileId") if isinstance(item, dict) else None for item in value]
    errors: dict[Detail, None] = {}
    for one in ids:
        if one in {None, ""}:
            errors[missing("sourceFileId")] = None
        elif not isinstance(one, str):
            errors[not_valid("sourceFileId")] = None
    return [str(one) for one in ids], list(errors)


def _read_manifest(body: dict[str, Any]) -> list[ManifestEntry]:
    """Return the entries of a manifest; the page requires none.

    Raises:
        ProblemError: 422, with a detail for each kind of mistake.
    """
    items = body.get("sourceFiles")
    errors: list[Detail] = []
    if not isinstance(items, list | None):
        errors.append(not_valid("sourceFiles"))
    url = body.get("documentAttributeSchemaUrl")
    if url is not None and not _is_url(url):
        errors.append(not_valid("documentAttributeSchemaUrl"))
    read = [_read_entry(item, errors) for item in items] if isinstance(items, list) else []
    if errors:
        raise ProblemError.invalid(MANIFEST.run_code, *dict.fromkeys(errors))
    return [entry for entry in read if entry is not None]


def _read_entry(item: object, errors: list[Detail]) -> ManifestEntry | None:
    properties: dict[str, Any] = item if isinstance(item, dict) else {}
    action = properties.get("action") or "bridge"  # older clients send none
    if action not in {"bridge", "unmap"}:
        errors.append(ACTION)
    file = _read_file(properties, errors, needs_url=action != "unmap")
    children = properties.get("children")
    if children is not None and not isinstance(children, list):
        errors.append(not_valid("children"))
        children = None
    read = [_read_file(child if isinstance(child, dict) else {}, errors, needs_url=True) for child in children or ()]
    if file is None:
        return None
    references = tuple((child.id, child.name) for child in read if child is not None)
    return evolve(file, unmap=action == "unmap", references=references)


def _read_file(properties: dict[str, Any], errors: list[Detail], *, needs_url: bool) -> ManifestEntry | None:
    before = len(errors)
    file_id, url, name = properties.get("id"), properties.get("url"), properties.get("name")
    connector_type = properties.get("connectorType") or properties.get("connector")  # the second is the former name
    if not file_id or not isinstance(file_id, str):
        errors.append(missing("id") if not file_id else not_valid("id"))
    if needs_url and not _is_url(url):
        errors.append(missing("url") if not url else not_valid("url"))
    if not connector_type:
        errors.append(missing("connectorType"))
    elif not is_connector(connector_type):
        errors.append(CONNECTOR_TYPE)
    if name is not None and not isinstance(name, str):
        errors.append(not_valid("name"))
    if len(errors) > before:
        return None
    return ManifestEntry(id=str(file_id), name=name or str(file_id), connector_type=ConnectorType(str(connector_type)))


def _is_url(value: object) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)


def _shown(file: ManifestSourceFile) -> dict[str, str]:
    return {"id": file.id, "sourceFileId": file.source_file_id}


def _answer(file: ManifestSourceFile, *, status: int = 200) -> Reply:
    return Reply.of_json(status, {"sourceFile": _shown(file)})
