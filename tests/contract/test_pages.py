"""Every documented operation through the real client and transport, answered with the payloads of the pages."""

import json

import pytest
from support.pages import ERROR_PAGES, payload

from bentley_sync_async import (
    AuthenticationError,
    AuthenticationType,
    ClientCredentials,
    ConflictError,
    ConnectorType,
    ExecutionResult,
    ExecutionState,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RunRef,
    SourceFileCreate,
    UnprocessableError,
)
from bentley_sync_async.transport.timeouts import RequestTimeouts

CLASSES = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
IMODEL = "7dbd531d-6967-47b2-8945-a722a437ad7a"
FILE = SourceFileCreate("t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA", ConnectorType.MSTN)
RUN_URL = "https://api.bentley.com/synchronization/imodels/storageconnections/c1/runs/r1"
TOKENS = "https://ims.bentley.com/connect/token"
CONNECTIONS = "imodels/storageconnections"
ONE = f"{CONNECTIONS}/c1"
MANIFEST_FILES = "imodels/manifestconnections/c1/sourcefiles"
ACCEPT = "application/vnd.bentley.itwin-platform.v1+json"


async def _create(client):
    return await client.storage_connections.create(
        IMODEL, [FILE], display_name="30", authentication_type=AuthenticationType.USER
    )


async def _update(client):
    return await client.storage_connections.update("c1", display_name="30", authentication_type=AuthenticationType.USER)


async def _trigger(client):
    return await client.storage_connections.runs.trigger("c1")


async def _list_runs(client):
    return [run async for run in client.storage_connections.runs.list("c1")]


async def _add_manifest_file(client):
    return await client.manifest_connections.source_files.add("c1", FILE.storage_file_id)


async def _get_manifest_file(client):
    return await client.manifest_connections.source_files.get("c1", "s1")


async def _get_configuration(client):
    return await client.configurations.itwins.get("t1")


async def _list_reports(client):
    return await client.reports.list("i1", "r1")


OPERATIONS = {
    "add-manifest-connection-sourcefile": ("POST", MANIFEST_FILES, _add_manifest_file),
    "get-manifest-connection-sourcefile": ("GET", f"{MANIFEST_FILES}/s1", _get_manifest_file),
    "get-itwin-configuration": ("GET", "configurations/itwins/t1", _get_configuration),
    "get-diagnostic-reports": ("GET", "reports?imodelId=i1&runId=r1", _list_reports),
    "create-storage-connection": ("POST", CONNECTIONS, _create),
    "update-storage-connection": ("PUT", ONE, _update),
    "run-storage-connection": ("POST", f"{ONE}/run", _trigger),
    "get-storage-connection-runs": ("GET", f"{ONE}/runs", _list_runs),
}
SUCCESSES = {
    "add-manifest-connection-sourcefile": {"status": 201, "body": payload("add-manifest-connection-sourcefile/201")},
    "get-manifest-connection-sourcefile": {"status": 200, "body": payload("get-manifest-connection-sourcefile/200")},
    "get-itwin-configuration": {"status": 200, "body": payload("get-itwin-configuration/200")},
    "get-diagnostic-reports": {"status": 200, "body": payload("get-diagnostic-reports/200")},
    "create-storage-connection": {"status": 201, "body": payload("create-storage-connection/201")},
    "update-storage-connection": {"status": 200, "body": payload("update-storage-connection/200")},
    "run-storage-connection": {"status": 202, "headers": {"Location": RUN_URL}},
    "get-storage-connection-runs": {"status": 200, "body": payload("get-storage-connection-runs/200")},
}
every_operation = pytest.mark.parametrize("page", OPERATIONS)


@pytest.mark.parametrize("name", ERROR_PAGES)
async def test_a_documented_error_is_raised_with_all_its_fields(service, opened, name):
    page, status = name.split("/")
    method, path, call = OPERATIONS[page]
    service.answers(method, path, status=int(status), body=payload(name), headers={"Retry-After": "7"})
    async with opened() as client:
        with pytest.raises(CLASSES[int(status)]) as caught:
            await call(client)
    documented = json.loads(payload(name))["error"]
    error = caught.value
    assert (error.status, error.code, error.message) == (int(status), documented["code"], documented["message"])
    assert [detail.message for detail in error.details] == [item["message"] for item in documented.get("details", [])]
    assert error.retry_after == 7.0


class TestEveryRequest:
    @every_operation
    async def test_has_the_documented_accept_header_and_the_token(self, service, opened, page):
        method, path, call = OPERATIONS[page]
        service.answers(method, path, **SUCCESSES[page])
        async with opened() as client:
            await call(client)
        _, _, sent = service.only_request
        assert sent["headers"]["Accept"] == ACCEPT
        assert sent["headers"]["Authorization"] == "Bearer t0k3n"

    @every_operation
    async def test_forbids_aiohttp_to_follow_redirects(self, service, opened, page):
        method, path, call = OPERATIONS[page]
        service.answers(method, path, **SUCCESSES[page])
        async with opened() as client:
            await call(client)
        _, _, sent = service.only_request
        assert sent["allow_redirects"] is False

    @every_operation
    async def test_has_a_timeout(self, service, opened, page, monkeypatch):
        timeouts, within = [], RequestTimeouts.within
        monkeypatch.setattr(
            RequestTimeouts, "within", lambda self, seconds: timeouts.append(seconds) or within(self, seconds)
        )
        method, path, call = OPERATIONS[page]
        service.answers(method, path, **SUCCESSES[page])
        async with opened() as client:
            await call(client)
        _, _, sent = service.only_request
        assert (timeouts, sent["timeout"].sock_connect) == ([60.0], 10.0)


