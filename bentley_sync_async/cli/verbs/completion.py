"""Live completion of names: from a cache if it is fresh, else from the service within a second, else nothing.

Completion runs while somebody types: it never raises, prints nothing, and is never slow.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from bentley_sync_async.cli.lookup import Lookup, Named

_PLAIN = re.compile(r"[\w.,:/@%+=-]+")
_PATIENCE = 1.0  # seconds that somebody waits for a completion


def complete_connections(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the iModel's connections that begin like this."""
    kind: Literal["storage", "manifest"] = (
        "manifest" if "manifest" in {*context.command_path.split(), context.params.get("kind")} else "storage"
    )
    return _names(context, f"{kind} connections", lambda lookup: lookup.connections(kind), incomplete)


def complete_imodels(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the iTwin's iModels that begin like this."""
    return _names(context, "iModels", lambda lookup: lookup.imodels(), incomplete)


def complete_itwins(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the iTwins that begin like this."""
    return _names(context, "iTwins", lambda lookup: lookup.itwins(), incomplete)


def _names(
    context: typer.Context,
    kind: str,
    fetch: Callable[[Lookup], Awaitable[list[Named]]],
    incomplete: str,
) -> list[str]:
    try:
        found = _cached_or_fetched(context.params, kind, fetch)
    except BaseException:  # noqa: BLE001 - a traceback in the middle of a command line helps nobody
        return []
    names = [name for _, name in found]
    unique = [name for name in dict.fromkeys(names) if names.count(name) == 1]
    begun = [name for name in unique if name.casefold().startswith(incomplete.casefold())]
    return [quoted(name) for name in sorted(begun)] or [
        one for one, _ in found if incomplete and one.startswith(incomplete)
    ]


def quoted(name: str) -> str:
    """Return a name as the shell takes it for one word; zsh and fish see to that themselves."""
    shell = os.environ.get("_BENTLEY_SYNC_COMPLETE", "").rpartition("_")[2]
    if _PLAIN.fullmatch(name) or shell not in {"bash", "pwsh", "powershell"}:
        return name
    if shell == "bash":
        return re.sub(r"([^\w.,:/@%+=-])", r"\\\1", name)
    return "'" + name.replace("'", "''") + "'"


def _cached_or_fetched(
    given: dict[str, Any], kind: str, fetch: Callable[[Lookup], Awaitable[list[Named]]]
) -> list[Named]:
    from bentley_sync_async.cli.clients import assumed, service_and_caller  # noqa: PLC0415 - the help is quick without
    from bentley_sync_async.cli.name_cache import NameCache  # noqa: PLC0415

    itwin, imodel = given.get("itwin") or assumed("itwin") or "", given.get("imodel") or assumed("imodel") or ""
    places = {"iTwins": "", "iModels": itwin}
    cache = NameCache(service_and_caller(), kind, places.get(kind, f"{itwin}\n{imodel}"))
    if (fresh := cache.fresh()) is not None:
        return fresh
    from .fetching import fetched_within  # noqa: PLC0415 - the client is needed only now

    found = fetched_within(_PATIENCE, fetch, itwin=itwin or None, imodel=imodel or None)
    if found is None:
        return cache.any_age()
    cache.store(found)
    return found
