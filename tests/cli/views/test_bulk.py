import io
import json
import threading
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bentley_sync_async import (
    ConnectorType,
    ExecutionState,
    NotFoundError,
    RateTier,
    RunJoined,
    RunRef,
    RunTriggered,
    StorageJob,
    StorageRun,
    StorageTask,
    TriggerDelayed,
    WaitingForIModel,
    diff,
)
from bentley_sync_async.bulk import (
    BulkProgress,
    BulkReport,
    ConnectionFinished,
    ConnectionProgressed,
    ConnectionStarted,
    Outcome,
    OutcomeStatus,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.views.background import JSONView, named_json
from bentley_sync_async.cli.views.bulk import LiveBulkView, PlainBulkView, best_bulk_view
from bentley_sync_async.transport.rate_limit.budget import RequestBudget

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
IMODEL = "53915955-482e-4f83-8388-c2010e69008d"
NAMES = DisplayNames(url=lambda ref: f"https://api/{ref.run_id}")
LONG_ID = "VVmRUy5Ig0-DiMIBDmkAjTUbDh0a__xKvbolEYh"


def ref(connection_id):
    return RunRef(connection_id=connection_id, run_id="0123456789")


def started(connection_id, **rest):
    return ConnectionStarted(connection_id=connection_id, **({"attempt": 1, "imodel_id": IMODEL} | rest))


def progressed(connection_id, kind, of=None, **rest):
    told = kind(seq=1, at=AT, ref=ref(of or connection_id), **rest)
    return ConnectionProgressed(connection_id=connection_id, event=told)


def watched(connection_id, snapshot):
    told = diff(None, snapshot, ref=ref(connection_id), at=AT, seq=1)
    return [ConnectionProgressed(connection_id=connection_id, event=event) for event in told]


def run(done=1, of=2, state=ExecutionState.EXECUTING):
    tasks = tuple(
        StorageTask(id=f"t{n}", state=ExecutionState.COMPLETED if n < done else ExecutionState.EXECUTING)
        for n in range(of)
    )
    job = StorageJob(id="j", connector_type=ConnectorType.MSTN, tasks=tasks)
    return StorageRun(id="r", state=state, jobs=(job,))


def finished(connection_id, status=OutcomeStatus.SUCCEEDED, **rest):
    outcome = Outcome(connection_id=connection_id, status=status, **rest)
    return ConnectionFinished(connection_id=connection_id, outcome=outcome)


def waiting(connection_id):
    return progressed(connection_id, WaitingForIModel, of="other", run=run())


def progress(total, *, finished=0, active=0, **rest):
    counts = {OutcomeStatus.SUCCEEDED: finished}
    figures = {"counts": counts, "requests": 7, "seconds_left": 60.0, "waiting": total - finished - active} | rest
    return BulkProgress(total=total, finished=finished, active=active, **figures)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def live(*events, height=24, width=80, clock=None):
    screen = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    view = LiveBulkView(screen, NAMES, now=clock or Clock())
    for event in events:
        view.show(event)
    return view, screen


def picture(view, screen, now):
    with screen.capture() as captured:
        screen.print(view.picture(now))
    return [line.rstrip() for line in captured.get().splitlines()]


def plain(*events, clock=None):
    screen = Console(file=io.StringIO(), width=80)
    view = PlainBulkView(screen, NAMES, now=clock or Clock())
    with view:
        for event in events:
            view.tick(event) if isinstance(event, BulkProgress) else view.show(event)
    return [line[10:] for line in screen.file.getvalue().splitlines()]


def test_the_live_view_has_a_bar_the_counts_the_costs_and_the_active_connections():
    clock = Clock()
    view, screen = live(
        started(f"{LONG_ID}{0:04}"),
        *watched(f"{LONG_ID}{0:04}", run()),
        started(f"{LONG_ID}{1:04}"),
        clock=clock,
    )
    clock.now = 65.0
    shown = picture(view, screen, progress(5, finished=3, active=2))
    assert shown[0].endswith(" 3 of 5 (60 %)")
    assert shown[0].startswith("\N{BOX DRAWINGS HEAVY HORIZONTAL}" * 15)
    assert shown[1:] == [
        "3 succeeded",
        "2 active, 0 waiting; 7 requests; about 1m 00s left",
        "...KvbolEYh0000  iModel 53915955  1m 05s  Executing, 1 of 2 files",
        "...KvbolEYh0001  iModel 53915955  1m 05s  triggering",
        "1m 05s. Ctrl-C detaches; runs go on.",
    ]


@pytest.mark.parametrize("number", [5, 5000])
@pytest.mark.parametrize(("height", "width"), [(24, 80), (24, 40), (12, 80), (10, 30)])
def test_the_live_view_fits_on_the_screen_however_many_there_are(number, height, width):
    ids = [f"{LONG_ID}{n:04}" for n in range(number)]
    view, screen = live(*map(started, ids), *map(waiting, ids), height=height, width=width)
    shown = picture(view, screen, progress(number, active=number))
    assert len(shown) <= height - 2
    assert max(map(len, shown)) <= width


def test_the_live_view_of_many_shows_those_that_have_been_active_longest_and_counts_the_rest():
    view, screen = live(*[started(f"{LONG_ID}{n:04}") for n in range(5000)])
    shown = picture(view, screen, progress(5000, active=5000))
    assert [line[11:15] for line in shown if line.startswith("...")] == [f"{n:04}" for n in range(8)]
    assert "and 4,992 more active" in shown


def test_the_live_view_shows_what_an_active_connection_waits_for():
    view, screen = live(started("c"), waiting("c"), width=120)
    shown = picture(view, screen, progress(1, active=1))
    assert "1 active (1 waiting for a busy iModel), " in shown[1]
    assert "waiting for the iModel, which is busy with run 01234567" in shown[2]


def test_the_live_view_drops_what_is_done_with():
    view, screen = live(started("c"), finished("c"))
    assert not [line for line in picture(view, screen, progress(2, finished=1)) if "...c" in line]


def test_the_live_view_starts_over_with_a_retried_run():
    view, screen = live(started("c"), *watched("c", run()), started("c", attempt=2))
    [row] = [line for line in picture(view, screen, progress(1, active=1)) if "...c" in line]
    assert row.endswith("triggering")


def test_the_live_view_shows_that_connections_are_resolved():
    view, screen = live()
    assert picture(view, screen, progress(0)) == [
        "resolving the connections; 7 requests",
        "0s. Ctrl-C detaches; runs go on.",
    ]


def test_the_live_view_no_longer_speaks_of_leaving_when_all_is_done():
    view, screen = live()
    assert "Ctrl-C" not in "".join(picture(view, screen, progress(5, finished=5)))


def test_the_live_view_prints_failures_as_they_come_and_nothing_of_what_went_well():
    _, screen = live(
        started("good"),
        finished("good"),
        started("bad"),
        finished("bad", OutcomeStatus.FAILED, reason="Broken [red]."),
        finished(None, OutcomeStatus.REFUSED, imodel_id="i"),
    )
    lines = screen.file.getvalue().splitlines()
    assert [line[10:] for line in lines] == ["bad  failed: Broken [red].", "iModel i  refused"]


def test_the_live_view_draws_at_a_tick_and_leaves_its_last_picture():
    view, screen = live()
    with view:
        view.tick(progress(2, finished=1))
        view.tick(progress(2, finished=2))
    assert "2 of 2 (100 %)" in screen.file.getvalue().rpartition("1 of 2")[2]


def test_only_a_tick_draws_the_live_view():
    before = set(threading.enumerate())
    view, _ = live()
    with view:
        assert set(threading.enumerate()) <= before


def test_plain_lines_report_the_start_and_the_end_of_each_connection_only():
    lines = plain(
        started("c"),
        progressed("c", RunTriggered),
        *watched("c", run(state=ExecutionState.COMPLETED)),
        finished("c"),
    )
    assert lines == ["c  triggered run 0123456789 https://api/0123456789", "c  succeeded"]


def test_plain_lines_report_joined_runs():
    assert plain(started("c"), progressed("c", RunJoined, foreign=False)) == [
        "c  joined run 0123456789, which was active already https://api/0123456789"
    ]


def test_plain_lines_report_retries_and_continued_connections():
    first, second = plain(started("c", resumed=True), started("c", attempt=2))
    assert first == "c  continues where another process left it"
    assert second.startswith("c  is run again")


def test_plain_lines_report_why_a_connection_failed():
    assert plain(finished("c", OutcomeStatus.REFUSED, reason="Gone.")) == ["c  refused: Gone."]


def test_a_line_on_the_progress_comes_with_each_twentieth_of_the_way():
    lines = plain(*[progress(1000, finished=n) for n in range(1001)])
    assert [line.partition(" of")[0] for line in lines] == [f"{n:,}" for n in range(50, 1001, 50)]


def test_a_line_on_the_progress_comes_every_half_minute():
    clock = Clock()
    screen = Console(file=io.StringIO(), width=80)
    with PlainBulkView(screen, NAMES, now=clock) as view:
        for second in range(100):
            clock.now = float(second)
            view.tick(progress(1000, active=2))
    assert len(screen.file.getvalue().splitlines()) == 3


def test_a_progress_line_has_counts_requests_and_time_left():
    [line] = plain(waiting("c"), progress(20, finished=1, active=2))
    assert line == (
        "1 of 20 (5 %): 1 succeeded; 2 active (1 waiting for a busy iModel), 17 waiting; 7 requests; about 1m 00s left"
    )


def test_a_connection_that_has_its_run_waits_no_longer():
    assert "busy" not in plain(waiting("c"), progressed("c", RunTriggered), progress(20, finished=1))[-1]


def test_a_connection_that_is_done_with_waits_no_longer():
    assert "busy" not in plain(waiting("c"), finished("c"), progress(20, finished=1))[-1]


def test_a_connection_that_has_trouble_on_the_way_waits_still():
    delayed = TriggerDelayed(
        seq=2,
        at=AT,
        connection_id="c",
        cause=NotFoundError(status=404, method="POST", url="http://127.0.0.1/"),
        attempt=1,
        delay=1.0,
    )
    told = ConnectionProgressed(connection_id="c", event=delayed)
    assert "1 waiting for a busy iModel" in plain(waiting("c"), told, progress(20, finished=1))[-1]


def test_json_names_the_event_and_its_connection():
    assert json.loads(started('c"').to_json()) == {
        "event": "ConnectionStarted",
        "connectionId": 'c"',
        "iModelId": IMODEL,
        "attempt": 1,
        "resumed": False,
    }


def test_json_of_a_watch_stands_in_that_of_the_bulk():
    assert json.loads(progressed("c", RunTriggered).to_json()) == {
        "event": "ConnectionProgressed",
        "connectionId": "c",
        "progress": {
            "event": "RunTriggered",
            "seq": 1,
            "at": "2026-11-22T12:00:00Z",
            "ref": {"connectionId": "c", "runId": "0123456789", "kind": "storage"},
            "recovered": False,
        },
    }


def test_json_of_an_end_has_the_outcome():
    told = json.loads(finished("c", OutcomeStatus.FAILED, reason="Two\nlines.").to_json())
    assert (told["outcome"]["status"], told["outcome"]["reason"]) == ("failed", "Two\nlines.")


def test_json_of_a_report_has_a_name_as_events_have():
    told = json.loads(named_json(BulkReport(outcomes=(), began_at=AT, duration=1.0)))
    assert (told["event"], told["outcomes"]) == ("BulkReport", [])


def test_the_json_view_prints_a_line_an_event_and_no_progress(capsys):
    with JSONView() as view:
        view.show(started("c"))
        view.tick(progress(1))
        view.show(finished("c", reason="Two\nlines."))
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == [
        "ConnectionStarted",
        "ConnectionFinished",
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(("file", "kind"), [(Terminal(), LiveBulkView), (io.StringIO(), PlainBulkView)])
def test_only_a_terminal_gets_the_live_view(file, kind):
    screen = Console(file=file, _environ={"TERM": "xterm"})
    assert type(best_bulk_view(screen, NAMES)) is kind


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
async def test_both_views_show_what_is_left_of_the_hour(kind):
    screen = Console(file=kind(), width=120, height=24, color_system=None, _environ={"TERM": "xterm"})
    with best_bulk_view(screen, NAMES, use=lambda: RequestBudget(RateTier.COMMUNITY).use(0.0)) as view:
        view.tick(progress(2, finished=1))
    assert "7 requests, 5,000 left this hour" in screen.file.getvalue()
