"""Takes secrets out of text that is about to be shown, and makes it short enough to show."""

from __future__ import annotations

import re

_HIDDEN = "[hidden]"
_SECRETS = (
    re.compile(r"(?i)\b(bearer|basic)\s+[\w\-.~+/]+=*"),
    re.compile(r"\beyJ[\w-]*\.[\w-]*(?:\.[\w-]*)?"),  # a JSON Web Token
    re.compile(
        r"(?i)(?<![a-z])(access_token|refresh_token|id_token|client_secret|client_assertion|password|secret|"
        r"authorization|subscription-key|sig|code_verifier)(\"?\s*[=:]\s*\"?)[^\s\"'&,}\]]+"
    ),
)


def redact(text: str) -> str:
    """Return the text with tokens, client secrets, passwords and URL signatures replaced by `[hidden]`."""
    for pattern in _SECRETS[:2]:
        text = pattern.sub(_HIDDEN, text)
    return _SECRETS[2].sub(rf"\1\2{_HIDDEN}", text)


def excerpt(text: str, limit: int = 120) -> str:
    """Return the text redacted, on one line, and cut to at most `limit` characters and an ellipsis."""
    text = " ".join(redact(text[: 8 * limit]).split())
    return text if len(text) <= limit else f"{text[:limit]}…"
