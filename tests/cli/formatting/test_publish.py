from attrs import evolve
from support.quick import each

from bentley_sync_async.bulk import Outcome, OutcomeStatus
from bentley_sync_async.cli.formatting.publish import (
    left_text,
    publish_report_text,
    publish_text,
    runs_text,
    uploads_text,
)
from bentley_sync_async.publish import (
    ConnectionPlan,
    ConnectionPrepared,
    FileAction,
    FileFailed,
    FileOutcome,
    FileRemoved,
    FileStatus,
    FileUploaded,
    PublishPlan,
    PublishPlanned,
    PublishProgress,
    PublishReport,
    UploadStarted,
)

PREPARED = ConnectionPrepared(connection_id="id", display_name="Nightly 1", created=False)
STARTED = UploadStarted(path="a", size=1, action=FileAction.UPLOAD)
NOTHING = PublishPlan(files=(), connections=())
RUN = PublishPlan(
    files=(), connections=(ConnectionPlan(display_name="Nightly 1", connection_id="c", files=("a",), run=True),)
)


def outcome(path="a.dgn", status=FileStatus.UNCHANGED, **rest):
    return FileOutcome(path=path, action=FileAction.UNCHANGED, status=status, **rest)


@each(
    ("event", "text"),
    [
        (PublishPlanned(plan=RUN), "0 files to upload (0 B), 1 connection to run."),
        (PublishPlanned(plan=NOTHING), None),
        (UploadStarted(path="a", size=1, action=FileAction.UPLOAD), None),
        (
            UploadStarted(path="a", size=1, action=FileAction.UPLOAD, attempt=2),
            "a  changed while it was read: attempt 2",
        ),
        (FileUploaded(path="a", size=2_500_000, file_id="f", seconds=61.0), "a  uploaded (2.5 MB) in 1m 01s"),
        (FileFailed(path="a", size=1, reason="It\nis full."), "a  failed: It is full."),
        (FileRemoved(path="a", size=1), "a  removed from Storage"),
        (PREPARED, None),
        (evolve(PREPARED, created=True, added=2), "connection Nightly 1  created, id, files: 2 added"),
        (
            evolve(PREPARED, added=1, changed=2, removed=3),
            "connection Nightly 1  files: 1 added, 2 with another connector, 3 removed",
        ),
    ],
)
def test_an_event_is_a_line_or_nothing(event, text):
    assert publish_text(event) == text


def test_progress_has_files_and_bytes():
    progress = PublishProgress(files=1200, finished=3, size=5_000_000, sent=1_000)
    assert uploads_text(progress) == "3 of 1,200 files uploaded, 1.0 kB of 5.0 MB"
    assert runs_text(1, 2, 4) == "1 of 4 runs finished, 2 active"


@each(
    ("files", "text"),
    [
        ([outcome()], "Nothing to do: 1 file is up to date."),
        ([outcome(), outcome(status=FileStatus.KEPT)], "Nothing to do: 2 files are up to date."),
    ],
)
def test_nothing_to_do_is_one_line(files, text):
    assert publish_report_text(PublishReport(files=tuple(files))) == text


@each(
    "report",
    [
        PublishReport(files=(outcome(status=FileStatus.UPLOADED, size=1),)),
        PublishReport(files=(outcome(status=FileStatus.REMOVED),)),
        PublishReport(files=(outcome(status=FileStatus.REFUSED, reason="It is empty."),)),
        PublishReport(runs=(Outcome(connection_id="c", status=OutcomeStatus.SUCCEEDED),)),
    ],
)
def test_a_report_of_something_is_the_whole_one(report):
    assert publish_report_text(report) == str(report)


def test_of_many_bad_files_the_first_are_shown_and_every_run():
    files = tuple(outcome(f"{n}.dgn", FileStatus.REFUSED, reason="It is empty.") for n in range(60))
    bad = Outcome(connection_id="c", status=OutcomeStatus.FAILED)
    report = PublishReport(files=files, runs=(bad,), connections={"c": "Nightly 1"})
    shown = publish_report_text(report).splitlines()
    assert shown[:50] == [f"{n}.dgn refused: It is empty." for n in range(50)]
    assert shown[50:] == [
        "and 10 more like these; --junit PATH and --json list all.",
        "Nightly 1 failed",
        report.totals(),
    ]


def test_what_is_left_counts_the_files_whose_turn_has_not_come():
    report = PublishReport(files=(outcome(status=FileStatus.WAITING), outcome("b"), outcome("c")))
    assert left_text(report).startswith("Files that were not finished: 1 of 3. Runs that were triggered go on")
