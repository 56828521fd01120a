import math

import pytest
from support.quick import each

from bentley_sync_async import BackoffPacing, InvalidArgumentError
from bentley_sync_async.bulk.options import BulkOptions

GOOD = {
    "concurrency": 1,
    "per_itwin": None,
    "when_active": "join",
    "timeout": None,
    "retry_failed": 0,
    "pacing": BackoffPacing(),
}


@each(
    ("name", "value"),
    [
        ("concurrency", 10_000),
        ("per_itwin", 1),
        ("when_active", "rerun"),
        ("timeout", 0.5),
        ("timeout", 3600),
        ("retry_failed", 3),
    ],
)
def test_what_can_be_is_taken(name, value):
    assert getattr(BulkOptions(**{**GOOD, name: value}), name) == value


@each(
    ("name", "value"),
    [
        *((name, value) for name in ("concurrency", "per_itwin") for value in (0, -1, 1.0, True, "5", math.inf)),
        ("concurrency", None),
        *(("retry_failed", value) for value in (-1, None, 0.0, False, "1")),
        *(("timeout", value) for value in (0, -1, math.nan, math.inf, True, "60")),
        *(("when_active", value) for value in ("wait", None, "", ["join"])),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(name, value):
    with pytest.raises(InvalidArgumentError, match=f"^{name} must be .*, not "):
        BulkOptions(**{**GOOD, name: value})
