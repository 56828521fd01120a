"""`bentley-sync config`: how the data of an iTwin, an iModel or a connection is synchronized."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bentley_sync_async.cli.verbs.noun import Noun

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("config", "Settings of iTwins, iModels and connections; a preview of the service.")

Scope = Annotated[Literal["itwin", "imodel", "connection"], typer.Argument(help="What the settings apply to.")]
Of = Annotated[str, typer.Argument(metavar="NAME", help="The iTwin, iModel or connection, by id or name.")]


@NOUN.verb("list", examples=["", "--json name,default"], lists=True)
async def list_(at: "Session") -> object:  # noqa: ARG001 - nothing is sent
    """List the settings that the pages of the service name, with their defaults; it may have more."""
    from bentley_sync_async.cli.work.configurations import known_settings

    return known_settings()


@NOUN.verb(
    "get",
    "get-itwin-configuration",
    "get-imodel-configuration",
    "get-connection-configuration",
    examples=["imodel Station --itwin Harbour", "connection Bridge --json resolvedSettings"],
    place="imodel",
)
async def get(at: "Session", scope: Scope, of: Of) -> object:
    """Show what is set, and what is in force: with the settings of wider scopes, and defaults."""
    from bentley_sync_async.cli.work.configurations import resource_and_id

    resource, scope_id = await resource_and_id(at, scope, of)
    return await resource.get(scope_id)


@NOUN.verb(
    "set",
    "patch-itwin-configuration",
    "patch-imodel-configuration",
    "patch-connection-configuration",
    "create-itwin-configuration",
    "create-imodel-configuration",
    "create-connection-configuration",
    examples=["imodel Station clampZExtent=true --itwin Harbour", "connection Bridge enableSheetIndex=true"],
    place="imodel",
)
async def set_(
    at: "Session",
    scope: Scope,
    of: Of,
    settings: Annotated[list[str], typer.Argument(metavar="SETTING=VALUE...", help="What to set; others stay.")],
) -> object:
    """Change settings; others stay as they are."""
    from bentley_sync_async.cli.work.configurations import parse_settings, set_settings

    return await set_settings(at, scope, of, parse_settings(settings))


@NOUN.verb(
    "unset",
    "get-itwin-configuration",
    "get-imodel-configuration",
    "get-connection-configuration",
    "delete-itwin-configuration",
    "delete-imodel-configuration",
    "delete-connection-configuration",
    "create-itwin-configuration",
    "create-imodel-configuration",
    "create-connection-configuration",
    examples=["imodel Station clampZExtent --itwin Harbour --yes", "connection Bridge --imodel Station"],
    place="imodel",
    deletes=True,
)
async def unset(
    at: "Session",
    scope: Scope,
    of: Of,
    settings: Annotated[list[str] | None, typer.Argument(metavar="[SETTING]...", help="Which; by default all.")] = None,
) -> object:
    """Unset settings: they are inherited from the wider scope again, or have their defaults."""
    from bentley_sync_async.cli.work.configurations import unset_settings

    return await unset_settings(at, scope, of, settings or [])
