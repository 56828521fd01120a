"""Texts that fit the terminal: broken between words, and never into a pipe."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import TextIO

_COLUMN = re.compile(r".*\S {2,}(?=\S)|^ *")
_COMMAND = "  bentley-sync "
_NARROWEST = 30  # columns for the text of a row


def fitted(text: str, stream: TextIO) -> str:
    """Return the text for a stream: for a terminal, lines that are too long go on below their last column.

    Commands to copy stay in one line.
    """
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(_broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    if len(line) <= width or line.startswith(_COMMAND):
        return line
    found = _COLUMN.match(line)
    indent = len(found[0]) if found is not None else 0
    if width - indent < _NARROWEST:
        indent = 4
    text = line.lstrip(" ")
    return textwrap.fill(
        text,
        width=width,
        initial_indent=" " * (len(line) - len(text)),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
