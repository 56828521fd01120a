"""A report file: checked to be writable before the work begins, and written completely or not at all."""

from __future__ import annotations

from pathlib import Path

from bentley_sync_async import InvalidArgumentError, files


class ReportFile:
    """A file that is written at the end, for its owner only."""

    def __init__(self, path: str) -> None:
        """Check the path.

        Raises:
            InvalidArgumentError: The file cannot be written, or is a link, whose target would have to be overwritten.
        """
        try:
            self._path = Path(path).absolute()
            link = self._path.is_symlink()
            special = self._path.exists() and not self._path.is_file()
            files.check_replaceable(self._path)
        except (OSError, ValueError) as exc:
            why = getattr(exc, "strerror", None) or exc
            raise InvalidArgumentError(f"{path} cannot be written: {why}. Nothing was triggered.") from exc
        if link:
            raise InvalidArgumentError(f"{path} is a link: name the file itself. Nothing was triggered.")
        if special:
            raise InvalidArgumentError(
                f"{path} is not a regular file; no report can replace it. Nothing was triggered."
            )

    def write(self, text: str) -> None:
        """Replace the contents of the file with the text.

        Raises:
            OSError: That failed; the file is unchanged.
        """
        files.replace(self._path, text)
