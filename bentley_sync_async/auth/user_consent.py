"""The consent of a person: that the service may work for them in runs of connections of the type User."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from bentley_sync_async.errors import ProtocolError, SignInError
from bentley_sync_async.models import AuthorizationInformation

from .interactive import open_or_print
from .redirects import Page, listening

_EVERY = 2.0  # seconds between requests, as the service's own portal does
_BACK = Page("Back to the terminal", "The terminal says whether the consent was given. You can close this page.")


async def consent(
    ask: Callable[[str], Awaitable[AuthorizationInformation]],
    *,
    timeout: float = 300.0,
    redirect_uri: str = "http://localhost/consent",
    show: Callable[[str], object] = open_or_print,
) -> bool:
    """Let a person consent in their browser, and wait for it; return `False` if they had consented before.

    Args:
        ask: `client.authorization.get`, of a client that works for the person.
        timeout: Seconds that the person has.
        redirect_uri: Where the browser comes back to; without a port, to any free one.
        show: Called with the URL of the page to consent on; `open_or_print` by default.

    Raises:
        SignInError: There is no consent in time.
        ProtocolError: The service names no page to consent on.
        SynchronizationError: What `ask` raises.
    """
    back = anyio.Event()

    def answer(_query: str) -> Page:
        back.set()
        return _BACK

    async with listening(redirect_uri, answer) as uri:
        information = await ask(uri)
        if information.is_user_authorized:
            return False
        page = information.links.authorization_url
        if page is None or page.href is None:
            raise ProtocolError("The service says that the consent is missing, but not where to give it.")
        show(page.href)
        with anyio.move_on_after(timeout):
            while not information.is_user_authorized:
                with anyio.move_on_after(_EVERY):
                    await (back.wait() if not back.is_set() else anyio.sleep_forever())
                information = await ask(uri)
    if not information.is_user_authorized:
        raise SignInError("There was no consent in time. Runs of User connections still end with UserNotAuthenticated.")
    return True
