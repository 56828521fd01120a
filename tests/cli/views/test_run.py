import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from rich.console import Console

from bentley_sync_async import (
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    JobPhase,
    RunRef,
    StorageJob,
    StorageRun,
    StorageTask,
    TaskError,
    WaitingForIModel,
    diff,
)
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.views.run import LiveView, PlainView, best_view
from bentley_sync_async.cli.views.summary import Outcome, fit, print_summary
from bentley_sync_async.models import RunErrorDetails

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
REF = RunRef(connection_id="connection", run_id="0123456789")
OTHER = RunRef(connection_id="bridge", run_id="0123456789")
NAMES = DisplayNames({"connection": "Station", "bridge": "Bridge deck"}, {"f1": "hall.dgn", "f2": "roof.dgn"})

DONE = ExecutionState.COMPLETED
BROKEN = TaskError(
    description_key="Broken", description="It broke.", kb_article_link="https://kb/1", can_user_fix=False
)


def task(number, state=ExecutionState.EXECUTING, result="Undetermined", **rest):
    return StorageTask(
        id=f"t{number}", storage_file_id=f"f{number}", state=state, result=ExecutionResult(result), **rest
    )


def run(*tasks, state=ExecutionState.EXECUTING, result="Undetermined", **rest):
    job = StorageJob(id="j", state=ExecutionState.EXECUTING, connector_type=ConnectorType.MSTN, tasks=tasks)
    return StorageRun(id="r", state=state, result=ExecutionResult(result), jobs=(job,) if tasks else (), **rest)


def events(*snapshots):
    told, last = [], None
    for now in snapshots:
        told += diff(last, now, ref=REF, at=AT, seq=len(told) + 1)
        last = now
    return told


def live(*told, connections=("connection",), height=50):
    screen = Console(file=io.StringIO(), width=80, height=height, force_terminal=True, record=True)
    view = LiveView(screen, NAMES, connections)
    for event in told:
        view.show("connection", event)
    screen.print(view.picture())
    return [line.rstrip() for line in screen.export_text().splitlines()]


def plain(*told, connections=("connection",)):
    screen = Console(file=io.StringIO(), width=80)
    with PlainView(screen, NAMES, connections) as view:
        for event in told:
            view.show("connection", event)
    return [line[10:] for line in screen.file.getvalue().splitlines()]


def summed_up(*runs, width=100, name="Station"):
    screen = Console(file=io.StringIO(), width=width)
    print_summary(screen, [Outcome(name, one) for one in runs], NAMES)
    return screen.file.getvalue()


def test_the_live_view_is_a_tree_of_runs_jobs_and_tasks():
    picture = live(*events(run(task(1), task(2, ExecutionState.QUEUED), phase=JobPhase.MASTER_FILE)))
    assert [line[2:] for line in picture[:1]] == ["Station Executing  MasterFile"]
    assert picture[1].endswith("MSTN Executing  0 of 2 done")
    assert picture[2].endswith("hall.dgn Executing")
    assert picture[3].endswith("· roof.dgn Queued")


def test_the_live_view_shows_what_came_of_a_task_and_why():
    snapshot = run(
        task(1, DONE, "Success", error=BROKEN), task(2, DONE, "Error", error=BROKEN), state=DONE, result="Error"
    )
    picture = live(*events(snapshot))
    assert picture[0] == "✗ Station Error"
    assert picture[2].endswith("✓ hall.dgn Success")
    assert picture[3].endswith("✗ roof.dgn Error  Broken: It broke.")


def test_the_live_view_shows_retries():
    assert live(*events(run(task(1), state=DONE), run(task(1, retry_attempts=2))))[2].endswith(
        "hall.dgn Executing  retry 2"
    )


def test_the_live_view_shows_why_nothing_happens_until_something_does():
    waiting = WaitingForIModel(seq=1, at=AT, ref=OTHER, run=run(state=ExecutionState.FINALIZING))
    assert live(waiting)[0].endswith("Station waiting for the iModel, which is busy with run 01234567 of Bridge")
    assert live(waiting, *events(run()))[0].endswith("Station Executing")


