"""Uploads and downloads by the package's client through Azurite: the bytes that arrive are the bytes that were sent."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import sys
from contextlib import aclosing

import anyio
import attrs
import pytest

from bentley_sync_async import FileTransferError
from tests.node.azurite.bench import cut

pytestmark = pytest.mark.looptime(False)  # Azurite has a clock of its own
MIB = 2**20
UNIT = 1 if sys.platform == "darwin" else 1024  # of getrusage


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def made(path, size):
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    return path


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


async def test_300_mib_go_and_come_in_blocks_and_little_memory(serving, tmp_path, record_property):
    source, target = made(tmp_path / "Station.dgn", 300 * MIB), tmp_path / "back.dgn"
    before, told = peak(), []
    async with serving() as bench:
        file = await bench.files.upload(bench.folder_id, source, progress=lambda *now: told.append(now))
        assert file.size == told[-1][0] == 300 * MIB
        assert await bench.stored() == [38]
        assert await bench.files.download(file.id, target) == 300 * MIB
    record_property("MiB of memory over the start", (peak() - before) // MIB)
    assert digest(target) == digest(source)
    assert peak() - before < 100 * MIB


async def test_200_small_files_at_once(serving, tmp_path):
    contents = [random.Random(number).randbytes(number * 500) for number in range(200)]
    async with serving() as bench:

        async def there_and_back(number):
            file = await bench.files.upload(bench.folder_id, contents[number], display_name=f"{number}.dgn")
            await bench.files.download(file.id, tmp_path / f"{number}.dgn")

        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(there_and_back, number)
        assert await bench.stored() == [0] * 200
    assert [(tmp_path / f"{number}.dgn").read_bytes() for number in range(200)] == contents


@pytest.mark.parametrize("at", [1000, 4 * MIB, 20 * MIB, 39 * MIB])
async def test_an_upload_goes_on_after_a_cut_in_the_middle_of_a_block(serving, tmp_path, at):
    source, target = made(tmp_path / "Station.dgn", 40 * MIB), tmp_path / "back.dgn"
    async with serving() as bench:
        bench.proxy.faults = [("up", at, cut)]
        file = await bench.files.upload(bench.folder_id, source)
        assert (bench.proxy.faults, await bench.stored()) == ([], [5])
        await bench.files.download(file.id, target)
    assert digest(target) == digest(source)


async def test_a_download_goes_on_after_a_cut(serving, tmp_path):
    source, target = made(tmp_path / "Station.dgn", 40 * MIB), tmp_path / "back.dgn"
    async with serving() as bench:
        file = await bench.files.upload(bench.folder_id, source)
        passed = bench.proxy.passed["down"]
        bench.proxy.faults = [("down", passed + at * MIB, cut) for at in (4, 30)]
        await bench.files.download(file.id, target)
        assert bench.proxy.faults == []
    assert digest(target) == digest(source)


async def test_content_is_sent_again_after_its_url_has_expired(serving, tmp_path):
    source, target = made(tmp_path / "Station.dgn", 40 * MIB), tmp_path / "back.dgn"
    async with serving(upload_lifetime=10) as bench:
        bench.proxy.faults = [("up", 20 * MIB, lambda: anyio.sleep(12))]
        file = await bench.files.upload(bench.folder_id, source)
        assert bench.proxy.passed["up"] > 60 * MIB
        await bench.files.download(file.id, target)
    assert digest(target) == digest(source)


async def test_new_content_replaces_the_old_and_a_failed_one_does_not(serving, tmp_path):
    old, new = random.randbytes(3 * MIB), random.randbytes(2 * MIB)
    target = tmp_path / "back.dgn"

    async def chunks(*, breaks):
        yield new[:MIB]
        if breaks:
            raise ZeroDivisionError
        yield new[MIB:]

    async with serving() as bench:
        file = await bench.files.upload(bench.folder_id, old, display_name="Station.dgn")
        async with aclosing(chunks(breaks=True)) as source:
            with pytest.raises(ZeroDivisionError):
                await bench.files.update_content(file.id, source)
        await bench.files.download(file.id, target)
        assert target.read_bytes() == old
        async with aclosing(chunks(breaks=False)) as source:
            assert (await bench.files.update_content(file.id, source)).size == 2 * MIB
        await bench.files.download(file.id, target)
        assert target.read_bytes() == new


async def test_a_signature_of_another_key_is_refused_and_not_shown(serving, caplog):
    async with serving() as bench:
        upload = await bench.files.create(bench.folder_id, "Station.dgn")
        forged = attrs.evolve(upload, upload_url=upload.upload_url.replace("sig=", "sig=A"))
        with pytest.raises(FileTransferError, match="403") as caught:
            await bench.files.put(forged, b"content")
        assert await bench.stored() == []
    assert "sig=" not in f"{caught.value}{caught.value!r}{caplog.text}"
