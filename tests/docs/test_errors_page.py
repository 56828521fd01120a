"""The page on errors says all of the public errors, and of nothing else."""

import re
from inspect import cleandoc
from pathlib import Path

import bentley_sync_async
from bentley_sync_async import SynchronizationError

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
PUBLIC = [getattr(bentley_sync_async, name) for name in bentley_sync_async.__all__]
ERRORS = {thing for thing in PUBLIC if isinstance(thing, type) and issubclass(thing, BaseException)}


def section(heading):
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_table_lists_every_error_once_and_nothing_else():
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \|", section("What to do"), re.MULTILINE)
    assert sorted(rows) == sorted(error.__name__ for error in ERRORS)


def test_the_tree_is_the_tree():
    def lines(error, depth):
        also = [base.__name__ for base in error.__bases__ if not issubclass(base, SynchronizationError)]
        yield "  " * depth + error.__name__ + (f" (a {', '.join(also)}, too)" if depth and also else "")
        for child in error.__subclasses__():
            if child in ERRORS:
                yield from lines(child, depth + 1)

    (tree,) = re.findall(r"```text\n(.*?)```", section("The tree"), re.DOTALL)
    assert tree.splitlines() == list(lines(SynchronizationError, 0))


def test_what_an_error_carries_is_what_its_docstring_documents():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section("The tree"), re.MULTILINE)
    attributes = {error.__name__: cleandoc(error.__doc__ or "").partition("\nAttributes:\n")[2] for error in ERRORS}
    documented = {name: re.findall(r"^ {4}(\w+): ", text, re.MULTILINE) for name, text in attributes.items() if text}
    assert {name: re.findall(r"`(\w+)`", carries) for name, carries in rows} == documented
