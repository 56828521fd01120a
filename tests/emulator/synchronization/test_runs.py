"""Triggers, the states and payloads of runs, and authorization."""

import re
from datetime import UTC, datetime

import anyio
import pytest

from bentley_sync_async.emulator import FileRule, RunRule
from bentley_sync_async.emulator.platform.clock import Clock
from bentley_sync_async.models import ExecutionState

pytestmark = pytest.mark.looptime(start=0)
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMPTY = "0001-01-01T00:00:00"

SCRIPT = RunRule(queued=10, waiting=20, preprocessing=5, references=6, finalizing=4)
STEADY = FileRule(queued=0, duration=30, retries=0)


def scripted(api, *, files=(("Model.dgn", "MSTN"),), run=SCRIPT, file=STEADY, **options):
    api.emulator.add_run_rule(run)
    api.emulator.add_file_rule(file)
    return api.emulator.add_connection(files=files, **options)


async def test_a_trigger_gets_a_202_with_an_absolute_location_and_no_body(serving):
    async with serving() as api:
        answer = await api.trigger(api.emulator.add_connection())
        [run] = api.emulator.runs
        assert (answer.status, answer.body) == (202, b"")
        assert answer.headers["Location"] == api.emulator.url + run.path
        assert "Content-Type" not in answer.headers
        assert str(run.ref) == f"run {run.id} of connection {run.connection_id}"


async def test_the_location_can_be_relative(serving):
    async with serving(location="relative") as api:
        answer = await api.trigger(api.emulator.add_connection())
        assert answer.headers["Location"] == api.emulator.runs[0].path


async def test_a_new_run_is_immediately_in_the_list_and_the_last_run(serving, connections):
    async with serving() as api:
        connection_id = api.emulator.add_connection()
        location = (await api.trigger(connection_id)).headers["Location"]
        listed = (await api.get(f"{connections}/{connection_id}/runs")).json["runs"]
        assert listed == [{"id": api.emulator.runs[0].id, "state": "Queued", "result": "Undetermined"}]
        shown = (await api.get(f"{connections}/{connection_id}")).json["connection"]
        assert shown["_links"]["lastRun"]["href"] == location


async def test_a_trigger_gets_a_303_to_the_active_run_of_another_connection(serving):
    async with serving() as api:
        imodel_id = api.emulator.new_imodel_id()
        first, second = api.emulator.add_connection(imodel_id), api.emulator.add_connection(imodel_id.upper())
        run = api.emulator.start_run(first)
        answer = await api.trigger(second)
        assert (answer.status, answer.headers["Location"]) == (303, api.emulator.url + run.path)
        assert len(api.emulator.runs) == 1
        await anyio.sleep(run.plan.timeline.ended)
        assert (await api.trigger(second)).status == 202


async def test_runs_on_different_imodels_do_not_conflict(serving):
    async with serving() as api:
        answers = [await api.trigger(api.emulator.add_connection()) for _ in range(2)]
        assert [answer.status for answer in answers] == [202, 202]


async def test_the_second_of_two_simultaneous_triggers_gets_a_409(serving):
    async with serving(accept_window=0.2) as api:
        connection_id = api.emulator.add_connection()
        statuses = []

        async def trigger():
            statuses.append((await api.trigger(connection_id)).status)

        async with anyio.create_task_group() as group:
            group.start_soon(trigger)
            group.start_soon(trigger)
        assert sorted(statuses) == [202, 409]
        late = await api.trigger(connection_id)
        assert late.error == {
            "code": "ConflictWithAnotherIModelRequest",
            "message": "The iModel is already processing this request.",
        }
        await anyio.sleep(0.2)
        assert (await api.trigger(connection_id)).status == 303
        assert len(api.emulator.runs) == 1


async def test_the_accept_window_does_not_depend_on_the_speed(serving):
    async with serving(speed=100, accept_window=0.5) as api:
        connection_id = api.emulator.add_connection()
        await api.trigger(connection_id)
        await anyio.sleep(0.4)
        assert (await api.trigger(connection_id)).status == 409


async def test_start_run_opens_no_accept_window(serving):
    async with serving() as api:
        connection_id = api.emulator.add_connection()
        run = api.emulator.start_run(connection_id)
        assert api.emulator.start_run(connection_id) is run
        assert (await api.trigger(connection_id)).status == 303


async def test_a_run_passes_its_states_and_phases_on_the_loops_clock(serving):
    async with serving(start=START) as api:
        run = api.emulator.start_run(scripted(api))
        seen = []
        for _ in range(76):
            shown = await api.run(run)
            step = (shown["state"], shown["phase"], len(shown.get("jobs", ())))
            if not seen or seen[-1][1] != step:
                seen.append((anyio.current_time(), step))
            await anyio.sleep(1)
        assert seen == [
            (0, ("Queued", "Preprocessor", 0)),
            (10, ("WaitingToExecute", "Preprocessor", 0)),
            (30, ("Executing", "Preprocessor", 0)),
            (35, ("Executing", "MasterFile", 1)),
            (65, ("Executing", "ReferenceFile", 1)),
            (71, ("Finalizing", "ReferenceFile", 1)),
            (75, ("Completed", "ReferenceFile", 1)),
        ]


