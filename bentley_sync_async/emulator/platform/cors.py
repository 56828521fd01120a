"""Cross-origin requests of browsers: any page may call the emulator, and read its answers (Fetch standard, CORS)."""

from __future__ import annotations

import attrs

from .messages import Call, Reply

_METHODS = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
_EXPOSED = "Location, Retry-After, ETag"
_A_DAY = "86400"


def is_preflight(call: Call) -> bool:
    """Return whether a browser asks if it may send a request, which never reaches an operation."""
    return call.method == "OPTIONS" and "origin" in call.headers and "access-control-request-method" in call.headers


def preflight(call: Call) -> Reply:
    """Return the answer to a preflight, which allows everything: a wildcard would not allow `Authorization`."""
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Max-Age": _A_DAY,
        "Vary": "Origin, Access-Control-Request-Headers",
    }
    if "access-control-request-headers" in call.headers:
        headers["Access-Control-Allow-Headers"] = call.headers["access-control-request-headers"]
    if "access-control-request-private-network" in call.headers:  # a page of the internet calls this machine
        headers["Access-Control-Allow-Private-Network"] = "true"
    return Reply(204, headers=headers)


def shared(call: Call, reply: Reply) -> Reply:
    """Return the answer with the headers that let a page of another origin read it; errors have them, too."""
    if "origin" not in call.headers:
        return reply
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    return attrs.evolve(reply, headers={**reply.headers, **headers})
