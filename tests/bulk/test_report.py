import json
import locale
import re
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import ExecutionResult, RunRef, RunTriggered
from bentley_sync_async.bulk import (
    BulkReport,
    ConnectionProgressed,
    ConnectionStarted,
    FailedFile,
    Outcome,
    OutcomeStatus,
)
from bentley_sync_async.bulk.report import duration_text

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
SIGNED = "https://storage.example/report?se=2026&sig=c2lnbmF0dXJl%3D"
GOOD = Outcome(
    connection_id="good",
    imodel_id="imodel-1",
    status=OutcomeStatus.SUCCEEDED,
    ref=RunRef(connection_id="good", run_id="run-1"),
    result=ExecutionResult.SUCCESS,
    attempts=1,
    began_at=AT,
    ended_at=AT + timedelta(seconds=125),
    waited=61.25,
    requests=7,
)
FILE = FailedFile(
    storage_file_id="file-9",
    result=ExecutionResult.ERROR,
    error_key="SourceFileNotFound",
    description="The file is gone.",
    can_user_fix=True,
    kb_article_link="https://kb.example/KB0098398",
)
PARTIAL = Outcome(
    connection_id="partial",
    imodel_id="imodel-1",
    status=OutcomeStatus.PARTIAL_SUCCESS,
    result=ExecutionResult.PARTIAL_SUCCESS,
    failed_files=(FILE,),
    requests=5,
)
FAILED = Outcome(
    connection_id="failed",
    imodel_id="imodel-2",
    status=OutcomeStatus.FAILED,
    result=ExecutionResult.ERROR,
    error_key="AllJobsFailed",
    reason="All jobs failed.",
)
REFUSED = Outcome(
    connection_id="refused", status=OutcomeStatus.REFUSED, reason="404: no such connection\n  Check the id"
)
LATE = Outcome(connection_id="late", imodel_id="imodel-2", status=OutcomeStatus.TIMED_OUT, reason="Ran out.")
LEFT = Outcome(connection_id="left", imodel_id="imodel-2", status=OutcomeStatus.DETACHED, reason="The bulk ended.")
IDLE = Outcome(connection_id="idle", imodel_id="imodel-3", status=OutcomeStatus.SKIPPED, result=ExecutionResult.SKIPPED)
ALL = (GOOD, PARTIAL, FAILED, REFUSED, LATE, LEFT, IDLE)


def report_on(*outcomes: Outcome, began_at: datetime | None = AT, duration: float = 3725.5) -> BulkReport:
    return BulkReport(outcomes=outcomes, began_at=began_at, duration=duration)


def junit(*outcomes: Outcome) -> ET.Element:
    return ET.fromstring(report_on(*outcomes).to_junit())


def case_of(outcome: Outcome) -> ET.Element:
    (case,) = junit(outcome).iter("testcase")
    return case


# For people.


def test_the_table_has_a_line_for_each_connection():
    head, good, partial, *_ = str(report_on(GOOD, PARTIAL)).splitlines()
    assert head == "duration  waited  requests  failed files  outcome          connection"
    assert good == "    2:05    1:01         7             -  succeeded        good"
    assert partial == "       -       -         5             1  partial success  partial"


FILE_LINE = (
    "  file file-9: SourceFileNotFound: The file is gone. (can the user fix it: yes; see https://kb.example/KB0098398)"
)


def test_below_the_table_stands_why_a_connection_is_not_good_and_which_files_failed():
    lines = str(report_on(GOOD, PARTIAL, REFUSED)).splitlines()
    assert lines[4:-1] == [
        "partial partial success",
        FILE_LINE,
        "refused refused: 404: no such connection Check the id",
    ]


def test_connections_and_files_have_their_names_and_ids_only_where_a_name_is_missing_or_twice():
    named = evolve(PARTIAL, display_name="Station", failed_files=(evolve(FILE, file_name="roof.dgn"), FILE))
    twice = [evolve(one, display_name="Bridge") for one in (FAILED, LATE)]
    made = BulkReport(outcomes=(named, *twice, LEFT), began_at=AT, duration=1.0)
    text = str(made)
    assert re.findall(r"^(\S+) (?:partial success|failed|timed out|detached)", text, re.MULTILINE) == [
        *("Station", "failed", "late", "left"),
    ]
    assert re.findall(r"^  (.+): SourceFileNotFound", text, re.MULTILINE) == ["roof.dgn", "file file-9"]
    cases = [case.get("name") for case in ET.fromstring(made.to_junit()).iter("testcase")]
    assert cases == ["Station", "failed", "late", "left"]


def test_the_last_line_has_the_totals():
    assert str(report_on(*ALL)).splitlines()[-1] == (
        "7 connections: 1 succeeded, 1 partial success, 1 failed, 1 skipped, 1 timed out, 1 refused, 1 detached; "
        "1:02:06, 12 requests."
    )


def test_a_report_on_nothing_is_its_totals():
    assert str(report_on(duration=0.0)).splitlines()[-1] == "0 connections: none; 0:00, 0 requests."


def test_one_is_no_plural():
    assert report_on(IDLE, duration=1).totals().startswith("1 connection: ")


