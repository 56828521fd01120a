"""A group of commands whose help is quick: newer versions of typer load pydantic for every flag that is `None`.

Contexts and options are of typer or of click, by the version of typer.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

_UNSET = frozenset({"help", "install_completion", "show_completion"})


class QuickGroup(TyperGroup):
    """A group whose own flags are `False` where typer leaves them `None`."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters of the group."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if parameter.name in _UNSET and getattr(parameter, "is_flag", False) and parameter.default is None:
                parameter.default = False
        return parameters
