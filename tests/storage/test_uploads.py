"""Content goes to a blob store by a signed URL, whole and unchanged."""

import asyncio
import logging
import sys
import tracemalloc

import anyio
import pytest
from support.neighbours.blobs import SIGNATURE, BlobStore, blob_store
from support.quick import each
from support.transport import answer, lost, refusal, scripted

from bentley_sync_async.errors import (
    ConfigurationError,
    ConnectionLostError,
    DecodeError,
    FileTransferError,
    InvalidArgumentError,
    ProtocolError,
)

MIB = 2**20
BASE = "https://api.example/storage"
FILE = {"file": {"id": "file-1", "type": "file", "displayName": "Station.dgn", "size": 3}}
BEGUN = f"POST {BASE}/folders/folder-1/files"
RENEWED = f"POST {BASE}/files/file-1/updatecontent"
COMPLETED = f"POST {BASE}/files/file-1/complete"


def links(store: BlobStore, path="/container/file-1", file_id="file-1"):
    hrefs = {"completeUrl": f"{BASE}/files/{file_id}/complete", "uploadUrl": store.signed(path)}
    return answer(202, {"_links": {name: {"href": href} for name, href in hrefs.items()}})


def content_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


async def chunks_of(content, size=MIB):
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def upload(api, source, **options):
    return await api.storage.files.upload("folder-1", source, display_name="Station.dgn", **options)


async def test_an_upload_creates_sends_and_completes():
    async with blob_store() as store:
        transport, api = scripted(links(store), answer(200, FILE))
        file = await upload(api, b"abc", description="d")

    assert transport.lines == [BEGUN, COMPLETED]
    assert transport.bodies == [{"displayName": "Station.dgn", "description": "d"}, None]
    assert store.lines() == ["PUT blob"]
    assert store.blobs == {"/container/file-1": b"abc"}
    assert (file.id, file.display_name) == ("file-1", "Station.dgn")


async def test_new_content_of_a_file_needs_no_new_file():
    async with blob_store() as store:
        transport, api = scripted(links(store), answer(200, FILE))
        file = await api.storage.files.update_content("file-1", b"new")

    assert transport.lines == [RENEWED, COMPLETED]
    assert transport.bodies == [None, None]
    assert store.blobs == {"/container/file-1": b"new"}
    assert file.id == "file-1"


async def test_the_steps_of_an_upload_can_be_taken_one_by_one():
    async with blob_store() as store:
        _, api = scripted(links(store), answer(200, FILE))
        begun = await api.storage.files.create("folder-1", "Station.dgn")
        await api.storage.files.put(begun, b"abc")
        file = await api.storage.files.complete(begun.file_id)

    assert store.blobs == {"/container/file-1": b"abc"}
    assert file.id == begun.file_id == "file-1"


async def test_a_file_has_the_name_of_its_path_unless_another_is_given(tmp_path):
    (tmp_path / "Bridge.dgn").write_bytes(b"abc")
    async with blob_store() as store:
        transport, api = scripted(links(store), answer(200, FILE))
        await api.storage.files.upload("folder-1", str(tmp_path / "Bridge.dgn"))

    assert transport.bodies[0] == {"displayName": "Bridge.dgn"}


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
@pytest.mark.parametrize("kind", ["bytes", "path", "chunks"])
async def test_the_bytes_that_arrive_are_those_that_were_sent(size, kind, tmp_path):
    content = content_of(size)
    (tmp_path / "Station.dgn").write_bytes(content)
    source = {"bytes": content, "path": tmp_path / "Station.dgn", "chunks": chunks_of(content, 3 * MIB + 1)}[kind]
    async with blob_store() as store:
        _, api = scripted(links(store), answer(200, FILE))
        await upload(api, source)

    assert store.blobs["/container/file-1"] == content


async def test_a_blob_in_folders_is_put_where_the_url_says():
    async with blob_store() as store:
        _, api = scripted(links(store, "/container/ProjectShare/File/file%201"), answer(200, FILE))
        await upload(api, b"abc")

    assert list(store.blobs) == ["/container/ProjectShare/File/file 1"]


async def test_large_content_goes_in_blocks_a_few_at_a_time():
    async with blob_store() as store:
        _, api = scripted(links(store), answer(200, FILE))
        await upload(api, content_of(50 * MIB))

    assert sorted(store.lines()) == [*["PUT block"] * 7, "PUT blocklist"]
    assert {int(request.headers["Content-Length"]) for request in store.requests[:-1]} == {8 * MIB, 2 * MIB}
    assert 2 <= store.most_under_way <= 4


