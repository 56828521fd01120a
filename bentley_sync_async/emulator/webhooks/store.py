"""Webhooks that were created by requests, and the messages to them."""

from __future__ import annotations

from functools import partial

import aiohttp
from attrs import define, field

from bentley_sync_async.emulator.background import Background
from bentley_sync_async.emulator.context import Context
from bentley_sync_async.emulator.itwins.store import ITwins
from bentley_sync_async.emulator.synchronization.store import Run, Store
from bentley_sync_async.emulator.synchronization.webhooks import TIMEOUT, Webhook, deliver_message, wait_for_end

EVENT_TYPE = "synchronization.jobCompleted.v1"


@define(kw_only=True)
class Subscription:
    """A webhook.

    Attributes:
        id: A GUID.
        callback_url: The URL that receives the messages.
        scope: Account or iTwin.
        scope_id: The account or the iTwin.
        event_types: The events that it gets.
        secret: The key of the signatures.
        active: Whether messages are sent.
        created: When it was created, in the API's format.
        modified: When it was changed last.
    """

    id: str
    callback_url: str
    scope: str
    scope_id: str
    event_types: list[str]
    secret: str = field(repr=False)
    active: bool = False
    created: str
    modified: str

    def wants(self, run: Run) -> bool:
        """Return whether it gets a message about a run."""
        inside = self.scope == "Account" or self.scope_id.lower() == run.itwin_id.lower()
        return self.active and inside and EVENT_TYPE in self.event_types


class Webhooks:
    """All webhooks.

    Attributes:
        context: Options, clock and ids.
        itwins: The iTwins that they can be of.
        subscriptions: The webhooks by id, the oldest first.
    """

    def __init__(self, context: Context, itwins: ITwins, store: Store, background: Background) -> None:
        self.context = context
        self.itwins = itwins
        self.subscriptions: dict[str, Subscription] = {}
        self._store = store
        self._background = background
        self._watched: set[str] = set()
        store.observers.append(self._run_created)
        itwins.on_delete.append(self._forget_itwin)

    def activated(self) -> None:
        """Watch the active runs from now on, if there is an active webhook."""
        for run in self._store.runs:
            if not run.completed(self._store.elapsed()):
                self._run_created(run)

    def _run_created(self, run: Run) -> None:
        if run.id not in self._watched and any(one.active for one in self.subscriptions.values()):
            self._watched.add(run.id)
            self._background.start(partial(self._deliver, run))

    async def _deliver(self, run: Run) -> None:
        await wait_for_end(run, self._store)
        self._watched.discard(run.id)
        wanting = [one for one in self.subscriptions.values() if one.wants(run)]
        if not wanting:
            return
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            for one in wanting:
                webhook = Webhook(url=one.callback_url, secret=one.secret, id=one.id)
                message_id = self.context.product_ids.guid()
                await deliver_message(session, self._store, webhook, run, message_id=message_id)

    def _forget_itwin(self, itwin_id: str) -> None:
        for one in list(self.subscriptions.values()):
            if one.scope == "iTwin" and one.scope_id.lower() == itwin_id:
                del self.subscriptions[one.id]
