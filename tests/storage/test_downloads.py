"""Content comes from a blob store by a signed URL, whole or not at all."""

import logging

import pytest
from support.neighbours.blobs import blob_store
from support.transport import answer, http, raw_server, refusal, scripted

from bentley_sync_async.errors import FileTransferError, NotFoundError, ProtocolError

MIB = 2**20
URL = "https://api.example/storage/files/file-1/download"


def content_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
async def test_the_bytes_that_are_written_are_those_of_the_store(size, tmp_path):
    told = []
    async with blob_store() as store:
        store.blobs["/container/file-1"] = content_of(size)
        transport, api = scripted(answer(302, None, location=store.signed()))
        written = await api.storage.files.download(
            "file-1", tmp_path / "Station.dgn", progress=lambda *now: told.append(now)
        )

    assert transport.lines == [f"GET {URL}"]
    assert written == size
    assert [path.name for path in tmp_path.iterdir()] == ["Station.dgn"]
    assert (tmp_path / "Station.dgn").read_bytes() == content_of(size)
    assert told[-1:] == ([(size, size)] if size else [])


async def test_the_token_is_not_sent_to_the_store(tmp_path):
    async with blob_store() as store:
        store.blobs["/container/file-1"] = b"abc"
        _, api = scripted(answer(302, None, location=store.signed()))
        await api.storage.files.download("file-1", tmp_path / "f")

    assert all("Authorization" not in request.headers for request in store.requests)


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_connection_that_breaks_is_no_end(nth, tmp_path):
    async with blob_store() as store:
        store.blobs["/container/file-1"] = content_of(12 * MIB)
        store.faults = {nth: "cut"}
        _, api = scripted(answer(302, None, location=store.signed()))
        await api.storage.files.download("file-1", tmp_path / "f")

    assert (tmp_path / "f").read_bytes() == content_of(12 * MIB)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("fault", [403, 404, 307])
async def test_a_download_that_fails_leaves_what_was_there(nth, fault, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "f").write_bytes(b"before")
    async with blob_store() as store:
        store.blobs["/container/file-1"] = content_of(12 * MIB)
        store.faults = {nth: fault}
        _, api = scripted(answer(302, None, location=store.signed()))
        with pytest.raises(FileTransferError, match="file-1") as caught:
            await api.storage.files.download("file-1", tmp_path / "f")

    assert (caught.value.file_id, caught.value.status) == ("file-1", fault)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"f": b"before"}
    assert caught.value.__context__ is None
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    assert "c2lnbmF0dXJl" not in str(caught.value) + logged


async def test_an_answer_that_is_no_stores_is_an_error(tmp_path):
    async with raw_server(http("200 OK", b"<h1>Sign in</h1>"), repeat=True) as server:
        _, api = scripted(answer(302, None, location=f"{server.url}/container/file-1?sig=s"))
        with pytest.raises(FileTransferError, match="file-1"):
            await api.storage.files.download("file-1", tmp_path / "f")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        "/container/blob",
        "http://store.example/container/blob?sig=s",
        "https://u:p@store.example/container/blob",
        "javascript:alert(1)",
    ],
)
async def test_a_location_that_cannot_be_right_is_not_followed(location, tmp_path):
    headers = {} if location is None else {"location": location}
    transport, api = scripted(answer(302, None, **headers))

    with pytest.raises(ProtocolError, match="Location"):
        await api.storage.files.download("file-1", tmp_path / "f")

    assert transport.lines == [f"GET {URL}"]
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_not_there_is_an_error(tmp_path):
    _, api = scripted(refusal(404, "FileNotFound", "Requested file not available."))

    with pytest.raises(NotFoundError, match="Requested file not available"):
        await api.storage.files.download("file-1", tmp_path / "f")

    assert list(tmp_path.iterdir()) == []
