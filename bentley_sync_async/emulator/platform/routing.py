"""Finds the operation of a request. Paths are case-insensitive, because old clients spell them differently."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from .messages import Call, Reply
from .problems import method_not_allowed, no_such_operation


@frozen
class Operation:
    """One operation of an API.

    Attributes:
        api: Name of the API, such as `synchronization`, whose scopes and rate limits apply. With `None`, requests need
            no token and have no rate limit.
        name: The last part of the address of its documentation page.
        method: HTTP method.
        path: Regular expression of the whole path.
        answer: Function that answers a request.
    """

    api: str | None
    name: str
    method: str
    path: str
    answer: Callable[[Call], Reply | Awaitable[Reply]]


def find(operations: Sequence[Operation], method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation of a request, and the variable parts of its path.

    Raises:
        ProblemError: 404 if no operation has the path; 405 if none of them has the method.
    """
    allowed = []
    for operation in operations:
        match = re.fullmatch(operation.path, path, re.IGNORECASE)
        if match is not None and operation.method == method:
            return operation, match.groupdict()
        if match is not None:
            allowed.append(operation.method)
    raise method_not_allowed(allowed) if allowed else no_such_operation()
