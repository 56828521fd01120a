"""The options of a publish, checked. Pure."""

from __future__ import annotations

import math
from typing import Any

from attrs import field, frozen
from attrs.validators import optional

from bentley_sync_async.bulk.options import whole_number
from bentley_sync_async.errors import InvalidArgumentError


def _rate(_: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InvalidArgumentError(f"{attribute.name} must be above 0, not {value!r}.")


@frozen(kw_only=True)
class PublishOptions:
    """How a publish works; an invalid option raises an `InvalidArgumentError`.

    Attributes:
        prune: Whether files that are gone locally are removed from the iModel and from Storage.
        uploads: How many files are uploaded at a time.
        bytes_per_second: What all uploads together may send; `None` for no limit.
    """

    prune: bool = False
    uploads: int = field(default=4, validator=whole_number(1))
    bytes_per_second: float | None = field(default=None, validator=optional(_rate))
