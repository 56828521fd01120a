"""The options of a bulk, and their validation. Pure."""

from collections.abc import Callable
from typing import Any, get_args

from attrs import field, frozen
from attrs.validators import optional

from bentley_sync_async.config import WhenActive
from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.pacing.strategies import Pacing, check_pacing, is_seconds

Check = Callable[[Any, Any, Any], None]


def whole_number(minimum: int) -> Check:
    """Return a check that an option is a whole number of at least this."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        if type(value) is not int or value < minimum:
            raise InvalidArgumentError(f"{attribute.name} must be a whole number of at least {minimum}, not {value!r}.")

    return check


def _choice(_: Any, attribute: Any, value: Any) -> None:
    if value not in get_args(WhenActive):
        raise InvalidArgumentError(f"{attribute.name} must be 'join' or 'rerun', not {value!r}.")


def _pacing(_: Any, __: Any, value: Any) -> None:
    check_pacing(value)


@frozen(kw_only=True)
class BulkOptions:
    """The options of a bulk; an invalid one raises an `InvalidArgumentError`.

    Attributes:
        concurrency: How many runs may be under way at a time.
        per_itwin: How many of them in one iTwin; `None` for no limit.
        when_active: What to do when a run of the connection itself is active.
        timeout: Seconds for the watch of each connection, from its start; `None` for no timeout.
        retry_failed: How many more runs a connection gets if its run failed for a transient cause.
        pacing: When a run is polled.
    """

    concurrency: int = field(validator=whole_number(1))
    per_itwin: int | None = field(validator=optional(whole_number(1)))
    when_active: WhenActive = field(validator=_choice)
    timeout: float | None = field(validator=optional(is_seconds))
    retry_failed: int = field(validator=whole_number(0))
    pacing: Pacing = field(validator=_pacing)
