import json
import time
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.quick import each
from support.runs import runs

import bentley_sync_async as public
from bentley_sync_async import (
    ConnectorType,
    DecodeError,
    ExecutionResult,
    ExecutionState,
    RunRef,
    SourceFile,
    StorageConnection,
    StorageJob,
    StorageRun,
    StorageTask,
    SynchronizationReport,
    TaskError,
)
from bentley_sync_async.models import ConnectionLinks, Link, OpenEnum, Page, PagingLinks, RunSummary
from bentley_sync_async.models.configurations import Configuration
from bentley_sync_async.wire import codec
from bentley_sync_async.wire.codec import (
    decode,
    decode_one,
    decode_page,
    encode,
    parse,
    to_builtins,
    to_json,
    wire_name,
)


def run_of(**members):
    return decode_one(json.dumps({"run": {"id": "r", **members}}).encode(), "run", StorageRun)


def failure(body, decode=lambda body: decode_one(body, "run", StorageRun)):
    with pytest.raises(DecodeError) as caught:
        decode(body)
    return caught.value


def run_failure(**members):
    return failure(json.dumps({"run": {"id": "r", **members}}).encode())


@pytest.fixture
def new_york():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


class TestTolerates:
    @each("members", [{}, {"jobs": None}, {"jobs": []}])
    def test_jobs_that_are_not_there_yet(self, members):
        assert run_of(**members).jobs == ()

    @each(
        "empty",
        [
            "0001-01-01T00:00:00",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00.0000000",
            "0001-01-01T00:00:00.0000000Z",
            "0001-01-01T00:00:00+00:00",
            "0001-01-01T00:00:00+14:00",
            None,
        ],
    )
    def test_an_empty_date(self, empty):
        assert run_of(startDateTime=empty).start_date_time is None

    @each(
        ("text", "microsecond"),
        [
            ("2020-10-24T02:44:13.4109666Z", 410966),
            ("2020-10-24T02:44:13.4109666+00:00", 410966),
            ("2020-10-24T02:44:13.41Z", 410000),
            ("2020-10-24T02:44:13Z", 0),
            ("2020-10-24T02:44:13.9999999Z", 999999),
        ],
    )
    def test_any_number_of_fraction_digits(self, text, microsecond):
        assert run_of(startDateTime=text).start_date_time == datetime(2020, 10, 24, 2, 44, 13, microsecond, UTC)

    def test_a_date_without_a_zone_as_utc_wherever_this_machine_is(self, new_york):
        assert run_of(endDateTime="2020-10-24T02:44:13").end_date_time == datetime(2020, 10, 24, 2, 44, 13, 0, UTC)

    def test_a_date_of_another_zone_and_turns_it_to_utc(self):
        end = run_of(endDateTime="2020-10-24T04:44:13+02:00").end_date_time
        assert end == datetime(2020, 10, 24, 2, 44, 13, 0, UTC)
        assert end.tzinfo is UTC

    @each("code", [0, -1, -7002, 4294967295, 2**63 - 1, -(2**63), 2**64 - 1])
    def test_any_exit_code_of_64_bits(self, code):
        assert decode(json.dumps({"bridgeExitCode": code}).encode(), TaskError).bridge_exit_code == code

    def test_properties_that_it_does_not_know(self):
        assert run_of(progress={"percent": [5]}, state="Queued").state == ExecutionState.QUEUED

    def test_null_for_everything_but_the_id(self):
        names = [wire_name(field.name) for field in attrs.fields(StorageRun) if field.name != "id"]
        assert run_of(**dict.fromkeys(names)) == StorageRun(id="r")

    def test_enum_values_that_it_does_not_know(self):
        run = run_of(state="Hibernating", result="Miraculous", phase="Afterlife")
        assert [str(value) for value in (run.state, run.result, run.phase)] == [
            "Hibernating",
            "Miraculous",
            "Afterlife",
        ]

    def test_both_spellings_of_canceled(self):
        assert run_of(result="Cancelled").result is run_of(result="Canceled").result is ExecutionResult.CANCELED

    def test_links_that_call_the_itwin_a_project(self):
        links = decode(b'{"project": {"href": "https://h/projects/1"}}', ConnectionLinks)
        assert links.itwin == Link(href="https://h/projects/1")

    def test_links_to_both_and_takes_the_newer_name(self):
        links = decode(b'{"project": {"href": "old"}, "iTwin": {"href": "new"}}', ConnectionLinks)
        assert links.itwin == Link(href="new")

    def test_a_null_itwin_beside_a_project(self):
        links = decode(b'{"project": {"href": "old"}, "iTwin": null}', ConnectionLinks)
        assert links.itwin == Link(href="old")

    @each("links", ["", ', "_links": null', ', "_links": {}'])
    def test_a_list_without_links(self, links):
        page = decode_page(b'{"runs": [{"id": "a"}]%s}' % links.encode(), "runs", RunSummary)
        assert page == Page(items=(RunSummary(id="a"),), links=PagingLinks())

    def test_a_connection_of_2021_that_has_neither_itwin_nor_authentication_type(self):
        connection = decode_one(b'{"connection": {"id": "c", "iModelId": "i"}}', "connection", StorageConnection)
        assert connection == StorageConnection(id="c", imodel_id="i")

    def test_properties_in_any_order(self):
        assert run_of(state="Idle", id="x") == run_of(id="x", state="Idle")


