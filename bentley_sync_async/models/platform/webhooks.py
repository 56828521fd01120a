"""Webhooks as a resource (pages `webhooks-v2/operations/*`); what they send is in `models/webhooks.py`."""

from datetime import datetime

from attrs import field, frozen

from bentley_sync_async.models.open_enum import OpenEnum


class WebhookScope(OpenEnum):
    """Whose events a webhook gets."""

    ACCOUNT = "Account"
    ITWIN = "iTwin"


@frozen(kw_only=True)
class Webhook:
    """A webhook: the platform sends it the events of an account or an iTwin.

    Attributes:
        id: The webhook's id, a GUID.
        scope: Whose events it gets.
        scope_id: The account or the iTwin.
        active: Whether events are sent to it; a new one is inactive.
        callback_url: Where they are sent.
        event_types: Which events, such as `synchronization.jobCompleted.v1`.
        secret: What its messages are signed with; in no repr. The service tells it when the webhook is created.
        created: When it was created.
        modified: When it was changed last.
    """

    id: str
    scope: WebhookScope | None = None
    scope_id: str | None = None
    active: bool | None = None
    callback_url: str | None = None
    event_types: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    created: datetime | None = None
    modified: datetime | None = None
