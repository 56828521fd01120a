"""Requests and answers as plain values: all of HTTP that the operations deal with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from .problems import ProblemError

MEDIA_TYPE = "application/json; charset=utf-8"


@frozen(kw_only=True)
class Call:
    """A request.

    Attributes:
        method: HTTP method.
        path: Decoded path.
        root: The platform's root URL as in the caller's request, such as `http://127.0.0.1:8080`.
        query: Query parameters, by their names in lower case.
        headers: Headers, by their names in lower case.
        body: The body's bytes.
        stream: The body in pieces, in place of `body`, for a blob: it may be larger than the memory.
        path_parameters: The variable parts of the path, such as `connectionId`.
        user_id: The id of the user whose token the request carries; `None` where no token is needed.
    """

    method: str
    path: str
    root: str
    query: Mapping[str, str] = field(factory=dict, repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    stream: AsyncIterator[bytes] | None = field(default=None, repr=False)
    path_parameters: Mapping[str, str] = field(factory=dict)
    user_id: str | None = None

    def json_object(self, code: str) -> dict[str, Any]:
        """Return the body, which must be a JSON object.

        Raises:
            ProblemError: 422, with this code.
        """
        if not self.body.strip():
            raise ProblemError(422, "MissingRequestBody", "Request body was not provided.")
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ProblemError.invalid(code, ("InvalidRequestBody", "Error parsing JSON, malformed JSON.", None))
        return value


@frozen
class FilePart:
    """A piece of a file that is part of an answer.

    Attributes:
        path: The file.
        start: Where the piece begins.
        size: Its bytes.
    """

    path: Path
    start: int
    size: int

    def read(self) -> bytes:
        """Return the bytes."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


@frozen
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        body: The body's bytes; an answer without a body has no content type.
        headers: Headers by name, without those that every answer has.
        parts: The body in place of `body`, for a blob.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    parts: tuple[FilePart, ...] = ()

    @classmethod
    def of_json(cls, status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Return an answer with a JSON body."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": MEDIA_TYPE, **(headers or {})})

    @classmethod
    def of_problem(cls, problem: ProblemError) -> Reply:
        """Return the answer to a request that failed."""
        return cls.of_json(problem.status, problem.payload(), problem.headers)