def test_an_imodel_that_could_not_be_asked_has_a_line_too():
    outcome = Outcome(connection_id=None, imodel_id="imodel-7", status=OutcomeStatus.REFUSED, reason="403")
    assert "iModel imodel-7 refused: 403" in str(report_on(outcome)).splitlines()


def test_an_endless_id_that_was_refused_does_not_widen_the_other_lines():
    hostile = Outcome(connection_id="x" * 10_000, status=OutcomeStatus.REFUSED)
    lines = str(report_on(hostile, GOOD)).splitlines()
    assert [len(line) < 80 for line in lines if "good" in line] == [True]
    assert max(map(len, lines)) < 400


@each(
    ("seconds", "text"),
    [(None, "-"), (0, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3600, "1:00:00"), (9e4, "25:00:00")],
)
def test_durations_are_written_as_people_do(seconds, text):
    assert duration_text(seconds) == text


# Figures.


def test_every_status_is_counted_and_none_is_left_out():
    assert report_on(GOOD, GOOD, LATE).counts == {
        status: {OutcomeStatus.SUCCEEDED: 2, OutcomeStatus.TIMED_OUT: 1}.get(status, 0) for status in OutcomeStatus
    }


def test_a_report_is_good_if_every_connection_is_up_to_date():
    assert report_on(GOOD, IDLE).good


@each("bad", [PARTIAL, FAILED, REFUSED, LATE, LEFT])
def test_one_connection_that_is_not_up_to_date_spoils_it(bad):
    assert not report_on(GOOD, bad).good


# For programs.


def test_the_json_has_the_apis_names_and_the_figures_of_each_connection():
    told = json.loads(report_on(GOOD).to_json())
    assert told["outcomes"] == [
        {
            "connectionId": "good",
            "status": "succeeded",
            "iModelId": "imodel-1",
            "ref": {"connectionId": "good", "runId": "run-1", "kind": "storage"},
            "result": "Success",
            "failedFiles": [],
            "joined": False,
            "attempts": 1,
            "beganAt": "2026-11-22T12:30:00Z",
            "endedAt": "2026-11-22T12:32:05Z",
            "waited": 61.25,
            "requests": 7,
            "duration": 125.0,
        }
    ]


def test_the_json_has_the_totals():
    told = json.loads(report_on(*ALL).to_json())
    del told["outcomes"]
    assert told == {
        "beganAt": "2026-11-22T12:30:00Z",
        "duration": 3725.5,
        "requests": 12,
        "counts": {
            "succeeded": 1,
            "partial success": 1,
            "failed": 1,
            "skipped": 1,
            "timed out": 1,
            "refused": 1,
            "detached": 1,
        },
    }


def test_the_json_has_the_failed_files():
    (told,) = json.loads(report_on(PARTIAL).to_json())["outcomes"]
    assert told["failedFiles"] == [
        {
            "storageFileId": "file-9",
            "result": "Error",
            "errorKey": "SourceFileNotFound",
            "description": "The file is gone.",
            "canUserFix": True,
            "kbArticleLink": "https://kb.example/KB0098398",
        }
    ]


# For CI systems: the schema of Jenkins' xUnit plugin (junit-10.xsd), which is the strictest in use. Elements with their
# attributes, required ones with an exclamation mark, and what may stand in them.
SCHEMA = {
    "testsuites": ("name time tests failures errors", "testsuite"),
    "testsuite": (
        "name! tests! failures! errors! group time skipped timestamp hostname id package file log url",
        "testsuite properties testcase system-out system-err",
    ),
    "testcase": ("name! time classname group", "skipped error failure system-out system-err"),
    "skipped": ("type message", ""),
    "error": ("type message", ""),
    "failure": ("type message", ""),
    "system-out": ("", ""),
}


def breaches(element: ET.Element) -> list[str]:
    attributes, children = (words.split() for words in SCHEMA[element.tag])
    allowed = {name.rstrip("!") for name in attributes}
    required = {name.rstrip("!") for name in attributes if name.endswith("!")}
    found = [f"{element.tag} has {name}" for name in set(element.attrib) - allowed]
    found += [f"{element.tag} lacks {name}" for name in required - set(element.attrib)]
    found += [f"{child.tag} in {element.tag}" for child in element if child.tag not in children]
    return found + [breach for child in element for breach in breaches(child)]


def test_the_junit_file_follows_the_strictest_schema_in_use():
    assert breaches(junit(*ALL)) == []


@each(
    ("outcome", "kinds"),
    [
        (GOOD, ["system-out"]),
        (IDLE, ["skipped", "system-out"]),
        (PARTIAL, ["failure", "system-out"]),
        (FAILED, ["failure", "system-out"]),
        (REFUSED, ["error", "system-out"]),
        (LATE, ["error", "system-out"]),
        (LEFT, ["error", "system-out"]),
    ],
)
def test_a_failed_run_is_a_failure_and_what_kept_it_from_its_end_an_error(outcome, kinds):
    assert [child.tag for child in case_of(outcome)] == kinds


