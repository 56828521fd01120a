"""URLs in the answers of the Storage API: which file or folder one names, and whether content may be sent to it.

Of a URL on the platform only the id is taken, and only if the URL is on the client's own origin; the client makes its
own URL of it. Of a signed URL (`uploadUrl`, and the Location of a download) no part is known beforehand, not even the
host, so it is used as it is, without the access token. No error shows more of it than its origin.
"""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit

from bentley_sync_async.config import LOOPBACK
from bentley_sync_async.errors import ForeignOriginError, InvalidArgumentError, ProtocolError
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import origin, split_url

_COMPLETE = re.compile(r"/storage/files/([^/]+)/complete/?\Z", re.IGNORECASE)
_FOLDER = re.compile(r"/storage/folders/([^/]+)/?\Z", re.IGNORECASE)


def completed_file(url: str | None, *, base_url: str) -> str:
    """Return the id of the file that a `completeUrl` completes (page `create-file`): its last segment but one.

    Raises:
        ForeignOriginError: The URL is on another origin.
        ProtocolError: It is missing, or completes no file.
    """
    return _named(url, _COMPLETE, "completeUrl", "complete a file", base_url)


def linked_folder(url: str | None, *, base_url: str) -> str:
    """Return the id of the folder that a link leads to (page `get-top-level-folders-and-files-by-itwin`).

    Raises:
        ForeignOriginError: The URL is on another origin.
        ProtocolError: It is missing, or leads to no folder.
    """
    return _named(url, _FOLDER, "link to the root folder", "lead to a folder", base_url)


def signed_url(url: str | None, name: str) -> str:
    """Return a signed URL after a check that content may travel there.

    Args:
        url: The URL.
        name: What it is, for errors.

    Raises:
        ProtocolError: It is missing, no URL, not https (plain http is for loopback only), or holds a user or password.
    """
    parts = _split(url, name)
    problem = ""
    if parts.scheme not in {"https", "http"} or not parts.hostname or not parts.path.strip("/"):
        problem = "is not the https URL of a file"
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        problem = "is plain http, and anyone on the way could read or change the file; only loopback may be"
    elif parts.username is not None or parts.password is not None:
        problem = "holds a user or a password"
    if problem:
        raise ProtocolError(f"The {name} of the service {problem}: {_origin_of(parts)}. Nothing was sent there.")
    return parts.geturl()


def _named(url: str | None, pattern: re.Pattern[str], name: str, does: str, base_url: str) -> str:
    parts = _split(url, name)
    if origin(parts) != origin(urlsplit(base_url)):
        raise ForeignOriginError(
            f"The {name} of the service is on {_origin_of(parts)}, not on {base_url}. Nothing was sent there: the "
            "token never leaves the configured origin. If a gateway rewrites hosts, set base_url to the gateway's host."
        )
    found = pattern.search(parts.path)
    if found is not None:
        with suppress(InvalidArgumentError):
            return check_id(unquote(found[1]), "the id")
    raise ProtocolError(f"The {name} of the service does not {does}: {excerpt(parts.path)}.")


def _split(url: str | None, name: str) -> SplitResult:
    if url is None:
        raise ProtocolError(f"The answer of the service has no {name}.")
    parts = split_url(url)
    if parts is None:
        raise ProtocolError(f"The {name} of the service is not a URL.")
    return parts


def _origin_of(parts: SplitResult) -> str:
    return excerpt(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/...")
