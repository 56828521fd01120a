"""The whole job over HTTP alone, as a program of another language would do it: no code of the package but the emulator.

Every status, header and body is checked against schemas that were written from the API's pages.
"""

import json
from pathlib import Path

import aiohttp
import anyio
import jsonschema
import pytest

from bentley_sync_async.emulator import Emulator

from . import schemas

pytestmark = pytest.mark.looptime(start=0)

PAGE = json.loads((Path(__file__).parents[1] / "fixtures/get-storage-connection-runs/schemas.json").read_text("utf-8"))


class Program:
    """Sends requests as its own code would, and checks each answer."""

    def __init__(self, session, emulator):
        self._session = session
        self._root = emulator.url
        self._emulator = emulator
        self._token = ""

    async def sign_in(self):
        form = {
            "grant_type": "client_credentials",
            "scope": "itwin-platform",
            "client_id": self._emulator.client_id,
            "client_secret": self._emulator.client_secret,
        }
        async with self._session.post(f"{self._root}/connect/token", data=form) as answer:
            granted = await answer.json()
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
        schemas.validate(granted, schemas.TOKEN)
        self._token = granted["access_token"]

    async def send(self, method, path, status, schema=None, **options):
        """Send a request, and return the JSON of the answer; without a schema, the answer has no body."""
        url = path if path.startswith("http") else self._root + path
        assert url.startswith(self._root)  # links stay on the platform
        headers = {"Authorization": f"Bearer {self._token}", **options.pop("headers", {})}
        sent = self._session.request(method, url, headers=headers, allow_redirects=False, **options)
        async with sent as answer:
            body = await answer.read()
        assert answer.status == status, body
        schemas.check_headers(answer.headers, body=schema is not None)
        if schema is None:
            assert body == b""
            return answer.headers
        value = json.loads(body)
        schemas.validate(value, schema)
        return value

    async def upload(self, url, content):
        """Send content to a signed URL, without the token."""
        async with self._session.put(url, data=content, headers={"x-ms-blob-type": "BlockBlob"}) as answer:
            assert answer.status == 201
            assert await answer.read() == b""
        for name in ("ETag", "Last-Modified", "Content-MD5", "x-ms-request-id", "x-ms-version"):
            assert answer.headers[name]

    async def run(self, connection_id):
        """Trigger a connection and poll its run until it is completed."""
        path = f"/synchronization/imodels/storageconnections/{connection_id}"
        headers = await self.send("POST", f"{path}/run", 202)
        assert headers["Location"].startswith(f"{self._root}{path}/runs/")
        while True:
            run = (await self.send("GET", headers["Location"], 200, RUN))["run"]
            if run["state"] == "Completed":
                return run
            await anyio.sleep(10)


def _json_schema(value):
    """Return a page's schema as JSON schema: OpenAPI 3.0 has `nullable` where JSON schema has the type `null`."""
    if isinstance(value, list):
        return [_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _json_schema(item) for key, item in value.items() if key != "nullable"}
    return shown | {"type": [value["type"], "null"]} if value.get("nullable") else shown


RUN = {
    **_json_schema(PAGE),
    "type": "object",
    "required": ["run"],
    "properties": {"run": {"$ref": "#/components/schemas/storage-run"}},
    "additionalProperties": False,
}


