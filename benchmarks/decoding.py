"""Decoding a run: the package against json + cattrs and pydantic, and what has changed since the last snapshot."""

import gc
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import cycle
from typing import Annotated, Any, get_origin

import attrs
from cattrs import BaseConverter, Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from bentley_sync_async import RunRef, StorageRun, diff
from bentley_sync_async.models import OpenEnum
from bentley_sync_async.wire.snapshots import Snapshots

from .canned import CONNECTION_ID, changing, numbered, steady
from .contenders import installed

_REF = RunRef(connection_id=CONNECTION_ID, run_id="1")
_AT = datetime(2026, 1, 1, tzinfo=UTC)

Decode = Callable[[bytes], StorageRun]


def ours() -> Decode:
    """Return what decodes one snapshot of a run after another in a watch; the one place that knows how it does that."""
    return Snapshots().decode


def by_cattrs() -> Decode:
    """Return json + cattrs: the same models, as lenient and as strict, written down plainly."""
    converter = _converter()
    return lambda body: converter.structure(json.loads(body)["run"], StorageRun)


def measure(*, repeats: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of CPU of each kind of decoding, by round."""
    large, small = numbered(steady("20x50")[0], 1), numbered(steady("4x10")[0], 1)
    turning = [numbered(body, 1) for body in changing("20x50")]
    cattrs, pydantic = by_cattrs(), _by_pydantic()
    work: dict[str, Callable[[], object]] = {
        "changed, cattrs": _follow(by_cattrs(), turning),
        "changed, ours": _follow(ours(), turning),
        "first, cattrs": lambda: cattrs(large),
        "first, ours": lambda: ours()(large),
        "small, cattrs": lambda: cattrs(small),
        "small, ours": lambda: ours()(small),
    }
    if pydantic is not None:
        work["first, pydantic"] = lambda: pydantic(large)
    found: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(1 + rounds):  # the first warms up
        for name, once in work.items():
            gc.collect()
            began = time.process_time()
            for _ in range(repeats):
                once()
            if turn:
                found[name].append((time.process_time() - began) / repeats)
    return found


def _follow(decode: Decode, bodies: Sequence[bytes]) -> Callable[[], object]:
    """Return what decodes the next body and reports what changed since the last."""
    following = cycle(bodies)
    last = decode(next(following))

    def once() -> None:
        nonlocal last
        now = decode(next(following))
        if len(diff(last, now, ref=_REF, at=_AT)) != 1:
            raise AssertionError("One task of the run changes from each body to the next.")
        last = now

    return once


# json + cattrs.

_ODD_NAMES = {"imodel_id": "iModelId", "itwin_id": "iTwinId"}


def _name(field: str) -> str:
    first, *rest = field.split("_")
    return _ODD_NAMES.get(field) or first + "".join(word.capitalize() for word in rest)


def _exactly(cls: type) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, cls) or (cls is int and isinstance(value, bool)):
            raise TypeError(value)
        return value

    return structure


def _date(value: Any, _: Any) -> datetime | None:
    parsed = datetime.fromisoformat(value)
    if parsed.year == 1:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def _enum(value: Any, cls: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str):
        raise TypeError(value)
    return cls(value)


def _tuple(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    return homogenous_tuple_structure_factory(cls, converter)


def _class(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
    attrs.resolve_types(cls)
    renames: dict[str, Any] = {field.name: override(rename=_name(field.name)) for field in attrs.fields(cls)}
    fill = make_dict_structure_fn(cls, converter, **renames)

    def structure(value: Any, target: Any) -> Any:
        return fill({name: member for name, member in value.items() if member is not None}, target)

    return structure


def _converter() -> Converter:
    converter = Converter()
    for cls in (str, int, bool):
        converter.register_structure_hook(cls, _exactly(cls))
    converter.register_structure_hook(OpenEnum, _enum)
    converter.register_structure_hook(datetime | None, _date)
    converter.register_structure_hook_factory(lambda cls: get_origin(cls) is tuple, _tuple)
    converter.register_structure_hook_factory(attrs.has, _class)
    return converter


# pydantic.


def _by_pydantic() -> Callable[[bytes], object] | None:
    """Return pydantic's decoding of the same fields into models of its own, `None` if it is not installed."""
    if not installed("pydantic"):
        return None
    # ruff: noqa: PLC0415 - a peer may not be installed
    from pydantic import BeforeValidator, ConfigDict, create_model
    from pydantic.alias_generators import to_camel

    date = Annotated[datetime | None, BeforeValidator(lambda text: None if text[:4] == "0001" else text)]

    def kind(annotation: Any) -> Any:
        if annotation == datetime | None:
            return date
        members = [kind(member) for member in getattr(annotation, "__args__", ()) if member is not Ellipsis]
        if get_origin(annotation) is tuple:
            return tuple[members[0], ...]  # type: ignore[valid-type]
        if members:
            return members[0] | members[1]
        if attrs.has(annotation):
            return model(annotation)
        # What is open is a text to it: an enum of its own would refuse what is new.
        return str if isinstance(annotation, type) and issubclass(annotation, StrEnum) else annotation

    def model(cls: type) -> Any:
        attrs.resolve_types(cls)
        fields: dict[str, Any] = {
            field.name: (kind(field.type), ... if field.default is attrs.NOTHING else None)
            for field in attrs.fields(cls)
        }
        return create_model(cls.__name__, __config__=ConfigDict(alias_generator=to_camel, frozen=True), **fields)

    answer = create_model("Answer", run=(model(StorageRun), ...))
    return answer.model_validate_json
