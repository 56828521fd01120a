"""Writes the table of docs/cli.md: each command with its operations. Run it after a verb has changed."""

import inspect
import re
from pathlib import Path

from bentley_sync_async.cli.verbs.registry import all_verbs

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BEGIN, END = "<!-- commands: written by tests/docs/command_table.py -->", "<!-- end of commands -->"


def table() -> str:
    """Return the table."""
    rows = [
        f"| `{verb.path}` | {(inspect.getdoc(verb.work) or '').partition(chr(10))[0].rstrip('.')} "
        f"| {', '.join(f'`{name}`' for name in verb.operations) or 'none'} |"
        for verb in all_verbs()
    ]
    return "\n".join(["| command | what it does | operations of the API |", "|---|---|---|", *rows])


def written(text: str) -> str:
    """Return the text of the page with the table as it should be."""
    return re.sub(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", lambda _: f"{table()}\n", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
