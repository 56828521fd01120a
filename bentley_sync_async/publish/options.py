"""The options of a publish, checked. Pure."""

from __future__ import annotations

import math

from attrs import field, frozen

from bentley_sync_async.errors import InvalidArgumentError


def _check_uploads(_: object, __: object, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidArgumentError(f"uploads must be a number of at least 1, not {value!r}.")


def _check_bytes_per_second(_: object, __: object, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InvalidArgumentError(f"bytes_per_second must be above 0, not {value!r}.")


@frozen(kw_only=True)
class PublishOptions:
    """How a publish works.

    Attributes:
        prune: Whether files that are gone locally are removed from the iModel and from Storage.
        uploads: How many files are uploaded at a time.
        bytes_per_second: What all uploads together may send; `None` for no limit.
    """

    prune: bool = False
    uploads: int = field(default=4, validator=_check_uploads)
    bytes_per_second: float | None = field(default=None, validator=_check_bytes_per_second)