async def test_a_new_run_has_no_result_no_end_and_no_jobs(serving):
    async with serving(start=START) as api:
        run = api.emulator.start_run(scripted(api))
        assert await api.run(run) == {
            "id": run.id,
            "connectionId": run.connection_id,
            "startDateTime": "2026-01-02T03:04:05.0000000Z",
            "endDateTime": EMPTY,
            "phase": "Preprocessor",
            "state": "Queued",
            "result": "Undetermined",
            "error": None,
        }


@pytest.mark.parametrize(("form", "jobs"), [("null", {"jobs": None}), ("empty", {"jobs": []}), ("missing", {})])
async def test_missing_jobs_have_three_forms(serving, form, jobs):
    async with serving(jobs_at_start=form) as api:
        shown = await api.run(api.emulator.start_run(scripted(api)))
        assert {name: shown[name] for name in shown if name == "jobs"} == jobs


async def test_a_completed_run_shows_a_job_for_each_connector_and_a_task_for_each_file(serving):
    async with serving(start=START) as api:
        files = [("a.dgn", "MSTN"), ("b.dwg", "DWG"), ("c.dgn", "MSTN")]
        run = api.emulator.start_run(scripted(api, files=files))
        await anyio.sleep(75)
        shown = await api.run(run)
        assert (shown["state"], shown["result"], shown["error"]) == ("Completed", "Success", None)
        assert shown["endDateTime"] == "2026-01-02T03:05:20.0000000Z"
        assert [(job["connectorType"], len(job["tasks"])) for job in shown["jobs"]] == [("MSTN", 2), ("DWG", 1)]
        task = shown["jobs"][1]["tasks"][0]
        assert task["startDateTime"] == "2026-01-02T03:04:40.0000000Z"
        assert task["endDateTime"] == "2026-01-02T03:05:10.0000000Z"
        assert "error" not in task
        assert set(task["details"]["synchronizationReport"]) == {
            "suggestedAction",
            "message",
            "totalErrorsCount",
            "totalWarningsCount",
            "totalOtherIssuesCount",
        }


async def test_a_task_that_has_not_started_has_empty_dates_and_no_report(serving):
    async with serving() as api:
        run = api.emulator.start_run(
            scripted(api, files=[("a", "MSTN"), ("b", "MSTN")], run=RunRule(parallel=1, **DELAYS))
        )
        await anyio.sleep(36)
        [job] = (await api.run(run))["jobs"]
        executing, waiting = job["tasks"]
        assert (executing["state"], waiting["state"], job["state"]) == ("Executing", "NotStarted", "Executing")
        assert (waiting["startDateTime"], waiting["endDateTime"]) == (EMPTY, EMPTY)
        assert "details" not in waiting


DELAYS = {"queued": 10, "waiting": 20, "preprocessing": 5, "references": 6, "finalizing": 4}


async def test_a_task_shows_the_number_of_its_retries(serving):
    async with serving() as api:
        run = api.emulator.start_run(scripted(api, file=FileRule(queued=0, duration=30, retries=2, retry_delay=10)))
        seen = []
        for _ in range(100):
            for job in (await api.run(run)).get("jobs", ()):
                [task] = job["tasks"]
                step = (task["state"], task["retryAttempts"])
                if step not in seen:
                    seen.append(step)
            await anyio.sleep(1)
        assert seen == [
            ("Executing", 0),
            ("WaitingToRetry", 1),
            ("Executing", 1),
            ("WaitingToRetry", 2),
            ("Executing", 2),
            ("Completed", 2),
        ]


async def test_some_failed_files_make_a_partial_success_with_complete_errors(serving):
    async with serving() as api:
        connection_id = scripted(api, files=[("good.dgn", "MSTN"), ("bad.dwg", "DWG")])
        api.emulator.add_file_rule(FileRule(file_name="bad.*", error="SourceFileCorrupted", bridge_exit_code=-7002))
        run = api.emulator.start_run(connection_id)
        await anyio.sleep(run.plan.timeline.ended)
        shown = await api.run(run)
        assert (shown["result"], shown["error"]["errorKey"]) == ("PartialSuccess", "SomeJobsFailed")
        assert [job["result"] for job in shown["jobs"]] == ["Success", "Error"]
        assert shown["jobs"][1]["tasks"][0]["error"] == {
            "errorCode": "TAE_BRG_1000",
            "message": "Failed to process the file.",
            "details": "Error exit code received from bridge wrapper.",
            "bridgeExitCode": -7002,
            "system": "connector",
            "phase": "file_format",
            "category": "file_access",
            "descriptionKey": "SourceFileCorrupted",
            "description": "Source file corrupted.",
            "kbArticleLink": "https://bentleysystems.service-now.com/community?id=kb_article"
            "&sysparm_article=KB0098395#SourceFileCorrupted",
            "canUserFix": True,
        }


