"""A report file: checked to be writable before the work begins, and written completely or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TextIO

from bentley_sync_async import InvalidArgumentError


class ReportFile:
    """A file that is written at the end, for its owner only unless it exists with other permissions."""

    def __init__(self, path: str) -> None:
        """Check the path.

        Raises:
            InvalidArgumentError: The file cannot be written, or is a link.
        """
        self._path = Path(path)
        self._draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._mode = self._mode_of_file()
            self._open_draft().close()
            self._draft.unlink()
        except (OSError, ValueError) as exc:
            why = getattr(exc, "strerror", None) or exc
            raise InvalidArgumentError(f"{path} cannot be written: {why}. Nothing was triggered.") from exc

    def write(self, text: str) -> None:
        """Replace the contents of the file with the text.

        Raises:
            OSError: That failed; the file is unchanged.
        """
        with self._open_draft() as draft:
            try:
                draft.write(text)
                draft.flush()
                self._draft.chmod(self._mode)
                self._draft.replace(self._path)
            except BaseException:
                self._draft.unlink(missing_ok=True)
                raise

    def _mode_of_file(self) -> int:
        """Return the permissions of the file: those that it has, or its owner's only."""
        if self._path.is_symlink():
            raise OSError(f"it is a link to {self._path.readlink()}; name that file itself")
        if not self._path.exists():
            return 0o600
        if not self._path.is_file():
            raise OSError("it is not a regular file, and no report can replace it")
        return stat.S_IMODE(self._path.stat().st_mode)

    def _open_draft(self) -> TextIO:
        """Open the draft: a new file for its owner only. Whatever stands under its name, also a link, is an error."""
        descriptor = os.open(self._draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        return os.fdopen(descriptor, "w", encoding="utf-8")
