"""Ids of entities as parts of a URL's path and query."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from bentley_sync_async.errors import InvalidArgumentError

_LONGEST = 256
_PLAIN = re.compile(f"[A-Za-z0-9_-]{{1,{_LONGEST}}}")


def check_id(value: str, name: str) -> str:
    """Return the id after a check that it can be one.

    Ids are opaque: their form is not checked. A value is refused if it could change the meaning of a URL or is an
    obvious mistake.

    Raises:
        InvalidArgumentError: The value is not a string, is empty, all dots, longer than 256 characters or a URL, or has
            white space or control characters.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a string, not {type(value).__name__}.")
    if not value.strip():
        raise InvalidArgumentError(f"{name} is empty.")
    if "://" in value:
        raise InvalidArgumentError(f"{name} must be an id, not a URL; a run's URL goes to client.attach().")
    if len(value) > _LONGEST:
        raise InvalidArgumentError(f"{name} has {len(value)} characters; no id has more than {_LONGEST}.")
    if not value.strip(".") or not value.isprintable() or " " in value:
        raise InvalidArgumentError(f"{name} cannot be an id: {value!r}.")
    return value


def is_plain(value: object) -> bool:
    """Return whether the value is an id that percent-encoding does not change, as all known ids are."""
    # A subclass is not plain: an f-string of a member of `class E(str, Enum)` has the member's name, not its value.
    return type(value) is str and _PLAIN.fullmatch(value) is not None


def path_segment(value: str, name: str) -> str:
    """Return the id percent-encoded: one segment of a path, whatever characters it has."""
    return value if is_plain(value) else quote(check_id(value, name), safe="")


def query_string(parameters: dict[str, str | int | None]) -> str:
    """Return the parameters that are not `None` as a query with its `?`; empty if there are none."""
    present = {name: value for name, value in parameters.items() if value is not None}
    return f"?{urlencode(present, safe='$', quote_via=quote)}" if present else ""
