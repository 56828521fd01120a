"""`bentley-sync itwin`: iTwins."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.options import ITwinName

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("itwin", "iTwins that the caller is a member of.")

Number = Annotated[str | None, typer.Option(help="A number or code of your own.")]
Location = Annotated[str | None, typer.Option(help="Where it is, such as 'Exton, PA'.")]
TimeZone = Annotated[str | None, typer.Option(metavar="NAME", help="Its time zone, such as America/New_York.")]
Status = Annotated[Literal["Active", "Inactive", "Trial"] | None, typer.Option(help="Whether it is in use.")]


@NOUN.verb("list", "get-my-itwins", examples=["", "--search harbour --json id,displayName"], lists=True)
async def list_(
    at: "Session",
    *,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Those with this in their name or number.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Also those that are not in use.")] = False,
) -> object:
    """List the iTwins that the caller is a member of."""
    return at.client.itwins.list(search=search, include_inactive=inactive, prefer="representation")


@NOUN.verb("show", "get-itwin", examples=["Harbour", "Harbour --json id,number"])
async def show(at: "Session", itwin: ITwinName) -> object:
    """Show an iTwin."""
    return await at.client.itwins.get(await at.itwin(itwin))


@NOUN.verb("create", "create-itwin", examples=["Harbour", "Harbour --sub-class Asset --number H-7 -q"])
async def create(
    at: "Session",
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name; it need not be unique.")],
    *,
    sub_class: Annotated[
        Literal["Project", "Asset", "Portfolio", "Program", "WorkPackage"], typer.Option(help="What it stands for.")
    ] = "Project",
    number: Number = None,
    location: Location = None,
    time_zone: TimeZone = None,
) -> object:
    """Create an iTwin."""
    from bentley_sync_async.models.platform import ITwinSubClass

    return await at.client.itwins.create(
        name,
        sub_class=ITwinSubClass(sub_class),
        number=number,
        geographic_location=location,
        iana_time_zone=time_zone,
    )


@NOUN.verb("update", "update-itwin", examples=["Harbour --name 'Old harbour'", "Harbour --status Inactive"])
async def update(
    at: "Session",
    itwin: ITwinName,
    *,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    number: Number = None,
    status: Status = None,
    location: Location = None,
    time_zone: TimeZone = None,
) -> object:
    """Change an iTwin; what is not given stays."""
    from bentley_sync_async.models.platform import ITwinStatus

    return await at.client.itwins.update(
        await at.itwin(itwin),
        display_name=name,
        number=number,
        status=ITwinStatus(status) if status else None,
        geographic_location=location,
        iana_time_zone=time_zone,
    )


@NOUN.verb("delete", "delete-itwin", examples=["Harbour", "Harbour --yes"], deletes=True)
async def delete(at: "Session", itwin: ITwinName) -> object:
    """Delete an iTwin, with its files and iModels."""
    return await at.delete("the iTwin and all that is in it:", await at.itwin(itwin), at.client.itwins.delete)
