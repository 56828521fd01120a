"""The blob store: signed URLs, blocks, ranges, conditions and errors."""

import base64
import hashlib
import io
import re
import tracemalloc

import anyio
import pytest

from bentley_sync_async.emulator import FaultRule

pytestmark = pytest.mark.looptime(start=0)


@pytest.fixture(name="offering")
def offering_fixture(serving, platform):
    async def offer(api, name="Bridge.dgn"):
        root = await platform(api).root(await platform(api).itwin())
        return await platform(api).offer(root, name)

    return offer


def code(answer):
    """Return the error of the blob store, after a check that the header and the XML say the same."""
    [found] = re.findall(r"<Code>(\w+)</Code>", answer.body.decode())
    assert answer.headers["x-ms-error-code"] == found
    assert answer.headers["Content-Type"] == "application/xml"
    assert answer.headers["x-ms-request-id"] in answer.body.decode()
    return answer.status, found


def block_id(number):
    return base64.b64encode(f"{number:04}".encode()).decode()


def block_list(*ids, kind="Latest"):
    items = "".join(f"<{kind}>{one}</{kind}>" for one in ids)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{items}</BlockList>'


async def test_a_put_without_a_token_writes_the_blob(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        content = bytes(range(256)) * 4096
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        put = await platform(api).put(url, content, **{"Content-MD5": md5, "x-ms-version": "2023-11-03"})
        assert (put.status, put.headers["Content-MD5"], put.headers["x-ms-version"]) == (201, md5, "2023-11-03")
        got = await api.blob("GET", url)
        assert (got.status, got.body, got.headers["ETag"]) == (200, content, put.headers["ETag"])
        assert got.headers["x-ms-blob-type"] == "BlockBlob"
        head = await api.blob("HEAD", url)
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(content)))
        assert head.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("sent", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=4-", 206, slice(4, None)),
        ("bytes=2-9", 206, slice(2, 10)),
        ("bytes=9-1000", 206, slice(9, None)),
        ("bytes=12-13", 416, None),
        ("lines=1-2", 200, slice(None)),
    ],
)
async def test_ranges_go_over_the_borders_of_blocks(serving, offering, sent, status, part):
    content = b"abcdefghijkl"
    async with serving() as api:
        _, url = await offering(api)
        for number in range(3):
            piece = content[4 * number : 4 * number + 4]
            await api.blob("PUT", f"{url}&comp=block&blockid={block_id(number)}", data=piece)
        await api.blob("PUT", f"{url}&comp=blocklist", data=block_list(*map(block_id, range(3))))
        for header in ("x-ms-range", "Range"):
            got = await api.blob("GET", url, headers={header: sent})
            assert got.status == status
            if part is None:
                assert code(got) == (416, "InvalidRange")
            else:
                assert got.body == content[part]
            if status == 206:
                first, last, _ = part.indices(len(content))
                assert got.headers["Content-Range"] == f"bytes {first}-{last - 1}/12"


