"""The text of a network failure: which host, and which proxy."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from bentley_sync_async import RequestTimeoutError, TransportError


def network_text(error: TransportError) -> str:
    """Return the text of a network failure: which host, and which proxy."""
    host = urlsplit(error.url).netloc
    reason = str(error).removeprefix(f"{error.method} {error.url}: ")
    if isinstance(error, RequestTimeoutError):
        head = f"{host} did not answer in time: {reason}"
    elif error.sent:
        head = f"The connection to {host} broke: {reason}"
    else:
        head = f"{host} was not reached: {reason}"
    return f"{head}\n{_proxy_text()}"


def _proxy_text() -> str:
    """Return a sentence about the proxy, without its credentials. Sessions of commands use none."""
    names = [name for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy") if os.environ.get(name)]
    if not names:
        return "No proxy is used. Check the network, and BENTLEY_SYNC_BASE_URL if it is set."
    proxy = urlsplit(os.environ[names[0]])
    return f"{names[0]} names the proxy {proxy.hostname or '?'}:{proxy.port or '?'}, which commands do not use."
