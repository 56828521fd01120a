"""The query parameters of lists: filters, `$search` and `$orderBy`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bentley_sync_async.emulator.platform.messages import Call
from bentley_sync_async.emulator.platform.problems import Detail, ProblemError

T = TypeVar("T")


def found_in(call: Call, *texts: str | None) -> bool:
    """Return whether the `$search` of a request, if there is one, is in one of the texts, in whatever case."""
    wanted = call.query.get("$search", "").lower()
    return not wanted or any(wanted in text.lower() for text in texts if text)


def ordered(
    call: Call, items: Sequence[T], keys: Mapping[str, Callable[[T], Any]], *, code: str, message: str
) -> list[T]:
    """Return the items in the order that `$orderBy` asks for, such as `createdDateTime desc`.

    Raises:
        ProblemError: 422, with this code and message, if the list cannot be ordered so.
    """
    name, _, direction = call.query.get("$orderby", "").strip().partition(" ")
    if not name:
        return list(items)
    key = {known.lower(): key for known, key in keys.items()}.get(name.lower())
    if key is None or direction.lower() not in {"", "asc", "desc"}:
        detail: Detail = ("InvalidValue", f"'{name}' is not a valid '$orderBy' value.", "$orderBy")
        raise ProblemError(422, code, message, detail)
    return sorted(items, key=key, reverse=direction.lower() == "desc")


def integer(call: Call, name: str, default: int, *, code: str, message: str) -> int:
    """Return a query parameter that is a whole number from 0 on.

    Raises:
        ProblemError: 422, with this code and message.
    """
    text = call.query.get(name.lower(), "")
    if not text:
        return default
    if text.isascii() and text.isdecimal():
        return int(text)
    raise ProblemError(422, code, message, ("InvalidValue", f"'{text}' is not a valid '{name}' value.", name))