async def test_when_all_files_fail_the_run_is_an_error(serving):
    async with serving() as api:
        run = api.emulator.start_run(scripted(api, file=FileRule(result="Error")))
        await anyio.sleep(run.plan.timeline.ended)
        shown = await api.run(run)
        assert (shown["result"], shown["error"]["errorKey"]) == ("Error", "AllJobsFailed")
        assert shown["jobs"][0]["tasks"][0]["error"]["bridgeExitCode"] == 4294967295


async def test_a_connection_without_files_is_skipped(serving):
    async with serving() as api:
        run = api.emulator.start_run(scripted(api, files=[]))
        await anyio.sleep(run.plan.timeline.ended)
        shown = await api.run(run)
        assert (shown["result"], shown["jobs"]) == ("Skipped", [])


@pytest.mark.parametrize("spelling", ["Canceled", "Cancelled"])
async def test_canceled_has_two_spellings(serving, connections, spelling):
    async with serving(canceled=spelling) as api:
        connection_id = scripted(api, run=RunRule(result="Cancelled", error="TaskWasCancelled"))
        run = api.emulator.start_run(connection_id)
        await anyio.sleep(run.plan.timeline.ended)
        assert (await api.run(run))["result"] == spelling
        assert (await api.get(f"{connections}/{connection_id}/runs")).json["runs"][0]["result"] == spelling


async def test_a_run_of_a_user_connection_needs_consent_at_its_trigger(serving):
    async with serving() as api:
        connection_id = scripted(api, authentication_type="User")
        assert not api.emulator.consent
        refused = api.emulator.start_run(connection_id)
        await anyio.sleep(refused.plan.timeline.ended)
        shown = await api.run(refused)
        assert (shown["state"], shown["result"], shown["jobs"]) == ("Completed", "Error", [])
        assert shown["error"] == {"errorKey": "UserNotAuthenticated", "description": "User is not authenticated."}
        api.emulator.consent = True
        good = api.emulator.start_run(connection_id)
        await anyio.sleep(good.plan.timeline.ended)
        assert (await api.run(good))["result"] == "Success"
        assert api.emulator.state(good) == ExecutionState.COMPLETED


async def test_opening_the_authorization_page_is_the_consent(serving):
    async with serving() as api:
        path = (
            "/synchronization/imodels/connections/authorizationInformation?redirectUrl=http://localhost:3301/callback"
        )
        before = (await api.get(path)).json["authorizationInformation"]
        assert before["isUserAuthorized"] is False
        opened = await api.get(before["_links"]["authorizationUrl"]["href"])
        assert (opened.status, opened.headers["Location"]) == (302, "http://localhost:3301/callback")
        assert (await api.get(path)).json["authorizationInformation"]["isUserAuthorized"] is True


