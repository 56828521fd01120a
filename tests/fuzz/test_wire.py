"""Throws mutated payloads at everything in wire/ that reads what others wrote.

A fixed number of rounds from a fixed seed; `FUZZ_SECONDS=300` goes on for so long, from a seed that the failure names.
A failure is repeated with `FUZZ_SEED` and the round that it names.
"""

import base64
import json
import os
import random
import time
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator

import msgspec
import pytest
from support.pages import FIXTURES
from support.quick import length

from bentley_sync_async import SourceFile, StorageConnection, StorageRun, SynchronizationError
from bentley_sync_async.models import (
    AuthorizationInformation,
    Connection,
    ConnectionSummary,
    RunSummary,
    SourceFileSummary,
)
from bentley_sync_async.redaction import excerpt, redact
from bentley_sync_async.wire.codec import decode_one, decode_page, encode
from bentley_sync_async.wire.headers import request_id, retry_after, server_date
from bentley_sync_async.wire.locations import run_ref
from bentley_sync_async.wire.oauth import (
    decode_endpoints,
    decode_sign_in,
    decode_token,
    decode_user,
    read_token,
    refusal,
)
from bentley_sync_async.wire.paging import PageWalk
from bentley_sync_async.wire.problems import api_error, decode_problem
from bentley_sync_async.wire.resume import pack, unpack
from bentley_sync_async.wire.snapshots import Snapshots

ROUNDS = length(300, 1500)
SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SEED", "0")) or (random.SystemRandom().getrandbits(32) if SECONDS else 20261123)

BASE = "https://api.bentley.com"
TOKEN_ANSWERS = [
    b'{"access_token":"abc","expires_in":3599,"token_type":"Bearer","scope":"itwin-platform"}',
    b'{"error":"invalid_client","error_description":"Client authentication failed"}',
]
BODIES = [path.read_bytes() for path in sorted(FIXTURES.rglob("*.json"))] + TOKEN_ANSWERS
RUNS = [body for body in BODIES if b'"run"' in body]
LOCATIONS = [
    f"{BASE}/synchronization/imodels/storageconnections/MWplZe9Uf0iR1IDMqyOMLqBN0_w/runs/47da1bb2".encode(),
    b"/synchronization/imodels/manifestConnections/a%20b/runs/%2e%2e?x=1#y",
    b"//[::1]:443/imodels/storageconnections/a/runs/b",
    b"https://user:pass@api.bentley.com:99999/imodels/storageconnections/a/runs/b",
]
HEADERS = [b"120", b"Mon, 23 Nov 2026 02:00:00 GMT", b"Mon, 23 Nov 2026 02:00:00 +9999", b"1e309", b"-inf", b"31 Feb 0"]
TEXTS = [
    b'{"client_secret": "hunter2hunter2"}',
    b"Authorization: Bearer hunter2hunter2",
    b"https://h/x?sv=1&sig=hunter2hunter2&se=2",
]
VALUES = [
    {"a": [1, 2.5, None, True, b"\x00" * 16], "b": "text"},
    [["storage", "connection", "run"], 3, 60.0, [], [["ExecutionState", "Hibernating"]]],
]

SCRAPS = [
    *(b"null", b"true", b"-1", b"1e999", b"1e308", b"9" * 30, b"9" * 400, b"NaN", b"{}", b"[]", b'""', b"0001-01-01"),
    *(
        b'"\\ud800"',
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\r\n",
        b"\\",
        b'"',
        b"%00",
        b"%",
        b"..",
        b"//",
        b"@",
        b"[",
    ),
    *("\u2028".encode(), "٣".encode(), b"eyJ", b"Bearer ", b"sig=", b"=" * 50, b"[" * 3000, b'{"run":' * 1500),
    *(b'"9999-12-31T23:59:59-14:00"', b'"0001-01-01T00:00:00+14:00"', b'"2020-01-01T00:00:00+23:59:59.999999"'),
]
WRONG = [None, True, 0, -1, 2**63, 2**70, 10**400, 1e308, "", "x", "\ud800", "\x00", "\u202e", [], {}, [[]], [None]]
WRONG += [{"error": []}, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "x" * 10_000, {"href": 5}]


