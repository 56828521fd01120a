"""Diagnostic reports: what the published viewer's JSON becomes, and that nothing odd in it is an error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pages import payload
from support.quick import each

from bentley_sync_async.errors import DecodeError
from bentley_sync_async.models.reports import (
    AuditCategory,
    AuditLevel,
    Report,
    ReportContext,
    ReportOperation,
    ReportType,
    SourceFileState,
)
from bentley_sync_async.wire.codec import encode
from bentley_sync_async.wire.documents.reports import decode_report

PRINTED = payload("diagnostic-report/content")


def decoded(value):
    return decode_report(json.dumps(value).encode())


def test_the_printed_report_has_every_value_where_the_models_say():
    report = decode_report(PRINTED)

    assert (report.context.report_type, report.context.operation_type) == (
        ReportType.DETAIL_REPORT,
        ReportOperation.NORMAL_UPDATE,
    )
    assert (report.context.briefcaseid, report.context.contextid) == ("3", "<iTwin>")
    (file,) = report.source_files_info.files
    assert (file.state, file.file_exists, file.imodel_file_id) == (SourceFileState.MISSING, False, "..")
    (record,) = report.filerecords[0].auditrecords
    assert (record.auditinfo.level, record.auditinfo.category, record.auditinfo.type, record.auditinfo.issueid) == (
        AuditLevel.WARNING,
        AuditCategory.MISSING_DATA,
        "Material",
        "Dgn_0066",
    )
    assert record.elementinfo.ecinstanceid == "0x.."


def test_the_printed_report_is_encoded_again_as_it_was():
    assert json.loads(encode(decode_report(PRINTED))) == json.loads(PRINTED)


def test_all_issues_of_all_files_are_counted():
    record = {"auditinfo": {"level": "Error"}}
    report = decoded({"filerecords": [{"auditrecords": [record, record]}, {"auditrecords": [record]}]})

    assert [issue.level for issue in report.issues] == [AuditLevel.ERROR] * 3


@each("value", [{}, {"context": None}, {"context": 7}, {"filerecords": {}}, {"unknown": [1]}])
def test_what_is_missing_or_of_another_type_is_left_out(value):
    assert decoded(value) == Report()


@each(("value", "text"), [(3, "3"), ("3", "3"), (2.5, "2.5"), (True, None), ([], None), ({}, None)])
def test_a_number_is_as_good_as_a_text_and_nothing_else_is(value, text):
    assert decoded({"context": {"briefcaseid": value}}).context == ReportContext(briefcaseid=text)


@each("value", [1, "true", None, []])
def test_a_flag_is_true_or_false_or_left_out(value):
    assert decoded({"sourceFilesInfo": {"fileExists": value}}).source_files_info.file_exists is None


@each("value", [7, [], {}, True])
def test_an_enum_that_is_no_text_is_left_out(value):
    assert decoded({"context": {"reportType": value}}).context.report_type is None


def test_an_enum_is_open_and_has_its_other_spelling():
    context = decoded({"context": {"reportType": "novel", "operationType": "NormalUpdate"}}).context

    assert (context.report_type.known, str(context.report_type)) == (False, "novel")
    assert context.operation_type is ReportOperation.NORMAL_UPDATE


def test_one_odd_item_does_not_hide_the_others():
    report = decoded({"filerecords": [7, None, {"file": {"ignoredelements": ["0x1", {}, 2]}}, "text"]})

    (record,) = report.filerecords
    assert record.file.ignoredelements == ("0x1", "2")


def test_a_byte_order_mark_is_skipped():
    assert decode_report(b"\xef\xbb\xbf" + PRINTED) == decode_report(PRINTED)


@each(
    ("body", "problem"),
    [
        (b"", "the body is empty"),
        (b"<Error/>", "the body is not JSON"),
        (b"[]", "expected an object"),
        (b"[" * 100_000, "nested too deeply|not JSON"),
        (b'{"filerecords": [' + b"1," * 1_000_001 + b"1]}", "values"),
    ],
)
def test_what_is_no_report_is_a_decode_error(body, problem):
    with pytest.raises(DecodeError, match=problem):
        decode_report(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_no_member_of_another_type_is_an_error(data):
    value = json.loads(PRINTED)
    where = value
    while isinstance(where, dict | list) and where:
        key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
        if data.draw(st.booleans()):
            where[key] = data.draw(JSON)
            break
        where = where[key]

    assert isinstance(decoded(value), Report)
