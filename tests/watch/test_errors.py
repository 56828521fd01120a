"""The errors of a watch: what they say about the run, and what to do next."""

from bentley_sync_async import RunRef, StorageRun
from bentley_sync_async.watch.errors import IModelBusyError, RunVanishedError, WatchFailedError

REF = RunRef(connection_id="c", run_id="r")
RUN = StorageRun(id="r")


def test_a_watch_that_gave_up_says_for_how_long_and_how_to_go_on():
    error = WatchFailedError.after(1800.4, "c", REF, RUN, attempted=True)
    assert str(error) == (
        "No good answer on run r of connection c for 1800 s; the last failure is the cause of this error. Await this "
        "watcher again to continue. The run itself goes on; client.attach() follows it again."
    )
    assert (error.ref, error.run) == (REF, RUN)


def test_a_watch_without_a_run_says_whether_there_may_be_one():
    may, none = (WatchFailedError.after(60, "c", None, None, attempted=attempted) for attempted in (True, False))
    assert "No good answer on connection c for 60 s" in str(may)
    assert str(may).endswith("It may have been triggered: list its runs before triggering it again.")
    assert str(none).endswith("It was not triggered.")


def test_a_run_that_vanished_and_a_busy_imodel_name_the_run():
    vanished, busy = RunVanishedError.of(REF, RUN), IModelBusyError.of("d", REF)
    assert str(vanished).startswith("The service does not know run r of connection c (any more).")
    assert (vanished.ref, vanished.run) == (REF, RUN)
    assert str(busy).startswith("The iModel of connection d is busy with run r of connection c.")
    assert (busy.ref, busy.run) == (REF, None)
