"""The options that many verbs have. Light: it is imported for every help."""

from __future__ import annotations

from inspect import Parameter
from typing import Annotated, Any

import typer

from bentley_sync_async.cli.output.wanted import Format

from .completion import complete_connections, complete_imodels, complete_itwins

IModelName = Annotated[
    str, typer.Argument(metavar="IMODEL", help="The iModel, by id or name.", autocompletion=complete_imodels)
]
ITwinName = Annotated[
    str, typer.Argument(metavar="ITWIN", help="The iTwin, by id, name or number.", autocompletion=complete_itwins)
]
ConnectionName = Annotated[
    str,
    typer.Argument(metavar="CONNECTION", help="The connection, by id or name.", autocompletion=complete_connections),
]
ItemPath = Annotated[
    str, typer.Argument(metavar="PATH", help="The path from the iTwin's root folder, such as designs/a.dgn, or the id.")
]

_OUTPUT = Annotated[
    Format | None,
    typer.Option("--output", "-o", help="How to print: table for people, json, tsv or ids. [default: table]"),
]
_FIELDS = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FIELDS",
        help="Print these fields as JSON (or, with -o tsv, as columns): id,displayName,error.errorKey",
    ),
]
_QUIET = Annotated[bool, typer.Option("--quiet", "-q", help="Print ids only, as -o ids does.")]
_IMODEL = Annotated[
    str | None,
    typer.Option(
        "--imodel",
        metavar="IMODEL",
        help="The iModel, by id or name. [env var: BENTLEY_SYNC_IMODEL]",
        autocompletion=complete_imodels,
    ),
]
_ITWIN = Annotated[
    str | None,
    typer.Option(
        "--itwin",
        metavar="ITWIN",
        help="The iTwin, by id, name or number. [env var: BENTLEY_SYNC_ITWIN]",
        autocompletion=complete_itwins,
    ),
]
_LIMIT = Annotated[int | None, typer.Option("--limit", metavar="N", help="Print the first N at most.", min=1)]
_YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_WEB = Annotated[bool, typer.Option("--web", help="Open the page in a browser as well.")]

OUTPUT = {"output": (_OUTPUT, None), "fields": (_FIELDS, None), "quiet": (_QUIET, False)}
PLACES = {
    "": {},
    "itwin": {"itwin": (_ITWIN, None)},
    "imodel": {"imodel": (_IMODEL, None), "itwin": (_ITWIN, None)},
}
LIMIT = {"limit": (_LIMIT, None)}
YES = {"yes": (_YES, False)}
WEB = {"web": (_WEB, False)}


def parameters(options: dict[str, tuple[Any, Any]]) -> list[Parameter]:
    """Return the options as parameters of a function."""
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in options.items()
    ]
