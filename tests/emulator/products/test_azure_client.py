"""Uploads by `azure-storage-blob`, the library of the service's own blob store, through upload URLs of the emulator."""

import hashlib
import random
from contextlib import asynccontextmanager

import anyio
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
from azure.storage.blob.aio import BlobClient, ExponentialRetry

from bentley_sync_async.emulator import FaultRule

pytestmark = pytest.mark.looptime(start=0)
BLOCK = 64 * 1024
CONTENT = random.Random(7).randbytes(BLOCK * 10 + 17)


@asynccontextmanager
async def uploading(serving, platform, name="Bridge.dgn", **options):
    async with serving(**options) as api:
        root = await platform(api).root(await platform(api).itwin())
        file_id, url = await platform(api).offer(root, name)
        async with client(url) as blob:
            yield api, file_id, url, blob


def client(url, **options):
    retry = ExponentialRetry(initial_backoff=0, increment_base=2, retry_total=3)
    limits = {"max_block_size": BLOCK, "max_single_put_size": BLOCK, "max_chunk_get_size": BLOCK}
    return BlobClient.from_blob_url(url, retry_policy=retry, max_single_get_size=BLOCK, **limits, **options)


async def completed(api, file_id):
    assert (await api.post(f"/storage/files/{file_id}/complete")).status == 200
    return api.emulator.file_content(file_id)


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, len(CONTENT)])
async def test_content_of_any_size_arrives(serving, platform, size):
    async with uploading(serving, platform) as (api, file_id, _, blob):
        seen = []

        async def progress(done, total):
            seen.append((done, total))

        await blob.upload_blob(CONTENT[:size], overwrite=True, max_concurrency=3, progress_hook=progress)
        assert await completed(api, file_id) == CONTENT[:size]
        assert seen[-1:] == ([(size, size)] if size else seen[-1:])
        operations = [request.query.get("comp", "") for request in api.emulator.requests if request.method == "PUT"]
        blocks = -(-size // BLOCK)
        assert operations == ([""] if size <= BLOCK else ["block"] * blocks + ["blocklist"])


async def test_a_blob_is_downloaded_in_ranges(serving, platform):
    async with uploading(serving, platform) as (api, file_id, _, blob):
        await blob.upload_blob(CONTENT, overwrite=True)
        await completed(api, file_id)
        url = (await api.get(f"/storage/files/{file_id}/download")).headers["Location"]
        async with client(url) as reading:
            stream = await reading.download_blob()
            assert hashlib.sha256(await stream.readall()).digest() == hashlib.sha256(CONTENT).digest()
            properties = await reading.get_blob_properties()
            assert (properties.size, properties.blob_type) == (len(CONTENT), "BlockBlob")
            part = await (await reading.download_blob(offset=BLOCK - 3, length=7)).readall()
            assert part == CONTENT[BLOCK - 3 : BLOCK + 4]


async def test_an_empty_blob_is_downloaded(serving, platform):
    async with uploading(serving, platform) as (_, _, _, blob):
        await blob.upload_blob(b"", overwrite=True)
        assert await (await blob.download_blob()).readall() == b""


async def test_blocks_are_sent_again_when_connections_are_cut_or_the_store_is_busy(serving, platform):
    async with uploading(serving, platform) as (api, file_id, _, blob):
        lost = api.emulator.add_fault(FaultRule(path="^/blobs/", method="PUT", nth=2, action="reset_before_headers"))
        answer = {"action": "reset_after_headers", "performed": True}
        unheard = api.emulator.add_fault(FaultRule(path="^/blobs/", method="PUT", nth=5, **answer))
        busy = api.emulator.add_fault(FaultRule(path="^/blobs/", method="PUT", nth=8, status=503))
        await blob.upload_blob(CONTENT, overwrite=True, max_concurrency=2)
        assert (lost.fired, unheard.fired, busy.fired) == (1, 1, 1)
        assert await completed(api, file_id) == CONTENT


async def test_a_connection_cut_in_the_middle_of_a_block_leaves_nothing(serving, platform):
    async with uploading(serving, platform) as (api, file_id, url, blob):
        await blob.stage_block("0000", CONTENT[:BLOCK])
        host, port = api.emulator.url.removeprefix("http://").split(":")
        target = url.removeprefix(api.emulator.url)
        async with await anyio.connect_tcp(host, int(port)) as stream:
            head = f"PUT {target}&comp=block&blockid=MDAwMQ== HTTP/1.1\r\nHost: x\r\nContent-Length: {BLOCK}\r\n\r\n"
            await stream.send(head.encode() + CONTENT[: BLOCK // 2])
            await anyio.sleep(0.01)
            folder = api.emulator._world.blobs.folder
            assert len(list(folder.iterdir())) == 2
        await anyio.sleep(0.01)
        assert len(list(folder.iterdir())) == 1
        await blob.stage_block("0001", CONTENT[BLOCK : 2 * BLOCK])
        await blob.commit_block_list(["0000", "0001"])
        assert await completed(api, file_id) == CONTENT[: 2 * BLOCK]


async def test_a_url_that_expires_midway_ends_the_upload(serving, platform):
    async with uploading(serving, platform, upload_lifetime=30) as (_, _, _, blob):
        await blob.stage_block("0000", CONTENT[:BLOCK])
        await anyio.sleep(31)
        with pytest.raises(ClientAuthenticationError) as caught:
            await blob.stage_block("0001", CONTENT[:BLOCK])
        assert (caught.value.status_code, caught.value.error_code) == (403, "AuthenticationFailed")


async def test_the_library_understands_the_errors(serving, platform):
    async with uploading(serving, platform) as (_, _, _, blob):
        assert not await blob.exists()
        await blob.upload_blob(b"1")
        assert await blob.exists()
        with pytest.raises(ResourceExistsError):
            await blob.upload_blob(b"2")
        with pytest.raises(HttpResponseError) as caught:
            await blob.delete_blob()
        assert caught.value.error_code == "AuthorizationPermissionMismatch"
        committed, staged = await blob.get_block_list("all")
        assert (committed, staged) == ([], [])


async def test_content_is_checked_by_its_md5(serving, platform):
    async with uploading(serving, platform) as (api, file_id, _, blob):
        await blob.upload_blob(CONTENT, overwrite=True, validate_content=True)
        assert await completed(api, file_id) == CONTENT
