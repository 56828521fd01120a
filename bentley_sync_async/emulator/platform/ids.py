"""Ids shaped like the service's: GUIDs, and pairs of GUIDs in .NET's byte order as base64url without padding."""

from __future__ import annotations

import base64
import random
import re
import uuid

_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PAIR = re.compile(r"[A-Za-z0-9_-]{43}")
_RUN = re.compile(rf"{_GUID.pattern}|[0-9a-f]{{40}}", re.IGNORECASE)
_ITWINS = uuid.UUID("5fb9aa98-9874-4697-b942-d19728840f19")


def is_guid(text: object) -> bool:
    """Tell whether this could be the id of an iModel or of a source file."""
    return isinstance(text, str) and _GUID.fullmatch(text) is not None


def is_pair(text: object) -> bool:
    """Tell whether this could be the id of a connection or of a file in Storage: 43 characters for two GUIDs."""
    return isinstance(text, str) and _PAIR.fullmatch(text) is not None


def is_run_id(text: str) -> bool:
    """Tell whether this could be the id of a run: a GUID in practice, 40 hexadecimal digits on the pages."""
    return _RUN.fullmatch(text) is not None


def encode_pair(first: str, second: str) -> str:
    """Return the id that stands for two GUIDs."""
    raw = uuid.UUID(first).bytes_le + uuid.UUID(second).bytes_le
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_pair(text: str) -> tuple[str, str]:
    """Return the two GUIDs that an id stands for."""
    raw = base64.urlsafe_b64decode(text + "=")
    return str(uuid.UUID(bytes_le=raw[:16])), str(uuid.UUID(bytes_le=raw[16:]))


def itwin_of(imodel_id: str) -> str:
    """Return the iTwin that an iModel belongs to; the same one always."""
    return str(uuid.uuid5(_ITWINS, imodel_id.lower()))


class Ids:
    """Draws ids from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids/{seed}")

    def guid(self) -> str:
        """Return a new GUID, of a run, job, task, source file or iModel."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def connection(self, imodel_id: str) -> str:
        """Return a new connection id; it starts with the iModel."""
        return encode_pair(imodel_id, self.guid())

    def storage_file(self, itwin_id: str | None = None) -> str:
        """Return a new id of a file in Storage; it starts with the iTwin."""
        return encode_pair(itwin_id or self.guid(), self.guid())
