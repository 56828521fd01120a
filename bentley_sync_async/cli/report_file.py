"""A report file: checked to be writable before the work begins, and written completely or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from bentley_sync_async import InvalidArgumentError


class ReportFile:
    """A file that is written at the end."""

    def __init__(self, path: str) -> None:
        """Check the path; if it is a link, its target is replaced, not the link.

        Raises:
            InvalidArgumentError: The file cannot be written.
        """
        try:
            self._path = Path(path).resolve()
            self._draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            special = self._path.exists() and not self._path.is_file()
            self._draft.touch()
            self._draft.unlink()
        except (OSError, ValueError) as exc:
            why = getattr(exc, "strerror", None) or exc
            raise InvalidArgumentError(f"{path} cannot be written: {why}. Nothing was triggered.") from exc
        if special:
            raise InvalidArgumentError(
                f"{path} is not a regular file; no report can replace it. Nothing was triggered."
            )

    def write(self, text: str) -> None:
        """Replace the contents of the file with the text.

        Raises:
            OSError: That failed; the file is unchanged.
        """
        try:
            self._draft.write_text(text, encoding="utf-8")
            self._draft.replace(self._path)
        except BaseException:
            self._draft.unlink(missing_ok=True)
            raise
