"""The operations on blobs, as `azure-storage-blob`, AzCopy and a plain PUT use them with a signed URL.

Requests carry no access token: the signature in the URL permits them. Content is never in memory as a whole.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from functools import partial
from xml.etree import ElementTree as ET

import attrs

from bentley_sync_async.emulator.platform.messages import Call, Reply
from bentley_sync_async.emulator.platform.routing import Operation

from .containers import ROOT, LocalContainer
from .problems import BlobError
from .sas import SERVICE_VERSION
from .store import Blob, Block, block_ids_fit

_NEEDED = {"GET": "r", "HEAD": "r", "PUT": "cw", "DELETE": "d"}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_MOST_XML = 8 * 1024 * 1024  # bytes of a list of 50,000 blocks, and then some
_MD5_SIZE = 16


def operations(container: LocalContainer) -> tuple[Operation, ...]:
    """Return the operations on blobs; their names are those of the blob store's own."""
    names = {"GET": "get-blob", "HEAD": "get-blob-properties", "PUT": "put-blob", "DELETE": "delete-blob"}
    path = f"{ROOT}(?P<blob>[^/]+/.+)"
    return tuple(Operation(None, name, method, path, partial(answer, container)) for method, name in names.items())


async def answer(container: LocalContainer, call: Call) -> Reply:
    """Answer a request to the blob store."""
    request_id = str(uuid.uuid4())
    try:
        reply = await _dispatch(container, call)
    except BlobError as error:
        reply = error.reply(request_id)
    common = {"x-ms-request-id": request_id, "x-ms-version": call.headers.get("x-ms-version", SERVICE_VERSION)}
    if "x-ms-client-request-id" in call.headers:
        common["x-ms-client-request-id"] = call.headers["x-ms-client-request-id"]
    return attrs.evolve(reply, headers={**common, **reply.headers})


async def _dispatch(container: LocalContainer, call: Call) -> Reply:
    name = call.path_parameters["blob"]
    needed = _NEEDED[call.method]
    if "authorization" in call.headers:
        raise BlobError("InvalidAuthenticationInfo")
    refusal = container.signer.refusal(name, call.query, needed=needed, now=container.now())
    if refusal is not None:
        raise BlobError(refusal)
    match call.method, call.query.get("comp", ""):
        case "PUT", "":
            return await _put_blob(container, name, call)
        case "PUT", "block":
            return await _put_block(container, name, call)
        case "PUT", "blocklist":
            return await _put_block_list(container, name, call)
        case "GET", "blocklist":
            return _get_block_list(container, name)
        case "GET" | "HEAD", "":
            return _get_blob(container, name, call)
        case "DELETE", "":
            _existing(container, name)
            container.store.delete(name)
            return Reply(202)
        case _:
            raise BlobError("InvalidQueryParameterValue")


async def _put_blob(container: LocalContainer, name: str, call: Call) -> Reply:
    kind = call.headers.get("x-ms-blob-type")
    if kind is None:
        raise BlobError("MissingRequiredHeader")
    if kind != "BlockBlob":
        raise BlobError("InvalidHeaderValue" if kind not in {"PageBlob", "AppendBlob"} else "InvalidBlobType")
    _check_conditions(container, name, call.headers)
    block, digest = await _received(container, "", call)
    md5 = base64.b64encode(digest).decode()
    blob = _blob(container, call, (block,) if block.size else (), md5)
    if not block.size:
        container.store.discard(block)
    container.store.put(name, blob)
    return _written(blob, {"Content-MD5": md5})


async def _put_block(container: LocalContainer, name: str, call: Call) -> Reply:
    block_id = call.query.get("blockid", "")
    staged = container.store.state.staged.get(name, {})
    if not block_ids_fit([block_id, *staged]):
        raise BlobError("InvalidBlobOrBlock" if staged else "InvalidQueryParameterValue")
    block, digest = await _received(container, block_id, call)
    container.store.stage(name, block)
    return Reply(201, headers={"Content-MD5": base64.b64encode(digest).decode(), **_ENCRYPTED})


async def _put_block_list(container: LocalContainer, name: str, call: Call) -> Reply:
    _check_conditions(container, name, call.headers)
    text = b""
    async for piece in _pieces(call):
        text += piece
        if len(text) > _MOST_XML:
            raise BlobError("InvalidXmlDocument")
    current = container.store.state.blobs.get(name)
    committed = {block.id: block for block in current.blocks} if current else {}
    staged = container.store.state.staged.get(name, {})
    sources = {"Latest": {**committed, **staged}, "Committed": committed, "Uncommitted": staged}
    blocks = []
    for kind, block_id in _listed(text):
        block = sources.get(kind, {}).get(block_id)
        if block is None:
            raise BlobError("InvalidBlockList")
        blocks.append(block)
    blob = _blob(container, call, tuple(blocks), call.headers.get("x-ms-blob-content-md5", ""))
    container.store.put(name, blob)
    return _written(blob, {})


