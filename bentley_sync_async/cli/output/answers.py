"""The answer of a command: a list, a card or a record, in the wanted format."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Iterable, Sequence

from attrs import frozen
from rich.text import Text

from bentley_sync_async.cli.shutdown import Screen

from .columns import Column, id_of
from .plain import check_fields, json_text, tsv_lines
from .tables import print_card, print_table
from .wanted import Wanted


@frozen(kw_only=True)
class Section:
    """A table below a card.

    Attributes:
        title: What is in it.
        records: Its rows.
        columns: Its columns; those of the records by default.
    """

    title: str
    records: Sequence[object]
    columns: Sequence[Column] | None = None


@frozen
class Card:
    """One record to show, with what belongs to it.

    Attributes:
        record: The record.
        sections: Tables below it, for people only.
        extra: More lines of the card, for people only.
    """

    record: object
    sections: Sequence[Section] = ()
    extra: Sequence[tuple[str, str]] = ()


async def print_answer(answer: object, wanted: Wanted) -> None:
    """Print what the work of a verb returned: a listing, a sequence, a card or one record."""
    match answer:
        case Card():
            print_single(answer, wanted)
        case AsyncIterable():
            print_records(await _first(answer, wanted.limit), wanted)
        case list() | tuple():
            print_records(answer[: wanted.limit], wanted)
        case _:
            print_single(Card(answer), wanted)


def print_records(records: Sequence[object], wanted: Wanted) -> None:
    """Print a list."""
    if _printed_for_scripts(records, wanted, single=False):
        return
    console = Screen(highlight=False)
    if records:
        print_table(console, records)
    elif console.is_terminal:
        print("There are none.", file=sys.stderr)


def print_single(card: Card, wanted: Wanted) -> None:
    """Print one record, for people with what belongs to it."""
    if _printed_for_scripts([card.record], wanted, single=True):
        return
    console = Screen(highlight=False)
    print_card(console, card.record, card.extra)
    for section in card.sections:
        if section.records:
            console.print()
            console.print(Text(section.title, "bold"))
            print_table(console, section.records, section.columns)


def _printed_for_scripts(records: Sequence[object], wanted: Wanted, *, single: bool) -> bool:
    check_fields(records, wanted.fields)
    match wanted.format:
        case "json":
            _write([json_text(records, wanted.fields, single=single)])
        case "tsv":
            _write(tsv_lines(records, wanted.fields))
        case "ids":
            _write(map(id_of, records))
        case _:
            return False
    return True


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _first(records: AsyncIterable[object], limit: int | None) -> list[object]:
    found: list[object] = []
    async for record in records:
        found.append(record)
        if limit is not None and len(found) >= limit:
            break
    return found
