"""Ids in the service's forms: GUIDs, and pairs of GUIDs in .NET's byte order as base64url without padding."""

from __future__ import annotations

import base64
import random
import re
import uuid

_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PAIR = re.compile(r"[A-Za-z0-9_-]{43}")
_USERS = uuid.UUID("a7c0a9f5-3a0e-4f0e-9c37-6d3d5b0f5a11")
_ITWINS = uuid.UUID("5fb9aa98-9874-4697-b942-d19728840f19")


def is_guid(text: object) -> bool:
    """Return whether the value has the form of a GUID."""
    return isinstance(text, str) and _GUID.fullmatch(text) is not None


def is_pair(text: object) -> bool:
    """Return whether the value has the form of a pair of GUIDs, as ids of files in Storage have: 43 characters."""
    return isinstance(text, str) and _PAIR.fullmatch(text) is not None


def encode_pair(first: str, second: str) -> str:
    """Return the id that encodes two GUIDs."""
    raw = uuid.UUID(first).bytes_le + uuid.UUID(second).bytes_le
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_pair(text: str) -> tuple[str, str]:
    """Return the two GUIDs that an id encodes."""
    raw = base64.urlsafe_b64decode(text + "=")
    return str(uuid.UUID(bytes_le=raw[:16])), str(uuid.UUID(bytes_le=raw[16:]))


def itwin_of(imodel_id: str) -> str:
    """Return the iTwin of an iModel, which is a hash of the iModel's id."""
    return str(uuid.uuid5(_ITWINS, imodel_id.lower()))


def user_of(email: str) -> str:
    """Return the id of a user, which is a hash of the e-mail address."""
    return str(uuid.uuid5(_USERS, email))


class Ids:
    """Generates ids from a seed."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(f"ids/{seed}")

    def guid(self) -> str:
        """Return a new GUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def pair(self, first: str | None = None) -> str:
        """Return a new pair that begins with the given GUID, or with a new one."""
        return encode_pair(first or self.guid(), self.guid())
