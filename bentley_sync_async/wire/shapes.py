"""A quick decode of the models that a run is made of: msgspec checks the types while it parses. Pure.

Each model has a shape, a struct of msgspec that is made from the model's fields. What a shape takes, it decodes to what
`codec.decode` makes of it, in a fraction of the time. What it refuses is unusual and may be good all the same: only
`codec` tells what is wrong, and where.
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

UNUSUAL = (ValueError, RecursionError)
"""What a shape refuses a text with."""


class Shape:
    """How the texts of one model are decoded."""

    def __init__(self, model: type) -> None:
        """Make the shape of a model from its fields and those of the models in them."""
        self._model = model
        self._turns = [(name, turn) for name, _, turn in _members(model, strict=True) if turn is not None]
        self._defaults = [
            (field.name, field.default)
            for field in attrs.fields(model)
            if field.default is not None and field.default is not attrs.NOTHING
        ]
        self._strict = msgspec.json.Decoder(_struct(model, strict=True))
        self._lenient = msgspec.json.Decoder(_struct(model, strict=False))

    def decode(self, text: bytes | msgspec.Raw, **members: object) -> Any:
        """Return the model that a text in UTF-8 says.

        Args:
            text: A JSON object.
            members: What it lacks and is to have all the same.

        Raises:
            ValueError: The text is unusual.
            RecursionError: It is nested deeply.
        """
        try:
            found = self._strict.decode(text)
        except msgspec.ValidationError:
            # There may be properties that the model does not know. msgspec passes over them without checking all that
            # it checks in those it reads.
            msgspec.json.decode(text)
            found = self._lenient.decode(text)
        return self.build(found, **members)

    def build(self, found: msgspec.Struct, **members: object) -> Any:
        """Return the model that was found in a text; see `decode`."""
        if any(getattr(found, name) for name in members):
            raise ValueError
        values = msgspec.structs.asdict(found)
        for name, turn in self._turns:
            value = values[name]
            if value is not None:
                values[name] = turn(value)
        for name, default in self._defaults:
            if values[name] is None:
                values[name] = default
        values.update(members)
        return self._model(**values)


@cache
def shape(model: type) -> Shape:
    """Return the shape of a model."""
    return Shape(model)


@cache
def _struct(model: type, *, strict: bool) -> type[msgspec.Struct]:
    """Return a model as msgspec decodes it; null is the same as missing where the model has a default."""
    kinds = {name: kind for name, kind, _ in _members(model, strict=strict)}
    fields = [
        (field.name, kinds[field.name])
        if field.default is attrs.NOTHING
        else (field.name, kinds[field.name] | None, None)
        for field in attrs.fields(model)
    ]
    return msgspec.defstruct(
        model.__name__,
        fields,
        rename={name: wire_name(name) for name in kinds},
        forbid_unknown_fields=strict,
        kw_only=True,
        gc=False,
    )


def _members(model: type, *, strict: bool) -> list[tuple[str, Any, Callable[[Any], Any] | None]]:
    """Return each field's name, its type for msgspec, and what turns a value of that into the model's."""
    attrs.resolve_types(model)
    return [(field.name, *_on_the_wire(field.type, strict=strict)) for field in attrs.fields(model)]


def _on_the_wire(hint: Any, *, strict: bool) -> tuple[Any, Callable[[Any], Any] | None]:
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
