"""`bentley-sync authorization`: whether the service may work for the calling user."""

from typing import TYPE_CHECKING, Annotated

import typer

from bentley_sync_async.cli.verbs.noun import Noun

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("authorization", "Whether the calling user lets the service work for them, which runs as User need.")


@NOUN.verb(
    "show",
    "get-authorization-information",
    examples=["", "--web"],
    web=True,
)
async def show(
    at: "Session",
    *,
    redirect_url: Annotated[str | None, typer.Option(metavar="URL", help="Where the page leads after consent.")] = None,
) -> object:
    """Show whether the consent is there, and the page where to give it."""
    information = await at.client.authorization.get(redirect_url)
    at.open_page(information.links.authorization_url.href if information.links.authorization_url else None)
    return information
