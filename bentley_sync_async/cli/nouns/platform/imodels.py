"""`bentley-sync imodel`: iModels, their changesets and named versions."""

from typing import TYPE_CHECKING, Annotated

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import IModelName

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("imodel", "iModels of an iTwin.")
VERSIONS = Noun("imodel version", "The named versions of an iModel.", above=NOUN)

Description = Annotated[str | None, typer.Option(metavar="TEXT", help="A text about it.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="The named version, by id or name.")]


@NOUN.verb("list", "get-itwin-imodels", examples=["--itwin Harbour", "--itwin Harbour -q"], place="itwin", lists=True)
async def list_(
    at: "Session",
    *,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Those with this in their name.")] = None,
) -> object:
    """List the iModels of an iTwin."""
    return at.client.imodels.list(await at.itwin(), search=search, prefer="representation")


@NOUN.verb(
    "show",
    "get-imodel-details",
    examples=["Station --itwin Harbour", "7dbd531d-6967-47b2-8945-a722a437ad7a -o json"],
    place="itwin",
)
async def show(at: "Session", imodel: IModelName) -> object:
    """Show an iModel."""
    return await at.client.imodels.get(await at.imodel(imodel))


@NOUN.verb(
    "create",
    "create-imodel",
    "get-create-imodel-operation-details",
    "get-imodel-details",
    examples=["Station --itwin Harbour", "Station --itwin Harbour --no-wait -q"],
    place="itwin",
)
async def create(
    at: "Session",
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name, unique in the iTwin.")],
    *,
    description: Description = None,
    wait: Annotated[bool, typer.Option(help="Wait until it can be used.")] = True,
) -> object:
    """Create an empty iModel, and wait until it can be used."""
    return await at.client.imodels.create(
        await at.itwin(), name, description=description, timeout=300.0 if wait else 0.0
    )


@NOUN.verb(
    "creation",
    "get-create-imodel-operation-details",
    examples=["Station --itwin Harbour", "Station --itwin Harbour --json state"],
    place="itwin",
)
async def creation(at: "Session", imodel: IModelName) -> object:
    """Show how far the creation of an iModel is."""
    return await at.client.imodels.creation(await at.imodel(imodel))


@NOUN.verb(
    "update",
    "update-imodel",
    examples=["Station --name 'Main station' --itwin Harbour", "Station --description 'As built' --itwin Harbour"],
    place="itwin",
)
async def update(
    at: "Session",
    imodel: IModelName,
    *,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    description: Description = None,
) -> object:
    """Change the name or the description of an iModel."""
    return await at.client.imodels.update(await at.imodel(imodel), name=name, description=description)


@NOUN.verb(
    "delete",
    "delete-imodel",
    examples=["Station --itwin Harbour", "Station --itwin Harbour --yes"],
    place="itwin",
    deletes=True,
)
async def delete(at: "Session", imodel: IModelName) -> object:
    """Delete an iModel, with all that is in it."""
    return await at.delete("the iModel and all that is in it:", await at.imodel(imodel), at.client.imodels.delete)


@NOUN.verb(
    "changesets",
    "get-imodel-changesets",
    examples=["Station --itwin Harbour --limit 5", "Station --after 12 -o tsv --json index,id"],
    place="itwin",
    lists=True,
)
async def changesets(
    at: "Session",
    imodel: IModelName,
    *,
    after: Annotated[int | None, typer.Option(metavar="INDEX", help="Those after this one.", min=0)] = None,
) -> object:
    """List the changesets of an iModel."""
    return at.client.imodels.changesets.list(await at.imodel(imodel), after_index=after, prefer="representation")


@NOUN.verb(
    "changeset",
    "get-imodel-changeset-details",
    examples=["Station 3 --itwin Harbour", "Station 3 --json synchronizationInfo"],
    place="itwin",
)
async def changeset(
    at: "Session",
    imodel: IModelName,
    changeset: Annotated[str, typer.Argument(metavar="CHANGESET", help="The changeset, by index or id.")],
) -> object:
    """Show a changeset of an iModel, and which synchronization made it."""
    wanted = int(changeset) if changeset.isdecimal() else changeset
    return await at.client.imodels.changesets.get(await at.imodel(imodel), wanted)


@VERSIONS.verb(
    "list",
    "get-imodel-named-versions",
    examples=["Station --itwin Harbour", "Station --itwin Harbour -q"],
    place="itwin",
    lists=True,
)
async def list_versions(at: "Session", imodel: IModelName) -> object:
    """List the named versions of an iModel."""
    return at.client.imodels.named_versions.list(await at.imodel(imodel), prefer="representation")


@VERSIONS.verb(
    "show",
    "get-imodel-named-version-details",
    examples=["Station 'As built' --itwin Harbour", "Station 'As built' --json changesetIndex"],
    place="itwin",
)
async def show_version(at: "Session", imodel: IModelName, version: Version) -> object:
    """Show a named version of an iModel."""
    imodel_id = await at.imodel(imodel)
    return await at.client.imodels.named_versions.get(imodel_id, await at.lookup.named_version(imodel_id, version))


@VERSIONS.verb(
    "create",
    "create-imodel-named-version",
    examples=["Station 'As built' --itwin Harbour", "Station Built --changeset CHANGESET_ID"],
    place="itwin",
)
async def create_version(
    at: "Session",
    imodel: IModelName,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name, unique in the iModel.")],
    *,
    changeset: Annotated[
        str | None, typer.Option(metavar="ID", help="The changeset; by default the beginning of the iModel.")
    ] = None,
    description: Description = None,
) -> object:
    """Give a changeset of an iModel a name."""
    return await at.client.imodels.named_versions.create(
        await at.imodel(imodel), name, changeset_id=changeset, description=description
    )