class TestRefuses:
    @each(
        ("members", "path", "expected"),
        [
            ({"id": 5}, "$.run.id", "a string"),
            ({"id": {"a": 1}}, "$.run.id", "a string"),
            ({"id": None}, "$.run.id", "is missing"),
            ({"connectionId": ["c"]}, "$.run.connectionId", "a string"),
            ({"state": 5}, "$.run.state", "a string"),
            ({"phase": {}}, "$.run.phase", "a string"),
            ({"startDateTime": 5}, "$.run.startDateTime", "a date like"),
            ({"startDateTime": "yesterday"}, "$.run.startDateTime", "a date like"),
            ({"startDateTime": "9999-12-31T23:59:59-23:59"}, "$.run.startDateTime", "a date like"),
            ({"error": "E"}, "$.run.error", "an object"),
            ({"error": {"errorKey": 5}}, "$.run.error.errorKey", "a string"),
            ({"jobs": {}}, "$.run.jobs", "an array"),
            ({"jobs": "[]"}, "$.run.jobs", "an array"),
            ({"jobs": [None]}, "$.run.jobs[0]", "an object"),
            ({"jobs": [{"id": "j"}, {}]}, "$.run.jobs[1].id", "is missing"),
            (
                {"jobs": [{"id": "j", "tasks": [{"id": "t", "retryAttempts": "2"}]}]},
                "$.run.jobs[0].tasks[0].retryAttempts",
                "an integer",
            ),
            (
                {"jobs": [{"id": "j", "tasks": [{"id": "t", "retryAttempts": 2.5}]}]},
                "$.run.jobs[0].tasks[0].retryAttempts",
                "an integer",
            ),
            (
                {"jobs": [{"id": "j", "tasks": [{"id": "t", "retryAttempts": True}]}]},
                "$.run.jobs[0].tasks[0].retryAttempts",
                "an integer",
            ),
            (
                {"jobs": [{"id": "j", "tasks": [{"id": "t", "error": {"canUserFix": "yes"}}]}]},
                "$.run.jobs[0].tasks[0].error.canUserFix",
                "true or false",
            ),
            (
                {"jobs": [{"id": "j", "tasks": [{"id": "t", "error": {"canUserFix": 1}}]}]},
                "$.run.jobs[0].tasks[0].error.canUserFix",
                "true or false",
            ),
        ],
    )
    def test_a_value_of_the_wrong_type_and_says_where_it_is(self, members, path, expected):
        error = run_failure(**members)
        assert error.path == path
        assert expected in error.problem

    def test_settings_that_are_no_object(self):
        body = b'{"configuration": {"scopeId": "m", "settings": ["geometry"]}}'
        error = failure(body, lambda body: decode_one(body, "configuration", Configuration))
        assert (error.path, error.problem) == ("$.configuration.settings", "expected an object")

    def test_a_value_of_the_wrong_type_and_quotes_it(self):
        assert run_failure(jobs=[{"id": 77}]).excerpt == "77"

    def test_a_long_value_and_quotes_no_more_than_its_beginning(self):
        assert len(run_failure(id=["x" * 5000]).excerpt) <= 121

    def test_a_token_like_value_without_quoting_it(self):
        secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
        assert secret not in str(run_failure(error=f"Bearer {secret}"))

    def test_a_value_that_holds_a_client_secret_without_quoting_it(self):
        assert "hunter2" not in str(run_failure(error=["client_secret=hunter2"]))

    def test_a_value_that_holds_a_client_secret_in_json_of_its_own_without_quoting_it(self):
        assert "hunter2" not in str(run_failure(error=json.dumps({"client_secret": "hunter2"})))

    @each("body", [b"null", b"[]", b"5", b'"run"', b"true"])
    def test_a_body_that_is_no_object(self, body):
        assert failure(body).problem == "expected an object"

    @each("body", [b"{}", b'{"run": null}', b'{"Run": {"id": "r"}}'])
    def test_a_body_without_the_entity(self, body):
        error = failure(body)
        assert (error.path, error.excerpt) == ("$.run", "nothing")

    @each("body", [b"{}", b'{"runs": null}', b'{"runs": {}}'])
    def test_a_list_without_its_items(self, body):
        assert failure(body, lambda body: decode_page(body, "runs", RunSummary)).path == "$.runs"

    def test_an_item_of_a_list_and_says_which(self):
        body = b'{"runs": [{"id": "a"}, {"id": "b", "state": []}]}'
        assert failure(body, lambda body: decode_page(body, "runs", RunSummary)).path == "$.runs[1].state"

    def test_links_of_a_list_that_are_none(self):
        body = b'{"runs": [], "_links": {"self": {"href": 5}}}'
        assert failure(body, lambda body: decode_page(body, "runs", RunSummary)).path == "$._links.self.href"

    def test_an_empty_body_and_says_so(self):
        assert failure(b"").problem == "the body is empty"

    @each(
        "body",
        [b"<html>no</html>", b'{"run": {"id": "r"', b'{"run": {"id": "r"}} trailing', b"{'run': 1}", b" ", b"\xef\xbb"],
    )
    def test_what_is_not_json(self, body):
        assert failure(body).problem == "the body is not JSON"

    @each("body", [b"\xff\xfe{}", b'{"run": {"id": "\xff"}}', b'{"run": {"id": "\\ud800"}}'])
    def test_what_is_not_utf_8(self, body):
        assert failure(body).problem == "the body is not JSON"

    def test_html_and_shows_its_beginning(self):
        assert failure(b"<html>\n  <h1>Bad  gateway</h1>").excerpt == "<html> <h1>Bad gateway</h1>"

    @each("depth", [50_000, 100_000])
    def test_what_is_nested_too_deeply_to_be_an_answer(self, depth):
        assert "nested too deeply" in failure(b'{"run":' + b"[" * depth + b"]" * depth + b"}").problem

    def test_every_depth_of_nesting_with_its_own_error_and_no_other(self):
        for depth in range(800, 1000):
            failure(b'{"run": {"id":' + b'{"id":' * depth + b"1" + b"}" * depth + b"}}")

    def test_a_value_that_structuring_runs_out_of_stack_on(self, monkeypatch):
        def too_deep(value, cls):
            raise RecursionError

        monkeypatch.setattr(codec, "_CONVERTER", SimpleNamespace(structure=too_deep))
        assert run_failure().problem == "the value is nested too deeply"

    def test_a_value_outside_a_fixed_choice(self):
        body = b'{"connectionId": "c", "runId": "r", "kind": "magic"}'
        assert failure(body, lambda body: decode(body, RunRef)).path == "$.kind"

    def test_and_keeps_no_error_of_the_libraries_below_as_they_hold_the_values(self):
        error = run_failure(id=5)
        assert (error.__cause__, error.__context__) == (None, None)

    def test_all_but_the_first_of_what_is_wrong_goes_unnamed(self):
        assert run_failure(state=1, result=2).path == "$.run.state"
        assert run_failure(jobs=[{"id": 1}, {"id": 2}]).path == "$.run.jobs[0].id"


