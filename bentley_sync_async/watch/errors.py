"""The errors that end a watch before its run has ended."""

from bentley_sync_async.errors import SynchronizationError
from bentley_sync_async.models import RunRef, StorageRun


class WatchError(SynchronizationError):
    """A watch ended before its run. The run itself goes on: the API has no cancel.

    Attributes:
        ref: The run that was followed, `None` if none was known yet. `client.attach(ref)` follows it again.
        run: The last snapshot, `None` if there was none.
    """

    def __init__(self, text: str, *, ref: RunRef | None, run: StorageRun | None = None) -> None:
        self.ref = ref
        self.run = run
        super().__init__(text)


class WatchTimeoutError(WatchError, TimeoutError):
    """The `timeout` of a watch ran out before its run was completed; attach to `ref` to continue."""


class WatchFailedError(WatchError):
    """The service gave no good answer for so long that the watch gave up; `__cause__` is the last failure.

    Await the watcher again, or resume it, when the cause is gone.
    """


class RunVanishedError(WatchError):
    """The service does not know the run (any more): list the runs of its connection, if that still exists."""


class IModelBusyError(WatchError):
    """Another connection of the iModel is being synchronized, and the watch has `when_busy="fail"`.

    Trigger again when the run `ref` has ended; with `when_busy="wait"` the watch does so itself.
    """
