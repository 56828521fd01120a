"""JSON bytes to models and back, the default for everything: msgspec parses, cattrs structures.

Lenient where the service is known to vary: unknown properties are ignored, null is the same as missing, dates of the
year 1 are `None`, seven fraction digits are cut to six, links to a `project` are links to an iTwin, enums are open.
A class with `KINDS` is structured as one of those, by the object's `type`.
Strict about types: a string where a number belongs is an error that names the JSON path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast, get_origin

import attrs
import msgspec
from cattrs import BaseConverter, ClassValidationError, Converter, IterableValidationError
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from bentley_sync_async.errors import DecodeError, SynchronizationError
from bentley_sync_async.models import ConnectionLinks, OpenEnum, Page, PagingLinks
from bentley_sync_async.redaction import excerpt

T = TypeVar("T")

MOST_VALUES = 1_000_000
"""The most values of an answer: some 150 MB of memory."""

_ODD_NAMES = {"imodel": "iModel", "imodel_id": "iModelId", "itwin": "iTwin", "itwin_id": "iTwinId"}
_ODD_NAMES |= {"itwin_account_id": "iTwinAccountId", "links": "_links", "self_": "self", "class_": "class"}

# Answers before 2022 call the iTwin a project (official OpenAPI of 2021).
_FORMER_NAMES: dict[type, dict[str, str]] = {ConnectionLinks: {"project": "iTwin"}}


def decode_one(body: bytes, key: str, cls: type[T]) -> T:
    """Return the entity under `key` of a JSON object.

    Raises:
        DecodeError: The body is not JSON, or not such an object; the error names the JSON path of the wrong value.
    """
    return cast("T", _structure(_members(body).get(key), cls, f"$.{key}"))


def decode_page(body: bytes, key: str, cls: type[T]) -> Page[T]:
    """Return the page of a list: the entities under `key`, and its `_links`.

    Raises:
        DecodeError: As for `decode_one`.
    """
    members = _members(body)
    items = cast("tuple[T, ...]", _structure(members.get(key), tuple[cls, ...], f"$.{key}"))  # type: ignore[valid-type]
    links = members.get("_links")
    return Page(items=items, links=PagingLinks() if links is None else _structure(links, PagingLinks, "$._links"))


def decode(body: bytes, cls: type[T]) -> T:
    """Return the whole body as a model.

    Raises:
        DecodeError: As for `decode_one`.
    """
    return cast("T", _structure(parse(body), cls, "$"))


def encode(value: object) -> bytes:
    """Return a model, or containers of models, as JSON in the API's own spelling; `None` is left out."""
    return msgspec.json.encode(to_builtins(value))


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return a model, or containers of models and plain values, as JSON in the API's own spelling.

    What is `None` in a model is left out. Signed URLs and the secrets of webhooks are a part of their models, and so of
    the JSON.

    Args:
        value: What to write.
        indent: How many spaces the members of an object are indented by; `None` for one line.
    """
    written = encode(value)
    return (written if indent is None else msgspec.json.format(written, indent=indent)).decode()


def to_builtins(value: object) -> Any:
    """Return a model, or containers of models, as the dicts, lists and strings of its JSON."""
    return _CONVERTER.unstructure(value)


def parse(body: bytes) -> Any:
    """Return the JSON as dicts and lists.

    Raises:
        DecodeError: The body is not JSON, or is nested too deeply for an answer of the API.
    """
    failures: list[DecodeError] = []
    try:
        check_size(body)
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        shown = excerpt(body[:1000].decode("utf-8", "replace"))
        failures.append(DecodeError("the body is not JSON" if body else "the body is empty", excerpt=shown))
    except RecursionError:
        failures.append(DecodeError("the body is nested too deeply"))
    del body
    raise failures.pop()  # outside the handlers: the parser's error would keep the body


def check_size(body: bytes) -> None:
    """Refuse a JSON text with so many values that they would fill the memory.

    Raises:
        DecodeError: It may have more than a million values. A run of 10,000 files has 300,000.
    """
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"{", b"["))) > MOST_VALUES:
        raise DecodeError(f"the body has more than {MOST_VALUES:,} values, as no answer of the API has")


def wire_name(name: str) -> str:
    """Return the API's spelling of a field: `start_date_time` -> `startDateTime`, `imodel_id` -> `iModelId`."""
    first, *rest = name.split("_")
    return _ODD_NAMES.get(name) or first + "".join(word.capitalize() for word in rest)


def json_name(field: attrs.Attribute[Any]) -> str:
    """Return the API's spelling of a model's field; one that follows no rule is in the field's metadata."""
    return str(field.metadata.get("json") or wire_name(field.name))


def to_date(value: Any) -> datetime | None:
    """Return a date of the service in UTC; `None` for its empty date.

    Raises:
        ValueError: The value is not a date.
    """
    try:
        parsed = datetime.fromisoformat(value)
        # "0001-01-01T00:00:00" is the service's empty date (it comes with and without a zone).
        if parsed.year == 1:
            return None
        if parsed.tzinfo is UTC:
            return parsed
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as exc:
        raise _Mismatch("a date like 2020-10-24T02:44:13.4109666Z", value) from exc


