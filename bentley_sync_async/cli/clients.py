"""How a command gets its client, and what it assumes that nobody said. Light: the client is imported when needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bentley_sync_async import SynchronizationClient
    from bentley_sync_async.transport import Hook

Assumed = Literal["itwin", "imodel", "output"]


def make_client(hooks: Iterable[Hook] | None = None) -> SynchronizationClient:
    """Return the client of a command.

    A host that is never reached ends a call after about a minute: five attempts of ten seconds, and the waits between
    them.

    Raises:
        ConfigurationError: A setting is missing or impossible; the message names it.
    """
    from bentley_sync_async import SynchronizationClient  # noqa: PLC0415 - the help is quick without it

    return SynchronizationClient.from_env(hooks=hooks)


def assumed(setting: Assumed) -> str | None:
    """Return the iTwin, the iModel or the output that is assumed if a command does not say; `None` if there is none."""
    return os.environ.get(f"BENTLEY_SYNC_{setting.upper()}") or None


def service_application() -> str | None:
    """Return the client id of the service application that commands sign in as; `None` if it is not known."""
    return None if os.environ.get("BENTLEY_SYNC_TOKEN") else os.environ.get("BENTLEY_SYNC_CLIENT_ID") or None


def service_and_caller() -> str:
    """Return a text that differs where the service or the caller does; it holds no secret."""
    names = ("BENTLEY_SYNC_ENVIRONMENT", "BENTLEY_SYNC_BASE_URL", "BENTLEY_SYNC_CLIENT_ID")
    return " ".join(os.environ.get(name, "") for name in names)
