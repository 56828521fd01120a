"""Takes secrets out of text that is about to be shown, and makes it short enough to show."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

_HIDDEN = "[hidden]"
_BARE = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w\-.~+/]+=*"
    r"|\beyJ[\w-]*\.[\w-]*(?:\.[\w-]*)?"  # a JSON Web Token
)
# A name, a separator, and a value: in quotes, in quotes that JSON inside JSON has escaped, or bare.
_NAMED = re.compile(
    r"""(?isx)
    (?P<name>(?:access|refresh|id)[_-]?token|client[_-]?(?:secret|assertion)|password|secret|authorization|
             subscription-key|sig|code[_-]?verifier)
    (?P<separator>\\*["']?\s*[=:]\s*)
    (?:
        (?P<quote>["'])(?:\\.|(?!(?P=quote))[^\\])*
        | (?P<escaped>\\+["'])(?:(?!(?P=escaped)).)*
        | (?!\[hidden\])[^\s"'&,;}\])\\]+
    )"""
)


def redact(text: str) -> str:
    """Return the text with tokens, client secrets, passwords and URL signatures replaced by `[hidden]`."""
    return _NAMED.sub(_without_value, _BARE.sub(_HIDDEN, text))


def without(secret: str, body: bytes) -> bytes:
    """Return what somebody answered without the secret that he was sent, in the forms in which he may quote it."""
    in_json = secret.replace("\\", r"\\").replace('"', r"\"")
    for form in {secret, in_json, quote(secret, safe=""), quote_plus(secret)}:
        body = body.replace(form.encode(), _HIDDEN.encode())
    return body


def excerpt(text: str, limit: int = 120) -> str:
    """Return the text redacted, on one line, and without control characters, and cut to `limit` characters."""
    shown = "".join(character if character.isprintable() else " " for character in redact(text[: 8 * limit]))
    text = " ".join(shown.split())
    return text if len(text) <= limit else f"{text[:limit]}…"


def _without_value(found: re.Match[str]) -> str:
    opening = found["quote"] or found["escaped"] or ""
    return f"{found['name']}{found['separator']}{opening}{_HIDDEN}"