def mutated_bytes(data: bytes, chance: random.Random, corpus: list[bytes]) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((0, 1, 2, 8, 64)))
        match chance.randrange(6):
            case 0:
                data = data[:at] + chance.choice(SCRAPS) + data[to:]
            case 1:
                data = data[:at] + chance.randbytes(to - at or 1) + data[to:]
            case 2:
                data = data[:at] + data[to:]
            case 3:
                data = data[:to] + data[at:]
            case 4:
                data = data[:at]
            case _:
                other = chance.choice(corpus)
                data = data[:at] + other[chance.randrange(len(other) + 1) :]
    return data


def mutated_json(data: bytes, chance: random.Random) -> bytes:
    try:
        whole = json.loads(data)
    except ValueError:
        return data
    spots = list(_spots(whole))
    for _ in range(chance.choice((1, 1, 2, 5))):
        if not spots:
            break
        holder, key = chance.choice(spots)
        match chance.randrange(4):
            case 0 if isinstance(holder, dict):
                holder.pop(key, None)
            case 1:
                deep: object = chance.choice(WRONG)
                for _ in range(chance.choice((1, 50, 400, 2000))):
                    deep = [deep] if chance.random() < 0.5 else {"jobs": deep}
                holder[key] = deep
            case _:
                holder[key] = chance.choice(WRONG)
    try:
        return json.dumps(whole, ensure_ascii=chance.random() < 0.7).encode("utf-8", "surrogatepass")
    except RecursionError:
        return data


def _spots(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict | list):
        for key, member in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _spots(member)


Target = Callable[[bytes, random.Random], object]


def entity(data: bytes, _: random.Random) -> object:
    kinds = {"run": StorageRun, "connection": StorageConnection, "sourceFile": SourceFile}
    kinds["authorizationInformation"] = AuthorizationInformation
    for key, cls in kinds.items():
        if f'"{key}"'.encode() in data:
            return encode(decode_one(data, key, cls))
    return decode_one(data, "run", StorageRun)


def page(data: bytes, chance: random.Random) -> object:
    key, cls = chance.choice(
        [
            ("runs", RunSummary),
            ("runs", StorageRun),
            ("connections", ConnectionSummary),
            ("connections", StorageConnection),
            ("connections", Connection),
            ("sourceFiles", SourceFileSummary),
        ]
    )
    walk = PageWalk(top=chance.choice((None, 1, 100)))
    decoded = decode_page(data, key, cls)
    fresh = walk.take(decoded, [item.id for item in decoded])
    assert len(fresh) <= len(decoded)
    for _ in range(2):  # nothing new: an answer that came twice, or the end
        walk.take(decoded, [item.id for item in decoded])
    assert walk.done
    return fresh


def snapshots(data: bytes, chance: random.Random) -> object:
    seen = Snapshots()
    for body in (chance.choice(RUNS), data, chance.choice(RUNS)):
        assert _said(seen.decode, body) == _said(lambda body: decode_one(body, "run", StorageRun), body)
    return seen


def _said(decode: Callable[[bytes], object], body: bytes) -> object:
    try:
        return decode(body)
    except SynchronizationError as error:
        return repr(error)


def problem(data: bytes, chance: random.Random) -> object:
    decode_problem(data)
    headers = {"retry-after": data[:40].decode("latin-1"), "content-type": data[:20].decode("latin-1")}
    return str(api_error(status=chance.choice((400, 422, 503)), headers=headers, body=data, method="GET", url=BASE))


def token_answer(data: bytes, _: random.Random) -> object:
    refusal(data)
    return decode_token(data)


def issuer_answer(data: bytes, chance: random.Random) -> object:
    text = data.decode("utf-8", "replace")
    decode_sign_in(text)
    read_token(f"e30.{base64.urlsafe_b64encode(data).decode()}.s")
    return chance.choice((decode_endpoints, decode_user))(data)


def location(data: bytes, chance: random.Random) -> object:
    text = data.decode("utf-8", chance.choice(("replace", "surrogateescape")))
    ref = run_ref(text, base_url=BASE, request_url=chance.choice((None, f"{BASE}/synchronization/x")))
    assert ref.connection_id
    assert ref.run_id
    return ref


