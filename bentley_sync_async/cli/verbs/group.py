"""The root group: it knows the nouns by name, and loads one when it is used.

Contexts and formatters are of typer or of click, by the version of typer.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from .quick_group import QuickGroup
from .registry import NOUNS, noun

_MARGIN = 6  # columns beside the texts of a list of commands


class RootGroup(QuickGroup):
    """The commands of the application, and the nouns."""

    def __init__(self, **settings: Any) -> None:
        """Make the group, with a group without verbs in place of each noun, for its help and for suggestions."""
        super().__init__(**settings)
        self.own = list(self.commands)
        for name, (_, text) in NOUNS.items():
            self.commands[name] = TyperGroup(name=name, help=text)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or a noun with its verbs."""
        if cmd_name in NOUNS:
            return get_group(noun(cmd_name).app)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of the commands and the nouns, without loading a noun."""
        del ctx
        limit = formatter.width - _MARGIN - max(map(len, self.commands))
        for heading, names in (("Commands", self.own), ("Nouns, each with verbs of its own", list(NOUNS))):
            with formatter.section(heading):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])


def root_app(**settings: Any) -> typer.Typer:
    """Return the application: it has completion, `-h`, and help without rich, which takes longer than all else."""
    return typer.Typer(
        cls=RootGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )
