"""The fast way to decode a run, for polls: msgspec checks the types while it parses. Pure.

`codec` is the default and decodes everything: single calls, lists, errors, and whatever is unusual. Only
`snapshots` uses this module, because a watch decodes the same run again and again. Each model has a shape, a struct of
msgspec that is derived from the model's fields. What a shape accepts, it decodes to the same objects as `codec` in a
fraction of the time. What it refuses is decoded by `codec`, which accepts it or says what is wrong, and where.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
import msgspec

from .codec import to_date, wire_name

UNUSUAL = (ValueError, RecursionError, msgspec.DecodeError)  # the last is a ValueError since msgspec 0.21
"""The exceptions with which a shape refuses a text."""


class Shape:
    """Decodes the JSON of one model.

    Attributes:
        build: Makes the model from the decoded struct.
    """

    def __init__(self, model: type) -> None:
        """Derive the shape of a model from its fields and those of the models in them."""
        attrs.resolve_types(model)
        self.build = _builder(model)
        self._strict = msgspec.json.Decoder(_struct(model, strict=True))
        self._lenient = msgspec.json.Decoder(_struct(model, strict=False))

    def decode(self, text: bytes | msgspec.Raw) -> Any:
        """Return the model of a JSON text.

        Raises:
            ValueError: The text is unusual.
            RecursionError: It is nested deeply.
        """
        try:
            found = self._strict.decode(text)
        except msgspec.ValidationError:
            # There may be properties that the model does not know. msgspec skips them with fewer checks than those that
            # it reads, so the whole text is checked first.
            msgspec.json.decode(text)
            found = self._lenient.decode(text)
        return self.build(found)


@cache
def shape(model: type) -> Shape:
    """Return the shape of a model."""
    return Shape(model)


def _builder(model: type) -> Callable[[msgspec.Struct], Any]:
    """Return a function that makes the model from its struct: `lambda found: Model(id=found.id, ...)`.

    It is generated code, as in attrs and cattrs: a loop over the fields takes twice the time.
    """
    known: dict[str, Any] = {"model": model}
    arguments = []
    for field in attrs.fields(model):
        name = field.name
        _, convert = _wire_type(field.type, strict=True)
        known[f"default_{name}"], known[f"convert_{name}"] = field.default, convert
        found = "value" if convert is None else f"convert_{name}(value)"
        arguments.append(f"{name}=default_{name} if (value := found.{name}) is None else {found}")
    made: Callable[[msgspec.Struct], Any] = eval(f"lambda found: model({', '.join(arguments)})", known)  # noqa: S307
    return made


@cache
def _struct(model: type, *, strict: bool) -> type[msgspec.Struct]:
    """Return the struct of a model; null is the same as missing where the model has a default."""
    fields: list[Any] = []
    for field in attrs.fields(model):
        kind, _ = _wire_type(field.type, strict=strict)
        fields.append((field.name, kind) if field.default is attrs.NOTHING else (field.name, kind | None, None))
    return msgspec.defstruct(
        model.__name__,
        fields,
        rename={name: wire_name(name) for name, *_ in fields},
        forbid_unknown_fields=strict,
        kw_only=True,
        gc=False,
    )


def _wire_type(hint: Any, *, strict: bool) -> tuple[Any, Callable[[Any], Any] | None]:
    """Return the type that msgspec decodes a field to, and the function that converts it to the model's type."""
    args = get_args(hint)
    if get_origin(hint) is tuple:
        build = shape(args[0]).build
        return list[_struct(args[0], strict=strict)], lambda items: tuple(map(build, items))  # type: ignore[misc]
    kind = next((arg for arg in args if arg is not NoneType), hint)
    if kind is datetime:
        return str, to_date
    if attrs.has(kind):
        return _struct(kind, strict=strict), shape(kind).build
    return kind, None
