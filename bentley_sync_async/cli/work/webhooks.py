"""The creation of a webhook: its secret goes from and to a file, never through an argument or the screen."""

from __future__ import annotations

from pathlib import Path

from bentley_sync_async import files
from bentley_sync_async.cli.verbs.session import Session

_LONGEST = 4096  # characters of a secret


async def create_webhook(at: Session, url: str, secret_file: str, *, activate: bool) -> object:
    """Create a webhook of the given iTwin or of the application's account.

    Its secret is what is in the file; without such a file, the service's own is written there, for its owner only.

    Raises:
        OSError: The file can be neither read nor made; nothing was sent.
    """
    path = Path(secret_file)
    own = path.read_text("utf-8")[:_LONGEST].strip() if path.exists() else None
    if own is None:
        files.check_replaceable(path)
    itwin_id = await at.itwin() if at.lookup.itwin_given else None
    webhook = await at.client.webhooks.create(url, itwin_id=itwin_id, secret=own)
    if own is None and webhook.secret:
        files.replace(path, webhook.secret + "\n")
    return await at.client.webhooks.activate(webhook.id) if activate else webhook
