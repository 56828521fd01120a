"""The events of a publish, as frozen values. Those of its runs are the events of a bulk. Pure."""

from attrs import frozen

from bentley_sync_async.wire.codec import encode, to_builtins

from .plan import FileAction, PublishPlan


@frozen(kw_only=True)
class PublishEvent:
    """Any event of a publish that is not about a run."""

    def to_json(self) -> str:
        """Return the event as one line of JSON, in the API's spelling, with the name of its class as `event`."""
        return encode({"event": type(self).__name__, **to_builtins(self)}).decode()


@frozen(kw_only=True)
class PublishPlanned(PublishEvent):
    """Local files were compared with what is there. The first event.

    Attributes:
        plan: What has to be done.
    """

    plan: PublishPlan


@frozen(kw_only=True)
class FileEvent(PublishEvent):
    """Any event about one file.

    Attributes:
        path: The file.
        size: Its bytes.
    """

    path: str
    size: int


@frozen(kw_only=True)
class UploadStarted(FileEvent):
    """The file is uploaded now.

    Attributes:
        action: Whether it is new in Storage or updated.
        attempt: The number of the attempt, from 1; above 1, the file was changed while it was read.
    """

    action: FileAction
    attempt: int = 1


@frozen(kw_only=True)
class FileUploaded(FileEvent):
    """The file is in Storage, whole.

    Attributes:
        file_id: The file in Storage.
        seconds: How long the upload took.
    """

    file_id: str
    seconds: float


@frozen(kw_only=True)
class FileFailed(FileEvent):
    """The file could not be published; what was published of it before stays.

    Attributes:
        reason: Why, for people.
    """

    reason: str


@frozen(kw_only=True)
class FileRemoved(FileEvent):
    """A file that is gone locally was deleted from Storage."""


@frozen(kw_only=True)
class ConnectionPrepared(PublishEvent):
    """The connection has the files that it should have.

    Attributes:
        connection_id: The storage connection.
        display_name: Its name.
        created: Whether it is new.
        added: How many files it got.
        changed: How many of its files are read by another connector now.
        removed: How many files it lost.
    """

    connection_id: str
    display_name: str
    created: bool
    added: int = 0
    changed: int = 0
    removed: int = 0
