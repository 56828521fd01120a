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
    """How the texts of one model are decoded.

    Attributes:
        build: Makes the model of what the shape found in a text.
    """

    def __init__(self, model: type) -> None:
        """Make the shape of a model from its fields and those of the models in them."""
        attrs.resolve_types(model)
        self.build = _builder(model)
        self._strict = msgspec.json.Decoder(_struct(model, strict=True))
        self._lenient = msgspec.json.Decoder(_struct(model, strict=False))

    def decode(self, text: bytes | msgspec.Raw) -> Any:
        """Return the model that a text in UTF-8 says.

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
        return self.build(found)


@cache
def shape(model: type) -> Shape:
    """Return the shape of a model."""
    return Shape(model)


def _builder(model: type) -> Callable[[msgspec.Struct], Any]:
    """Return a function that makes the model of its struct: `lambda found: Model(id=found.id, ...)`.

    It is made from a text, as attrs and cattrs make theirs: a loop over the fields takes twice its time.
    """
    known: dict[str, Any] = {"model": model}
    arguments = []
    for field in attrs.fields(model):
        name = field.name
        _, turn = _on_the_wire(field.type, strict=True)
        known[f"default_{name}"], known[f"turn_{name}"] = field.default, turn
        found = "value" if turn is None else f"turn_{name}(value)"
        arguments.append(f"{name}=default_{name} if (value := found.{name}) is None else {found}")
    made: Callable[[msgspec.Struct], Any] = eval(f"lambda found: model({', '.join(arguments)})", known)  # noqa: S307
    return made


@cache
def _struct(model: type, *, strict: bool) -> type[msgspec.Struct]:
    """Return a model as msgspec decodes it; null is the same as missing where the model has a default."""
    fields: list[Any] = []
    for field in attrs.fields(model):
        kind, _ = _on_the_wire(field.type, strict=strict)
        fields.append((field.name, kind) if field.default is attrs.NOTHING else (field.name, kind | None, None))
    return msgspec.defstruct(
        model.__name__,
        fields,
        rename={name: wire_name(name) for name, *_ in fields},
        forbid_unknown_fields=strict,
        kw_only=True,
        gc=False,
    )


def _on_the_wire(hint: Any, *, strict: bool) -> tuple[Any, Callable[[Any], Any] | None]:
    """Return the type that msgspec decodes a field to, and what turns a value of that into the model's."""
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
