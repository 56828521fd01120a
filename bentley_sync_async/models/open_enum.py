"""Enums that a newer service may extend without breaking an older client."""

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A string enum that accepts values it does not know.

    `ExecutionState("Hibernating")` is a value like any other: it keeps its text, equals every other one of the same
    text (and the text itself), pickles, and says `known == False`. It is no member: iteration does not show it.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        spelled_as = cls._other_spellings().get(value)
        if spelled_as is not None:
            return cls(spelled_as)
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown

    @classmethod
    def _other_spellings(cls) -> dict[str, str]:
        """Return values that some pages spell differently, each with the value it stands for."""
        return {}

    @property
    def known(self) -> bool:
        """Whether this package knows the value."""
        return type(self)._value2member_map_.get(self._value_) is self

    def __repr__(self) -> str:
        shown = f".{self.name}" if self.known else f"({self.value!r})"
        return f"{type(self).__name__}{shown}"
