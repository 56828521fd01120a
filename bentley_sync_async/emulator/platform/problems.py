"""Error answers in the platform's form, and the errors that all API products have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Detail = tuple[str, str, str | None]
"""Code, message and target of one detail of an error."""


class ProblemError(Exception):
    """Ends a request with an error.

    Attributes:
        status: HTTP status.
        code: The error's code.
        message: The error's text.
        details: One for each invalid value.
        headers: Headers of the answer.
        wrapped: Whether the body has the API's form; otherwise that of the gateway in front of the API.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *details: Detail,
        headers: Mapping[str, str] | None = None,
        wrapped: bool = True,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})
        self.wrapped = wrapped

    @classmethod
    def invalid(cls, code: str, *details: Detail) -> ProblemError:
        """Return a 422 with this code and these details."""
        return cls(422, code, "Cannot perform operation.", *details)

    def payload(self) -> dict[str, Any]:
        """Return the JSON body."""
        if not self.wrapped:
            named = {"statusCode": 401} if self.status == 401 else {"code": self.code}  # noqa: PLR2004
            return {**named, "message": self.message}
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [
                {"code": code, "message": message} | ({"target": target} if target else {})
                for code, message, target in self.details
            ]
        return {"error": error}


def unauthorized(*, wrapped: bool) -> ProblemError:
    """Return the 401 of the pages, or without `wrapped` that of the OpenAPI description of 2021."""
    if wrapped:
        return ProblemError(401, "HeaderNotFound", "Header Authorization was not found in the request. Access denied.")
    text = "Access denied due to invalid access_token. Make sure to provide a valid token for this API endpoint."
    return ProblemError(401, "AccessDenied", text, wrapped=False)


def forbidden() -> ProblemError:
    """Return the 403."""
    return ProblemError(
        403, "InsufficientPermissions", "The user has insufficient permissions for the requested operation."
    )


def no_such_operation() -> ProblemError:
    """Return the 404 for a path that no operation has; it is not documented."""
    return ProblemError(404, "NotFound", "Requested resource is not available.")


def method_not_allowed(allowed: list[str]) -> ProblemError:
    """Return the 405 for a method that the path does not have; it is not documented."""
    return ProblemError(
        405, "MethodNotAllowed", "The method is not allowed for this resource.", headers={"Allow": ", ".join(allowed)}
    )


def rate_limited(code: str, *, wrapped: bool, headers: Mapping[str, str]) -> ProblemError:
    """Return the 429 with one of its two codes."""
    message = (
        "More requests were received than the subscription rate-limit allows."
        if code == "TooManyRequests"
        else "The client sent more requests than allowed by this API for the current tier of the client."
    )
    return ProblemError(429, code, message, headers=headers, wrapped=wrapped)


def not_valid(name: str) -> Detail:
    """Return the detail of a malformed value."""
    return ("InvalidValue", f"Provided {name} value is not valid.", name)


PAGE_SIZE: Detail = ("InvalidValue", "Page size is out of limits.", "$top")
