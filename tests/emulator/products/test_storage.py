"""Operations on folders, files and the recycle bin."""

import anyio
import pytest

from bentley_sync_async.emulator.platform.ids import decode_pair
from tests.emulator import schemas

pytestmark = pytest.mark.looptime(start=0)
UNKNOWN = "22acf21e-0575-4faf-849b-bcd538718269"
NO_ITEM = "A" * 43


async def test_ids_are_those_of_the_service(serving, platform):
    async with serving() as api:
        itwin_id = await platform(api).itwin()
        root = await platform(api).root(itwin_id)
        assert decode_pair(root) == (itwin_id, itwin_id)
        for item_id in (await platform(api).folder(root), await platform(api).file(root)):
            assert decode_pair(item_id)[0] == itwin_id
            assert decode_pair(item_id)[1] != itwin_id


async def test_folders_come_before_files_each_in_the_order_of_creation(serving, platform):
    async with serving() as api:
        platform = platform(api)
        itwin_id = await platform.itwin()
        root = await platform.root(itwin_id)
        for number in range(2):
            await platform.file(root, f"file {number}.dgn")
            await platform.folder(root, f"folder {number}")
        await platform.offer(root, "never completed.dgn")
        names = ["folder 0", "folder 1", "file 0.dgn", "file 1.dgn"]
        lists = {
            f"/storage/?iTwinId={itwin_id}": ("items", names),
            f"/storage?projectId={itwin_id}": ("items", names),
            f"/storage/folders/{root}/list": ("items", names),
            f"/storage/folders/{root}/folders": ("folders", names[:2]),
            f"/storage/folders/{root}/files": ("files", names[2:]),
            f"/storage/?iTwinId={itwin_id}&%24top=1&%24skip=1": ("items", names[1:2]),
        }
        for path, (name, expected) in lists.items():
            listed = (await api.get(path)).json
            assert [item["displayName"] for item in listed[name]] == expected
            schemas.validate(listed[name], schemas.listed(schemas.ITEM))
        schemas.validate((await api.get(f"/storage/?iTwinId={itwin_id}")).json, schemas.TOP_LEVEL)


async def test_a_page_has_at_most_a_thousand_items(serving, platform):
    async with serving() as api:
        itwin_id = await platform(api).itwin()
        answer = await api.get(f"/storage/?iTwinId={itwin_id}&$top=1001")
        assert (answer.status, answer.error["code"]) == (422, "InvalidStorageRequest")
        assert answer.error["message"] == "Page size is over 1000 items limit."
        assert (await api.get(f"/storage/?iTwinId={itwin_id}&$top=1000")).status == 200
        assert (await api.get(f"/storage/?iTwinId={itwin_id}&$top=0")).error["code"] == "InvalidStorageRequest"


@pytest.mark.parametrize("path", ["/storage/", "/storage/recyclebin"])
async def test_a_list_needs_an_itwin(serving, path):
    async with serving() as api:
        codes = [
            (answer.status, answer.error["code"])
            for answer in [await api.get(path + query) for query in ("", "?iTwinId=toto", f"?iTwinId={UNKNOWN}")]
        ]
        assert codes == [(422, "InvalidStorageRequest")] * 2 + [(404, "iTwinNotFound")]


async def test_a_folder_is_created_updated_and_deleted_with_all_in_it(serving, platform):
    async with serving() as api:
        platform = platform(api)
        root = await platform.root(await platform.itwin())
        body = {"displayName": "Drawings", "description": "All"}
        answer = await api.post(f"/storage/folders/{root}/folders", json=body)
        assert answer.status == 201
        folder = answer.json["folder"]
        schemas.validate(folder, schemas.FOLDER)
        path = f"/storage/folders/{folder['id']}"
        assert (await api.get(path)).json == answer.json
        inner = await platform.folder(folder["id"], "Inner")
        file_id = await platform.file(inner, "Bridge.dgn")
        assert (await api.get(f"/storage/files/{file_id}")).json["file"]["path"] == "Drawings/Inner/Bridge.dgn"
        updated = await api.patch(path, json={"displayName": "Plans"})
        assert (updated.status, updated.json["folder"]["displayName"]) == (200, "Plans")
        assert updated.json["folder"]["description"] == "All"
        assert (await api.delete(path)).status == 204
        for gone in (path, f"/storage/folders/{inner}", f"/storage/folders/{inner}/list"):
            answer = await api.get(gone)
            assert (answer.status, answer.error["code"]) == (404, "FolderNotFound")
        assert (await api.get(f"/storage/files/{file_id}")).error["code"] == "FileNotFound"


