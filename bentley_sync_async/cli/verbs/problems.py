"""Errors for people: what was looked for, who must be allowed what and where, which host was not reached."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import anyio

from bentley_sync_async import (
    APIError,
    NotFoundError,
    PermissionDeniedError,
    SynchronizationError,
    TransportError,
)
from bentley_sync_async.cli.clients import service_application
from bentley_sync_async.cli.formatting.network import network_text
from bentley_sync_async.cli.lookup import Sought, near_ids_text

from .session import Session

_PATIENCE = 5.0  # seconds for what makes an error clearer
_PERMISSIONS = {
    "imodels": ("the permission imodels_read", "the permission imodels_manage"),
    "storage": ("the permission storage_read", "the permission storage_write"),
    "synchronization": (
        "the permissions imodels_read and storage_read",
        "the permissions imodels_manage and storage_read",
    ),
    "webhooks": ("the permission webhooks_maintainer",) * 2,
}
"""The permissions for reading and for writing, by product. The pages of Synchronization name none: these are what its
work needs."""
_SERVICE_EMAIL = "@apps.imsoidc.bentley.com"


async def explained(error: SynchronizationError, session: Session) -> str:
    """Return the text of an error of a command."""
    match error:
        case PermissionDeniedError():
            return await _denied(error, session)
        case NotFoundError():
            return await _not_found(error, session)
        case TransportError():
            return network_text(error)
        case _:
            return str(error)


async def _denied(error: PermissionDeniedError, session: Session) -> str:
    application = service_application()
    who = f"The service application {application}" if application else "The user"
    reading, writing = _PERMISSIONS.get(_product(error), ("", ""))
    permission = reading if error.method == "GET" else writing
    needs = permission or "a role that allows this"
    with suppress(SynchronizationError):
        with anyio.move_on_after(_PATIENCE):
            await _find_place(session)
    where = [f"{sought.kind} {session.lookup.name(sought.id)}" for sought in session.lookup.sought]
    lines = [f"Not allowed: the service answered {_answer(error)}.", f"{who} needs {needs}."]
    lines += [f"  on {place}" for place in dict.fromkeys(where)]
    if application:
        email = application if "@" in application else f"{application}{_SERVICE_EMAIL}"
        lines.append(f"To add it: in the iTwin's members, invite {email} with a role that allows this.")
    else:
        lines.append("To get it: ask an administrator of the iTwin for a role that allows this.")
    return "\n".join(lines + _request_id(error))


async def _find_place(session: Session) -> None:
    """Look up which iModel and iTwin the things that were looked for belong to."""
    lookup = session.lookup
    known = {sought.kind: sought.id for sought in lookup.sought}
    for kind, resource in (
        ("storage connection", session.client.storage_connections),
        ("manifest connection", session.client.manifest_connections),
    ):
        if kind in known and "iModel" not in known:
            connection = await resource.get(known[kind])
            for place, one in (("iModel", connection.imodel_id), ("iTwin", connection.itwin_id)):
                if one and place not in known:
                    known[place] = one
                    lookup.sought.append(Sought(place, one))
    if "iModel" in known and "iTwin" not in known:
        imodel = await session.client.imodels.get(known["iModel"])
        if imodel.itwin_id:
            lookup.sought.append(Sought("iTwin", imodel.itwin_id, None))


async def _not_found(error: NotFoundError, session: Session) -> str:
    named = [sought for sought in session.lookup.sought if sought.id in error.url]
    if not named:
        return str(error)
    sought = named[-1]
    text = f"There is no {sought.kind} {session.lookup.name(sought.id)}"
    if len(named) > 1:
        text += f" of {named[-2].kind} {session.lookup.name(named[-2].id)}"
    lines = [f"{text}, or the caller may not see it: the service answered {_answer(error)}."]
    if (near := await _near(sought, session)) is not None:
        lines.append(near)
    return "\n".join(lines + _request_id(error))


async def _near(sought: Sought, session: Session) -> str | None:
    lookup = session.lookup
    lists = {
        "iTwin": (lookup.itwins, True),
        "iModel": (lookup.imodels, lookup.itwin_given is not None),
        "storage connection": (lambda: lookup.connections("storage"), lookup.imodel_given is not None),
        "manifest connection": (lambda: lookup.connections("manifest"), lookup.imodel_given is not None),
    }
    fetch, possible = lists.get(sought.kind, (None, False))
    if fetch is None or not possible:
        return None
    with suppress(SynchronizationError):
        with anyio.move_on_after(_PATIENCE):
            known = await fetch()
            return near_ids_text(sought.id, known).strip() or None
    return None


def _answer(error: APIError) -> str:
    return " ".join(str(part) for part in (error.status, error.code) if part)


def _product(error: APIError) -> str:
    return urlsplit(error.url).path.lstrip("/").partition("/")[0]


def _request_id(error: APIError) -> list[str]:
    return [f"Request id: {error.request_id}"] if error.request_id else []
