"""An answer is bounded by what it becomes: by its compression, by the number of its values, by its depth."""

import asyncio
import gzip
import time

import anyio
import pytest
from support.transport import answer, raw_server, scripted

from bentley_sync_async import DecodeError, ResponseTooLargeError, RetryPolicy, SynchronizationClient
from bentley_sync_async.transport import Response


def gzipped(body):
    packed = gzip.compress(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    return head.encode() + packed


def run_of(files):
    tasks = [
        {
            "id": f"{number:08}-0000-4000-8000-000000000000",
            "sourceFileId": f"{number:08}-0000-4000-8000-00000000000f",
            "state": "Executing",
            "result": "Undetermined",
            "phase": "MasterFile",
            "startDateTime": "2026-11-22T12:00:00.1234567Z",
            "retryAttempts": 0,
        }
        for number in range(files)
    ]
    return {"run": {"id": "r", "state": "Executing", "jobs": [{"id": "j", "tasks": tasks}]}}


async def test_an_answer_that_is_compressed_beyond_measure_is_refused():
    bomb = b'{"run": {"id": "r", "jobs": [' + b"{}," * 10_000_000 + b"{}]}}"
    async with (
        raw_server(gzipped(bomb)) as server,
        SynchronizationClient("token", base_url=server.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        with pytest.raises(ResponseTooLargeError, match="compressed to less than 1/200"):
            await client.storage_connections.runs.get("c", "r")


async def test_a_compressed_run_of_ten_thousand_files_passes():
    body = answer(200, run_of(10_000)).body
    async with (
        raw_server(gzipped(body)) as server,
        SynchronizationClient("token", base_url=server.url) as client,
    ):
        run = await client.storage_connections.runs.get("c", "r")
    assert len(run.jobs[0].tasks) == 10_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"run": {"id": "r", "jobs": [' + b"{}," * 700_000 + b"{}]}}",
        b'{"run": {"id": "r"}, "unknown": [' + b"1," * 1_100_000 + b"1]}",
        b'{"run": {"id": "r"}, "unknown": ' + b"[" * 600_000 + b"]" * 600_000 + b"}",
    ],
    ids=["jobs", "unknown members", "nested"],
)
async def test_an_answer_with_too_many_values_is_refused_without_decoding_it(body):
    _, client = scripted(always=Response(status=200, body=body))
    began = time.perf_counter()
    with pytest.raises(DecodeError, match=r"more than 1,000,000 values|nested too deeply"):
        await client.storage_connections.runs.get("c", "r")
    with pytest.raises(DecodeError, match=r"more than 1,000,000 values|nested too deeply"):
        await client.storage_connections.runs.reader(client.attach(URL).ref).read()
    assert time.perf_counter() - began < 2


URL = "https://api.example/synchronization/imodels/storageconnections/c/runs/r"


@pytest.mark.parametrize("text", ["text/\udcff", "\x1b[31mred", "a\r\nb"], ids=ascii)
async def test_the_text_of_an_error_is_one_a_terminal_and_a_file_can_show(text):
    response = Response(status=500, body=b"<html>", headers={"content-type": text, "x-request-id": text})
    _, client = scripted(always=response, retry=RetryPolicy(attempts=1))
    with pytest.raises(Exception, match="answered 500") as caught:
        await client.storage_connections.get("c")
    shown = f"{caught.value}{caught.value.request_id}{caught.value.message}"
    shown.encode()
    assert all(character.isprintable() or character == "\n" for character in shown)


SECRET = "0123456789abcdefSECRET+/=0123456789"


@pytest.mark.parametrize(
    "head",
    [
        f"HTTP/1.1 500 Oops\r\nContent-Type: text/{SECRET}\r\nX-Request-Id: {SECRET}\r\nContent-Length: 1\r\n\r\nx",
        f"HTTP/1.1 202 OK\r\nLocation: https://{SECRET}.example/{SECRET}\r\nContent-Length: 0\r\n\r\n",
        f"HTTP/1.1 {SECRET} OK\r\n\r\n",
        f"HTTP/1.1 200 OK\r\n{SECRET}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Length: {SECRET}\r\n\r\n",
    ],
    ids=["headers", "Location", "status", "header line", "length"],
)
async def test_no_error_quotes_the_token_wherever_the_server_did(head, caplog):
    caplog.set_level("DEBUG")
    async with (
        raw_server(head.encode(), repeat=True) as server,
        SynchronizationClient(SECRET, base_url=server.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        with pytest.raises(Exception, match=r"answered|connection broke|Not the URL") as caught:
            await client.storage_connections.runs.trigger("c")
    link = caught.value
    while link is not None:
        assert SECRET not in f"{link}{link!r}{vars(link)}"
        link = link.__cause__ or link.__context__
    assert SECRET not in caplog.text


async def test_no_request_is_sent_on_a_connection_that_was_made_during_a_throttle(monkeypatch):
    from bentley_sync_async.transport import http

    make = http._Connector._create_connection

    async def slowly(self, *args):
        await anyio.sleep(1)
        return await make(self, *args)

    refused = b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"
    good = b'HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{"connection": {"id": "c"}} '
    async with raw_server(refused, *[good] * 5) as server, SynchronizationClient("t", base_url=server.url) as client:
        sent = []
        monkeypatch.setattr(server, "answer", noting(server, sent))
        monkeypatch.setattr(http._Connector, "_create_connection", slowly)
        async with anyio.create_task_group() as group:
            group.start_soon(client.storage_connections.get, "c")
            await anyio.sleep(0.5)
            for _ in range(4):
                group.start_soon(client.storage_connections.get, "c")
    assert len(sent) == 6
    assert min(sent[1:]) - sent[0] >= 3


def noting(server, sent):
    plain = server.answer

    def answer_at(transport):
        sent.append(asyncio.get_running_loop().time())
        plain(transport)

    return answer_at