class TestEncodes:
    def test_names_in_the_spelling_of_the_api(self):
        names = ["start_date_time", "imodel_id", "itwin_id", "imodel", "itwin", "links", "self_", "kb_article_link"]
        spelled = ["startDateTime", "iModelId", "iTwinId", "iModel", "iTwin", "_links", "self", "kbArticleLink"]
        assert [wire_name(name) for name in names] == spelled

    def test_nothing_for_what_is_none(self):
        assert to_builtins(SourceFile(id="f", connector_type=ConnectorType.MSTN)) == {
            "id": "f",
            "connectorType": "MSTN",
        }

    def test_zero_false_and_empty_text(self):
        error = TaskError(bridge_exit_code=0, can_user_fix=False, kb_article_link="")
        assert json.loads(encode(error)) == {"bridgeExitCode": 0, "canUserFix": False, "kbArticleLink": ""}

    def test_a_date_in_utc_with_a_z(self):
        berlin = timezone(timedelta(hours=2))
        task = StorageTask(id="t", end_date_time=datetime(2020, 10, 24, 4, 44, 13, 5, berlin))
        assert to_builtins(task)["endDateTime"] == "2020-10-24T02:44:13.000005Z"

    def test_an_error_by_its_class_and_text(self):
        error = DecodeError("expected an object")
        assert to_builtins({"cause": error}) == {"cause": {"type": "DecodeError", "message": str(error)}}

    def test_an_empty_object_where_there_might_be_none(self):
        assert to_builtins(StorageTask(id="t", error=TaskError()))["error"] == {}

    def test_an_unknown_enum_value_as_it_came(self):
        assert to_builtins(RunSummary(id="r", state=ExecutionState("Hibernating")))["state"] == "Hibernating"


