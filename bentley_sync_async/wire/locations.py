"""Paths of connections and runs, and the run that a Location header or another URL names.

The client never requests a URL that it received. It takes only the ids from it, and only if the URL is on the client's
own origin.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import cast
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from bentley_sync_async.errors import ForeignOriginError, InvalidArgumentError, LocationError
from bentley_sync_async.models import RunRef
from bentley_sync_async.models.run_refs import ConnectionKind
from bentley_sync_async.redaction import excerpt

from .ids import check_id, is_plain, path_segment

# Early clients write storageConnections, the current pages storageconnections.
_RUN_PATH = re.compile(r"/imodels/(storage|manifest)connections/([^/]+)/runs/([^/]+)/?\Z", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"(?:/[a-z]+)*/imodels/(storage|manifest)connections/([A-Za-z0-9_-]+)/runs/([A-Za-z0-9_-]+)")
_PORTS = {"http": 80, "https": 443}


def connection_path(connection_id: str, kind: ConnectionKind = "storage") -> str:
    """Return the path of a connection below the API's root, percent-encoded."""
    return f"imodels/{kind}connections/{path_segment(connection_id, 'connection_id')}"


def run_path(ref: RunRef) -> str:
    """Return the path of a run below the API's root, percent-encoded."""
    if ref.kind not in {"storage", "manifest"}:
        raise InvalidArgumentError(f"A run belongs to a storage or a manifest connection, not to {ref.kind!r}.")
    return f"{connection_path(ref.connection_id, ref.kind)}/runs/{path_segment(ref.run_id, 'run_id')}"


def run_ref(location: str, *, base_url: str, request_url: str | None = None) -> RunRef:
    """Return the run that a URL names.

    Args:
        location: An absolute URL, or one relative to `request_url`. Path segments may be in upper or lower case, and
            ids may be percent-encoded.
        base_url: The client's root URL of the platform.
        request_url: The URL of the request whose answer had the Location; `None` if the URL is from elsewhere.

    Raises:
        ForeignOriginError: The URL is on another origin.
        LocationError: The URL does not name a run.
    """
    if location.startswith(base_url) and (plain := _PLAIN_PATH.fullmatch(location, len(base_url))):
        kind, connection_id, run_id = plain.groups()
        if is_plain(connection_id) and is_plain(run_id):
            return RunRef(connection_id=connection_id, run_id=run_id, kind=cast("ConnectionKind", kind))
    try:
        location = location.strip()
        below_base = location.startswith(f"{base_url}/")  # usually; then the origins need no comparison
        parts = urlsplit(location if below_base else urljoin(request_url or f"{base_url}/", location))
        foreign = not below_base and origin(parts) != origin(urlsplit(base_url))
    except ValueError as exc:
        raise LocationError(f"Not the URL of a run: {excerpt(location)}.") from exc
    if foreign:
        raise ForeignOriginError(
            f"The URL {excerpt(parts.scheme + '://' + parts.netloc.rpartition('@')[2])}/... is not on {base_url}. "
            "Nothing was sent there: the token never leaves the configured origin. "
            "If a gateway rewrites hosts, set base_url to the gateway's host."
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


def split_url(url: str | None) -> SplitResult | None:
    """Return the parts of a URL that the service sent; `None` if it is missing, or cannot be a URL.

    An error of `urlsplit`, which would quote the URL and any signature in it, does not get out.
    """
    if url is None or not url.isprintable() or " " in url:
        return None
    with suppress(ValueError):
        parts = urlsplit(url)
        _ = parts.port  # fails if it is no number
        return parts
    return None


def origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port; URLs of the same origin have the same three."""
    port = _PORTS.get(parts.scheme) if parts.port is None else parts.port
    return parts.scheme, parts.hostname, port