def test_suite_and_file_count_the_same():
    root = junit(*ALL)
    counts = {"tests": "7", "failures": "2", "errors": "3", "time": "3725.500"}
    assert [{name: element.get(name) for name in counts} for element in (root, root[0])] == [counts, counts]
    assert root[0].get("skipped") == "1"


def test_each_connection_is_a_case_of_the_class_of_its_imodel():
    cases = [(case.get("classname"), case.get("name")) for case in junit(GOOD, FAILED, REFUSED).iter("testcase")]
    assert cases == [("imodel-1", "good"), ("imodel-2", "failed"), ("unknown iModel", "refused")]


def test_the_time_of_a_case_is_that_of_its_run():
    assert case_of(GOOD).get("time") == "125.000"


def test_a_failure_names_the_result_the_cause_and_the_files():
    failure = case_of(PARTIAL).find("failure")
    assert (failure.get("type"), failure.get("message")) == ("PartialSuccess", "partial partial success")
    assert failure.text == f"partial partial success\n{FILE_LINE}"


def test_an_error_keeps_the_lines_of_its_reason():
    error = case_of(REFUSED).find("error")
    assert error.get("message") == "refused refused: 404: no such connection Check the id"
    assert error.text == "404: no such connection\n  Check the id"


def test_the_output_of_a_case_has_its_run_and_figures():
    assert case_of(GOOD).findtext("system-out") == (
        "run: run-1\nresult: Success\nwaited: 61.250 s\nrequests: 7\nattempts: 1"
    )


def test_the_timestamp_is_in_utc_and_without_a_zone():
    at = AT.astimezone(timezone(timedelta(hours=5)))
    root = ET.fromstring(report_on(GOOD, began_at=at).to_junit())
    assert root[0].get("timestamp") == "2026-11-22T12:30:00"


def test_a_bulk_that_has_not_begun_has_no_timestamp():
    root = ET.fromstring(report_on(began_at=None).to_junit())
    assert root[0].get("timestamp") is None


def test_the_declared_encoding_is_utf_8_whatever_the_locale(monkeypatch):
    monkeypatch.setattr(locale, "getpreferredencoding", lambda *_: "cp1252")
    assert report_on(GOOD).to_junit().startswith('<?xml version="1.0" encoding="utf-8"?>\n')


HOSTILE = [
    "\x00\x01\x08\x0b\x1b[2J",
    "]]></failure><script>&amp;",
    "\ud800 half",
    "\ufffe\uffff",
    "x" * 100_000,
    "one\r\ntwo\u2028three",
    "\N{PILE OF POO}\N{ZERO WIDTH JOINER}\u202e",
    "'\"<&>",
    "",
]


def hostile(text: str) -> Outcome:
    file = FailedFile(storage_file_id="file", error_key=text, description=text, kb_article_link=text)
    return Outcome(
        connection_id=text,
        imodel_id=text,
        status=OutcomeStatus.FAILED,
        reason=text,
        error_key=text,
        failed_files=(file,),
    )


every_hostile_text = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))


@every_hostile_text
def test_no_text_spoils_the_xml(text):
    root = ET.fromstring(report_on(hostile(text), GOOD).to_junit().encode("utf-8"))
    assert breaches(root) == []
    assert [case.get("name") for case in root.iter("testcase")][1:] == ["good"]


@every_hostile_text
def test_no_text_spoils_the_json(text):
    told = json.loads(report_on(hostile(text), GOOD).to_json().encode("utf-8"))
    assert [one["connectionId"] for one in told["outcomes"]][1:] == ["good"]


@every_hostile_text
def test_no_text_breaks_out_of_its_lines(text):
    lines = str(report_on(hostile(text))).splitlines()
    assert len(lines) == 5
    assert all(line.isprintable() and len(line) < 2500 for line in lines)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_can_be_written_as_utf_8(text):
    report = report_on(hostile(text))
    written = [str(report).encode("utf-8"), report.to_json().encode("utf-8"), report.to_junit().encode("utf-8")]
    ET.fromstring(written[2])
    assert all(written)


@each("form", [str, BulkReport.to_json, BulkReport.to_junit])
def test_no_form_of_a_report_shows_the_signature_of_a_url(form):
    shown = form(report_on(hostile(SIGNED)))
    assert "c2lnbmF0dXJl" not in re.sub(r"\s", "", shown)


def test_events_in_json_have_their_names_and_the_spelling_of_the_api():
    started = ConnectionStarted(connection_id="c", imodel_id="m", attempt=1, display_name="Station")
    assert json.loads(started.to_json()) == {
        "event": "ConnectionStarted",
        "connectionId": "c",
        "iModelId": "m",
        "attempt": 1,
        "resumed": False,
        "displayName": "Station",
    }
    watch = RunTriggered(seq=1, at=AT, ref=RunRef(connection_id="c", run_id="r"))
    progressed = json.loads(ConnectionProgressed(connection_id="c", event=watch).to_json())
    assert (progressed["event"], progressed["connectionId"]) == ("ConnectionProgressed", "c")
    assert (progressed["progress"]["event"], progressed["progress"]["ref"]["runId"]) == ("RunTriggered", "r")
