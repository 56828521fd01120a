"""Resume tokens: plain values as one line of printable text, and back.

A token is `bsr1.` (the version), then base64url of a checksum and the compressed values. A released version stays
readable: if the form of the values changes, the new form gets a new version, and the earlier forms are still read.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from bentley_sync_async.errors import ResumeTokenError

_VERSIONS = ("bsr1.", "bsr2.", "bsr3.")
_LATER = re.compile(r"bsr([4-9]|[1-9][0-9]+)(\.|\Z)")
_LONGEST = 4 * 1024 * 1024
_CHECKSUM = 4


def pack(values: Any, *, version: int = 1) -> str:
    """Return dicts, lists, strings, numbers, bytes and `None` as a token of a version, from 1 to 3.

    Raises:
        ResumeTokenError: The values are too large for a token, more than 4 MiB before compression.
    """
    plain = msgspec.msgpack.encode(values)
    if len(plain) > _LONGEST:
        raise ResumeTokenError(
            f"This run is too large for a resume token: it would hold {len(plain):,} bytes, and the limit is "
            f"{_LONGEST:,}. Attach to the run by its URL instead."
        )
    packed = zlib.compress(plain, level=9)
    with_checksum = zlib.crc32(packed).to_bytes(_CHECKSUM, "big") + packed
    return _VERSIONS[version - 1] + urlsafe_b64encode(with_checksum).decode().rstrip("=")


def unpack(token: str) -> Any:
    """Return the values of a token.

    Raises:
        ResumeTokenError: The text is not a token, is of a later version, or is damaged.
    """
    text = token.strip() if isinstance(token, str) else ""
    if not text.startswith(_VERSIONS):
        raise ResumeTokenError(
            "This resume token was made by a later version of this package: update it."
            if _LATER.match(text)
            else "This is not a resume token; one begins with bsr1 and comes from watcher.resume_token()."
        )
    body = text.partition(".")[2]
    try:
        with_checksum = urlsafe_b64decode(body + "==")  # superfluous padding is ignored
        packed = with_checksum[_CHECKSUM:]
        if zlib.crc32(packed).to_bytes(_CHECKSUM, "big") != with_checksum[:_CHECKSUM]:
            raise ResumeTokenError(_DAMAGED)
        unpacker = zlib.decompressobj()
        values = unpacker.decompress(packed, _LONGEST)
        if unpacker.unconsumed_tail:
            raise ResumeTokenError(_DAMAGED)
        return msgspec.msgpack.decode(values)
    except (binascii.Error, ValueError, zlib.error, msgspec.DecodeError, RecursionError) as exc:
        raise ResumeTokenError(_DAMAGED) from exc


def checked(values: Any, form: Any) -> Any:
    """Return the values of a token after a check of their types, such as `tuple[str, int | None]`.

    Raises:
        ResumeTokenError: The values are of other types.
    """
    try:
        return msgspec.convert(values, form)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise ResumeTokenError("This resume token does not have the values of its version.") from exc


_DAMAGED = "This resume token is damaged: part of it is missing or changed. Attach to the run by its URL instead."
