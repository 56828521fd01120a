"""Requests in the form that existing clients send, such as those of iTwin/itwin-cli."""

import aiohttp
import anyio
import pytest
from yarl import URL

from bentley_sync_async.emulator import Emulator

pytestmark = pytest.mark.looptime(start=0)


class OfficialClient:
    """Sends the JSON content type with every request, percent-encodes query keys, and follows redirects itself."""

    def __init__(self, emulator, session):
        self._root = emulator.url + "/synchronization/imodels/storageconnections"
        self._session = session
        self._headers = {
            "Authorization": f"Bearer {emulator.token()}",
            "Content-Type": "application/json",
            "Accept": "application/vnd.bentley.itwin-platform.v1+json",
        }

    async def __call__(self, method, tail="", body=None):
        url = URL(self._root + tail, encoded=True)
        async with self._session.request(method, url, headers=self._headers, json=body) as answer:
            if "content-type" not in answer.headers:
                return answer.status, None
            return answer.status, await answer.json()


async def test_an_official_client_creates_a_connection_and_follows_its_run_to_the_end():
    async with Emulator(error_rate=0) as emulator, aiohttp.ClientSession() as session:
        client = OfficialClient(emulator, session)
        imodel_id = emulator.new_imodel_id()
        files = [{"storageFileId": emulator.new_storage_file_id(), "connectorType": "MSTN"} for _ in range(2)]
        body = {"iModelId": imodel_id, "authenticationType": "Service", "displayName": "cli", "sourceFiles": files}
        status, created = await client("POST", body=body)
        connection_id = created["connection"]["id"]
        assert status == 201

        assert await client("POST", f"/{connection_id}/run") == (202, None)
        _, shown = await client("GET", f"/{connection_id}")
        run_id = shown["connection"]["_links"]["lastRun"]["href"].split("/")[8]
        _, listed = await client("GET", f"/{connection_id}/runs?%24top=1")
        assert [run["id"] for run in listed["runs"]] == [run_id]

        run = {}
        while run.get("state") != "Completed":
            await anyio.sleep(10)
            _, answer = await client("GET", f"/{connection_id}/runs/{run_id}")
            run = answer["run"]
        assert (run["result"], len(run["jobs"]), len(run["jobs"][0]["tasks"])) == ("Success", 1, 2)


async def test_a_client_that_follows_a_303_receives_the_active_run():
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        client = OfficialClient(emulator, session)
        connection_id = emulator.add_connection()
        active = emulator.start_run(connection_id)
        status, answer = await client("POST", f"/{connection_id}/run")
        assert (status, answer["run"]["id"]) == (200, active.id)
        assert [request.method for request in emulator.requests] == ["POST", "GET"]


async def test_encoded_query_keys_select_the_first_page_and_the_rest():
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        client = OfficialClient(emulator, session)
        imodel_id = emulator.new_imodel_id()
        ids = [emulator.add_connection(imodel_id, display_name="same") for _ in range(2)]
        pages = [await client("GET", f"?imodelId={imodel_id}&{which}") for which in ("%24top=1", "%24skip=1")]
        assert [[item["id"] for item in page["connections"]] for _, page in pages] == [[one] for one in ids]
