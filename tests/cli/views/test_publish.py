import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bentley_sync_async import RunRef, RunTriggered
from bentley_sync_async.bulk import (
    ConnectionFinished,
    ConnectionProgressed,
    ConnectionStarted,
    FailedFile,
    Outcome,
    OutcomeStatus,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.views.publish import LivePublishView, PlainPublishView, best_publish_view
from bentley_sync_async.publish import (
    ConnectionPlan,
    ConnectionPrepared,
    FileAction,
    FileFailed,
    FilePlan,
    FileUploaded,
    PublishedFile,
    PublishPlan,
    PublishPlanned,
    PublishProgress,
)

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLANNED = PublishPlanned(
    plan=PublishPlan(
        files=(
            FilePlan(
                path="a.dgn",
                action=FileAction.UPDATE,
                size=2_000_000,
                published=PublishedFile(path="a.dgn", file_id="file a"),
            ),
        ),
        connections=(
            ConnectionPlan(display_name="Nightly 1", connection_id="c", files=("a.dgn",), run=True),
            ConnectionPlan(display_name="Nightly 2", connection_id=None, files=("b.dgn",), add=("b.dgn",), run=True),
        ),
    )
)
PREPARED = ConnectionPrepared(connection_id="new", display_name="Nightly 2", created=True, added=1)
UPLOADED = FileUploaded(path="b.dgn", size=5, file_id="file b", seconds=1.0)
HALF = PublishProgress(files=2, finished=1, size=4_000_000, sent=2_000_000, sending={"a.dgn": (1_000_000, 2_000_000)})
DONE = PublishProgress(files=2, finished=2, size=4_000_000, sent=4_000_000)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def started(connection_id):
    return ConnectionStarted(connection_id=connection_id, attempt=1, imodel_id="imodel")


def triggered(connection_id):
    ref = RunRef(connection_id=connection_id, run_id="0123456789")
    return ConnectionProgressed(connection_id=connection_id, event=RunTriggered(seq=1, at=AT, ref=ref))


def finished(connection_id, status=OutcomeStatus.SUCCEEDED, **rest):
    outcome = Outcome(connection_id=connection_id, status=status, **rest)
    return ConnectionFinished(connection_id=connection_id, outcome=outcome)


def plain(*events, clock=None):
    """The lines for events; a number is the progress so many seconds after the begin."""
    clock = clock or Clock()
    screen = Console(file=io.StringIO(), width=80)
    with PlainPublishView(screen, DisplayNames(), now=clock) as view:
        for event in events:
            if isinstance(event, tuple):
                clock.now, progress = event
                view.tick(progress)
            else:
                view.show(event)
    return [line[10:] for line in screen.file.getvalue().splitlines()]


def live(*events, clock=None, height=24):
    screen = Console(file=io.StringIO(), width=80, height=height, force_terminal=True, color_system=None)
    view = LivePublishView(screen, DisplayNames(), now=clock or Clock())
    for event in events:
        view.show(event)
    return view, screen


def picture(view, screen, progress):
    with screen.capture() as captured:
        screen.print(view.picture(progress))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_plain_lines_name_files_and_connections():
    assert plain(PLANNED, UPLOADED, PREPARED, started("new"), triggered("new"), finished("new")) == [
        "1 file to upload (2.0 MB), 2 connections to run.",
        "b.dgn  uploaded (5 bytes) in 1s",
        "connection Nightly 2  created, new, files: 1 added",
        "Nightly 2  triggered run 0123456789",
        "Nightly 2  succeeded",
    ]


def test_a_file_that_a_run_has_failed_on_is_named_by_its_path():
    failed = FailedFile(storage_file_id="file a", error_key="Broken", result="Error")
    screen = Console(file=io.StringIO(), width=80)
    with PlainPublishView(screen, DisplayNames(), now=Clock()) as view:
        view.show(PLANNED)
        view.show(finished("c", OutcomeStatus.FAILED, failed_files=(failed,)))
    *_, run, file = screen.file.getvalue().splitlines()
    assert run[10:] == "Nightly 1  failed"
    assert file == "  a.dgn: Broken (fixable by the user: ?)"


def test_plain_lines_tell_the_progress_twice_a_minute():
    shown = plain((29, HALF), PLANNED, (30, HALF), (45, HALF), (61, DONE), started("c"), (85, DONE), (92, DONE))
    assert shown[1:] == ["1 of 2 files uploaded, 2.0 MB of 4.0 MB", "0 of 2 runs finished, 1 active"]


def test_the_live_view_has_a_bar_for_all_and_one_for_each_file_in_flight():
    shown = picture(*live(PLANNED), HALF)
    bar = "\N{BOX DRAWINGS HEAVY HORIZONTAL}"
    assert [line.rpartition("  ")[0].startswith(bar) or line.startswith(bar) for line in shown] == [True, True, False]
    assert shown[0].endswith(" 1 of 2 files uploaded, 2.0 MB of 4.0 MB")
    assert shown[1].endswith(" a.dgn  1.0 MB of 2.0 MB")
    assert shown[2] == "0s. Ctrl-C detaches; runs go on."


def test_the_live_view_says_that_it_compares_until_there_is_a_plan():
    nothing = PublishProgress()
    assert picture(*live(), nothing)[0] == "comparing the local files with what is there"
    assert picture(*live(PLANNED), nothing) == ["0s. Ctrl-C detaches; runs go on."]


def test_the_live_view_has_no_more_bars_than_there_is_room_for():
    sending = {f"{n}.dgn": (1, 2) for n in range(50)}
    progress = PublishProgress(files=50, size=100, sent=50, sending=sending)
    assert len(picture(*live(PLANNED, height=10), progress)) == 4
    assert len(picture(*live(PLANNED, height=50), progress)) == 14


def test_the_live_view_shows_the_active_runs_by_name():
    clock = Clock()
    view, screen = live(PLANNED, PREPARED, started("c"), finished("c"), started("new"), clock=clock)
    clock.now = 65.0
    first, second, last = picture(view, screen, DONE)
    assert first == "1 of 2 runs finished, 1 active"
    assert second.split("  ") == ["Nightly 2", "iModel imodel", "1m 05s", "triggering"]
    assert last == "1m 05s. Ctrl-C detaches; runs go on."


def test_the_live_view_prints_what_stays_and_hides_what_the_picture_shows():
    _, screen = live(PLANNED, UPLOADED, PREPARED, FileFailed(path="a.dgn", size=1, reason="Full."), finished("c"))
    assert [line[10:] for line in screen.file.getvalue().splitlines()] == [
        "1 file to upload (2.0 MB), 2 connections to run.",
        "a.dgn  failed: Full.",
        "Nightly 1  succeeded",
    ]


def test_the_live_view_draws_while_it_is_entered():
    view, screen = live(PLANNED)
    with view:
        view.tick(HALF)
    assert "1 of 2 files uploaded" in screen.file.getvalue()


@pytest.mark.parametrize(("file", "kind"), [(Terminal(), LivePublishView), (io.StringIO(), PlainPublishView)])
def test_a_terminal_has_the_live_view_and_all_else_has_lines(file, kind):
    screen = Console(file=file, _environ={"TERM": "xterm"})
    assert isinstance(best_publish_view(screen, DisplayNames()), kind)