texts = st.text(st.characters(codec="utf-8"), max_size=12)
instants = st.none() | st.datetimes().map(lambda date: date.replace(tzinfo=UTC)).filter(lambda date: date.year > 1)


def any_of(enum: type[OpenEnum]):
    return st.sampled_from(list(enum)) | texts.map(enum)


reports = st.builds(SynchronizationReport, message=st.none() | texts, total_errors_count=st.none() | st.integers(0))
wild_tasks = st.builds(
    StorageTask,
    id=texts,
    start_date_time=instants,
    retry_attempts=st.none() | st.integers(-(2**63), 2**64 - 1),
    state=any_of(ExecutionState),
    result=any_of(ExecutionResult),
    error=st.none() | st.builds(TaskError, message=st.none() | texts, can_user_fix=st.none() | st.booleans()),
)
wild_jobs = st.builds(
    StorageJob,
    id=texts,
    end_date_time=instants,
    connector_type=st.none() | any_of(ConnectorType),
    tasks=st.lists(wild_tasks, max_size=3).map(tuple),
)
wild_runs = st.builds(
    StorageRun,
    id=texts,
    connection_id=st.none() | texts,
    start_date_time=instants,
    state=any_of(ExecutionState),
    result=any_of(ExecutionResult),
    jobs=st.lists(wild_jobs, max_size=3).map(tuple),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    [wire_name(field.name) for cls in (StorageRun, StorageJob, StorageTask, TaskError) for field in attrs.fields(cls)]
)
json_runs = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(field_names, inner, max_size=6),
    max_leaves=15,
)


@given(runs | wild_runs)
def test_a_run_that_is_encoded_is_decoded_to_the_same_run(run):
    assert decode_one(encode({"run": run}), "run", StorageRun) == run


@given(st.binary())
def test_bytes_that_are_anything_end_in_a_run_or_a_decode_error(body):
    _never_raises_anything_else(body)


@given(json_runs)
def test_json_that_is_anything_ends_in_a_run_or_a_decode_error(value):
    _never_raises_anything_else(json.dumps({"run": value}).encode())


def _never_raises_anything_else(body):
    outcome = _outcome(body)
    if isinstance(outcome, DecodeError):
        assert outcome.path.startswith("$")
        assert len(outcome.excerpt) <= 121
    else:
        assert isinstance(outcome.id, str)


def _outcome(body):
    try:
        return decode_one(body, "run", StorageRun)
    except DecodeError as error:
        return error


@given(st.fixed_dictionaries({"id": texts}, optional={"jobs": json_runs, "error": json_runs, "state": texts}))
def test_a_run_out_of_any_json_survives_being_encoded(value):
    run = _outcome(json.dumps({"run": value}).encode())
    assume(isinstance(run, StorageRun))
    assert decode_one(encode({"run": run}), "run", StorageRun) == run


@given(json_values)
def test_json_that_is_anything_is_parsed_to_what_the_standard_library_makes_of_it(value):
    assert parse(json.dumps(value).encode()) == value


@each("cls", [cls for cls in vars(public).values() if isinstance(cls, type) and attrs.has(cls)])
def test_no_two_fields_of_a_class_share_a_spelling(cls):
    names = [wire_name(field.name) for field in attrs.fields(cls)]
    assert len(set(names)) == len(names)


def test_json_for_people_is_indented_and_for_programs_is_one_line():
    summary = RunSummary(id="r1")
    assert to_json([summary, None]) == '[{"id":"r1","state":"NotStarted","result":"Undetermined"},null]'
    assert to_json({"run": summary}, indent=2).splitlines()[:3] == ["{", '  "run": {', '    "id": "r1",']
