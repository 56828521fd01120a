"""The descriptions of published files in Storage: the path, and the hash of the content. Pure.

So Storage itself says what was published, and a publish from another machine, or without its journal, uploads nothing
again that is there already.
"""

from __future__ import annotations

import hashlib
import re

_MOST = 250  # characters; Storage refuses names of more than 255, and a description is taken to be no longer
_FORM = re.compile(r"sha256:(?P<sha256>[0-9a-f]{64}) (?P<path>.+)", re.DOTALL)


def describe(path: str, sha256: str) -> str:
    """Return the description of a file: its content's SHA-256, and its path or, if that is long, the path's hash."""
    text = f"sha256:{sha256} {path}"
    return text if len(text) <= _MOST else f"sha256:{sha256} {short_path(path)}"


def short_path(path: str) -> str:
    """Return what stands for a long path in a description."""
    return f"path-sha256:{hashlib.sha256(path.encode()).hexdigest()}"


def read_description(description: str | None) -> tuple[str, str] | None:
    """Return the path, or what stands for a long one, and the SHA-256; `None` if a publish did not write it."""
    found = _FORM.fullmatch(description or "")
    return (found["path"], found["sha256"]) if found is not None else None
