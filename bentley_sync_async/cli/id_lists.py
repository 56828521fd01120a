"""Files with the ids of connections: an id a line, or a column of a table."""

from __future__ import annotations

import codecs
import csv
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import frozen

from bentley_sync_async import InvalidArgumentError

STDIN = "-"

_COLUMNS = ("connectionid", "id")  # the better name first: a table may count its rows as `id`
_DELIMITERS = ",;\t"
_COMMENT = re.compile(r"(^|\s)#(\s.*)?$")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_HOW = "Save it as text with an id a line, or as CSV with a column connectionId."


@frozen(kw_only=True)
class IdList:
    """The ids of a file.

    Attributes:
        ids: Each id once, in the order of the file.
        repeated: How many ids were repetitions.
        rows_without_id: How many rows of the table are not empty, but have no id.
    """

    ids: tuple[str, ...]
    repeated: int = 0
    rows_without_id: int = 0


def read_ids(file: str, *, column: str | None = None) -> IdList:
    """Return the ids of a file, or of standard input if it is `-`.

    Raises:
        InvalidArgumentError: It cannot be read, or as `parse_ids`.
    """
    if file == STDIN:
        return parse_ids(sys.stdin.buffer.read(), name="standard input", column=column)
    try:
        data = Path(file).read_bytes()
    except (OSError, ValueError) as exc:
        raise InvalidArgumentError(
            f"{file} cannot be read: {getattr(exc, 'strerror', None) or exc}. Ids go in a file, or to - by a pipe."
        ) from exc
    return parse_ids(data, name=file, column=column)


def parse_ids(data: bytes, *, name: str, column: str | None = None) -> IdList:
    """Return the ids in the contents of a file.

    A file with an id a line may have blank lines and comments (`#`). A table has the names of its columns in its first
    line, and commas, semicolons or tabs between them.

    Args:
        data: The contents: UTF-8, UTF-16 with its mark, or, as the ids are ASCII, whatever Windows writes.
        name: The file, for people.
        column: The column of the ids; otherwise `connectionId`, `connection_id` or `id`, however they are written.

    Raises:
        InvalidArgumentError: It is not text, has no id, or is a table whose column of ids is not known.
    """
    numbered = [
        (number, line)
        for number, line in enumerate(re.split(r"\r\n|\r|\n", _text(data, name)), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not numbered:
        raise InvalidArgumentError(f"{name} contains no id of a connection. {_HOW}")
    first = _COMMENT.sub("", numbered[0][1])
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = csv.reader((line for _, line in numbered), delimiter=delimiter)
        header = [cell.strip() for cell in next(rows)]
        place = _place(header, column)
        if place is not None:
            found, without = _ids_of_table(rows, place)
        elif column is None and delimiter not in first.strip().rstrip(_DELIMITERS):
            found, without = _ids_of_lines(numbered, name), 0
        else:
            raise InvalidArgumentError(_no_column(name, header, column))
    except csv.Error as exc:
        raise InvalidArgumentError(f"{name} is not a readable table: {exc}. {_HOW}") from exc
    if not found:
        raise InvalidArgumentError(f"{name} contains no id of a connection below the names of its columns.")
    ids = tuple(dict.fromkeys(found))
    return IdList(ids=ids, repeated=len(found) - len(ids), rows_without_id=without)


def _text(data: bytes, name: str) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if _NOT_TEXT.search(text):
        raise InvalidArgumentError(f"{name} is not text: a workbook, an archive or another program's file. {_HOW}")
    return text


def _place(header: Sequence[str], column: str | None) -> int | None:
    """Return the index of the column with the ids; `None` if no column has such a name."""
    names = [_normalized(cell) for cell in header]
    wanted = _COLUMNS if column is None else (_normalized(column),)
    return next((names.index(one) for one in wanted if one in names), None)


def _normalized(column: str) -> str:
    return re.sub(r"[\s_-]", "", column).casefold()


def _ids_of_table(rows: Iterable[Sequence[str]], place: int) -> tuple[list[str], int]:
    found: list[str] = []
    without = 0
    for row in rows:
        if place < len(row) and row[place].strip():
            found.append(row[place].strip())
        else:
            without += any(cell.strip() for cell in row)
    return found, without


def _ids_of_lines(numbered: Iterable[tuple[int, str]], name: str) -> list[str]:
    found: list[str] = []
    for number, line in numbered:
        one = _COMMENT.sub("", line).strip().rstrip(_DELIMITERS).strip(" \"'")
        if any(delimiter in one for delimiter in _DELIMITERS):
            raise InvalidArgumentError(
                f"Line {number} of {name} holds several values. Put one id on a line, or the names of the columns on "
                "the first line."
            )
        found += [one] if one else []
    return found


def _no_column(name: str, header: Sequence[str], column: str | None) -> str:
    wanted = repr(column) if column is not None else "'connectionId', 'connection_id' or 'id'"
    shown = ", ".join(repr(cell[:40]) for cell in header[:10])
    return f"The first line of {name} has no column {wanted}, but {shown}. Name the column of the ids with --column."
