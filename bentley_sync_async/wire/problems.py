"""Converts error answers to exceptions.

The usual body is `{"error": {"code", "message", "target", "details"}}`. Gateways answer without the wrapping member,
`{"code", "message"}` or `{"statusCode", "message"}`, with HTML, or with an empty body (pages `run-storage-connection`,
"Error Response", and the official OpenAPI of 2021). Decoding an error never fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bentley_sync_async.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
    ProblemDetail,
    RateLimitedError,
    ServerError,
    UnprocessableError,
)
from bentley_sync_async.redaction import excerpt, redact

from .codec import parse
from .headers import request_id, retry_after

_CLASSES: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
_LONGEST_TEXT = 500
_MOST_DETAILS = 50
_FIRST_SERVER_ERROR = 500


@frozen(kw_only=True)
class Problem:
    """The error object of an answer ("Error"). By the pages, any part of it may be missing.

    Attributes:
        code: The service's error code, such as `StorageConnectionNotFound`. Codes of the same error have changed: use
            the status first.
        message: For people.
        target: The parameter or entity with the error; usually `None`, as the details have it.
        details: One for each mistake; empty if the service gives none.
    """

    code: str | None = None
    message: str | None = None
    target: str | None = None
    details: tuple[ProblemDetail, ...] = ()


def api_error(*, status: int, headers: Mapping[str, str], body: bytes, method: str, url: str) -> APIError:
    """Return the exception for an error answer."""
    cls = _CLASSES.get(status, ServerError if status >= _FIRST_SERVER_ERROR else APIError)
    problem = decode_problem(body)
    if problem == Problem():
        problem = Problem(message=_foreign_body(headers, body))
    return cls(
        status=status,
        method=method,
        url=redact(url),
        code=problem.code,
        message=problem.message,
        target=problem.target,
        details=problem.details,
        retry_after=retry_after(headers),
        request_id=request_id(headers),
    )


def decode_problem(body: bytes) -> Problem:
    """Return the error object of a body; an empty `Problem` if it has none."""
    try:
        parsed = parse(body)
    except DecodeError:
        return Problem()
    if not isinstance(parsed, dict):
        return Problem()
    error = parsed.get("error", parsed)
    if not isinstance(error, dict):
        return Problem()
    details = error.get("details")
    return Problem(
        code=_text(error, "code"),
        message=_text(error, "message"),
        target=_text(error, "target"),
        details=tuple(
            ProblemDetail(code=_text(item, "code"), message=_text(item, "message"), target=_text(item, "target"))
            for item in (details if isinstance(details, list) else [])[:_MOST_DETAILS]
            if isinstance(item, dict)
        ),
    )


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    return excerpt(value, _LONGEST_TEXT) if isinstance(value, str) and value else None


def _foreign_body(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return one line about a body that is not from the service: HTML of a proxy, plain text, truncated JSON."""
    if not body.strip():
        return None
    kind = excerpt(headers.get("content-type", "unknown type").partition(";")[0])
    return f"({kind}) {excerpt(body[:2000].decode('utf-8', 'replace'))}"
