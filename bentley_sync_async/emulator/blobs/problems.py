"""The blob store's own errors: XML with a code, which a header repeats (Azure Blob Storage, error codes)."""

from __future__ import annotations

from html import escape

from bentley_sync_async.emulator.platform.messages import Reply

_MESSAGES = {
    "AuthenticationFailed": (
        403,
        (
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            "correctly including the signature."
        ),
    ),
    "AuthorizationPermissionMismatch": (
        403,
        "This request is not authorized to perform this operation using this permission.",
    ),
    "BlobAlreadyExists": (409, "The specified blob already exists."),
    "BlobNotFound": (404, "The specified blob does not exist."),
    "ConditionNotMet": (412, "The condition specified using HTTP conditional header(s) is not met."),
    "InvalidAuthenticationInfo": (
        400,
        "Authentication information is not given in the correct format. Check the value of Authorization header.",
    ),
    "InvalidBlobOrBlock": (400, "The specified blob or block content is invalid."),
    "InvalidBlobType": (409, "The blob type is invalid for this operation."),
    "InvalidBlockList": (400, "The specified block list is invalid."),
    "InvalidHeaderValue": (400, "The value for one of the HTTP headers is not in the correct format."),
    "InvalidQueryParameterValue": (
        400,
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "InvalidXmlDocument": (400, "XML specified is not syntactically valid."),
    "Md5Mismatch": (400, "The MD5 value specified in the request did not match with the MD5 value calculated."),
    "MissingRequiredHeader": (400, "An HTTP header that's mandatory for this request is not specified."),
}


class BlobError(Exception):
    """Ends a request to the blob store.

    Attributes:
        code: A code of the blob store.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def reply(self, request_id: str) -> Reply:
        """Return the answer."""
        status, message = _MESSAGES[self.code]
        text = f"{message}\nRequestId:{request_id}"
        error = f"<Error><Code>{self.code}</Code><Message>{escape(text)}</Message></Error>"
        body = f'<?xml version="1.0" encoding="utf-8"?>{error}'
        return Reply(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": self.code})
