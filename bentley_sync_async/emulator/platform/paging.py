"""Pages of lists, and what the caller prefers of their items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from bentley_sync_async.emulator.settings import Settings

from .messages import Call, Reply
from .problems import PAGE_SIZE, Detail, ProblemError, not_valid

T = TypeVar("T")


def wants_representation(call: Call, settings: Settings) -> bool:
    """Tell whether the caller prefers whole items."""
    preferences = call.headers.get("prefer", "").lower().replace(" ", "").split(",")
    return settings.honour_prefer and "return=representation" in preferences


def window(call: Call, settings: Settings) -> tuple[int, int, list[Detail]]:
    """Return `$skip` and `$top`, and what is wrong with them."""
    wrong: list[Detail] = []
    skip, top = _number(call, "$skip", 0), _number(call, "$top", settings.page_size)
    if skip is None or skip < 0:
        wrong.append(not_valid("$skip"))
    if top is None:
        wrong.append(not_valid("$top"))
    elif not 1 <= top <= settings.max_page_size:
        wrong.append(PAGE_SIZE)
    return skip or 0, top or 1, wrong


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
) -> Reply:
    """Return one page of a list, with links to its neighbours.

    Raises:
        ProblemError: 422, with that code, if the page is out of bounds.
    """
    skip, top, wrong = window(call, settings)
    if wrong:
        raise ProblemError.invalid(code, *wrong)
    fixed = "".join(f"{key}={quote(value, safe='')}&" for key, value in (query or {}).items())

    def link(at: int) -> dict[str, str]:
        return {"href": f"{call.root}/synchronization/{path}?{fixed}$skip={at}&$top={top}"}

    links = {"self": link(skip)}
    if skip > 0:
        links["prev"] = link(max(0, skip - top))
    if skip + top < len(items) or settings.always_next:
        links["next"] = link(skip + top)
    return Reply.of_json(200, {name: [show(item) for item in items[skip : skip + top]], "_links": links})


def _number(call: Call, name: str, default: int) -> int | None:
    text = call.query.get(name)
    if text is None:
        return default
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() else None
