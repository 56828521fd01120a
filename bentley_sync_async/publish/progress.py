"""How far the uploads of a publish are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from attrs import frozen

from .outcomes import FileOutcome, FileStatus
from .plan import FileAction

_TO_UPLOAD = frozenset({FileAction.UPLOAD, FileAction.UPDATE})


@frozen(kw_only=True)
class PublishProgress:
    """How far the uploads are.

    Attributes:
        files: How many files are to be uploaded.
        finished: How many of them are uploaded, or failed.
        size: The bytes of them all.
        sent: How many of these bytes were sent.
        sending: The files that are being uploaded: bytes sent and bytes in all, by path.
    """

    files: int = 0
    finished: int = 0
    size: int = 0
    sent: int = 0
    sending: Mapping[str, tuple[int, int]] = MappingProxyType({})

    @classmethod
    def of(cls, files: Iterable[FileOutcome], sending: Mapping[str, int]) -> PublishProgress:
        """Return the progress for what came of the files so far, and the bytes of those under way."""
        mine = [one for one in files if one.action in _TO_UPLOAD]
        done = [one for one in mine if one.status is not FileStatus.WAITING]
        sizes = {one.path: one.size for one in mine}
        under_way = {path: (sent, sizes[path]) for path, sent in sending.items() if path in sizes}
        return cls(
            files=len(mine),
            finished=len(done),
            size=sum(sizes.values()),
            sent=sum(one.size for one in done) + sum(sent for sent, _ in under_way.values()),
            sending=under_way,
        )
