"""How an answer is printed. Light: it is imported for every help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["table", "json", "tsv", "ids"]
"""How records are printed: for people, or for scripts."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How the answer of a command is printed.

    Attributes:
        format: The format.
        fields: The fields to print, by the API's names with dots between; empty for all.
        limit: How many records are printed at the most; `None` for all.
    """

    format: Format
    fields: tuple[str, ...] = ()
    limit: int | None = None
