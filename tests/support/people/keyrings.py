"""Keyrings for tests, by the variable PYTHON_KEYRING_BACKEND: nobody's real one."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """A keyring in the file $KEYRING_FILE, which takes entries as short as that of Windows does."""

    priority = 1
    name = "Keyring of the tests"

    def _entries(self):
        path = Path(os.environ["KEYRING_FILE"])
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def _write(self, entries):
        Path(os.environ["KEYRING_FILE"]).write_text(json.dumps(entries), "utf-8")

    def get_password(self, service, username):
        return self._entries().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        if len(password.encode("utf-16-le")) > 2560:
            raise OSError(1783, "CredWrite", "The stub received bad data")
        self._write(self._entries() | {f"{service}/{username}": password})

    def delete_password(self, service, username):
        entries = self._entries()
        del entries[f"{service}/{username}"]
        self._write(entries)


class LockedKeyring(KeyringBackend):
    """A keyring that does not open."""

    priority = 1
    name = "Locked keyring"

    def get_password(self, service, username):
        raise RuntimeError(f"locked: {service} {username}")

    def set_password(self, service, username, password):
        raise RuntimeError(f"locked: {password}")

    def delete_password(self, service, username):
        raise RuntimeError("locked")
