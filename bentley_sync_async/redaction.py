"""Redaction: removes secrets from texts that will be shown or logged, and shortens them."""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import codepoint2name

_HIDDEN = "[hidden]"
_NAMES = {**codepoint2name, ord("'"): "apos"}
_BARE = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w\-.~+/]+=*"
    r"|\beyJ[\w-]*\.[\w-]*(?:\.[\w-]*)?"  # a JSON Web Token
)
# A name, a separator, and a value: in quotes, in quotes that JSON inside JSON has escaped, or bare.
_NAMED = re.compile(
    r"""(?isx)
    (?P<name>(?:access|refresh|id)[_-]?token|client[_-]?(?:secret|assertion)|password|secret|authorization|
             subscription-key|sig|signature|tempauth|security-token|code[_-]?verifier)
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
    """Return an answer without the secret of its request, in any notation of JSON, URLs or HTML."""
    clue, quoted = _quoted(secret)
    return quoted.sub(_HIDDEN.encode(), body) if clue in body else body


def without_in_text(secret: str, text: str) -> str:
    """Return a text without a secret, as `without`; the same object if it is not in it."""
    if not secret or _clue(secret) not in text:
        return text
    return without(secret, text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def excerpt(text: str, limit: int = 120) -> str:
    """Return the text redacted, on one line, and without control characters, and cut to `limit` characters."""
    shown = "".join(character if character.isprintable() else " " for character in redact(text[: 8 * limit]))
    text = " ".join(shown.split())
    return text if len(text) <= limit else f"{text[:limit]}…"


def _without_value(found: re.Match[str]) -> str:
    opening = found["quote"] or found["escaped"] or ""
    return f"{found['name']}{found['separator']}{opening}{_HIDDEN}"


@lru_cache(maxsize=8)
def _clue(secret: str) -> str:
    """Return the longest piece of a secret that no notation changes: of letters and digits."""
    return max(re.findall(r"[A-Za-z0-9]+", secret), key=len, default="")


@lru_cache(maxsize=8)
def _quoted(secret: str) -> tuple[bytes, re.Pattern[bytes]]:
    """Return the clue of a secret, for a fast search, and a pattern for all of it."""
    clue = _clue(secret)
    pieces = re.findall(r"\\+|[A-Za-z0-9]+|.", secret, flags=re.DOTALL)
    return clue.encode(), re.compile("".join(map(_forms, pieces)).encode())


def _forms(piece: str) -> str:
    """Return a pattern for the forms of letters and digits, of backslashes, or of another character.

    A form may be within another, such as JSON within JSON, up to three deep: bounds keep the search short.
    """
    if piece.isascii() and piece.isalnum():
        return piece
    character = piece[0]
    code = ord(character)
    name = _NAMES.get(code, f"#{code}")
    units = re.findall("....", character.encode("utf-16-be").hex())
    in_json = r"\\{0,7}+".join(f"u{unit}" for unit in units)
    in_url = "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in character.encode())
    in_html = f"&(?:amp;){{0,3}}(?:#x0{{0,6}}{code:x}|#0{{0,6}}{code}|{name});"
    if character == "\\":
        return rf"(?:\\|(?i:{in_json}|{in_url}|{in_html})){{1,64}}+"
    itself = "[ +]" if character == " " else re.escape(character)
    return rf"(?:(?i:{in_url}|{in_html})|\\{{0,7}}+(?:(?i:{in_json})|{itself}))"