def test_the_live_view_of_a_long_job_shows_what_matters_and_counts_the_rest():
    tasks = [task(number, DONE, "Success") for number in range(100, 130)] + [task(1), task(2, DONE, "Error")]
    picture = "\n".join(live(*events(run(*tasks))))
    assert "31 of 32 done" in picture
    assert "hall.dgn Executing" in picture
    assert "roof.dgn Error" in picture
    assert picture.count("file ...f1") == 8
    assert "and 22 more" in picture


@pytest.mark.parametrize("height", [12, 24, 40])
def test_the_live_view_fits_on_the_screen_however_many_files_there_are(height):
    first = run(*(task(number) for number in range(15)))
    jobs = [
        evolve(first.jobs[0], id=f"j{n}", tasks=tuple(task(15 * n + number) for number in range(15))) for n in range(4)
    ]
    picture = live(*events(evolve(first, jobs=tuple(jobs))), height=height)
    assert len(picture) < height
    assert sum("0 of 15 done" in line for line in picture) == 4
    assert picture[-1].endswith("Ctrl-C detaches; runs go on.")


def test_a_long_error_takes_one_line_of_the_live_view():
    long = evolve(BROKEN, description="It broke. " * 30)
    picture = live(*events(run(task(1, DONE, "Error", error=long), task(2))))
    assert len(picture) == 5
    assert picture[2].endswith("\N{HORIZONTAL ELLIPSIS}")


def test_the_live_view_keeps_jobs_and_tasks_in_their_places():
    first = run(task(1), task(2))
    other = evolve(first.jobs[0], id="k", connector_type=ConnectorType.DWG, tasks=(task(3),))
    first = evolve(first, jobs=(*first.jobs, other))
    changed = evolve(first.jobs[0], state=DONE, tasks=(task(1, DONE, "Success"), task(2)))
    picture = "".join(live(*events(first, evolve(first, jobs=(changed, other)))))
    places = [picture.index(name) for name in ("MSTN", "hall.dgn", "roof.dgn", "DWG", "file ...f3")]
    assert places == sorted(places)


def test_the_live_view_says_how_to_leave_as_long_as_something_runs():
    assert live(*events(run()))[-1].endswith("Ctrl-C detaches; runs go on.")
    assert "Ctrl-C" not in live(*events(run(state=DONE)))[-1]


def test_the_live_view_shows_a_watch_that_has_no_event_yet():
    assert live()[0].endswith("Station triggering")


def test_the_live_view_leaves_its_last_picture_on_the_terminal():
    screen = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with LiveView(screen, NAMES, ["connection"]) as view:
        for event in events(run(), run(state=DONE, result="Success")):
            view.show("connection", event)
    assert "✓ Station Success" in screen.file.getvalue().splitlines()[-2]


def test_plain_lines_report_changes_once():
    first, second = run(task(1, ExecutionState.QUEUED)), run(task(1))
    done = run(task(1, DONE, "Error", error=BROKEN), state=DONE, result="Error", error=RunErrorDetails(error_key="Key"))
    assert plain(*events(first, second, evolve(second, start_date_time=AT), done)) == [
        "run: Executing",
        "job MSTN: Executing, 1 file",
        "hall.dgn: Queued",
        "hall.dgn: Queued -> Executing",
        "hall.dgn completed: Error, Broken: It broke.",
        "run completed: Error, Key",
    ]


def test_plain_lines_do_not_repeat_themselves():
    waiting = WaitingForIModel(seq=1, at=AT, ref=REF, run=run())
    assert len(plain(waiting, evolve(waiting, seq=2, run=run(task(1))))) == 1


def test_plain_lines_of_several_watches_name_them_in_a_column():
    assert plain(*events(run()), connections=("connection", "bridge")) == ["Station      run: Executing"]


