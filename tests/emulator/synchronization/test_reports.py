"""Diagnostic reports, and what is behind their signed URLs, over plain HTTP."""

from urllib.parse import parse_qsl, urlsplit

import anyio
import jsonschema
import pytest

from bentley_sync_async.emulator import FileRule
from bentley_sync_async.emulator.platform.ids import decode_pair, itwin_of

pytestmark = pytest.mark.looptime(start=0)
PATH = "/synchronization/reports"
TEXT = {"type": "string"}
FLAG = {"type": "boolean"}


def exactly(required=None, **properties):
    names = [*properties] if required is None else required
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def listed(item):
    return {"type": "array", "items": item}


FILE = exactly(
    ["fileId", "fileName", "path", "fileExists", "bimFileExists"],
    fileId=TEXT, fileName=TEXT, path=TEXT, state=TEXT, iModelFileId=TEXT, failureReason=TEXT, fileExists=FLAG,
    bimFileExists=FLAG,
)  # fmt: skip
LEVELS = {"enum": ["Fatal", "Error", "Critical", "Warning", "Info"]}
CATEGORIES = {
    "enum": [
        "Authorization",
        "BriefcaseToiModel",
        "BusinessProperties",
        "Compatibility",
        "CorruptData",
        "DigitalRights",
        "DiskIO",
        "Filtering",
        "IModel",
        "InconsistentData",
        "InputFiles",
        "MissingData",
        "Synchronization",
        "ToolkitError",
        "UnexpectedData",
        "Unknown",
        "Unsupported",
        "VisualFidelity",
    ]
}
SCHEMA = exactly(
    context=exactly(
        reportType={"enum": ["detailReport", "summaryReport", "TransformationUserReport"]},
        operationType={"enum": ["NORMAL_UPDATE", "NormalUpdate", "AllDocsProcessed"]},
        jobid=TEXT, contextid=TEXT, imodelid=TEXT, activityid=TEXT, briefcaseid=TEXT, timestamp=TEXT,
    ),
    sourceFilesInfo=exactly(
        itemType=TEXT, dataSource=TEXT, path=TEXT, fileId=TEXT, fileName=TEXT, fileExists=FLAG, bimFileExists=FLAG,
        Files=listed(FILE),
    ),
    filerecords=listed(
        exactly(
            file=exactly(identifier=TEXT, path=TEXT, ignoredelements=listed(TEXT)),
            auditrecords=listed(
                exactly(
                    elementinfo=exactly([], ecinstanceid=TEXT, sourceid=TEXT),
                    auditinfo=exactly(issueid=TEXT, level=LEVELS, category=CATEGORIES, type=TEXT, message=TEXT),
                )
            ),
        )
    ),
)  # fmt: skip


async def run_to_its_end(api, *files):
    run = api.emulator.start_run(api.emulator.add_connection(files=files or [("a.dgn", "MSTN")]))
    await anyio.sleep(run.plan.timeline.ended + 1)
    return run


async def reports_of(api, run, **query):
    answer = await api.get(PATH, params={"imodelId": run.imodel_id, "runId": run.id, **query})
    assert answer.status == 200
    return answer.json["reports"]


async def fetched(api, url):
    """GET a signed URL, without a token."""
    async with api._session.get(url, allow_redirects=False) as answer:
        return answer.status, answer.headers, (await answer.json() if answer.status == 200 else await answer.text())


async def test_every_task_of_a_completed_run_has_a_report(serving):
    async with serving() as api:
        run = await run_to_its_end(api, ("a.dgn", "MSTN"), ("b.ifc", "IFC"))
        reports = await reports_of(api, run)

    tasks = [task.id for job in run.plan.jobs for task in job.tasks]
    assert [report["taskId"] for report in reports] == tasks
    assert {(report["imodelId"], report["runId"]) for report in reports} == {(run.imodel_id, run.id)}
    assert [decode_pair(report["id"]) for report in reports] == [(run.imodel_id, task) for task in tasks]
    assert set(reports[0]) == {"id", "imodelId", "runId", "taskId", "sasUri", "createdTimeStamp"}


async def test_reports_of_one_task_are_listed_on_request(serving):
    async with serving() as api:
        run = await run_to_its_end(api, ("a.dgn", "MSTN"), ("b.ifc", "IFC"))
        task = run.plan.jobs[1].tasks[0].id
        assert [report["taskId"] for report in await reports_of(api, run, taskId=task.upper())] == [task]


async def test_a_run_that_goes_on_has_none(serving):
    async with serving() as api:
        run = api.emulator.start_run(api.emulator.add_connection())
        assert await reports_of(api, run) == []


async def test_a_task_that_no_connector_has_worked_on_has_none(serving):
    async with serving() as api:
        api.emulator.add_file_rule(FileRule(result="Skipped"))
        assert await reports_of(api, await run_to_its_end(api)) == []


async def test_a_run_of_another_imodel_has_none(serving):
    async with serving() as api:
        run = await run_to_its_end(api)
        assert await reports_of(api, run, imodelId=api.emulator.new_imodel_id()) == []


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ({}, [("MissingRequiredProperty", "iModelId"), ("MissingRequiredProperty", "runId")]),
        (
            {"imodelId": "x", "runId": "y", "taskId": "z"},
            [("InvalidValue", "iModelId"), ("InvalidValue", "runId"), ("InvalidValue", "taskId")],
        ),
    ],
)
async def test_mistakes_are_the_details_of_the_page(serving, query, details):
    async with serving() as api:
        answer = await api.get(PATH, params=query)

    assert (answer.status, answer.error["code"], answer.details) == (422, "InvalidBadgersRequest", details)


