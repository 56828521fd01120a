"""Location headers and URLs of runs: which run they name.

No URL from the wire is ever requested: only the ids are taken from it, and only if it belongs to the origin that the
client talks to.
"""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from bentley_sync_async.errors import ForeignOriginError, InvalidArgumentError, LocationError
from bentley_sync_async.models import RunRef
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.redaction import excerpt

from .ids import check_id, is_plain, path_segment

# Clients of the first years write storageConnections, the pages of today storageconnections.
_RUN_PATH = re.compile(r"/imodels/(storage|manifest)connections/([^/]+)/runs/([^/]+)/?\Z", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"(?:/[a-z]+)*/imodels/(storage|manifest)connections/([A-Za-z0-9_-]+)/runs/([A-Za-z0-9_-]+)")
_PORTS = {"http": 80, "https": 443}


def run_path(ref: RunRef) -> str:
    """Return the path of a run below the API's root, percent-encoded."""
    if ref.kind not in {"storage", "manifest"}:
        raise InvalidArgumentError(f"A run belongs to a storage or a manifest connection, not to {ref.kind!r}.")
    connection = path_segment(ref.connection_id, "connection_id")
    return f"imodels/{ref.kind}connections/{connection}/runs/{path_segment(ref.run_id, 'run_id')}"


def run_ref(location: str, *, base_url: str, request_url: str | None = None) -> RunRef:
    """Return the run that a URL names.

    Args:
        location: Absolute, or relative to `request_url`; path segments in any case, ids percent-encoded or not.
        base_url: The platform's root that the client talks to.
        request_url: What was requested when the Location came; `base_url` if it came from elsewhere.

    Raises:
        ForeignOriginError: It belongs to another origin.
        LocationError: It names no run.
    """
    if location.startswith(base_url) and (plain := _PLAIN_PATH.fullmatch(location, len(base_url))):
        kind, connection_id, run_id = plain.groups()
        if is_plain(connection_id) and is_plain(run_id):
            return RunRef(connection_id=connection_id, run_id=run_id, kind=cast("ConnectionKind", kind))
    try:
        location = location.strip()
        ours = location.startswith(f"{base_url}/")  # the usual case needs no more than that
        parts = urlsplit(location if ours else urljoin(request_url or f"{base_url}/", location))
        foreign = not ours and origin(parts) != origin(urlsplit(base_url))
    except ValueError as exc:
        raise LocationError(f"Not the URL of a run: {excerpt(location)}.") from exc
    if foreign:
        raise ForeignOriginError(
            f"The URL {excerpt(parts.scheme + '://' + parts.netloc.rpartition('@')[2])}/... is not on {base_url}. "
            "Nothing was sent there: the token never leaves the configured origin. "
            "If a gateway rewrites hosts, set base_url to the one it shows."
        )
    found = _RUN_PATH.search(parts.path)
    if found is None:
        raise LocationError(f"Not the URL of a run: {excerpt(location)}.")
    kind, connection_id, run_id = found.groups()
    try:
        return RunRef(
            connection_id=check_id(unquote(connection_id), "the connection id"),
            run_id=check_id(unquote(run_id), "the run id"),
            kind=cast("ConnectionKind", kind.lower()),
        )
    except InvalidArgumentError as exc:
        raise LocationError(f"Not the URL of a run: {excerpt(location)}. {exc}") from exc


def origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port; two URLs with the same three belong to the same server."""
    port = _PORTS.get(parts.scheme) if parts.port is None else parts.port
    return parts.scheme, parts.hostname, port
