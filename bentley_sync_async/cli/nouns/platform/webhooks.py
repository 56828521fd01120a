"""`bentley-sync webhook`: the webhooks of the application."""

from typing import TYPE_CHECKING, Annotated

import typer

from bentley_sync_async.cli.verbs.noun import Noun

if TYPE_CHECKING:
    from bentley_sync_async.cli.verbs.session import Session

NOUN = Noun("webhook", "Webhooks: where the platform reports the end of runs.")

WebhookName = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook, by id or URL.")]


@NOUN.verb("list", "get-webhooks", examples=["", "--json id,callbackUrl,active"], lists=True)
async def list_(at: "Session") -> object:
    """List the webhooks of the application."""
    return at.client.webhooks.list()


@NOUN.verb("show", "get-webhook", examples=["https://hooks.example/sync", "https://hooks.example/sync -o json"])
async def show(at: "Session", webhook: WebhookName) -> object:
    """Show a webhook."""
    return await at.client.webhooks.get(await at.lookup.webhook(webhook))


@NOUN.verb(
    "create",
    "create-webhook",
    "update-webhook",
    examples=[
        "https://a.example --secret-file key --itwin Quay",
        "https://a.example --secret-file key --activate",
    ],
    place="itwin",
)
async def create(
    at: "Session",
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are sent: https.")],
    *,
    secret_file: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="The secret that messages are signed with; a new file is made for the service's."
        ),
    ],
    activate: Annotated[bool, typer.Option("--activate", help="Let events be sent at once.")] = False,
) -> object:
    """Create a webhook for the ends of runs, of an iTwin or of the application's account."""
    from bentley_sync_async.cli.work.webhooks import create_webhook

    return await create_webhook(at, url, secret_file, activate=activate)


@NOUN.verb("activate", "update-webhook", examples=["https://hooks.example/sync", "WEBHOOK_ID -q"])
async def activate(at: "Session", webhook: WebhookName) -> object:
    """Let events be sent to a webhook."""
    return await at.client.webhooks.activate(await at.lookup.webhook(webhook))


@NOUN.verb("deactivate", "update-webhook", examples=["https://hooks.example/sync", "WEBHOOK_ID -q"])
async def deactivate(at: "Session", webhook: WebhookName) -> object:
    """Let no more events be sent to a webhook."""
    return await at.client.webhooks.deactivate(await at.lookup.webhook(webhook))


@NOUN.verb("delete", "delete-webhook", examples=["https://hooks.example/sync", "WEBHOOK_ID --yes"], deletes=True)
async def delete(at: "Session", webhook: WebhookName) -> object:
    """Delete a webhook."""
    return await at.delete("the webhook", await at.lookup.webhook(webhook), at.client.webhooks.delete)
