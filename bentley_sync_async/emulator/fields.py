"""Validated attributes of the settings and the rules: the same checks in Python and in scenario files.

An error message begins with the attribute's name, so that the reader of a scenario file can prefix the table's name.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

import attrs

from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import OpenEnum

T = TypeVar("T")

Seconds = float | tuple[float, float]
"""A number of seconds, or the lowest and the highest value of a random number of seconds."""

_SHOWN, _LARGEST = 100, 1e18

_Check = Callable[[Any], bool]


def checked(default: T, check: _Check, expected: str) -> T:
    """Return an attribute whose value must pass the check; with a default of `None`, `None` passes as well."""

    def validate(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and default is None:
            return
        if not check(value):
            raise ConfigurationError(f"{attribute.name} must be {expected}, not {shown(value)}")

    return attrs.field(default=default, validator=validate)


def number(default: T, *, minimum: float = 0.0, maximum: float | None = None, above: bool = False) -> T:
    """Return an attribute that is a number of at least the minimum, or with `above` greater than it."""
    bound = f"{'more than' if above else 'at least'} {minimum:g}"
    bound += "" if maximum is None else f" and at most {maximum:g}"

    def check(value: Any) -> bool:
        if not _is_number(value) or (maximum is not None and value > maximum):
            return False
        return bool(value > minimum if above else value >= minimum)

    return checked(default, check, f"a number of {bound}")


def integer(default: T, *, minimum: int | None = 0) -> T:
    """Return an attribute that is a whole number."""
    expected = "a whole number" if minimum is None else f"a whole number of at least {minimum}"

    def check(value: Any) -> bool:
        is_integer = isinstance(value, int) and _is_number(value)
        return is_integer and (minimum is None or value >= minimum)

    return checked(default, check, expected)


def flag(default: T) -> T:
    """Return an attribute that is true or false."""
    return checked(default, lambda value: isinstance(value, bool), "true or false")


def text(default: T) -> T:
    """Return an attribute that is a non-empty string."""
    return checked(default, lambda value: isinstance(value, str) and bool(value), "a non-empty string")


def choice(default: T, *allowed: str) -> T:
    """Return an attribute that is one of the allowed strings."""
    return checked(default, lambda value: value in allowed, f"one of {', '.join(allowed)}")


def pattern(default: T) -> T:
    """Return an attribute that is a regular expression."""

    def check(value: Any) -> bool:
        try:
            re.compile(value)
        except (TypeError, ValueError, OverflowError, RecursionError, re.error):
            return False
        return True

    return checked(default, check, "a regular expression")


def seconds(default: T) -> T:
    """Return an attribute that is `Seconds`."""

    def check(value: Any) -> bool:
        if _is_number(value):
            return bool(value >= 0)
        if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004 - a pair
            return False
        return all(_is_number(end) for end in value) and bool(0 <= value[0] <= value[1])

    return checked(default, check, "seconds, or [lowest, highest] seconds")


def mapping(default: T) -> T:
    """Return an attribute that maps strings to strings."""

    def check(value: Any) -> bool:
        return isinstance(value, dict) and all(isinstance(part, str) for item in value.items() for part in item)

    return checked(default, check, "a table of strings")


def member(kind: type[OpenEnum], *, exclude: tuple[str, ...] = ()) -> Any:
    """Return an optional attribute that is a known value of one of the API's enums."""
    allowed = ", ".join(value for value in kind if value not in exclude)

    def convert(value: object, attribute: attrs.Attribute[Any]) -> OpenEnum | None:
        if value is None:
            return None
        found = kind(value) if isinstance(value, str) else None
        if found is None or not found.known or found in exclude:
            raise ConfigurationError(f"{attribute.name} must be one of {allowed}, not {shown(value)}")
        return found

    return attrs.field(default=None, converter=cast("Any", attrs.Converter(convert, takes_field=True)))


def own_enum(default: T, kind: type[enum.StrEnum]) -> T:
    """Return an attribute that is a member of one of the emulator's own enums, given as the member or its value."""
    allowed = ", ".join(kind)

    def convert(value: object, attribute: attrs.Attribute[Any]) -> enum.StrEnum:
        try:
            return kind(str(value))
        except ValueError:
            raise ConfigurationError(f"{attribute.name} must be one of {allowed}, not {shown(value)}") from None

    return attrs.field(default=default, converter=cast("Any", attrs.Converter(convert, takes_field=True)))


def shown(value: object) -> str:
    """Return what an error shows of a value."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, or nested too deeply
        return f"that {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < _LARGEST  # type: ignore[arg-type]
