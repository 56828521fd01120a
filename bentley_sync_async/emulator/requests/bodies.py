"""Reads the properties of request bodies, and collects what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bentley_sync_async.emulator.platform.messages import Call
from bentley_sync_async.emulator.platform.problems import Detail, ProblemError

LONGEST_NAME = 255


class Body:
    """The JSON object of a request, and the details of its errors so far.

    Attributes:
        code: The code of the 422.
        message: The message of the 422.
        errors: What is wrong with the properties that were read.
    """

    def __init__(self, call: Call, code: str, message: str = "Cannot perform operation.") -> None:
        """Read the body; an empty one is an object without properties if it may be missing."""
        self.code = code
        self.message = message
        self.errors: list[Detail] = []
        self._properties: Mapping[str, Any] = call.json_object(code)

    def __contains__(self, name: str) -> bool:
        return self._properties.get(name) is not None

    def string(self, name: str, *, required: bool = False, longest: int | None = None) -> str | None:
        """Return a property that is a string, or `None` if it is missing or invalid."""
        value = self._properties.get(name)
        if value is None or value == "":
            if required:
                self.missing(name)
            return value
        if not isinstance(value, str) or (longest is not None and len(value) > longest):
            self.invalid(name)
            return None
        return value

    def one_of(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """Return a property that is one of these strings, or `None` if it is missing or invalid."""
        value = self.string(name, required=required)
        if value is not None and value not in allowed:
            self.invalid(name)
            return None
        return value

    def other(self, name: str, kind: type) -> Any:
        """Return a property of this type, or `None` if it is missing or invalid."""
        value = self._properties.get(name)
        if value is not None and not isinstance(value, kind):
            self.invalid(name)
            return None
        return value

    def missing(self, name: str) -> None:
        """Note that a required property is missing."""
        self.errors.append(("MissingRequiredProperty", "Required property is missing.", name))

    def invalid(self, name: str) -> None:
        """Note that a property is invalid."""
        self.errors.append(("InvalidValue", f"Provided '{name}' value is not valid.", name))

    def check(self) -> None:
        """Refuse the request if a property was invalid.

        Raises:
            ProblemError: 422.
        """
        if self.errors:
            raise ProblemError(422, self.code, self.message, *self.errors)