def _get_block_list(container: LocalContainer, name: str) -> Reply:
    current, staged = container.store.state.blobs.get(name), container.store.state.staged.get(name, {})
    if current is None and not staged:
        raise BlobError("BlobNotFound")
    # Content that was sent as a whole is in no block.
    committed = [block for block in current.blocks if block.id] if current else []
    lists = {"CommittedBlocks": committed, "UncommittedBlocks": list(staged.values())}
    root = ET.Element("BlockList")
    for title, blocks in lists.items():
        parent = ET.SubElement(root, title)
        for block in blocks:
            shown = ET.SubElement(parent, "Block")
            ET.SubElement(shown, "Name").text = block.id
            ET.SubElement(shown, "Size").text = str(block.size)
    headers = {"Content-Type": "application/xml", **(_description(current) if current else {})}
    return Reply(200, ET.tostring(root, encoding="utf-8", xml_declaration=True), headers)


def _get_blob(container: LocalContainer, name: str, call: Call) -> Reply:
    blob = _existing(container, name)
    _check_conditions(container, name, call.headers)
    headers = {
        **_description(blob),
        "Content-Type": blob.content_type,
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-server-encrypted": "true",
    }
    if blob.content_md5:
        headers["Content-MD5"] = blob.content_md5
    if call.method == "HEAD":
        return Reply(200, headers={**headers, "Content-Length": str(blob.size)})
    asked = call.headers.get("x-ms-range") or call.headers.get("range")
    match = _RANGE.fullmatch(asked.strip()) if asked else None
    if match is None:
        return Reply(200, headers=headers, parts=container.store.parts(blob, 0, blob.size))
    first, last = int(match[1]), min(int(match[2] or blob.size), blob.size - 1)
    if first > last:
        raise BlobError("InvalidRange")
    headers |= {"Content-Range": f"bytes {first}-{last}/{blob.size}"}
    whole = headers.pop("Content-MD5", None)
    if whole:
        headers["x-ms-blob-content-md5"] = whole
    return Reply(206, headers=headers, parts=container.store.parts(blob, first, last - first + 1))


def _existing(container: LocalContainer, name: str) -> Blob:
    blob = container.store.state.blobs.get(name)
    if blob is None:
        raise BlobError("BlobNotFound")
    return blob


def _check_conditions(container: LocalContainer, name: str, headers: Mapping[str, str]) -> None:
    blob = container.store.state.blobs.get(name)
    unless, only_if = headers.get("if-none-match"), headers.get("if-match")
    if unless == "*" and blob is not None:
        raise BlobError("BlobAlreadyExists")
    if unless is not None and blob is not None and unless == blob.etag:
        raise BlobError("ConditionNotMet")
    if only_if is not None and (blob is None or only_if not in {"*", blob.etag}):
        raise BlobError("ConditionNotMet")


async def _received(container: LocalContainer, block_id: str, call: Call) -> tuple[Block, bytes]:
    block, digest = await container.store.write(block_id, _pieces(call))
    expected = call.headers.get("content-md5")
    if expected is not None and expected != base64.b64encode(digest).decode():
        container.store.discard(block)
        raise BlobError("Md5Mismatch" if len(expected) > _MD5_SIZE else "InvalidHeaderValue")
    return block, digest


async def _pieces(call: Call) -> AsyncIterator[bytes]:
    if call.stream is not None:
        async for piece in call.stream:
            yield piece


def _listed(text: bytes) -> list[tuple[str, str]]:
    if b"<!" in text:  # entities could make a small document large
        raise BlobError("InvalidXmlDocument")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no entities, see above
    except ET.ParseError as exc:
        raise BlobError("InvalidXmlDocument") from exc
    return [(child.tag, (child.text or "").strip()) for child in root]


def _blob(container: LocalContainer, call: Call, blocks: tuple[Block, ...], md5: str) -> Blob:
    named = call.headers.get("x-ms-blob-content-type")
    return Blob(
        blocks=blocks,
        content_type=named or (call.headers.get("content-type") or "application/octet-stream"),
        etag=container.store.etag(),
        modified=container.http_date(),
        content_md5=md5,
    )


_ENCRYPTED = {"x-ms-request-server-encrypted": "true"}


def _description(blob: Blob) -> dict[str, str]:
    return {"ETag": blob.etag, "Last-Modified": blob.modified}


def _written(blob: Blob, headers: Mapping[str, str]) -> Reply:
    return Reply(201, headers={**_description(blob), **headers, **_ENCRYPTED})
