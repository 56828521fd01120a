"""Diagnostic reports through the client: from the emulator, and from stores that misbehave."""

import asyncio
import gzip
from traceback import walk_tb

import pytest
from support.manifests.connections import manifest_files, new_manifest_connection
from support.quick import each
from support.transport import ScriptedTransport, answer, client_of, http, lost, raw_server, scripted
from support.watch import emulated

from bentley_sync_async import (
    ConnectionLostError,
    DecodeError,
    InvalidArgumentError,
    ManifestRun,
    ProtocolError,
    ReportUnavailableError,
    ResponseTooLargeError,
    SynchronizationClient,
    UsageError,
)
from bentley_sync_async.emulator import FileRule
from bentley_sync_async.models.reports import AuditLevel, DiagnosticReport
from bentley_sync_async.transport import Response

SIGNATURE = "c2lnbmF0dXJl%2Bof%2Fthe%3Dreport"
URL = f"https://store.example/reports/one.json?sv=1&se=2030&sig={SIGNATURE}"
REPORT = DiagnosticReport(id="report-1", sas_uri=URL)


async def completed(client, emulator):
    run = await client.watch(emulator.add_connection(files=[("a.dgn", "MSTN"), ("b.ifc", "IFC")])).result()
    return emulator.runs[0].imodel_id, run


async def test_the_reports_of_a_run_are_listed_and_read():
    async with emulated() as (emulator, client):
        emulator.add_file_rule(FileRule(file_name="b.ifc", error="SourceFileNotFound"))
        imodel, run = await completed(client, emulator)
        reports = await client.reports.list(imodel, run.id)
        read = [await client.reports.read(report) for report in reports]

    assert [report.task_id for report in reports] == [task.id for task in run.tasks]
    assert {(report.imodel_id, report.run_id) for report in reports} == {(imodel, run.id)}
    assert all(report.created_time_stamp is not None for report in reports)
    assert [(one.source_files_info.file_name, one.source_files_info.file_exists) for one in read] == [
        ("a.dgn", True),
        ("b.ifc", False),
    ]
    assert next(read[1].issues).issueid == "SourceFileNotFound"
    levels = [issue.level for issue in read[1].issues]
    report = next(task for task in run.tasks if task.failed).details.synchronization_report
    assert levels.count(AuditLevel.WARNING) == report.total_warnings_count


async def test_the_report_of_one_task_is_listed():
    async with emulated() as (emulator, client):
        imodel, run = await completed(client, emulator)
        task = list(run.tasks)[1]
        assert [report.task_id for report in await client.reports.list(imodel, run.id, task.id)] == [task.id]


async def test_a_run_of_a_manifest_connection_has_reports():
    async with emulated() as (emulator, client):
        connection = await new_manifest_connection(emulator, client)
        run = await client.watch_manifest(ManifestRun(connection_id=connection, files=manifest_files("a"))).result()
        (report,) = await client.reports.list(emulator.runs[0].imodel_id, run.id)
        read = await client.reports.read(report)

    assert (read.source_files_info.file_id, read.source_files_info.file_name) == ("a", "a.dgn")


async def test_a_report_is_requested_without_the_token_and_counts_towards_no_quota():
    async with emulated() as (emulator, client):
        imodel, run = await completed(client, emulator)
        (report, _) = await client.reports.list(imodel, run.id)
        before = client.budget.minute.used
        await client.reports.read(report)
        request = emulator.requests[-1]

    assert request.operation == "diagnostic-report"
    assert {"authorization", "prefer"} & request.headers.keys() == set()
    assert "bentley" not in request.headers.get("accept", "")
    assert client.budget.minute.used == before


async def test_an_expired_url_asks_to_list_the_reports_again():
    async with emulated() as (emulator, client):
        imodel, run = await completed(client, emulator)
        (report, _) = await client.reports.list(imodel, run.id)
        expired = DiagnosticReport(id=report.id, sas_uri=report.sas_uri.replace("se=2", "se=1"))
        with pytest.raises(ReportUnavailableError, match="list the reports again") as caught:
            await client.reports.read(expired)

    error = caught.value
    assert (error.report_id, error.status, error.code) == (report.id, 403, "AuthenticationFailed")


