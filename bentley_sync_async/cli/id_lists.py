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
_NEW_LINE = re.compile(r"\r\n|\r|\n")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MOST_BYTES = 16 * 1024 * 1024  # of a list: half a million ids
_LONGEST = 256  # characters of an id
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
        return parse_ids(sys.stdin.buffer.read(_MOST_BYTES + 1), name="standard input", column=column)
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
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
        InvalidArgumentError: It is not text, has no id, an id or a list longer than any, or is a table whose column of
            ids is not known.
    """
    if len(data) > _MOST_BYTES:
        raise InvalidArgumentError(f"{name} is larger than {_MOST_BYTES:,} bytes, as no list of ids is. {_HOW}")
    numbered = [
        (number, line)
        for number, line in enumerate(_NEW_LINE.split(_text(data, name)), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not numbered:
        raise InvalidArgumentError(f"{name} contains no id of a connection. {_HOW}")
    found, without = _ids(numbered, name, column)
    if not found:
        raise InvalidArgumentError(f"{name} contains no id of a connection below the names of its columns.")
    for number, one in found:
        if len(one) > _LONGEST:
            raise InvalidArgumentError(
                f"Line {number} of {name} has {len(one):,} characters in place of an id, and no id has more than "
                f"{_LONGEST}. {_HOW}"
            )
    ids = tuple(dict.fromkeys(one for _, one in found))
    return IdList(ids=ids, repeated=len(found) - len(ids), rows_without_id=without)


def _text(data: bytes, name: str) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if (found := _NOT_TEXT.search(text)) is not None:
        line = len(_NEW_LINE.split(text[: found.start()]))
        raise InvalidArgumentError(
            f"{name} is not text, in line {line}: a workbook, an archive or another program's file. {_HOW}"
        )
    return text.replace("\ufeff", "")  # the mark of UTF-8, also of a list that was appended to another one


def _ids(numbered: Sequence[tuple[int, str]], name: str, column: str | None) -> tuple[list[tuple[int, str]], int]:
    """Return the ids with the numbers of their lines, and how many rows of a table have none."""
    first = _COMMENT.sub("", numbered[0][1])
    delimiter = max(_DELIMITERS, key=first.count)
    numbers = [number for number, _ in numbered]
    rows = csv.reader((line for _, line in numbered), delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(rows)]
        place = _place(header, column)
        if place is not None:
            cells = [(numbers[rows.line_num - 1], row, row[place].strip() if place < len(row) else "") for row in rows]
            without = sum(not one and any(cell.strip() for cell in row) for _, row, one in cells)
            return [(number, one) for number, _, one in cells if one], without
    except csv.Error as exc:
        raise InvalidArgumentError(
            f"{name} is not a readable table, in line {numbers[rows.line_num - 1]}: {exc}. {_HOW}"
        ) from exc
    if column is None and delimiter not in first.strip().rstrip(_DELIMITERS):
        return _ids_of_lines(numbered, name), 0
    raise InvalidArgumentError(_no_column(name, header, column))


def _place(header: Sequence[str], column: str | None) -> int | None:
    """Return the index of the column with the ids; `None` if no column has such a name."""
    names = [_normalized(cell) for cell in header]
    wanted = _COLUMNS if column is None else (_normalized(column),)
    return next((names.index(one) for one in wanted if one in names), None)


def _normalized(column: str) -> str:
    return re.sub(r"[\s_-]", "", column).casefold()


def _ids_of_lines(numbered: Iterable[tuple[int, str]], name: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for number, line in numbered:
        one = _COMMENT.sub("", line).strip().rstrip(_DELIMITERS).strip(" \"'")
        if any(delimiter in one for delimiter in _DELIMITERS):
            raise InvalidArgumentError(
                f"Line {number} of {name} holds several values. Put one id on a line, or the names of the columns on "
                "the first line."
            )
        found += [(number, one)] if one else []
    return found


def _no_column(name: str, header: Sequence[str], column: str | None) -> str:
    wanted = repr(column) if column is not None else "'connectionId', 'connection_id' or 'id'"
    shown = ", ".join(repr(cell[:40]) for cell in header[:10])
    return f"The first line of {name} has no column {wanted}, but {shown}. Name the column of the ids with --column."
