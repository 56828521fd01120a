"""Decodes diagnostic reports, which no page describes: what is missing or of another type is left out."""

from __future__ import annotations

from contextlib import suppress
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin

import attrs

from bentley_sync_async.errors import DecodeError
from bentley_sync_async.models import OpenEnum
from bentley_sync_async.models.reports import Report
from bentley_sync_async.wire.codec import json_name, parse

T = TypeVar("T")


def decode_report(body: bytes) -> Report:
    """Return the report that a blob holds.

    Raises:
        DecodeError: It is not JSON, or not an object.
    """
    parsed = parse(body.removeprefix(b"\xef\xbb\xbf"))  # connectors may write a byte order mark
    if not isinstance(parsed, dict):
        raise DecodeError("expected an object")
    return _model(parsed, Report)


def _model(members: dict[str, Any], cls: type[T]) -> T:
    present = {}
    for field in attrs.fields(attrs.resolve_types(cast("type[attrs.AttrsInstance]", cls))):
        with suppress(_UnfitError):
            present[field.name] = _value(members.get(json_name(field)), field.type)
    return cls(**present)


def _value(value: Any, hint: Any) -> Any:
    """Return a value as its field's type.

    Raises:
        _UnfitError: It cannot be one.
    """
    if get_origin(hint) is tuple:
        return _items(value, get_args(hint)[0])
    cls = next((kind for kind in get_args(hint) if kind is not NoneType), hint)
    if attrs.has(cls) and isinstance(value, dict):
        return _model(value, cls)
    if cls is bool and isinstance(value, bool):
        return value
    if issubclass(cls, OpenEnum) and isinstance(value, str):
        return cls(value)
    if cls is str and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise _UnfitError


def _items(value: Any, cls: Any) -> tuple[Any, ...]:
    items = []
    for item in value if isinstance(value, list) else ():
        with suppress(_UnfitError):
            items.append(_value(item, cls))
    return tuple(items)


class _UnfitError(Exception):
    """A value is not of its field's type."""