def test_a_report_shows_no_url():
    assert "store.example" not in repr(REPORT)


@each(
    ("url", "problem"),
    [
        (None, "missing or no URL"),
        ("", "missing or no URL"),
        ("store.example/x", "missing or no URL"),
        ("https:///x", "missing or no URL"),
        ("https://h:port/x", "missing or no URL"),
        ("https://[/x", "missing or no URL"),
        ("https://h/a b", "missing or no URL"),
        ("https://h/a\r\nX: 1", "missing or no URL"),
        ("http://store.example/x?sig=SECRET", "is not https"),
        ("http://127.0.0.1/x?sig=SECRET", "is not https"),
        ("file://h/etc/passwd", "is not https"),
        ("https://user:SECRET@store.example/x", "holds a user or a password"),
        ("https://store.example/x?sig=" + "SECRET" * 700, "has more than 4096 characters"),
    ],
)
async def test_a_url_that_is_not_safe_is_refused_and_nothing_is_sent(url, problem):
    transport, client = scripted()

    with pytest.raises(ProtocolError, match=problem) as caught:
        await client.reports.read(DiagnosticReport(id="r", sas_uri=url))

    assert transport.sent == []
    assert "SECRET" not in str(caught.value)


async def test_plain_http_is_for_clients_of_loopback():
    transport = ScriptedTransport(answer(200, {}))
    client = SynchronizationClient("token", base_url="http://localhost:1", transport=transport)
    await client.reports.read(DiagnosticReport(id="r", sas_uri="http://127.0.0.1:2/x"))

    with pytest.raises(ProtocolError, match="is not https"):
        await client.reports.read(DiagnosticReport(id="r", sas_uri="http://store.example/x"))


async def test_the_signed_url_is_requested_as_it_is():
    transport, client = scripted(answer(200, {}))
    await client.reports.read(REPORT)

    (request,) = transport.requests
    assert (request.method, request.url, request.headers, request.body) == ("GET", URL, {}, None)


@each("status", [201, 204, 301, 302, 303, 307, 308])
async def test_redirects_and_other_statuses_are_not_followed(status):
    transport, client = scripted(Response(status=status, headers={"location": "https://attacker.example/"}))

    with pytest.raises(ProtocolError, match=f"answered {status}") as caught:
        await client.reports.read(REPORT)

    assert len(transport.sent) == 1
    assert SIGNATURE not in str(caught.value)


@each("status", [400, 401, 403, 404, 409, 429, 500, 503])
async def test_a_refusal_of_the_store_is_no_refusal_of_the_service_and_pauses_nothing(status):
    body = f"<Error>Signature did not match: {SIGNATURE}</Error>".encode()
    transport, client = scripted(
        Response(status=status, headers={"retry-after": "60"}, body=body), answer(200, {"reports": []})
    )

    with pytest.raises(ReportUnavailableError) as caught:
        await client.reports.read(REPORT)
    await client.reports.list("i", "r")

    assert (caught.value.status, caught.value.code, len(transport.sent)) == (status, None, 2)
    assert transport.sent[0].at == transport.sent[1].at
    assert SIGNATURE not in str(caught.value)


@each("error", [lost("GET", URL), lost("GET", f"{URL}&x=1")])
async def test_a_lost_answer_shows_neither_the_query_nor_its_signature(error):
    _, client = scripted(error)

    with pytest.raises(ConnectionLostError) as caught:
        await client.reports.read(REPORT)

    assert "https://store.example/reports/one.json" in str(caught.value)
    assert (caught.value.url, caught.value.__context__, caught.value.__cause__) == (
        "https://store.example/reports/one.json",
        None,
        None,
    )
    assert not any(secret in repr(vars(caught.value)) + str(caught.value) for secret in (SIGNATURE, "sig=", "se=2030"))


async def test_a_body_that_is_no_report_is_a_decode_error_without_the_query():
    _, client = scripted(Response(status=200, body=f"<html>{URL}".encode()))

    with pytest.raises(DecodeError) as caught:
        await client.reports.read(REPORT)

    assert caught.value.source == "GET https://store.example/reports/one.json"
    assert SIGNATURE not in str(caught.value)