async def test_create_sends_the_body_of_the_page_and_returns_its_connection(service, opened):
    service.answers("POST", CONNECTIONS, status=201, body=payload("create-storage-connection/201"))
    async with opened() as client:
        connection = await _create(client)
    sent = service.sent_to("POST", CONNECTIONS)
    assert json.loads(sent["data"]) == json.loads(payload("create-storage-connection/request"))
    assert sent["headers"]["Content-Type"] == "application/json"
    assert (connection.id, connection.imodel_id) == ("MWplZe9Uf0iR1IDMqyOMLqBN0_wHEVBGg_CzJmXdmE4", IMODEL)
    assert connection.links.last_run.href.endswith("/runs/de626d0d-1647-48d7-8c11-f1f74f2d4523")


async def test_update_sends_the_body_of_the_page_and_returns_its_connection(service, opened):
    service.answers("PUT", ONE, body=payload("update-storage-connection/200"))
    async with opened() as client:
        connection = await _update(client)
    assert json.loads(service.sent_to("PUT", ONE)["data"]) == json.loads(payload("update-storage-connection/request"))
    assert (connection.display_name, connection.authentication_type) == ("30", AuthenticationType.USER)


@pytest.mark.parametrize("location", [RUN_URL, RUN_URL.removeprefix("https://api.bentley.com"), "runs/r1"])
@pytest.mark.parametrize(("status", "created"), [(202, True), (303, False)])
async def test_trigger_returns_the_run_of_the_location_and_whether_it_was_created(
    service, opened, status, created, location
):
    service.answers("POST", f"{ONE}/run", status=status, headers={"Location": location})
    async with opened() as client:
        triggered = await _trigger(client)
    assert (triggered.ref, triggered.created) == (RunRef(connection_id="c1", run_id="r1"), created)


async def test_trigger_sends_no_body_and_no_content_type(service, opened):
    service.answers("POST", f"{ONE}/run", status=202, headers={"Location": RUN_URL})
    async with opened() as client:
        await _trigger(client)
    sent = service.sent_to("POST", f"{ONE}/run")
    assert sent["data"] is None
    assert "Content-Type" not in sent["headers"]


async def test_the_list_of_runs_of_the_page_is_decoded(service, opened):
    service.answers("GET", f"{ONE}/runs", body=payload("get-storage-connection-runs/200"))
    async with opened() as client:
        (run,) = await _list_runs(client)
    assert (run.state, run.result) == (ExecutionState.COMPLETED, ExecutionResult.PARTIAL_SUCCESS)


async def test_paging_links_with_a_wrong_path_are_not_followed(service, opened):
    service.answers("GET", f"{ONE}/runs", body=payload("get-storage-connection-runs/200"))
    async with opened() as client:
        await _list_runs(client)
    method, url, _ = service.only_request
    assert (method, url) == ("GET", f"https://api.bentley.com/synchronization/{ONE}/runs")


@pytest.mark.parametrize("prefer", ["minimal", "representation"])
async def test_a_list_sends_the_preferred_form_of_its_items(service, opened, prefer):
    service.answers("GET", f"{ONE}/runs", body=b'{"runs": []}')
    async with opened() as client:
        assert [run async for run in client.storage_connections.runs.list("c1", prefer=prefer)] == []
    assert service.sent_to("GET", f"{ONE}/runs")["headers"]["Prefer"] == f"return={prefer}"


async def test_the_run_of_the_page_is_decoded(service, opened):
    service.answers("GET", f"{ONE}/runs/r1", body=payload("get-storage-connection-run/200"))
    async with opened() as client:
        run = await client.storage_connections.runs.get("c1", "r1")
    (task,) = run.tasks
    assert task.error.bridge_exit_code == 4294967295


async def test_the_connection_of_the_page_is_decoded(service, opened):
    service.answers("GET", ONE, body=payload("get-storage-connection/200"))
    async with opened() as client:
        connection = await client.storage_connections.get("c1")
    assert (connection.itwin_id, connection.error) == ("5fb9aa98-9874-4697-b942-d19728840f19", None)


async def test_delete_returns_none(service, opened):
    service.answers("DELETE", ONE, status=204, content_type="")
    async with opened() as client:
        assert await client.storage_connections.delete("c1") is None


async def test_the_list_of_connections_of_all_kinds_of_the_page_is_decoded(service, opened):
    path = f"imodels/connections?imodelId={IMODEL}"
    service.answers("GET", path, body=payload("get-connections/200"))
    async with opened() as client:
        names = [connection.display_name async for connection in client.connections.list(IMODEL)]
    assert names == ["30"]


async def test_the_authorization_information_of_the_page_is_decoded(service, opened):
    service.answers(
        "GET", "imodels/connections/authorizationinformation", body=payload("get-authorization-information/200")
    )
    async with opened() as client:
        information = await client.authorization.get()
    assert not information.is_user_authorized
    assert information.links.authorization_url.href == "https://connect-itwinbridgeportal.bentley.com/authenticate"


async def test_client_credentials_are_exchanged_for_a_token_with_the_documented_scope(service, opened):
    service.answers("POST", TOKENS, body=b'{"access_token": "fresh", "expires_in": 3600}')
    service.answers("GET", ONE, body=payload("get-storage-connection/200"))
    async with opened(ClientCredentials("service-1", "hunter2")) as client:
        await client.storage_connections.get("c1")
    (_, issuer, asked), (_, _, sent) = service.requests
    assert issuer == TOKENS
    assert b"scope=itwin-platform" in asked["data"]
    assert "Authorization" not in asked["headers"]
    assert sent["headers"]["Authorization"] == "Bearer fresh"
