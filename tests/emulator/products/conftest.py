"""Helpers for the products beside Synchronization: iTwins, iModels, files and their content by plain HTTP."""

import pytest


class Platform:
    """Does by requests what a test needs before what it is about."""

    def __init__(self, api):
        self.api = api

    async def itwin(self, name="Valley"):
        body = {"displayName": name, "class": "Endeavor", "subClass": "Project"}
        return (await self.api.post("/itwins", json=body)).json["iTwin"]["id"]

    async def imodel(self, itwin_id=None, name="Bridge"):
        body = {"iTwinId": itwin_id or await self.itwin(), "name": name}
        return (await self.api.post("/imodels", json=body)).json["iModel"]["id"]

    async def root(self, itwin_id):
        top = await self.api.get(f"/storage/?iTwinId={itwin_id}")
        return top.json["_links"]["folder"]["href"].rsplit("/", 1)[1]

    async def folder(self, parent_id, name="Drawings"):
        answer = await self.api.post(f"/storage/folders/{parent_id}/folders", json={"displayName": name})
        return answer.json["folder"]["id"]

    async def offer(self, folder_id, name="Bridge.dgn"):
        """Create a file, and return its id and its upload URL."""
        answer = await self.api.post(f"/storage/folders/{folder_id}/files", json={"displayName": name})
        links = answer.json["_links"]
        return links["completeUrl"]["href"].split("/")[-2], links["uploadUrl"]["href"]

    async def put(self, url, content=b"content", **headers):
        return await self.api.blob("PUT", url, data=content, headers={"x-ms-blob-type": "BlockBlob", **headers})

    async def file(self, folder_id, name="Bridge.dgn", content=b"content"):
        file_id, url = await self.offer(folder_id, name)
        assert (await self.put(url, content)).status == 201
        assert (await self.api.post(f"/storage/files/{file_id}/complete")).status == 200
        return file_id

    async def update(self, file_id, content):
        links = (await self.api.post(f"/storage/files/{file_id}/updatecontent")).json["_links"]
        assert (await self.put(links["uploadUrl"]["href"], content)).status == 201
        assert (await self.api.post(links["completeUrl"]["href"])).status == 200

    async def connect(self, imodel_id, *files):
        """Create a connection of files, given as pairs of id and connector, and return the answer."""
        body = {
            "iModelId": imodel_id,
            "authenticationType": "Service",
            "sourceFiles": [{"storageFileId": file_id, "connectorType": kind} for file_id, kind in files],
        }
        return await self.api.post("/synchronization/imodels/storageconnections", json=body)


@pytest.fixture
def platform():
    return Platform