def test_plain_lines_are_not_broken_on_a_narrow_screen():
    assert plain(WaitingForIModel(seq=1, at=AT, ref=RunRef(connection_id="c" * 200, run_id="r"))) == [
        "waiting for the iModel, which is busy with run r of connection ...cccccccc"
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class OldTerminal(Terminal):
    encoding = "ascii"


@pytest.mark.parametrize(
    ("file", "variables", "kind"),
    [
        (Terminal(), {"TERM": "xterm"}, LiveView),
        (Terminal(), {"TERM": "dumb"}, PlainView),
        (OldTerminal(), {"TERM": "xterm"}, PlainView),
        (io.StringIO(), {"TERM": "xterm"}, PlainView),
        (io.StringIO(), {"TERM": "xterm", "FORCE_COLOR": "1"}, PlainView),
    ],
    ids=["terminal", "dumb", "ascii", "pipe", "coloured pipe"],
)
def test_only_a_terminal_that_can_draw_gets_the_live_view(file, variables, kind):
    assert type(best_view(Console(file=file, _environ=variables), NAMES, ["connection"])) is kind


def test_the_summary_has_a_row_for_each_failed_file():
    failed = run(
        task(1, DONE, "Error", error=BROKEN),
        task(2, DONE, "Error", error=evolve(BROKEN, can_user_fix=True, kb_article_link="https://kb/2")),
        task(3, DONE, "TimedOut"),
        task(4, DONE, "Error", error=evolve(BROKEN, kb_article_link="")),
        state=DONE,
        result="PartialSuccess",
        start_date_time=AT,
        end_date_time=AT + timedelta(hours=2, minutes=5, seconds=59),
    )
    rows = [line.split() for line in summed_up(failed).splitlines() if ".dgn" in line or "..." in line]
    assert rows == [
        ["PartialSuccess", "2h", "05m", "hall.dgn", "Broken", "no", "(1)"],
        ["roof.dgn", "Broken", "yes", "(2)"],
        ["file", "...f3", "TimedOut,", "no", "reason", "given", "?"],
        ["file", "...f4", "Broken", "no"],
    ]


def test_the_summary_lists_an_article_once():
    failed = run(*[task(number, DONE, "Error", error=BROKEN) for number in (1, 2)], state=DONE, result="Error")
    assert summed_up(failed, failed).count("https://kb/1") == 1


def test_the_summary_of_a_run_that_failed_as_a_whole_says_why():
    failed = run(state=DONE, result="Error", error=RunErrorDetails(error_key="Refused", description="Not today."))
    text = summed_up(failed)
    assert "Refused" in text
    assert "Not today." in text


FAILED = run(
    task(1, DONE, "Error", error=evolve(BROKEN, description_key="SourceFileCorrupted", description="word " * 30)),
    task(300, DONE, "Error", error=evolve(BROKEN, kb_article_link="https://kb/2")),
    state=DONE,
    result="PartialSuccess",
)
LONG_NAME = "connection ...WKaZPgCI"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("width", [80, 50])
def test_nothing_of_the_summary_vanishes_on_a_narrow_screen(number, width):
    def marks(text):
        return Counter(mark for mark in text if not mark.isspace() and mark != "\u2500")

    narrow = summed_up(*[FAILED] * number, width=width, name=LONG_NAME)
    assert max(map(len, narrow.splitlines())) <= width
    assert marks(narrow) == marks(summed_up(*[FAILED] * number, width=300, name=LONG_NAME))


@pytest.mark.parametrize("number", [1, 2])
def test_the_summary_breaks_no_key_on_80_columns(number):
    text = summed_up(*[FAILED] * number, width=80, name=LONG_NAME)
    assert text.count("SourceFileCorrupted") == text.count("no (1)") == text.count("no (2)") == number
    assert text.count("PartialSuccess") == number


def test_the_summary_of_one_connection_has_its_name_above_the_table():
    lines = summed_up(FAILED, name=LONG_NAME).splitlines()
    assert lines[0] == LONG_NAME
    assert "Connection" not in lines[2]


@pytest.mark.parametrize(
    ("wanted", "room", "widths"),
    [([9, 4, 3], 20, [9, 4, 3]), ([9, 4, 3], 12, [5, 4, 3]), ([9, 4, 3], 9, [3, 4, 2]), ([9, 4, 3], 2, [1, 1, 1])],
)
def test_columns_give_way_the_widest_first(wanted, room, widths):
    assert fit(wanted, [5, 4, 2], room) == widths