async def test_folders_are_searched_with_what_is_below_them(serving, platform):
    async with serving() as api:
        platform = platform(api)
        root = await platform.root(await platform.itwin())
        inner = await platform.folder(await platform.folder(root, "Bridges"), "Inner")
        await platform.file(inner, "Bridge 1.dgn")
        found = (await api.get(f"/storage/folders/{root}/search?name=bridge")).json["items"]
        assert [item["displayName"] for item in found] == ["Bridges", "Bridge 1.dgn"]


async def test_the_root_folder_cannot_be_changed(serving, platform):
    async with serving() as api:
        root = await platform(api).root(await platform(api).itwin())
        for answer in (
            await api.patch(f"/storage/folders/{root}", json={"displayName": "x"}),
            await api.delete(f"/storage/folders/{root}"),
        ):
            assert (answer.status, answer.details) == (422, [("InvalidChange", "folderId")])


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/list"),
        ("GET", "/files"),
        ("GET", "/folders"),
        ("GET", "/search"),
        ("POST", "/files"),
        ("POST", "/folders"),
    ],
)
@pytest.mark.parametrize("folder_id", [NO_ITEM, "toto"])
async def test_an_unknown_folder_is_not_found(serving, method, tail, folder_id):
    async with serving() as api:
        answer = await api.send(method, f"/storage/folders/{folder_id}{tail}", json={"displayName": "x"})
        assert (answer.status, answer.error["code"]) == (404, "FolderNotFound")
        assert answer.error["message"] == "Requested folder not available."


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/complete"),
        ("POST", "/updatecontent"),
        ("GET", "/download"),
    ],
)
@pytest.mark.parametrize("file_id", [NO_ITEM, "toto"])
async def test_an_unknown_file_is_not_found(serving, method, tail, file_id):
    async with serving() as api:
        answer = await api.send(method, f"/storage/files/{file_id}{tail}", json={"displayName": "x"})
        assert (answer.status, answer.error["code"]) == (404, "FileNotFound")
        assert answer.error["message"] == "Requested file not available."


@pytest.mark.parametrize("name", ["a/b.dgn", "a:b.dgn", "a\tb.dgn", "x" * 256, "virus.EXE", "", None, 7])
async def test_a_file_with_a_name_that_is_not_allowed_is_unprocessable(serving, platform, name):
    async with serving() as api:
        root = await platform(api).root(await platform(api).itwin())
        answer = await api.post(f"/storage/folders/{root}/files", json={"displayName": name})
        assert (answer.status, answer.error["code"]) == (422, "InvalidStorageRequest")
        assert [target for _, target in answer.details] == ["displayName"]


async def test_a_folder_may_be_called_like_a_program_but_not_have_a_slash(serving, platform):
    async with serving() as api:
        root = await platform(api).root(await platform(api).itwin())
        assert (await api.post(f"/storage/folders/{root}/folders", json={"displayName": "a.exe"})).status == 201
        answer = await api.post(f"/storage/folders/{root}/folders", json={"displayName": "a/b"})
        assert (answer.status, answer.error["code"]) == (422, "InvalidCreateFolderRequest")


