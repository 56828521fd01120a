"""Nouns and their verbs: what a command is, declared beside the function that does it. Light: no client, no rich."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import typer

from bentley_sync_async.cli.exit_codes import EXIT_CODES_NOTE

from .options import LIMIT, OUTPUT, PLACES, WEB, YES, parameters
from .quick_group import QuickGroup

Place = Literal["", "imodel", "itwin"]
Work = Callable[..., Awaitable[object]]

_LEAST_EXAMPLES = 2


class Verb:
    """One command.

    Attributes:
        path: Its words after `bentley-sync`, such as `connection file add`.
        operations: The operations of the API that it can send, by the names of their pages.
        examples: Command lines without `bentley-sync`, at least two.
        work: The function that does it; its first argument is the session.
    """

    def __init__(self, path: str, operations: Sequence[str], examples: Sequence[str], work: Work) -> None:
        """Make a verb; see the attributes."""
        if len(examples) < _LEAST_EXAMPLES:
            raise ValueError(f"{path} needs two examples.")
        self.path = path
        self.operations = tuple(operations)
        self.examples = tuple(examples)
        self.work = work

    def epilog(self) -> str:
        """Return the end of its help: the examples, and where the exit codes are."""
        lines = "\n".join(f"  bentley-sync {self.path} {example}".rstrip() for example in self.examples)
        return f"\b\nExamples:\n{lines}\n\n{EXIT_CODES_NOTE}"


class Noun:
    """A thing of the API, with its verbs.

    Attributes:
        path: Its words after `bentley-sync`.
        help: What it is, in a sentence.
        app: Its typer application.
        verbs: Its verbs, and those of the nouns below it.
    """

    def __init__(self, path: str, help: str, *, above: Noun | None = None) -> None:  # noqa: A002 - typer's name
        """Make a noun, below another one if its path has two words."""
        self.path = path
        self.help = help
        self.verbs: list[Verb] = above.verbs if above is not None else []
        self.app = typer.Typer(
            name=path.rpartition(" ")[2],
            cls=QuickGroup,
            help=help,
            no_args_is_help=True,
            rich_markup_mode=None,
            add_completion=False,
        )
        if above is not None:
            above.app.add_typer(self.app)

    def verb(
        self,
        name: str,
        *operations: str,
        examples: Sequence[str],
        place: Place = "",
        lists: bool = False,
        deletes: bool = False,
        web: bool = False,
    ) -> Callable[[Work], Work]:
        """Declare the function as a verb of this noun.

        Args:
            name: The verb.
            operations: The operations of the API that it can send.
            examples: What may follow the verb.
            place: Where names are looked up: the verb gets `--imodel` and `--itwin`, or `--itwin`.
            lists: Whether it prints many records, and has `--limit`.
            deletes: Whether it asks before it works, and has `--yes`.
            web: Whether it has `--web`.
        """
        options = PLACES[place] | (LIMIT if lists else {}) | (YES if deletes else {}) | (WEB if web else {}) | OUTPUT

        def declare(work: Work) -> Work:
            verb = Verb(f"{self.path} {name}", operations, examples, work)
            self.verbs.append(verb)
            self.app.command(name, epilog=verb.epilog())(_command(verb, options))
            return work

        return declare


def _command(verb: Verb, options: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    """Return the function that typer calls: it has the parameters of the work but for the session, and the options."""
    _session, *own = inspect.signature(verb.work).parameters.values()
    known = {parameter.name for parameter in own}
    shared = set(options)

    def command(context: typer.Context, **given: Any) -> None:
        from .execute import execute  # noqa: PLC0415 - the help is quick without it

        root = context.find_root().params
        common = {name: given.pop(name) for name in shared}
        raise typer.Exit(execute(verb, given, common, trace="debug" if root.get("debug") else _level(root)))

    all_parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *own,
        *(one for one in parameters(options) if one.name not in known),
    ]
    command.__signature__ = inspect.Signature(all_parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in all_parameters}
    command.__doc__ = inspect.cleandoc(verb.work.__doc__ or "").replace("\n\n", "\n\n\b\n", 0)
    return command


def _level(root: dict[str, Any]) -> Literal["", "verbose"]:
    return "verbose" if root.get("verbose") else ""