async def test_the_authorization_page_works_without_a_redirect_url(serving):
    async with serving() as api:
        path = "/synchronization/imodels/connections/authorizationinformation"
        href = (await api.get(path)).json["authorizationInformation"]["_links"]["authorizationUrl"]["href"]
        opened = await api.get(href)
        assert (opened.status, opened.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("url", ["nowhere", "http://[", "ftp://host/"])
async def test_an_invalid_redirect_url_is_refused(serving, url):
    async with serving() as api:
        path = "/synchronization/imodels/connections/authorizationinformation"
        answer = await api.send("GET", path, params={"redirectUrl": url})
        assert (answer.status, answer.error["code"]) == (422, "InvalidAuthorizationInformationRequest")
        assert answer.details == [("InvalidValue", "redirectUrl")]


async def test_lists_of_runs_are_paged_newest_first_with_the_wrong_path_of_the_page(serving, connections, full_items):
    async with serving() as api:
        connection_id = api.emulator.add_connection()
        for _ in range(3):
            await anyio.sleep(api.emulator.start_run(connection_id).plan.timeline.ended)
        ids = [run.id for run in api.emulator.runs]
        first = (await api.get(f"{connections}/{connection_id}/runs?%24top=2", **full_items)).json
        assert [run["id"] for run in first["runs"]] == ids[:0:-1]
        assert all("startDateTime" in run for run in first["runs"])
        wrong = f"{api.emulator.url}/synchronization/imodels/connection/{connection_id}/runs?$skip=2&$top=2"
        assert first["_links"]["next"]["href"] == wrong
        assert (await api.get(wrong)).status == 404
        second = (await api.get(f"{connections}/{connection_id}/runs?$top=2&$skip=2")).json
        assert [run["id"] for run in second["runs"]] == ids[:1]


async def test_lists_of_runs_can_begin_with_the_oldest(serving, connections):
    async with serving(newest_first=False) as api:
        connection_id = api.emulator.add_connection()
        for _ in range(2):
            await anyio.sleep(api.emulator.start_run(connection_id).plan.timeline.ended)
        listed = (await api.get(f"{connections}/{connection_id}/runs")).json["runs"]
        assert [run["id"] for run in listed] == [run.id for run in api.emulator.runs]


async def test_errors_of_lists_of_runs_are_those_of_the_page(serving, connections):
    async with serving() as api:
        page = await api.get(f"{connections}/{api.emulator.add_connection()}/runs?$top=100000")
        assert (page.status, page.error["code"]) == (422, "InvalidStorageConnectionRunsRequest")
        assert page.error["details"] == [
            {"code": "InvalidValue", "message": "Page size is out of limits.", "target": "$top"}
        ]
        malformed = await api.get(f"{connections}/x/runs")
        assert (malformed.error["code"], malformed.details) == (
            "InvalidStorageConnectionRunsRequest",
            [("InvalidValue", "connectionId")],
        )
        assert (await api.get(f"{connections}/{'A' * 43}/runs")).error["code"] == "StorageConnectionNotFound"


async def test_errors_of_triggers_are_those_of_the_page(serving):
    async with serving() as api:
        malformed = await api.trigger("x")
        assert (malformed.status, malformed.error["code"]) == (422, "InvalidStorageConnectionRunRequest")
        assert (await api.trigger("A" * 43)).error["code"] == "StorageConnectionNotFound"


async def test_an_unknown_run_is_not_found_and_a_malformed_id_is_unprocessable(serving, connections):
    async with serving() as api:
        path = f"{connections}/{api.emulator.add_connection()}/runs"
        for unknown in ("a1ecbdc8c4f6173004f9f881914a57c5511a362b", api.emulator.new_imodel_id()):
            answer = await api.get(f"{path}/{unknown}")
            assert (answer.status, answer.error["code"]) == (404, "ConnectionRunNotFound")
        malformed = await api.get(f"{path}/latest")
        assert (malformed.status, malformed.details) == (422, [("InvalidValue", "runId")])


async def test_speed_multiplies_time_and_the_date_header_follows_it(serving):
    async with serving(speed=3600, start=START) as api:
        run = api.emulator.start_run(api.emulator.add_connection())
        await anyio.sleep(1)
        answer = await api.get(run.path)
        assert answer.json["run"]["state"] == "Completed"
        assert answer.headers["Date"] == "Fri, 02 Jan 2026 04:04:05 GMT"


async def test_without_a_start_the_clock_is_the_wall_clock(serving):
    async with serving() as api:
        shown = await api.run(api.emulator.start_run(api.emulator.add_connection()))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", shown["startDateTime"])
        age = datetime.now(UTC) - datetime.fromisoformat(shown["startDateTime"])
        assert abs(age.total_seconds()) < 60


async def test_timestamps_have_seven_significant_fraction_digits():
    assert Clock(1, START).timestamp(60.1234567) == "2026-01-02T03:05:05.1234567Z"


async def test_a_run_shows_no_error_before_its_end(serving):
    async with serving() as api:
        run = api.emulator.start_run(scripted(api, file=FileRule(error="ZeroByte")))
        await anyio.sleep(run.plan.timeline.ended - 1)
        shown = await api.run(run)
        assert (shown["error"], shown["result"]) == (None, "Undetermined")


async def test_unscripted_files_differ_in_duration(serving):
    async with serving() as api:
        [job] = api.emulator.start_run(api.emulator.add_connection(files=[("a", "MSTN"), ("b", "MSTN")])).plan.jobs
        assert len({task.timeline.ended for task in job.tasks}) == 2


async def test_ids_of_runs_are_case_insensitive(serving):
    async with serving() as api:
        run = api.emulator.start_run(api.emulator.add_connection())
        answer = await api.get(run.path.replace(run.id, run.id.upper()))
        assert answer.json["run"]["id"] == run.id


async def test_files_added_during_a_run_are_not_part_of_it(serving, connections):
    async with serving() as api:
        connection_id = scripted(api)
        run = api.emulator.start_run(connection_id)
        body = {"storageFileId": api.emulator.new_storage_file_id(), "connectorType": "DWG"}
        await api.post(f"{connections}/{connection_id}/sourcefiles", json=body)
        await anyio.sleep(run.plan.timeline.ended)
        assert len((await api.run(run))["jobs"]) == 1
        again = api.emulator.start_run(connection_id)
        await anyio.sleep(again.plan.timeline.ended)
        assert len((await api.run(again))["jobs"]) == 2
