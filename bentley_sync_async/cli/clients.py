"""How a command gets its client, and what it assumes that nobody said. The client is imported when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bentley_sync_async import RetryPolicy, SynchronizationClient
    from bentley_sync_async.transport import Hook

Assumed = Literal["itwin", "imodel", "output"]


def make_client(hooks: Iterable[Hook] | None = None, *, retry: RetryPolicy | None = None) -> SynchronizationClient:
    """Return the client of a command, by the variables, the profile and the keyring.

    Args:
        hooks: As for a client.
        retry: When a single call is retried.

    Raises:
        ConfigurationError: A setting is missing or impossible; the message names it.
    """
    from bentley_sync_async import SynchronizationClient  # noqa: PLC0415 - the help is quick without it

    from .settings import resolve  # noqa: PLC0415

    settings = resolve()
    return SynchronizationClient.from_env(settings.variables, token=settings.credentials(), hooks=hooks, retry=retry)


def assumed(setting: Assumed) -> str | None:
    """Return the iTwin, the iModel or the output that is assumed if a command does not say; `None` if there is none."""
    from .settings import resolve  # noqa: PLC0415 - the help is quick without it

    return resolve().get(setting)


def service_application() -> str | None:
    """Return the client id of the service application that commands sign in as; `None` if it is another caller."""
    from .settings import resolve  # noqa: PLC0415 - the help is quick without it

    settings = resolve()
    by_secret = settings.get("token") is None and settings.get("client_secret") is not None
    return settings.get("client_id") if by_secret else None


def service_and_caller() -> str:
    """Return a text that differs where the service or the caller does; it holds no secret."""
    from .settings import resolve  # noqa: PLC0415 - the help is quick without it

    settings = resolve()
    return " ".join(settings.get(name) or "" for name in ("environment", "base_url", "client_id"))