@pytest.mark.parametrize("error", ["SourceFileNotFound", "SourceFileCorrupted", "BridgingFailed", None])
async def test_a_report_has_the_form_that_the_published_viewer_reads(serving, error):
    async with serving() as api:
        if error:
            api.emulator.add_file_rule(FileRule(error=error))
        (report,) = await reports_of(api, await run_to_its_end(api))
        status, headers, content = await fetched(api, report["sasUri"])

    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    jsonschema.Draft7Validator(SCHEMA).validate(content)


async def test_a_report_agrees_with_its_run(serving):
    async with serving() as api:
        api.emulator.add_file_rule(
            FileRule(
                error="SourceFileNotFound", total_errors_count=2, total_warnings_count=3, total_other_issues_count=1
            )
        )
        run = await run_to_its_end(api)
        (report,) = await reports_of(api, run)
        _, _, content = await fetched(api, report["sasUri"])

    (job,) = run.plan.jobs
    context, files = content["context"], content["sourceFilesInfo"]
    assert (context["jobid"], context["activityid"], context["imodelid"], context["contextid"]) == (
        job.id,
        run.id,
        run.imodel_id,
        itwin_of(run.imodel_id),
    )
    assert (files["fileName"], files["fileId"], files["fileExists"]) == ("a.dgn", job.tasks[0].storage_file_id, False)
    issues = [record["auditinfo"] for record in content["filerecords"][0]["auditrecords"]]
    assert [issue["level"] for issue in issues] == ["Error"] * 2 + ["Warning"] * 3 + ["Info"]
    assert (issues[0]["issueid"], issues[0]["category"]) == ("SourceFileNotFound", "InputFiles")


async def test_a_file_that_was_read_exists_in_its_report(serving):
    async with serving() as api:
        (report,) = await reports_of(api, await run_to_its_end(api))
        _, _, content = await fetched(api, report["sasUri"])

    assert (content["sourceFilesInfo"]["fileExists"], content["sourceFilesInfo"]["bimFileExists"]) == (True, True)


async def test_a_report_names_the_children_of_a_manifest(serving):
    async with serving() as api:
        path = "/synchronization/imodels/manifestconnections"
        imodel = api.emulator.new_imodel_id()
        made = await api.post(
            path, json={"iModelId": imodel, "authenticationType": "Service", "sourceFiles": [{"sourceFileId": "a"}]}
        )
        child = {"id": "k", "name": "k.dgn", "url": "https://h/k", "connectorType": "MSTN"}
        body = {"sourceFiles": [{**child, "id": "a", "name": "a.dgn", "children": [child]}]}
        await api.post(f"{path}/{made.json['connection']['id']}/runs", json=body)
        (run,) = api.emulator.runs
        await anyio.sleep(run.plan.timeline.ended + 1)
        (report,) = await reports_of(api, run)
        _, _, content = await fetched(api, report["sasUri"])

    files = content["sourceFilesInfo"]
    assert (files["fileId"], files["fileName"], files["dataSource"]) == ("a", "a.dgn", "Manifest")
    assert [(file["fileId"], file["fileName"]) for file in files["Files"]] == [("k", "k.dgn")]


def without(url, name):
    parts = urlsplit(url)
    return parts._replace(query="&".join(pair for pair in parts.query.split("&") if not pair.startswith(f"{name}=")))


CHANGED = {
    "no signature": lambda url: without(url, "sig").geturl(),
    "no expiry": lambda url: without(url, "se").geturl(),
    "another expiry": lambda url: url.replace("se=2", "se=9"),
    "another signature": lambda url: url.replace("sig=", "sig=A"),
    "no query": lambda url: url.partition("?")[0],
    "another report": lambda url: url.replace("/diagnosticreports/", "/diagnosticreports/" + "A" * 43 + ".json?x="),
}


@pytest.mark.parametrize("change", CHANGED)
async def test_a_url_with_another_signature_is_refused(serving, change):
    async with serving() as api:
        (report,) = await reports_of(api, await run_to_its_end(api))
        status, headers, text = await fetched(api, CHANGED[change](report["sasUri"]))

    assert (status, headers["x-ms-error-code"]) == (403, "AuthenticationFailed")
    assert "<Code>AuthenticationFailed</Code>" in text


@pytest.mark.parametrize("speed", [1, 100])
async def test_a_url_expires_after_an_hour(serving, speed):
    async with serving(speed=speed) as api:
        (report,) = await reports_of(api, await run_to_its_end(api))
        await anyio.sleep(3599)
        before = await fetched(api, report["sasUri"])
        await anyio.sleep(2)
        after = await fetched(api, report["sasUri"])

    assert (before[0], after[0]) == (200, 403)


async def test_a_url_goes_without_a_token(serving):
    async with serving() as api:
        (report,) = await reports_of(api, await run_to_its_end(api))
        answer = await api.get(report["sasUri"])

    assert (answer.status, answer.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")


async def test_the_signature_of_a_report_does_not_open_another(serving):
    async with serving() as api:
        first, second = await reports_of(api, await run_to_its_end(api, ("a.dgn", "MSTN"), ("b.ifc", "IFC")))
        path = urlsplit(second["sasUri"]).path
        status, _, _ = await fetched(api, urlsplit(first["sasUri"])._replace(path=path).geturl())

    assert status == 403
    assert dict(parse_qsl(urlsplit(first["sasUri"]).query))["sp"] == "r"