async def test_an_empty_blob_has_no_range(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        assert (await platform(api).put(url, b"")).status == 201
        assert code(await api.blob("GET", url, headers={"x-ms-range": "bytes=0-3"})) == (416, "InvalidRange")
        assert (await api.blob("GET", url)).body == b""


async def test_blocks_are_in_the_blob_when_their_list_is_put(serving, offering):
    async with serving() as api:
        _, url = await offering(api)
        blocks = {block_id(number): f"block {number};".encode() for number in range(4)}
        for one, content in reversed(blocks.items()):
            assert (await api.blob("PUT", f"{url}&comp=block&blockid={one}", data=content)).status == 201
        assert code(await api.blob("GET", url)) == (404, "BlobNotFound")
        staged = (await api.blob("GET", f"{url}&comp=blocklist&blocklisttype=all")).body.decode()
        assert staged.count("<Block>") == 4
        ids = list(blocks)
        first = await api.blob("PUT", f"{url}&comp=blocklist", data=block_list(*ids[:2]))
        assert (first.status, first.body) == (201, b"")
        assert (await api.blob("GET", url)).body == b"block 0;block 1;"
        again = await api.blob("PUT", f"{url}&comp=blocklist", data=block_list(ids[3]))
        assert code(again) == (400, "InvalidBlockList")  # what is not in the list is discarded
        await api.blob("PUT", f"{url}&comp=block&blockid={ids[2]}", data=blocks[ids[2]])
        mixed = await api.blob("PUT", f"{url}&comp=blocklist", data=block_list(ids[0], ids[2]))
        assert mixed.status == 201
        assert (await api.blob("GET", url)).body == b"block 0;block 2;"
        assert code(await api.blob("PUT", f"{url}&comp=blocklist", data=block_list(ids[2], kind="Uncommitted"))) == (
            400,
            "InvalidBlockList",
        )
        listed = (await api.blob("GET", f"{url}&comp=blocklist")).body.decode()
        assert re.findall("<Name>(.*?)</Name>", listed) == [ids[0], ids[2]]


async def test_a_block_that_is_sent_again_replaces_the_one_before(serving, offering):
    async with serving() as api:
        _, url = await offering(api)
        for content in (b"lost", b"kept"):
            await api.blob("PUT", f"{url}&comp=block&blockid={block_id(0)}", data=content)
        await api.blob("PUT", f"{url}&comp=blocklist", data=block_list(block_id(0)))
        assert (await api.blob("GET", url)).body == b"kept"
        assert len(list(api.emulator._world.blobs.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "text", ["", "<BlockList>", '<!DOCTYPE a [<!ENTITY b "c">]><BlockList><Latest>&b;</Latest></BlockList>']
)
async def test_a_malformed_list_of_blocks_is_refused(serving, offering, text):
    async with serving() as api:
        _, url = await offering(api)
        assert code(await api.blob("PUT", f"{url}&comp=blocklist", data=text)) == (400, "InvalidXmlDocument")


@pytest.mark.parametrize("one", ["", "not base64!", base64.b64encode(b"x" * 65).decode()])
async def test_a_malformed_block_id_is_refused(serving, offering, one):
    async with serving() as api:
        _, url = await offering(api)
        answer = await api.blob("PUT", f"{url}&comp=block&blockid={one}", data=b"x")
        assert code(answer) == (400, "InvalidQueryParameterValue")


async def test_ids_of_blocks_have_one_length(serving, offering):
    async with serving() as api:
        _, url = await offering(api)
        await api.blob("PUT", f"{url}&comp=block&blockid={block_id(1)}", data=b"x")
        answer = await api.blob("PUT", f"{url}&comp=block&blockid=MQ==", data=b"x")
        assert code(answer) == (400, "InvalidBlobOrBlock")


async def test_a_url_that_was_changed_permits_nothing(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        _, other = await offering(api)
        path, query = url.split("?")
        bare = re.sub("&?sig=[^&]+", "", url)
        for wrong in (
            path,
            bare,
            url.replace("sp=rw", "sp=rwd"),
            re.sub("se=20", "se=21", url),
            f"{other.split('?')[0]}?{query}",
            url[:-4] + "AAAA",
        ):
            assert code(await platform(api).put(wrong)) == (403, "AuthenticationFailed")
            assert code(await api.blob("GET", wrong)) == (403, "AuthenticationFailed")


async def test_a_url_expires(serving, platform, offering):
    async with serving(upload_lifetime=60) as api:
        _, url = await offering(api)
        await anyio.sleep(58)
        assert (await platform(api).put(url)).status == 201
        await anyio.sleep(3)
        assert code(await platform(api).put(url)) == (403, "AuthenticationFailed")


async def test_a_url_permits_no_more_than_it_says(serving, platform, offering):
    async with serving() as api:
        file_id, url = await offering(api)
        await platform(api).put(url)
        assert code(await api.blob("DELETE", url)) == (403, "AuthorizationPermissionMismatch")
        await api.post(f"/storage/files/{file_id}/complete")
        reading = (await api.get(f"/storage/files/{file_id}/download")).headers["Location"]
        assert (await api.blob("GET", reading)).status == 200
        assert code(await platform(api).put(reading)) == (403, "AuthorizationPermissionMismatch")


async def test_a_url_that_permits_it_deletes_a_blob(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        await platform(api).put(url)
        name = url.split("/blobs/")[1].split("?")[0]
        container = api.emulator._world._container
        query = container.signer.query(name, permissions="d", now=container.now(), lifetime=60)
        deleting = f"{url.split('?')[0]}?{query}"
        assert (await api.blob("DELETE", deleting)).status == 202
        assert code(await api.blob("DELETE", deleting)) == (404, "BlobNotFound")
        assert code(await api.blob("GET", f"{url}&comp=blocklist")) == (404, "BlobNotFound")
        assert list(api.emulator._world.blobs.folder.iterdir()) == []


async def test_a_token_is_not_wanted(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        answer = await platform(api).put(url, Authorization=f"Bearer {api.token}")
        assert code(answer) == (400, "InvalidAuthenticationInfo")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, (400, "MissingRequiredHeader")),
        ({"x-ms-blob-type": "PageBlob"}, (409, "InvalidBlobType")),
        ({"x-ms-blob-type": "Blob"}, (400, "InvalidHeaderValue")),
        ({"x-ms-blob-type": "BlockBlob", "Content-MD5": "x"}, (400, "InvalidHeaderValue")),
        ({"x-ms-blob-type": "BlockBlob", "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, (400, "Md5Mismatch")),
        ({"x-ms-blob-type": "BlockBlob", "If-Match": '"0x1"'}, (412, "ConditionNotMet")),
    ],
)
async def test_a_put_with_wrong_headers_writes_nothing(serving, offering, headers, error):
    async with serving() as api:
        _, url = await offering(api)
        assert code(await api.blob("PUT", url, data=b"x", headers=headers)) == error
        assert code(await api.blob("GET", url)) == (404, "BlobNotFound")
        assert list(api.emulator._world.blobs.folder.iterdir()) == []


async def test_conditions_are_met_or_refused(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        etag = (await platform(api).put(url, b"1", **{"If-None-Match": "*"})).headers["ETag"]
        assert code(await platform(api).put(url, b"2", **{"If-None-Match": "*"})) == (409, "BlobAlreadyExists")
        assert code(await platform(api).put(url, b"2", **{"If-None-Match": etag})) == (412, "ConditionNotMet")
        assert (await platform(api).put(url, b"3", **{"If-Match": etag})).status == 201
        assert (await api.blob("GET", url)).body == b"3"


async def test_an_unknown_operation_is_refused_and_a_request_id_comes_back(serving, offering):
    async with serving() as api:
        _, url = await offering(api)
        answer = await api.blob("PUT", f"{url}&comp=lease", headers={"x-ms-client-request-id": "mine"})
        assert code(answer) == (400, "InvalidQueryParameterValue")
        assert answer.headers["x-ms-client-request-id"] == "mine"
        assert (await api.blob("POST", url)).status == 405


async def test_a_fault_breaks_an_answer_of_the_blob_store(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        api.emulator.add_fault(FaultRule(path="^/blobs/", nth=1, status=503))
        assert (await platform(api).put(url)).status == 503
        assert (await platform(api).put(url)).status == 201


async def test_a_signature_is_in_no_repr_of_a_request(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        await platform(api).put(url)
        [request] = [one for one in api.emulator.requests if one.operation == "put-blob"]
        assert "sig" in repr(request)
        assert request.query["sig"] not in repr(request)


async def test_content_needs_no_memory(serving, offering):
    piece, count = bytes(256 * 1024), 128

    async def pieces():
        for _ in range(count):
            yield piece

    async with serving() as api:
        file_id, url = await offering(api)
        tracemalloc.start()
        try:
            put = await api.blob("PUT", url, data=pieces(), headers={"x-ms-blob-type": "BlockBlob"})
            await api.post(f"/storage/files/{file_id}/complete")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert put.status == 201
        assert (await api.get(f"/storage/files/{file_id}")).json["file"]["size"] == len(piece) * count
        assert peak < 4 * 2**20


async def test_a_caller_that_leaves_in_the_middle_of_a_download_does_no_harm(serving, platform, offering, caplog):
    async with serving() as api:
        _, url = await offering(api)
        await platform(api).put(url, io.BytesIO(bytes(2**23)))
        host, port = api.emulator.url.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(f"GET {url.removeprefix(api.emulator.url)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await stream.receive()
        await anyio.sleep(1)
        assert (await api.blob("HEAD", url)).status == 200
        assert caplog.records == []


async def test_the_content_is_gone_with_the_emulator(serving, platform, offering):
    async with serving() as api:
        _, url = await offering(api)
        await platform(api).put(url)
        folder = api.emulator._world.blobs.folder
        assert folder.exists()
    assert not folder.exists()