async def test_the_token_is_not_sent_to_the_store():
    async with blob_store() as store:
        transport, api = scripted(links(store), answer(200, FILE))
        await upload(api, content_of(9 * MIB))

    assert all(request.headers["Authorization"] == "Bearer token" for request in transport.requests)
    assert {"Authorization", "Cookie"} & {name for request in store.requests for name in request.headers} == set()


@each("fault", ["cut", 500, 503])
@each("nth", [1, 2, 4])
async def test_a_request_that_fails_in_passing_is_repeated(fault, nth):
    content = content_of(20 * MIB)
    async with blob_store() as store:
        store.faults = {nth: fault}
        _, api = scripted(links(store), answer(200, FILE))
        await upload(api, chunks_of(content))

    assert store.blobs["/container/file-1"] == content
    assert len(store.requests) == 5


@each(("source", "total"), [(content_of(20 * MIB), 20 * MIB), (None, None)])
async def test_progress_tells_the_bytes_that_have_arrived(source, total):
    told = []
    async with blob_store() as store:
        _, api = scripted(links(store), answer(200, FILE))
        await upload(api, source or chunks_of(content_of(20 * MIB)), progress=lambda *now: told.append(now))

    assert {now for _, now in told} == {total}
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert (len(told), told[-1][0]) == (3, 20 * MIB)


async def test_content_of_any_size_passes_through_little_memory():
    size, block = 96 * MIB, bytes(MIB)

    async def chunks():
        for _ in range(size // MIB):
            yield block

    async with blob_store(keep=False) as store:
        _, api = scripted(links(store), answer(200, FILE))
        tracemalloc.start()
        try:
            await upload(api, chunks())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert len(store.committed["/container/file-1"]) == 12
    assert peak < 64 * MIB


# Signed URLs that expire.


@pytest.mark.parametrize("nth", [1, 2, 4])
async def test_after_the_url_has_expired_everything_is_sent_again_as_another_file(nth, tmp_path):
    content = content_of(20 * MIB)
    (tmp_path / "Station.dgn").write_bytes(content)
    async with blob_store() as store:
        store.faults = {nth: 403}
        transport, api = scripted(links(store), links(store, "/container/file-2", "file-2"), answer(200, FILE))
        await upload(api, tmp_path / "Station.dgn", description="d")

    assert transport.lines == [BEGUN, BEGUN, COMPLETED.replace("file-1", "file-2")]
    assert transport.bodies[0] == transport.bodies[1] == {"displayName": "Station.dgn", "description": "d"}
    assert store.blobs == {"/container/file-2": content}


@pytest.mark.parametrize("nth", [1, 2, 4])
async def test_an_expired_url_of_new_content_is_renewed_and_everything_is_sent_again(nth):
    content = content_of(20 * MIB)
    async with blob_store() as store:
        store.faults = {nth: 403}
        transport, api = scripted(links(store), links(store, "/container/file-1b"), answer(200, FILE))
        await api.storage.files.update_content("file-1", content)

    assert transport.lines == [RENEWED, RENEWED, COMPLETED]
    assert store.blobs == {"/container/file-1b": content}


async def test_a_url_is_renewed_once():
    async with blob_store() as store:
        store.fault = lambda _: 403
        transport, api = scripted(links(store), links(store))
        with pytest.raises(FileTransferError) as caught:
            await upload(api, b"abc")

    assert transport.lines == [BEGUN, BEGUN]
    assert (caught.value.file_id, caught.value.status, caught.value.code) == ("file-1", 403, "AuthenticationFailed")


async def test_an_iterator_cannot_be_sent_again():
    async with blob_store() as store:
        store.fault = lambda _: 403
        transport, api = scripted(links(store))
        with pytest.raises(FileTransferError, match="403 AuthenticationFailed"):
            await upload(api, chunks_of(b"abc"))

    assert transport.lines == [BEGUN]


async def test_the_first_error_is_raised_if_the_url_cannot_be_renewed():
    async with blob_store() as store:
        store.fault = lambda _: 403
        _, api = scripted(links(store), refusal(404, "FolderNotFound"))
        with pytest.raises(FileTransferError, match="file-1"):
            await upload(api, b"abc")


async def test_a_renewed_url_of_another_file_gets_nothing():
    async with blob_store() as store:
        store.fault = lambda _: 403
        _, api = scripted(links(store), links(store, "/container/file-2", file_id="file-2"))
        with pytest.raises(ProtocolError, match="file-2"):
            await api.storage.files.update_content("file-1", b"abc")

    assert {request.path for request in store.requests} == {"/container/file-1"}


# Failures.


@each("size", [3, 20 * MIB])
@each("fault", ["cut", 500, 404, 409, 307])
async def test_an_upload_that_fails_names_its_file_and_completes_nothing(size, fault):
    async with blob_store() as store:
        store.fault = lambda _: fault
        transport, api = scripted(links(store))
        with pytest.raises(FileTransferError, match="The content of file file-1") as caught:
            await upload(api, content_of(size))

    assert (caught.value.file_id, caught.value.status) == ("file-1", None if fault == "cut" else fault)
    assert transport.lines == [BEGUN]
    assert store.blobs == {}


async def test_a_store_that_is_not_there_is_an_error_that_names_the_file():
    async with blob_store() as store:
        pass
    _, api = scripted(links(store))
    with pytest.raises(FileTransferError, match=r"file-1.*check the network"):
        await upload(api, b"abc")


async def test_the_lost_answer_of_the_completion_is_not_taken_for_a_failed_upload():
    async with blob_store() as store:
        transport, api = scripted(links(store), lost("POST"))
        with pytest.raises(ConnectionLostError):
            await upload(api, b"abc")

    assert transport.lines == [BEGUN, COMPLETED]


@each("after", [0, MIB, 20 * MIB])
async def test_the_error_of_a_source_reaches_the_caller_as_it_is(after):
    class BrokenSourceError(Exception):
        pass

    async def chunks():
        async for chunk in chunks_of(content_of(after)):
            yield chunk
        raise BrokenSourceError

    async with blob_store() as store:
        transport, api = scripted(links(store))
        with pytest.raises(BrokenSourceError):
            await upload(api, chunks())

    assert transport.lines == [BEGUN]
    assert store.blobs == {}


async def test_the_error_of_a_progress_function_reaches_the_caller_as_it_is():
    def progress(done, total):
        raise ZeroDivisionError

    async with blob_store() as store:
        _, api = scripted(links(store))
        with pytest.raises(ZeroDivisionError):
            await upload(api, content_of(20 * MIB), progress=progress)

    assert store.blobs == {}


async def test_a_cancelled_upload_leaves_no_request_under_way():
    async with blob_store() as store:
        reached = anyio.Event()

        async def chunks():
            async for chunk in chunks_of(content_of(40 * MIB)):
                yield chunk
            reached.set()
            await anyio.sleep_forever()

        _, api = scripted(links(store))
        before = asyncio.all_tasks()
        async with anyio.create_task_group() as group:
            group.start_soon(upload, api, chunks())
            await reached.wait()
            group.cancel_scope.cancel()
        after = {task for task in asyncio.all_tasks() - before if "azure" in repr(task.get_coro())}

    assert after == set()
    assert store.blobs == {}


@each("source", [7, None, ["a"], [b"a"]])
async def test_what_can_be_no_content_is_refused_and_nothing_is_sent(source):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match="a path, bytes or an async iterator"):
        await upload(api, source)

    assert transport.sent == []