async def test_an_upload_has_three_steps_and_nobody_sees_the_file_before_the_last(serving, platform):
    async with serving() as api:
        platform = platform(api)
        itwin_id = await platform.itwin()
        root = await platform.root(itwin_id)
        body = {"displayName": "Bridge.dgn", "description": "The bridge"}
        offered = await api.post(f"/storage/folders/{root}/files", json=body)
        assert offered.status == 202
        schemas.validate(offered.json, schemas.UPLOAD)
        complete = offered.json["_links"]["completeUrl"]["href"]
        file_id = complete.split("/")[-2]
        early = await api.post(complete)
        assert (early.status, early.error["code"]) == (422, "InvalidStorageRequest")
        put = await platform.put(offered.json["_links"]["uploadUrl"]["href"], b"content")
        assert put.status == 201
        assert (await api.get(f"/storage/files/{file_id}")).status == 404
        completed = await api.post(complete)
        assert completed.status == 200
        file = completed.json["file"]
        schemas.validate(file, schemas.FILE)
        assert file | body | {"id": file_id, "size": 7, "path": "Bridge.dgn", "parentFolderId": root} == file
        await anyio.sleep(5)
        assert (await api.post(complete)).json == completed.json  # once more changes nothing
        assert (await api.get(f"/storage/files/{file_id}")).json == completed.json
        assert api.emulator.file_content(file_id) == b"content"
        second = await platform.file(root, "Bridge.dgn")  # names need not be unique
        assert second != file_id


async def test_new_content_is_in_force_when_it_is_complete(serving, platform):
    async with serving() as api:
        platform = platform(api)
        root = await platform.root(await platform.itwin())
        file_id = await platform.file(root, content=b"old")
        links = (await api.post(f"/storage/files/{file_id}/updatecontent")).json["_links"]
        assert links["completeUrl"]["href"].split("/")[-2] == file_id
        await platform.put(links["uploadUrl"]["href"], b"newer")
        assert await downloaded(api, file_id) == b"old"
        updated = (await api.post(links["completeUrl"]["href"])).json["file"]
        assert (updated["displayName"], updated["size"]) == ("Bridge.dgn", 5)
        assert await downloaded(api, file_id) == b"newer"


async def downloaded(api, file_id):
    answer = await api.get(f"/storage/files/{file_id}/download")
    assert answer.status == 302
    return (await api.blob("GET", answer.headers["Location"])).body


async def test_a_file_is_renamed_and_deleted(serving, platform):
    async with serving() as api:
        root = await platform(api).root(await platform(api).itwin())
        file_id = await platform(api).file(root)
        path = f"/storage/files/{file_id}"
        renamed = await api.patch(path, json={"displayName": "Tunnel.dgn", "description": "Deep"})
        assert (renamed.status, renamed.json["file"]["displayName"]) == (200, "Tunnel.dgn")
        assert (await api.patch(path, json={"displayName": "a:b"})).details == [("InvalidValue", "displayName")]
        assert (await api.get(path)).json == renamed.json
        deleted = await api.delete(path)
        assert (deleted.status, deleted.body) == (204, b"")
        assert (await api.get(path)).error["code"] == "FileNotFound"


async def test_what_was_deleted_is_restored_or_deleted_for_good(serving, platform):
    async with serving() as api:
        platform = platform(api)
        itwin_id = await platform.itwin()
        root = await platform.root(itwin_id)
        folder_id, file_id = await platform.folder(root), await platform.file(root)
        inside = await platform.file(folder_id)
        for path in (f"files/{file_id}", f"folders/{folder_id}"):
            for method, tail in (("POST", "/restore"), ("DELETE", "")):
                early = await api.send(method, f"/storage/recyclebin/{path}{tail}")
                assert early.status == 404
            await api.delete(f"/storage/{path}")
        listed = (await api.get(f"/storage/recyclebin?iTwinId={itwin_id}")).json["items"]
        assert [item["id"] for item in listed] == [folder_id, file_id]
        assert (await api.post(f"/storage/recyclebin/folders/{folder_id}/restore")).status == 204
        assert (await api.get(f"/storage/files/{inside}")).status == 200
        assert (await api.delete(f"/storage/recyclebin/files/{file_id}")).status == 204
        await api.delete(f"/storage/folders/{folder_id}")
        assert (await api.delete(f"/storage/recyclebin/folders/{folder_id}")).status == 204
        assert (await api.get(f"/storage/recyclebin?iTwinId={itwin_id}")).json["items"] == []
        with pytest.raises(LookupError):
            api.emulator.file_content(inside)
