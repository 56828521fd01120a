"""Which operation answers a request. Paths are compared without regard to case, as old clients need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from attrs import frozen

from .messages import Call, Reply
from .problems import method_not_allowed, no_such_operation


@frozen
class Operation:
    """One operation.

    Attributes:
        name: As the last part of its page's address.
        method: HTTP method.
        path: Regular expression of the whole path.
        answer: What answers it.
        open: Whether it needs no token and counts against no quota.
    """

    name: str
    method: str
    path: str
    answer: Callable[[Call], Reply]
    open: bool = False


def find(operations: Sequence[Operation], method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation of a request, and the variable parts of its path.

    Raises:
        ProblemError: 404 or 405.
    """
    allowed = []
    for operation in operations:
        match = re.fullmatch(operation.path, path, re.IGNORECASE)
        if match is not None and operation.method == method:
            return operation, match.groupdict()
        if match is not None:
            allowed.append(operation.method)
    raise method_not_allowed(allowed) if allowed else no_such_operation()