async def test_a_report_is_one_of_the_list():
    _, client = scripted()

    with pytest.raises(InvalidArgumentError, match="is a DiagnosticReport, not str"):
        await client.reports.read(URL)


QUOTED = {
    "alone": "c2lnbmF0dXJl+of/the=report",
    "percent-encoded": SIGNATURE,
    "in JSON": "c2lnbmF0dXJl+of\\/the=report",
    "in two halves": "c2lnbmF0dXJl +of/the=report",
}


@each("quoted", QUOTED.values())
async def test_nothing_of_a_body_that_is_no_report_is_shown(quoted):
    _, client = scripted(Response(status=200, body=f"<html>string to sign: {quoted}".encode()))

    with pytest.raises(DecodeError) as caught:
        await client.reports.read(REPORT)

    assert (caught.value.problem, caught.value.excerpt) == ("the body is not JSON", "")
    assert "c2lnbmF0dXJl" not in str(caught.value)
    assert caught.value.__context__ is None


@each("code", ["c2lnbmF0dXJl+of/the=report", "c2lnbmF0dXJl"])
async def test_an_error_code_that_quotes_the_url_is_none(code):
    _, client = scripted(Response(status=403, headers={"x-ms-error-code": code}))

    with pytest.raises(ReportUnavailableError) as caught:
        await client.reports.read(REPORT)

    assert caught.value.code is None
    assert "c2ln" not in str(caught.value)


@each("response", [Response(status=403, body=b"<Error>"), Response(status=200, body=b"<html>")])
async def test_the_traceback_of_an_error_holds_no_answer(response):
    _, client = scripted(response)

    with pytest.raises((ReportUnavailableError, DecodeError)) as caught:
        await client.reports.read(REPORT)

    frames = [frame for frame, _ in walk_tb(caught.tb)][1:]
    held = [name for frame in frames for name, value in frame.f_locals.items() if isinstance(value, Response | bytes)]
    assert held == []


@each("query", ["", "?a", "?1", "?&", "?sig=", "?sig=e", "?x=%20"])
async def test_a_short_query_changes_nothing_of_a_report(query):
    _, client = scripted(answer(200, {"context": {"jobid": "a1 e&="}}))

    read = await client.reports.read(DiagnosticReport(id="r", sas_uri=f"https://store.example/x{query}"))
    assert read.context.jobid == "a1 e&="


async def test_no_pattern_is_made_of_a_query(monkeypatch):
    # It would take the event loop longer than the request: some 0.2 ms for each character.
    monkeypatch.setattr("bentley_sync_async.redaction._quoted", lambda _: pytest.fail("a pattern was made"))
    _, client = scripted(answer(200, {}))

    await client.reports.read(REPORT)


async def test_a_long_path_is_cut_in_an_error():
    _, client = scripted(Response(status=404))

    with pytest.raises(ReportUnavailableError) as caught:
        await client.reports.read(DiagnosticReport(id="r", sas_uri=f"https://store.example/{'p' * 4000}"))

    assert len(str(caught.value)) < 600


async def test_a_request_for_a_report_shows_no_signature():
    transport, client = scripted(answer(200, {}))
    await client.reports.read(REPORT)

    assert "sig=[hidden]" in repr(transport.sent)
    assert SIGNATURE not in repr(transport.sent)


async def test_a_decompression_bomb_is_refused():
    body = gzip.compress(bytes(20_000_000))
    async with raw_server(http("200 OK", body, Content_Encoding="gzip")) as server, client_of(server) as client:
        with pytest.raises(ResponseTooLargeError) as caught:
            await client.reports.read(DiagnosticReport(id="r", sas_uri=f"{server.url}/x?sig={SIGNATURE}"))

    assert caught.value.url == f"{server.url}/x"
    assert SIGNATURE not in str(caught.value)


async def test_a_client_of_another_event_loop_reads_no_report():
    transport = ScriptedTransport(always=answer(200, {}))
    async with SynchronizationClient("t", base_url="https://api.example", transport=transport) as client:
        with pytest.raises(UsageError):
            await asyncio.to_thread(asyncio.run, client.reports.read(REPORT))

    assert transport.sent == []
