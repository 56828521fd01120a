"""The names that completion offers: a small file in the user's cache folder, for a few minutes, for its owner only.

It holds ids and names, a line each; no secret. Standard library and platformdirs only: it is read while somebody types.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from bentley_sync_async import files

_LIFETIME = 120.0  # seconds
_FORGOTTEN = 24 * 3600.0  # seconds after which the names of another place are deleted
_MOST = 2000  # names


class NameCache:
    """The names of one kind in one place of one service."""

    def __init__(self, origin: str, kind: str, place: str) -> None:
        """Name the file.

        Args:
            origin: The service's address, and who signs in.
            kind: What has the names.
            place: The iModel or iTwin that they are in, as the user gave it.
        """
        key = hashlib.sha256("\n".join([origin, kind, place]).encode()).hexdigest()[:32]
        self._path = _folder() / f"{key}.tsv"

    def fresh(self) -> list[tuple[str, str]] | None:
        """Return the ids and names; `None` if there are none, or they are too old."""
        try:
            age = time.time() - self._path.stat().st_mtime
        except OSError:
            return None
        return self.any_age() if 0 <= age < _LIFETIME else None

    def any_age(self) -> list[tuple[str, str]]:
        """Return the ids and names, however old they are."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return []
        return [(one, name) for one, found, name in (line.partition("\t") for line in lines) if found]

    def store(self, names: list[tuple[str, str]]) -> None:
        """Replace what is there; that is tried only."""
        text = "".join(f"{one}\t{name}\n" for one, name in names[:_MOST] if name.isprintable())
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.replace(self._path, text)
            for path in self._path.parent.glob("*.tsv"):
                if time.time() - path.stat().st_mtime > _FORGOTTEN:
                    path.unlink()


def _folder() -> Path:
    import platformdirs  # noqa: PLC0415 - of the extra

    return Path(platformdirs.user_cache_path("bentley-sync", appauthor=False)) / "names"