async def test_the_whole_job_over_http_alone():
    async with Emulator(error_rate=0, strict=True) as emulator, aiohttp.ClientSession() as session:
        program = Program(session, emulator)
        await program.sign_in()
        me = (await program.send("GET", "/users/me", 200, schemas.closed(user=schemas.USER)))["user"]

        itwin_id = await create_itwin(program, me["id"])
        imodel_id = await create_imodel(program, itwin_id)
        folder_id = await create_folder(program, itwin_id)
        file_id = await create_file(program, folder_id, "Bridge.dgn", b"first content")

        connection_id = await connect(program, itwin_id, imodel_id, file_id)
        run = await program.run(connection_id)
        assert (run["result"], run["jobs"][0]["tasks"][0]["storageFileId"]) == ("Success", file_id)
        first = await changesets(program, imodel_id)
        assert 14 <= len(first) <= 16
        await check_connection_after_a_run(program, connection_id, run["id"])

        assert (await program.run(connection_id))["result"] == "Success"
        assert await changesets(program, imodel_id) == first

        await update_content(program, file_id, b"second content")
        assert (await program.run(connection_id))["result"] == "Success"
        second = await changesets(program, imodel_id)
        assert second[: len(first)] == first
        assert 14 <= len(second) - len(first) <= 16
        await name_version(program, imodel_id, second[-1]["id"])

        await delete_all(program, connection_id, file_id, folder_id, imodel_id, itwin_id)
        uploads = [request for request in emulator.requests if request.operation == "put-blob"]
        assert [request.status for request in uploads] == [201, 201]
        assert not any("authorization" in request.headers for request in uploads)


async def create_itwin(program, user_id):
    body = {"displayName": "Valley", "class": "Endeavor", "subClass": "Project"}
    created = (await program.send("POST", "/itwins/", 201, schemas.closed(iTwin=schemas.ITWIN), json=body))["iTwin"]
    assert (created["displayName"], created["number"], created["createdBy"]) == ("Valley", created["id"], user_id)
    listing = schemas.closed(iTwins=schemas.listed(schemas.ITWIN_SUMMARY), _links=schemas.PAGING)
    found = await program.send("GET", "/itwins?displayName=Valley&$top=10", 200, listing)
    assert [itwin["id"] for itwin in found["iTwins"]] == [created["id"]]
    return created["id"]


async def create_imodel(program, itwin_id):
    body = {"iTwinId": itwin_id, "name": "Bridge"}
    schema = schemas.closed(iModel=schemas.IMODEL)
    created = (await program.send("POST", "/imodels", 201, schema, json=body))["iModel"]
    assert (created["iTwinId"], created["name"], created["displayName"]) == (itwin_id, "Bridge", "Bridge")
    assert (await program.send("GET", f"/imodels/{created['id']}", 200, schema))["iModel"] == created
    await program.send("POST", "/imodels", 409, schemas.ERROR, json=body)
    assert await changesets(program, created["id"]) == []
    return created["id"]


async def create_folder(program, itwin_id):
    top = await program.send("GET", f"/storage/?iTwinId={itwin_id}", 200, schemas.TOP_LEVEL)
    assert top["items"] == []
    root = top["_links"]["folder"]["href"]
    await program.send("GET", root, 200, schemas.closed(folder=schemas.FOLDER))
    body = {"displayName": "Drawings", "description": "All of them"}
    schema = schemas.closed(folder=schemas.FOLDER)
    created = (await program.send("POST", f"{root}/folders", 201, schema, json=body))["folder"]
    assert (created["path"], created["parentFolderId"]) == ("Drawings", root.rsplit("/", 1)[1])
    return created["id"]


async def create_file(program, folder_id, name, content):
    offered = await program.send(
        "POST", f"/storage/folders/{folder_id}/files", 202, schemas.UPLOAD, json={"displayName": name}
    )
    complete_url = offered["_links"]["completeUrl"]["href"]
    file_id = complete_url.split("/")[-2]
    await program.send("GET", f"/storage/files/{file_id}", 404, schemas.ERROR)
    await program.upload(offered["_links"]["uploadUrl"]["href"], content)
    file = (await program.send("POST", complete_url, 200, schemas.closed(file=schemas.FILE)))["file"]
    assert (file["id"], file["displayName"], file["size"]) == (file_id, name, len(content))
    assert file["_links"]["parentFolder"]["href"].endswith(folder_id)
    files = schemas.closed(files=schemas.listed(schemas.FILE), _links=schemas.PAGING)
    assert (await program.send("GET", f"/storage/folders/{folder_id}/files", 200, files))["files"] == [file]
    return file_id


