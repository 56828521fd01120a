"""A blob store on a loopback port: what of Azure Blob Storage an upload or a download by a signed URL needs."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

SIGNATURE = "c2lnbmF0dXJl+secret/="
QUERY = "sv=2017-04-17&sr=b&sig=c2lnbmF0dXJl%2Bsecret%2F%3D&se=2030-10-19T15:12:51Z&sp=rw&userid=b905387c"


class BlobStore:
    """Keeps blobs by their paths; a test may refuse or break requests by their number.

    Attributes:
        url: The root of the store.
        requests: Every request, with its headers, in the order of its head.
        blobs: What was put in force.
        faults: By the number of a request, from 1: a status to refuse it with, or `cut`.
        keep: Whether the bytes of blocks are kept, or only their hashes.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.url = ""
        self.requests: list[web.Request] = []
        self.blobs: dict[str, bytes] = {}
        self.committed: dict[str, list[str]] = {}
        self.faults: dict[int, int | str] = {}
        self.fault: Callable[[web.Request], int | str | None] = lambda _: None
        self.keep = keep
        self.under_way = self.most_under_way = 0
        self._blocks: dict[tuple[str, str], bytes] = {}

    def signed(self, path: str = "/container/file-1") -> str:
        return f"{self.url}{path}?{QUERY}"

    def lines(self) -> list[str]:
        """Method and kind of each request, such as `PUT block`."""
        return [f"{request.method} {request.query.get('comp', 'blob')}" for request in self.requests]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        fault = self.faults.get(len(self.requests)) or self.fault(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if fault == "cut":
                await request.content.readany()
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if request.query.get("sig") != SIGNATURE:
                fault = 403
            if fault is not None:
                return refused(int(fault))
            return await (self._put(request) if request.method == "PUT" else self._get(request))
        finally:
            self.under_way -= 1

    async def _put(self, request: web.Request) -> web.Response:
        path, kind = request.path, request.query.get("comp")
        if kind == "blocklist":
            ids = [element.text or "" for element in ET.fromstring(await request.read())]
            self.committed[path] = [hashlib.sha256(self._blocks[path, block]).hexdigest() for block in ids]
            self.blobs[path] = b"".join(self._blocks[path, block] for block in ids)
            return created()
        body = bytearray()
        seen = hashlib.sha256()
        while chunk := await request.content.readany():
            seen.update(chunk)
            if self.keep:
                body += chunk
        content = bytes(body) if self.keep else seen.digest()
        if kind == "block":
            self._blocks[path, request.query["blockid"]] = content
        else:
            assert request.headers["x-ms-blob-type"] == "BlockBlob"
            self.blobs[path] = content
        return created()

    async def _get(self, request: web.Request) -> web.Response:
        content = self.blobs.get(request.path)
        if content is None:
            return refused(404)
        headers = {"ETag": '"0x1"', "x-ms-blob-type": "BlockBlob", "Last-Modified": "Fri, 27 Nov 2026 20:00:00 GMT"}
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("x-ms-range", ""))
        if found is None:
            return web.Response(body=content, headers=headers)
        first, last = int(found[1]), min(int(found[2]), len(content) - 1)
        if first > last:
            return refused(416)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return web.Response(status=206, body=content[first : last + 1], headers=headers)


def created() -> web.Response:
    return web.Response(status=201, headers={"ETag": '"0x1"', "Last-Modified": "Fri, 27 Nov 2026 20:00:00 GMT"})


def refused(status: int) -> web.Response:
    code = {403: "AuthenticationFailed", 404: "BlobNotFound", 416: "InvalidRange"}.get(status, "ServerBusy")
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No, {SIGNATURE}.</Message></Error>"
    headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    if status in {301, 302, 307, 308}:
        headers["Location"] = "https://attacker.example/container/file-1"
    return web.Response(status=status, text=body, headers=headers)


@asynccontextmanager
async def blob_store(*, keep: bool = True) -> AsyncGenerator[BlobStore]:
    """Serve a store."""
    store = BlobStore(keep=keep)
    runner = web.ServerRunner(web.Server(store.answer), shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        store.url = f"http://{host}:{port}"
        yield store
    finally:
        await runner.cleanup()