class _Mismatch(ValueError):  # noqa: N818 - wire raises it as a DecodeError
    def __init__(self, expected: str, value: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value


def _members(body: bytes) -> dict[str, Any]:
    parsed = parse(body)
    if not isinstance(parsed, dict):
        raise DecodeError("expected an object", excerpt=_shown(parsed))
    return parsed


def _structure(value: object, cls: Any, path: str) -> Any:
    failures: list[DecodeError] = []
    try:
        return _CONVERTER.structure(value, cls)
    except RecursionError:
        failures.append(DecodeError("the value is nested too deeply", path=path))
    except Exception as exc:  # noqa: BLE001 - cattrs raises whatever a hook raises
        failures.append(_located(exc, path))
    del value
    raise failures.pop()  # outside the handlers: the errors of cattrs keep the values


def _located(exc: BaseException, path: str) -> DecodeError:
    """Return the first failure of a cattrs exception, with its path in the JSON."""
    match exc:
        case ClassValidationError():
            inner, note = exc.group_exceptions()[0][0]
            return _located(inner, f"{path}.{wire_name(note.name)}")
        case IterableValidationError():
            inner, index_note = exc.group_exceptions()[0][0]
            return _located(inner, f"{path}[{index_note.index}]")
        case KeyError():
            return DecodeError("is missing", path=path)
        case _Mismatch():
            found = "" if exc.value is None else _shown(exc.value)
            return DecodeError(f"expected {exc.expected}", path=path, excerpt=found or "nothing")
        case _:
            return DecodeError(f"{type(exc).__name__}", path=path)


def _shown(value: object) -> str:
    return excerpt(msgspec.json.encode(value).decode("utf-8", "replace"))


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _is_mapping(cls: Any) -> bool:
    return get_origin(cls) is Mapping


def _structure_mapping(value: Any, _: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Mismatch("an object", value)
    return {name: member for name, member in value.items() if member is not None}


def _exactly(cls: type, expected: str) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        # In Python a bool is an int, in JSON it is not.
        if not isinstance(value, cls) or (cls is int and isinstance(value, bool)):
            raise _Mismatch(expected, value)
        return value

    return structure


def _structure_number(value: Any, _: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _Mismatch("a number", value)
    return float(value)


def _structure_enum(value: Any, cls: type[OpenEnum]) -> OpenEnum:
    if not isinstance(value, str):
        raise _Mismatch("a string", value)
    return cls(value)


def _structure_closed_enum(value: Any, cls: type[StrEnum]) -> StrEnum:
    try:
        return cls(value)
    except ValueError as exc:
        raise _Mismatch(f"one of {', '.join(cls)}", value) from exc


def _tuple_structurer(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    structure_items = homogenous_tuple_structure_factory(cls, converter)

    def structure(value: Any, target: Any) -> Any:
        if not isinstance(value, list):
            raise _Mismatch("an array", value)
        return structure_items(value, target)

    return structure


def _class_structurer(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    attrs.resolve_types(cls)
    renames = {field.name: override(rename=json_name(field)) for field in attrs.fields(cls)}
    structure_fields = make_dict_structure_fn(cls, converter, **renames)  # type: ignore[arg-type]
    former = _FORMER_NAMES.get(cls, {})
    kinds = vars(cls).get("KINDS", {})

    def structure(value: Any, target: Any) -> Any:
        if not isinstance(value, dict):
            raise _Mismatch("an object", value)
        kind = value.get("type") if kinds else None
        if isinstance(kind, str) and kind in kinds:
            return converter.structure(value, kinds[kind])
        present = {name: member for name, member in value.items() if member is not None}
        for old, new in former.items():
            if old in present:
                present.setdefault(new, present[old])
        return structure_fields(present, target)

    return structure


def _class_unstructurer(cls: Any, converter: BaseConverter) -> Callable[[Any], Any]:
    # Links that the service did not send are empty by default; empty links are left out, too.
    names = [
        (field.name, json_name(field), field.default if _is_empty_by_default(field) else None)
        for field in attrs.fields(cls)
    ]

    def unstructure(value: Any) -> dict[str, Any]:
        members = ((name, getattr(value, field), empty) for field, name, empty in names)
        return {
            name: converter.unstructure(member)
            for name, member, empty in members
            if member is not None and (empty is None or member != empty)
        }

    return unstructure


def _is_empty_by_default(field: attrs.Attribute[Any]) -> bool:
    return attrs.has(type(field.default)) or "omit_default" in field.metadata


def _unstructure_date(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _unstructure_error(error: SynchronizationError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}


def _make_converter() -> Converter:
    converter = Converter()
    for cls, expected in ((str, "a string"), (int, "an integer"), (bool, "true or false")):
        converter.register_structure_hook(cls, _exactly(cls, expected))
    converter.register_structure_hook(float, _structure_number)
    converter.register_structure_hook(OpenEnum, _structure_enum)
    converter.register_structure_hook(StrEnum, _structure_closed_enum)
    converter.register_structure_hook(datetime | None, lambda value, _: to_date(value))
    converter.register_structure_hook_factory(_is_tuple, _tuple_structurer)
    converter.register_structure_hook_func(_is_mapping, _structure_mapping)
    converter.register_structure_hook_factory(attrs.has, _class_structurer)
    converter.register_unstructure_hook_factory(attrs.has, _class_unstructurer)
    converter.register_unstructure_hook(datetime, _unstructure_date)
    converter.register_unstructure_hook(SynchronizationError, _unstructure_error)
    converter.register_unstructure_hook(tuple, lambda items: [converter.unstructure(item) for item in items])
    return converter


_CONVERTER = _make_converter()