async def connect(program, itwin_id, imodel_id, file_id):
    body = {
        "displayName": "Bridge",
        "iModelId": imodel_id,
        "authenticationType": "Service",
        "sourceFiles": [{"storageFileId": file_id, "connectorType": "MSTN"}],
    }
    path = "/synchronization/imodels/storageconnections"
    schema = schemas.closed(connection=schemas.CONNECTION)
    created = (await program.send("POST", path, 201, schema, json=body))["connection"]
    assert (created["iModelId"], created["iTwinId"]) == (imodel_id, itwin_id)
    assert "lastRun" not in created["_links"]
    return created["id"]


async def check_connection_after_a_run(program, connection_id, run_id):
    path = f"/synchronization/imodels/storageconnections/{connection_id}"
    shown = (await program.send("GET", path, 200, schemas.closed(connection=schemas.CONNECTION)))["connection"]
    assert shown["_links"]["lastRun"]["href"].split("/")[8] == run_id
    listing = schemas.closed(sourceFiles=schemas.listed(schemas.SOURCE_FILE), _links=schemas.PAGING)
    [file] = (await program.send("GET", f"{path}/sourcefiles", 200, listing))["sourceFiles"]
    assert file["lastKnownFileName"] == "Bridge.dgn"


async def changesets(program, imodel_id):
    listing = schemas.closed(changesets=schemas.listed(schemas.CHANGESET_SUMMARY), _links=schemas.PAGING)
    found = (await program.send("GET", f"/imodels/{imodel_id}/changesets", 200, listing))["changesets"]
    assert [changeset["index"] for changeset in found] == list(range(1, len(found) + 1))
    assert [changeset["parentId"] for changeset in found] == ["", *(one["id"] for one in found[:-1])][: len(found)]
    return found


async def update_content(program, file_id, content):
    offered = await program.send("POST", f"/storage/files/{file_id}/updatecontent", 202, schemas.UPLOAD)
    await program.upload(offered["_links"]["uploadUrl"]["href"], content)
    url = offered["_links"]["completeUrl"]["href"]
    file = (await program.send("POST", url, 200, schemas.closed(file=schemas.FILE)))["file"]
    assert (file["id"], file["displayName"], file["size"]) == (file_id, "Bridge.dgn", len(content))
    headers = await program.send("GET", f"/storage/files/{file_id}/download", 302)
    async with aiohttp.ClientSession() as other, other.get(headers["Location"]) as answer:
        assert (answer.status, await answer.read()) == (200, content)


async def name_version(program, imodel_id, changeset_id):
    path, body = f"/imodels/{imodel_id}/namedversions", {"name": "Handover", "changesetId": changeset_id}
    schema = schemas.closed(namedVersion=schemas.NAMED_VERSION)
    created = (await program.send("POST", path, 201, schema, json=body))["namedVersion"]
    assert (created["changesetId"], created["name"]) == (changeset_id, "Handover")
    listing = schemas.closed(namedVersions=schemas.listed(schemas.NAMED_VERSION_SUMMARY), _links=schemas.PAGING)
    assert len((await program.send("GET", path, 200, listing))["namedVersions"]) == 1


async def delete_all(program, connection_id, file_id, folder_id, imodel_id, itwin_id):
    for path in (
        f"/synchronization/imodels/storageconnections/{connection_id}",
        f"/storage/files/{file_id}",
        f"/storage/folders/{folder_id}",
        f"/imodels/{imodel_id}",
        f"/itwins/{itwin_id}",
    ):
        await program.send("DELETE", path, 204)
        await program.send("GET", path, 404, schemas.ERROR)


async def test_the_schemas_refuse_a_property_that_is_missing_or_too_many():
    link = {"href": "https://api.bentley.com/itwins"}
    page = schemas.closed(iTwins=schemas.listed(schemas.ITWIN_SUMMARY), _links=schemas.PAGING)
    schemas.validate({"iTwins": [], "_links": {"self": link}}, page)
    for wrong in ({"iTwins": [], "_links": {}}, {"iTwins": [], "_links": {"self": link}, "more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            schemas.validate(wrong, page)
