"""What is looked for by its name: none, one, or an error that names the ids of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from bentley_sync_async.errors import AmbiguousNameError


class _Entity(Protocol):
    @property
    def id(self) -> str: ...


E = TypeVar("E", bound=_Entity)


def the_one(found: Sequence[E], kind: str, wanted: str) -> E | None:
    """Return the only entity that was found; `None` if there is none.

    Raises:
        AmbiguousNameError: There are several.
    """
    if len(found) > 1:
        ids = [entity.id for entity in found]
        raise AmbiguousNameError(
            f"{len(found)} {kind}s have the {wanted}: use the id of one: {', '.join(ids)}.", ids=ids
        )
    return found[0] if found else None
