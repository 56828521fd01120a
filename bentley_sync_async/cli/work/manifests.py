"""The files of a manifest run, read from TOML: their URLs are secrets, which arguments would show to every process."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bentley_sync_async import ConnectorType, InvalidArgumentError, ManifestAction, ManifestFile

_MOST_BYTES = 64 * 1024 * 1024
_KEYS = frozenset({"id", "name", "connector", "url", "action", "relative_path", "children"})


def read_files(path: str) -> tuple[ManifestFile, ...]:
    """Return the files of a TOML file, or of standard input if it is `-`.

    Raises:
        InvalidArgumentError: It cannot be read, or is no list of files; the message has no URL.
    """
    shown = "standard input" if path == "-" else path
    try:
        data = sys.stdin.buffer.read(_MOST_BYTES) if path == "-" else Path(path).read_bytes()
        tables = tomllib.loads(data.decode())
    except OSError as exc:
        raise InvalidArgumentError(f"{shown} cannot be read: {exc.strerror}.") from exc
    except ValueError as exc:
        reason = "not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
        raise InvalidArgumentError(f"{shown} is no TOML file: {reason}.") from None
    found = tables.get("file")
    if not isinstance(found, list) or not found or set(tables) != {"file"}:
        raise InvalidArgumentError(f"{shown} must have a table [[file]] for each file, and nothing else.")
    return tuple(_file(table, shown) for table in found)


def _file(table: Any, shown: str, parent_id: str | None = None) -> ManifestFile:
    if not isinstance(table, Mapping) or not isinstance(table.get("id"), str):
        raise InvalidArgumentError(f"Each file in {shown} is a table with an id.")
    unknown = set(table) - _KEYS
    if unknown or not isinstance(table.get("connector"), str):
        problem = f"has {', '.join(sorted(unknown))}, which no file has" if unknown else "has no connector"
        raise InvalidArgumentError(
            f"The file {table['id']} in {shown} {problem}. A file has {', '.join(sorted(_KEYS))}."
        )
    action = None if parent_id else ManifestAction(table.get("action", "bridge"))
    return ManifestFile(
        id=table["id"],
        connector_type=ConnectorType(table["connector"].upper()),
        name=table.get("name"),
        url=table.get("url"),
        action=action,
        relative_path=table.get("relative_path"),
        parent_id=parent_id,
        children=[_file(child, shown, table["id"]) for child in table.get("children", [])],
    )
