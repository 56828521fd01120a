"""Where sign-ins are kept: the system's keyring, or a file that only its owner can read."""

from __future__ import annotations

import hashlib
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from bentley_sync_async import files
from bentley_sync_async.errors import ConfigurationError

SERVICE = "bentley-sync"
"""The name of the package in keyrings and below the user's folders."""

_PIECE = 1000
"""Characters of an entry of a keyring: the one of Windows takes 2560 bytes of UTF-16, less than a token may have."""


class SignInStore(Protocol):
    """Keeps the text of sign-ins, which hold tokens. Its methods may block: they are called in a thread."""

    @property
    def place(self) -> str:
        """Return where the sign-ins are, for people."""
        ...

    def load(self, key: str) -> str | None:
        """Return the text of the key, or `None`.

        Raises:
            ConfigurationError: It cannot be read.
        """
        ...

    def save(self, key: str, text: str) -> None:
        """Keep the text for the key, in place of another one.

        Raises:
            ConfigurationError: It cannot be written.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget the text of the key, if there is one.

        Raises:
            ConfigurationError: That is not possible.
        """
        ...


class KeyringStore:
    """Keeps sign-ins in the system's keyring, by the library `keyring`.

    A text is kept in pieces; the first one begins with their number, and is written last.
    """

    def __init__(self) -> None:
        """Take the keyring that the library finds."""
        import keyring  # noqa: PLC0415 - of the extra `login`

        self._keyring = keyring.get_keyring()

    @property
    def place(self) -> str:
        """Return the name of the keyring."""
        return f"the keyring ({self._keyring.name})"

    def load(self, key: str) -> str | None:
        """Return the text of the key, or `None`."""
        names = self._names(key)
        if not names:
            return None
        pieces = [self._call("get_password", name) or "" for name in names]
        return "".join([pieces[0].partition(" ")[2], *pieces[1:]])

    def save(self, key: str, text: str) -> None:
        """Keep the text for the key."""
        former = self._names(key)
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)] or [""]
        for n in range(len(pieces) - 1, 0, -1):
            self._call("set_password", f"{key} {n}", pieces[n])
        self._call("set_password", key, f"{len(pieces)} {pieces[0]}")
        self._delete(former[len(pieces) :])

    def delete(self, key: str) -> None:
        """Forget the text of the key."""
        self._delete(self._names(key))

    def _names(self, key: str) -> list[str]:
        """Return the names of the entries of a key; none if there is no text, or an entry that is not of this class."""
        number, separator, _ = (self._call("get_password", key) or "").partition(" ")
        return [key, *(f"{key} {n}" for n in range(1, int(number)))] if separator and number.isdecimal() else []

    def _delete(self, names: list[str]) -> None:
        for name in names:
            if self._call("get_password", name) is not None:
                self._call("delete_password", name)

    def _call(self, method: str, *args: str) -> Any:
        try:
            return getattr(self._keyring, method)(SERVICE, *args)
        except Exception as exc:  # noqa: BLE001 - keyrings raise whatever their system does
            failure = type(exc).__name__
        # Raised here, and not from the cause, whose frames hold the secret.
        raise ConfigurationError(
            f"{self.place} failed with {failure}. Unlock it, or choose another one: "
            "PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring keeps the sign-in in a file."
        )


class FileStore:
    """Keeps each sign-in in a file of its own, which only its owner can read."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the folder, by default the one for the user's state; it is made when it is needed."""
        self._folder = folder if folder is not None else state_folder()

    @property
    def place(self) -> str:
        """Return the folder."""
        return f"a file in {self._folder}, readable by its owner only"

    def load(self, key: str) -> str | None:
        """Return the text of the key, or `None`."""
        path = self._path(key)
        try:
            readable = stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
            if readable and sys.platform != "win32":
                raise ConfigurationError(f"{path} holds tokens, and others can read it: chmod 600 {path}")
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}.") from exc

    def save(self, key: str, text: str) -> None:
        """Keep the text for the key."""
        path = self._path(key)
        try:
            private_folder(self._folder)
            files.replace(path, text)
        except OSError as exc:
            raise ConfigurationError(f"{path} cannot be written: {exc.strerror or exc}.") from None

    def delete(self, key: str) -> None:
        """Forget the text of the key."""
        with suppress(FileNotFoundError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"sign-in-{short_name(key)}.json"


def default_store() -> KeyringStore | FileStore:
    """Return the system's keyring, or files where there is none or the library `keyring` is not installed."""
    try:
        import keyring  # noqa: PLC0415 - of the extra `login`
        from keyring.backends import fail, null  # noqa: PLC0415
    except ImportError:
        return FileStore()
    nowhere = (fail.Keyring, null.Keyring)
    return FileStore() if isinstance(keyring.get_keyring(), nowhere) else KeyringStore()


def state_folder() -> Path:
    """Return the folder for what the package keeps for its user, which may not be there yet."""
    import platformdirs  # noqa: PLC0415 - of the extra `login`

    return platformdirs.user_state_path(SERVICE, appauthor=False)


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter, if it is not there, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def short_name(key: str) -> str:
    """Return a file name for a key: the beginning of its hash."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
