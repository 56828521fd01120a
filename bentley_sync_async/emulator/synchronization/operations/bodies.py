"""Parses the source files in request bodies."""

from __future__ import annotations

from typing import Any

from bentley_sync_async.emulator.platform.ids import is_pair
from bentley_sync_async.emulator.platform.problems import Detail, not_valid
from bentley_sync_async.emulator.synchronization.problems import CONNECTOR_TYPE, NO_FILES, missing
from bentley_sync_async.models import ConnectorType

FileSpec = tuple[str, ConnectorType]


def read_file(item: object) -> tuple[FileSpec | None, list[Detail]]:
    """Return the file that a JSON object describes, or the details of its errors."""
    properties: dict[str, Any] = item if isinstance(item, dict) else {}
    errors: list[Detail] = []
    storage_file_id, connector_type = properties.get("storageFileId"), properties.get("connectorType")
    if storage_file_id in {None, ""}:
        errors.append(missing("storageFileId"))
    elif not is_pair(storage_file_id):
        errors.append(not_valid("storageFileId"))
    if connector_type in {None, ""}:
        errors.append(missing("connectorType"))
    elif not is_connector(connector_type):
        errors.append(CONNECTOR_TYPE)
    return (None, errors) if errors else ((str(storage_file_id), ConnectorType(str(connector_type))), [])


def read_files(value: object) -> tuple[list[FileSpec], list[Detail]]:
    """Return the files that a JSON array describes, and the details of its errors without duplicates."""
    if value is None:
        return [], [missing("sourceFiles")]
    if not isinstance(value, list) or not value:
        return [], [NO_FILES]
    read = [read_file(item) for item in value]
    errors = dict.fromkeys(detail for _, details in read for detail in details)
    return [spec for spec, _ in read if spec], list(errors)


def is_connector(value: object) -> bool:
    """Return whether a value names a connector."""
    return isinstance(value, str) and ConnectorType(value).known and value != ConnectorType.NOT_SET
