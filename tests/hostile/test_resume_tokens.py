"""Forged resume tokens with a correct checksum: the checksum detects damage, not malice."""

import zlib
from base64 import urlsafe_b64encode

import anyio
import msgspec
import pytest
from attrs import astuple, evolve
from support.quick import each
from support.transport import ScriptedTransport, lost

from bentley_sync_async import ResumeTokenError, SynchronizationClient, SynchronizationError
from bentley_sync_async.watch.resume_state import ResumeState
from bentley_sync_async.wire.resume import pack

ORIGIN = "https://api.example"
VALID = ResumeState(
    origin=ORIGIN,
    connection_id="connection",
    run=["storage", "connection", "run"],
    seq=3,
    timeout=60.0,
    ends_at=2e9,
    attempted_at=None,
    when_active="join",
    when_busy="wait",
    unknown_values=[],
    fingerprint=["Executing", None, b"x", []],
    unreported_completions=[],
    grace_ends=None,
    blocking_run=None,
    blocking_fingerprint=None,
)
FORGED = [
    {"fingerprint": 5},
    {"fingerprint": ["Executing", None, b"x", 5]},
    {"run": []},
    {"run": 5},
    {"run": ["storage", "a"]},
    {"run": ["storage", 5, "b"]},
    {"run": ["storage", "connection", "../..\r\nX-Injected: 1"]},
    {"run": ["neither", "a", "b"]},
    {"connection_id": 5},
    {"connection_id": "c\r\nX-Injected: 1", "run": None},
    {"seq": "3"},
    {"seq": None},
    {"timeout": "x"},
    {"timeout": -1},
    {"ends_at": "x"},
    {"ends_at": []},
    {"timeout": None},
    {"attempted_at": "x"},
    {"grace_ends": "x"},
    {"blocking_run": ["storage", "other", "run"]},
    {"blocking_run": [], "run": None},
    {"blocking_run": 5, "run": None},
    {"blocking_run": ["storage", 5, "b"], "run": None},
    {"blocking_run": ["storage", "other", "../..\r\nX-Injected: 1"], "run": None},
    {"blocking_run": ["neither", "a", "b"], "run": None},
    {"blocking_fingerprint": 5},
    {"when_active": []},
    {"when_active": "whenever"},
    {"when_busy": {}},
    {"unknown_values": None},
    {"unknown_values": [["a"]]},
    {"unknown_values": [[["a"], "b"]]},
    {"fingerprint": ["Executing", None, b"x", [[5, 5, 5, [[1, 2, 3, 4]]]]]},
    {"unreported_completions": 5},
    {"unreported_completions": [5]},
    {"unreported_completions": [[["a"]]]},
]


def client_of(transport: ScriptedTransport) -> SynchronizationClient:
    return SynchronizationClient("secret-token", base_url=ORIGIN, transport=transport)


def token_of(resume_state: ResumeState) -> str:
    return pack(astuple(resume_state, recurse=False))


async def test_a_valid_resume_state_is_accepted():
    watcher = client_of(ScriptedTransport(always=lost())).resume(token_of(VALID))
    with anyio.move_on_after(1):
        await anext(watcher)
    assert watcher.ref is not None


@each("members", FORGED)
async def test_a_forged_token_is_refused_before_anything_is_sent(members):
    transport = ScriptedTransport(always=lost())
    with pytest.raises(ResumeTokenError):
        client_of(transport).resume(token_of(evolve(VALID, **members)))
    assert transport.sent == []


@each("values", [None, 5, "text", {}, [], [None] * 15, [[]] * 15, {"origin": ORIGIN}])
async def test_a_token_with_other_content_is_refused(values):
    with pytest.raises(SynchronizationError):
        client_of(ScriptedTransport()).resume(pack(values))


async def test_a_decompression_bomb_is_refused():
    packed = zlib.compress(msgspec.msgpack.encode("x" * 2**24))
    bomb = urlsafe_b64encode(zlib.crc32(packed).to_bytes(4, "big") + packed).decode()
    with pytest.raises(ResumeTokenError, match="damaged"):
        client_of(ScriptedTransport()).resume(f"bsr1.{bomb}")
