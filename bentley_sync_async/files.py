"""Files that this package makes: for their owner only, and never through a link.

Windows knows neither such permissions nor `O_NOFOLLOW`: there a new file has the access list of its folder.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def create(path: Path) -> int:
    """Make an empty file that its owner may read and write, and nobody else; return its descriptor.

    Raises:
        FileExistsError: Something has this name, be it a link to nowhere.
        OSError: It cannot be made.
        ValueError: No file can have this name.
    """
    return os.open(path, _FLAGS, 0o600)


def check_replaceable(path: Path) -> None:
    """Check that a file can be replaced: make and remove a draft beside it.

    Raises:
        OSError: `replace` would fail.
        ValueError: No file can have this name.
    """
    with suppress(FileNotFoundError):
        path.lstat()  # finds a name that no file can have
    draft = _draft(path)
    os.close(create(draft))
    draft.unlink()


def replace(path: Path, content: str | bytes) -> None:
    """Replace a file by a new one with this content, completely or not at all; a link is replaced, not its target.

    Args:
        path: The file.
        content: Bytes, or text that is written as UTF-8.

    Raises:
        OSError: That failed; what was there is unchanged.
    """
    draft = _draft(path)
    descriptor = create(draft)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _draft(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.draft")
