"""Records for scripts: JSON with chosen fields, and tab-separated values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from bentley_sync_async import InvalidArgumentError, to_builtins, to_json

from .columns import columns_of

SECRET = frozenset({"sasUri", "uploadUrl", "download", "secret"})
"""Members of records that whoever has them may use: signed URLs, and the secret of a webhook. They are not printed."""

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_INDENT = 2


def parse_fields(text: str | None) -> tuple[str, ...]:
    """Return the fields that `--json` names.

    Raises:
        InvalidArgumentError: It names none.
    """
    if text is None:
        return ()
    fields = tuple(dict.fromkeys(field.strip() for field in text.split(",") if field.strip()))
    if not fields:
        raise InvalidArgumentError("--json needs the names of fields, such as id,displayName. All fields: -o json.")
    return fields


def plain(record: object) -> Any:
    """Return a record as the dicts and lists of its JSON, in the API's spelling, without what is secret."""
    return _without_secrets(to_builtins(record))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(member) for name, member in value.items() if name not in SECRET}
    return [_without_secrets(one) for one in value] if isinstance(value, list | tuple) else value


def chosen(record: object, fields: Sequence[str]) -> Any:
    """Return the fields of a record, `None` for one that it does not have; all of it if no field is named."""
    whole = plain(record)
    return {field: _member(whole, field) for field in fields} if fields else whole


def _member(value: Any, field: str) -> Any:
    for name in field.split("."):
        if isinstance(value, list) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def check_fields(records: Sequence[object], fields: Sequence[str]) -> None:
    """Check that records have the fields.

    Raises:
        InvalidArgumentError: No record has a field, and the kind of record has none of that name; lists those it has.
    """
    known = {name for record in records for name in _names(record)}
    unknown = [field for field in fields if field.partition(".")[0] not in known]
    if records and unknown:
        raise InvalidArgumentError(
            f"There is no field {', '.join(unknown)}. There are: {', '.join(sorted(known - SECRET))}."
        )


def _names(record: object) -> Iterable[str]:
    """Return the names of all fields of a record, also of those without a value."""
    declared = (field.name for field in getattr(type(record), "__attrs_attrs__", ()))
    return [*map(_wire_name, declared), *plain(record)]


def _wire_name(name: str) -> str:
    odd = {"imodel_id": "iModelId", "itwin_id": "iTwinId", "links": "_links", "class_": "class"}
    first, *rest = name.split("_")
    return odd.get(name) or first + "".join(word.capitalize() for word in rest)


def json_text(records: Sequence[object], fields: Sequence[str], *, single: bool) -> str:
    """Return records as JSON: an array, or the object of a single one."""
    found = [chosen(record, fields) for record in records]
    return to_json(found[0] if single else found, indent=_INDENT)


def tsv_lines(records: Iterable[object], fields: Sequence[str]) -> Iterable[str]:
    """Return a line for each record, with tabs between the fields, or else between the columns of its kind.

    Tabs, line breaks and backslashes in values are escaped with a backslash; instants are ISO 8601 in UTC.
    """
    for record in records:
        if fields:
            yield "\t".join(_cell(value) for value in chosen(record, fields).values())
        else:
            yield "\t".join(_cell(column.value(record)) for column in columns_of(record) if column.carded)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str() | int() | float():
            return "".join(_ESCAPES.get(one, one if one.isprintable() else f"\\x{ord(one):02x}") for one in str(value))
        case _:
            return _cell(to_json(plain(value)))
