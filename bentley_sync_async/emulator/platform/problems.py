"""The documented errors: status, code, message and details as the pages print them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Detail = tuple[str, str, str | None]
"""Code, message and target of one thing that is wrong."""


class ProblemError(Exception):
    """Ends a request with an error.

    Attributes:
        status: HTTP status.
        code: The error's code.
        message: The error's text.
        details: What is wrong, one by one.
        headers: Headers of the answer.
        wrapped: Whether the API answers, or the gateway before it, which has forms of its own.
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
        """Return the 422 with such a code."""
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
    """Return the 401 of the pages, or the one of the 2021 OpenAPI."""
    if wrapped:
        return ProblemError(401, "HeaderNotFound", "Header Authorization was not found in the request. Access denied.")
    text = "Access denied due to invalid access_token. Make sure to provide a valid token for this API endpoint."
    return ProblemError(401, "AccessDenied", text, wrapped=False)


def forbidden() -> ProblemError:
    """Return the 403."""
    return ProblemError(
        403, "InsufficientPermissions", "The user has insufficient permissions for the requested operation."
    )


def connection_not_found() -> ProblemError:
    """Return the 404 of a connection."""
    return ProblemError(404, "StorageConnectionNotFound", "Requested StorageConnection is not available.")


def source_file_not_found() -> ProblemError:
    """Return the 404 of a source file."""
    return ProblemError(
        404, "StorageConnectionSourceFileNotFound", "Requested StorageConnectionSourceFile is not available."
    )


def run_not_found() -> ProblemError:
    """Return the 404 of a run."""
    return ProblemError(404, "ConnectionRunNotFound", "Requested Connection Run not available.")


def no_such_operation() -> ProblemError:
    """Return the 404 of a path that is no operation's; no page has one."""
    return ProblemError(404, "NotFound", "Requested resource is not available.")


def method_not_allowed(allowed: list[str]) -> ProblemError:
    """Return the 405 of a path that has other operations; no page has one."""
    return ProblemError(
        405, "MethodNotAllowed", "The method is not allowed for this resource.", headers={"Allow": ", ".join(allowed)}
    )


def already_mapped() -> ProblemError:
    """Return the 409 of a file that is already mapped to the iModel."""
    return ProblemError(
        409, "FileMappingToTheIModelAlreadyExists", "One or more SourceFiles are already mapped to the iModel."
    )


def already_processing() -> ProblemError:
    """Return the 409 of a trigger while another one of the iModel is being accepted."""
    return ProblemError(409, "ConflictWithAnotherIModelRequest", "The iModel is already processing this request.")


def already_in_use() -> ProblemError:
    """Return the 409 of a connection that cannot be deleted while it runs."""
    return ProblemError(409, "ConnectionAlreadyInUse", "Connection is already being processed.")


def rate_limited(code: str, *, wrapped: bool, headers: Mapping[str, str]) -> ProblemError:
    """Return the 429 in one of its two spellings."""
    message = (
        "More requests were received than the subscription rate-limit allows."
        if code == "TooManyRequests"
        else "The client sent more requests than allowed by this API for the current tier of the client."
    )
    return ProblemError(429, code, message, headers=headers, wrapped=wrapped)


def not_valid(name: str) -> Detail:
    """Return the detail of an id that cannot be one."""
    return ("InvalidValue", f"Provided {name} value is not valid.", name)


PAGE_SIZE: Detail = ("InvalidValue", "Page size is out of limits.", "$top")
NO_IMODEL_ID: Detail = ("MissingRequiredProperty", "imodelId was not provided.", "imodelId")
NO_FILES: Detail = (
    "MissingRequiredProperty",
    "At least one input file must be included to create a ConnectionDefinition.",
    "sourceFiles",
)
CONNECTOR_TYPE: Detail = (
    "InvalidValue",
    (
        "connectorType must be one of: 'AUTOPLANT', 'CIVIL', 'CIVIL3D', 'DACQJSON', 'DWG', 'GEOSPATIAL', 'IFC', "
        "'INTELLIPID', 'MSTN', 'NWD', 'OBD', 'OPENTOWER', 'PROSTRUCTURES', 'PSEXCEL', 'REVIT', 'SPPID', 'SPXREVIEW'."
    ),
    "connectorType",
)
AUTHENTICATION_TYPE: Detail = (
    "InvalidValue",
    "authenticationType must be one of: 'User', 'Service'.",
    "authenticationType",
)
REDIRECT_URL: Detail = ("InvalidValue", "redirectUrl should be a valid URL.", "redirectUrl")


def missing(name: str) -> Detail:
    """Return the detail of a property that is not there."""
    return ("MissingRequiredProperty", "A property required to create or update a connection is missing.", name)
