"""How much a test tries: enough to notice a mistake in `make test`, and much more in `make torture`."""

import os
from typing import TypeVar

FULL_LENGTH = os.environ.get("FULL_LENGTH", "0") == "1"
T = TypeVar("T")


def length(short: T, full: T) -> T:
    """Return the second one with `FULL_LENGTH=1`, otherwise the first one."""
    return full if FULL_LENGTH else short
