"""Pages of lists, and whether the caller prefers minimal or full items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from bentley_sync_async.emulator.settings import Settings

from .messages import Call, Reply
from .problems import PAGE_SIZE, Detail, ProblemError, not_valid

T = TypeVar("T")


def wants_representation(call: Call, settings: Settings) -> bool:
    """Return whether the caller prefers full items."""
    preferences = call.headers.get("prefer", "").lower().replace(" ", "").split(",")
    return settings.honour_prefer and "return=representation" in preferences


def page(
    call: Call,
    settings: Settings,
    *,
    code: str,
    name: str,
    items: Sequence[T],
    show: Callable[[T], Mapping[str, Any]],
    path: str,
    query: Mapping[str, str] | None = None,
    links: Mapping[str, Any] | None = None,
) -> Reply:
    """Return one page of a list, with links to the pages before and after it, and other links of the list.

    Raises:
        ProblemError: 422, with this code, if `$skip` or `$top` is out of range.
    """
    skip, top = _skip_and_top(call, settings, code)
    preceding = "".join(f"{key}={quote(value, safe='')}&" for key, value in (query or {}).items())

    def link(at: int) -> dict[str, str]:
        return {"href": f"{call.root}{path}?{preceding}$skip={at}&$top={top}"}

    shown = {"self": link(skip), **(links or {})}
    if skip > 0:
        shown["prev"] = link(max(0, skip - top))
    if skip + top < len(items) or settings.always_next:
        shown["next"] = link(skip + top)
    return Reply.of_json(200, {name: [show(item) for item in items[skip : skip + top]], "_links": shown})


def _skip_and_top(call: Call, settings: Settings, code: str) -> tuple[int, int]:
    details: list[Detail] = []
    skip, top = _number(call, "$skip", 0), _number(call, "$top", settings.page_size)
    if skip is None or skip < 0:
        details.append(not_valid("$skip"))
    if top is None:
        details.append(not_valid("$top"))
    elif not 1 <= top <= settings.max_page_size:
        details.append(PAGE_SIZE)
    if details:
        raise ProblemError.invalid(code, *details)
    return skip or 0, top or 1


def _number(call: Call, name: str, default: int) -> int | None:
    text = call.query.get(name)
    if text is None:
        return default
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() else None