async def test_an_iterator_of_anything_but_bytes_is_refused():
    async def chunks():
        yield "text"

    async with blob_store() as store:
        _, api = scripted(links(store))
        with pytest.raises(InvalidArgumentError, match="must yield bytes, not str"):
            await upload(api, chunks())


@each("source", [b"abc", chunks_of(b"abc")])
async def test_content_without_a_name_needs_one(source):
    transport, api = scripted()

    with pytest.raises(InvalidArgumentError, match="display_name is needed"):
        await api.storage.files.upload("folder-1", source)

    assert transport.sent == []


async def test_nothing_is_sent_for_a_path_that_is_not_there(tmp_path):
    transport, api = scripted()

    with pytest.raises(FileNotFoundError):
        await api.storage.files.upload("folder-1", tmp_path / "absent.dgn")

    assert transport.sent == []


@pytest.mark.parametrize(
    "call",
    [
        lambda files: files.upload("folder-1", b"abc", display_name="n"),
        lambda files: files.update_content("file-1", b"abc"),
        lambda files: files.download("file-1", "target"),
    ],
    ids=["upload", "update_content", "download"],
)
async def test_without_the_library_the_error_says_how_to_install_it(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.storage.blob.aio", None)
    transport, api = scripted()

    with pytest.raises(ConfigurationError, match=r"pip install 'bentley-sync-async\[publish\]'"):
        await call(api.storage.files)

    assert transport.sent == []


# Secrets.


def everything_of(error):
    """An exception with all that it holds, as text."""
    shown = []
    while error is not None:
        shown += [str(error), repr(error), repr(vars(error)), repr(error.args), *getattr(error, "__notes__", [])]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


def shows_the_signature(text):
    return any(form in text for form in (SIGNATURE, "c2lnbmF0dXJl"))


@pytest.mark.parametrize("fault", [None, "cut", 403, 307, 500])
async def test_the_signature_is_in_no_log_and_no_error(fault, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("azure", "azure.core.pipeline.policies.http_logging_policy", "aiohttp.client", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    said = ""
    async with blob_store() as store:
        store.fault = lambda _: fault
        _, api = scripted(links(store), answer(200, FILE) if fault is None else links(store))
        try:
            await upload(api, content_of(9 * MIB))
        except FileTransferError as error:
            said = everything_of(error)

    logged = "\n".join(
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name != "aiohttp.access"
    )
    assert bool(said) == (fault is not None)
    assert not shows_the_signature(said)
    assert not shows_the_signature(logged)


async def test_a_waiting_upload_does_not_show_its_url():
    async with blob_store() as store:
        _, api = scripted(links(store))
        begun = await api.storage.files.create("folder-1", "n")

    assert shows_the_signature(begun.upload_url)
    assert repr(begun) == "FileUpload(file_id='file-1')"


# URLs that cannot be right.

GOOD = "https://store.example/container/blob?sig=c2lnbmF0dXJl"


@each(
    "url",
    [
        "http://store.example/container/blob?sig=c2lnbmF0dXJl",
        "ftp://store.example/container/blob?sig=c2lnbmF0dXJl",
        "file:///etc/passwd?sig=c2lnbmF0dXJl",
        "https://user:c2lnbmF0dXJl@store.example/container/blob",
        "https://user@store.example/container/blob",
        "https:///container/blob?sig=c2lnbmF0dXJl",
        "https://store.example?sig=c2lnbmF0dXJl",
        "https://store.example/?sig=c2lnbmF0dXJl",
        "https://store.example:port/container/blob?sig=c2lnbmF0dXJl",
        "https://[store/container/blob?sig=c2lnbmF0dXJl",
        "https://store.example/container/blob?sig=c2lnbmF0dXJl\r\nHost: attacker.example",
        "//store.example/container/blob?sig=c2lnbmF0dXJl",
        "/container/blob?sig=c2lnbmF0dXJl",
        "",
        None,
    ],
)
@each("call", ["create", "begin_update"])
async def test_an_upload_url_that_cannot_be_right_gets_nothing(url, call):
    hrefs = {"completeUrl": {"href": f"{BASE}/files/file-1/complete"}, "uploadUrl": {"href": url}}
    _, api = scripted(answer(202, {"_links": hrefs}))
    step = {
        "create": lambda files: files.create("folder-1", "n"),
        "begin_update": lambda files: files.begin_update("file-1"),
    }

    with pytest.raises(ProtocolError, match="uploadUrl") as caught:
        await step[call](api.storage.files)

    assert not shows_the_signature(everything_of(caught.value))


@each(
    "url",
    [
        "https://attacker.example/storage/files/file-1/complete",
        "https://api.example.attacker.example/storage/files/file-1/complete",
        "https://api.example@attacker.example/storage/files/file-1/complete",
        "http://api.example/storage/files/file-1/complete",
        "https://api.example:8443/storage/files/file-1/complete",
        "/storage/files/file-1/complete",
        "https://api.example/storage/files/complete",
        "https://api.example/storage/files/file-1",
        "https://api.example/storage/files/..%2f..%2fadmin%20x/complete",
        "https://api.example/storage/files/%20/complete",
        "https://api.example/storage/files/../complete",
        "https://api.example/storage/folders/file-1/complete",
        "https://[api/complete",
        "",
        None,
    ],
)
async def test_a_complete_url_that_cannot_be_right_is_an_error(url):
    hrefs = {"completeUrl": {"href": url}, "uploadUrl": {"href": GOOD}}
    transport, api = scripted(answer(202, {"_links": hrefs}))

    with pytest.raises(ProtocolError, match="completeUrl") as caught:
        await upload(api, b"abc")

    assert transport.lines == [BEGUN]
    assert not shows_the_signature(everything_of(caught.value))


@each("links", [{"uploadUrl": GOOD}, {"uploadUrl": {"href": [GOOD]}}, [GOOD]])
async def test_a_signed_url_in_the_wrong_place_is_not_shown(links):
    _, api = scripted(answer(202, {"_links": links}))

    with pytest.raises(DecodeError) as caught:
        await upload(api, b"abc")

    assert not shows_the_signature(everything_of(caught.value))


async def test_a_signed_url_of_no_blob_gets_nothing():
    async with blob_store() as store:
        _, api = scripted(links(store, "/container"))
        with pytest.raises(ProtocolError, match="names no file in a store"):
            await upload(api, b"abc")

    assert store.requests == []