def headers(data: bytes, chance: random.Random) -> object:
    text = data.decode("utf-8", "surrogateescape")
    found = {"retry-after": text, "date": chance.choice([*HEADERS, data]).decode("utf-8", "surrogateescape")}
    seconds = retry_after(found)
    assert seconds is None or seconds >= 0
    server_date({"date": text})
    return request_id({"x-request-id": text})


def resume_token(data: bytes, chance: random.Random) -> object:
    if chance.random() < 0.3:
        return unpack(data.decode("utf-8", "surrogateescape"))
    # A checksum keeps damage out, not malice.
    packed = zlib.compress(data) if chance.random() < 0.8 else data
    checked = zlib.crc32(packed).to_bytes(4, "big") + packed
    return unpack("bsr1." + urlsafe_b64encode(checked).decode())


def redaction(data: bytes, _: random.Random) -> object:
    text = data.decode("utf-8", "surrogateescape")
    began = time.process_time()
    shown = redact(text)
    excerpt(text)
    assert time.process_time() - began < 5, "this takes ever longer"
    return shown


PACKED = [msgspec.msgpack.encode(value) for value in VALUES]
RESUME = PACKED + [pack(value).encode() for value in VALUES]
NAMED = {"issuer": "https://i", "authorization_endpoint": "https://i/a", "token_endpoint": "https://i/t", "sub": "s"}
KEPT = {"issuer": "i", "clientId": "c", "scopes": "a", "accessToken": "t", "expires": "2026-11-27T12:00:00Z"}
ISSUER_ANSWERS = [msgspec.json.encode(one) for one in (NAMED, KEPT, {"exp": 1.5e9, "scope": ["a"], "sub": "s"})]
TARGETS: dict[str, tuple[Target, list[bytes]]] = {
    "an entity": (entity, BODIES),
    "a page": (page, BODIES),
    "snapshots": (snapshots, RUNS),
    "a problem": (problem, BODIES),
    "a token answer": (token_answer, TOKEN_ANSWERS),
    "an issuer's answer": (issuer_answer, ISSUER_ANSWERS),
    "a location": (location, LOCATIONS),
    "headers": (headers, HEADERS),
    "a resume token": (resume_token, RESUME),
    "redaction": (redaction, TEXTS + BODIES),
}


def raised_by(target: Target, data: bytes, chance: random.Random) -> BaseException | None:
    try:
        target(data, chance)
    except SynchronizationError:
        return None
    except Exception as exc:  # noqa: BLE001 - this is what is looked for
        return exc
    return None


def rounds() -> Iterator[int]:
    ends = time.monotonic() + SECONDS / len(TARGETS)
    number = 0
    while number < ROUNDS or time.monotonic() < ends:
        yield number
        number += 1


def hunt(name: str) -> None:
    target, corpus = TARGETS[name]
    for number in rounds():
        chance = random.Random(f"{SEED}/{name}/{number}")
        data = chance.choice(corpus)
        if chance.random() < 0.5:
            data = mutated_json(data, chance)
        if chance.random() < 0.6:
            data = mutated_bytes(data, chance, corpus)
        found = raised_by(target, data, chance)
        if found is not None:
            note = f"FUZZ_SEED={SEED}, round {number}, {len(data)} bytes that begin with {data[:2000]!r}"
            raise AssertionError(f"{name}: {type(found).__name__}: {found}\n{note}") from found


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_it_is_reading_it_raises_none_but_errors_of_the_package(name):
    hunt(name)


def test_the_hunt_finds_an_error_that_is_not_of_the_package(monkeypatch):
    def naive(data: bytes, _: random.Random) -> object:
        return json.loads(data)["run"]["state"]

    monkeypatch.setitem(TARGETS, "a naive decoder", (naive, BODIES))
    with pytest.raises(AssertionError, match=r"a naive decoder: \w+.*\nFUZZ_SEED="):
        hunt("a naive decoder")


def test_the_corpus_is_read_to_its_end_before_it_is_mutated():
    accepted = [data for data in BODIES if _accepts(entity, data) or _accepts(page, data)]
    assert len(accepted) >= 5


def _accepts(target: Target, data: bytes) -> bool:
    for seed in range(10):
        try:
            target(data, random.Random(seed))
        except SynchronizationError:
            continue
        return True
    return False
