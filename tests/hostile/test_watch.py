"""A watch against hostile answers: locations, redirects, bodies, errors, headers and tokens."""

import gzip
import tracemalloc
import zlib
from functools import cache

import pytest
from support.hostile import CONNECTION, ROOT, RUN_TARGET, HostileServer, hostile_server, ok, run_body
from support.quick import length
from support.transport import http, then

from bentley_sync_async import (
    BackoffPacing,
    ClientCredentials,
    ConfigurationError,
    ForeignOriginError,
    PollDelayed,
    ResponseTooLargeError,
    SynchronizationClient,
    SynchronizationError,
    TriggerDelayed,
    WatchEvent,
    WatchFailedError,
)
from bentley_sync_async.wire.codec import encode

BOUND = 256 * 1024
GOOD = encode(run_body())


async def followed(server: HostileServer, token: object = "secret-token") -> tuple[list[WatchEvent], object]:
    """Watch to the end; return the events and the run or the error with which the watch ended."""
    async with SynchronizationClient(token, base_url=server.url, max_body_bytes=BOUND) as client:
        watcher = client.watch(CONNECTION, pacing=BackoffPacing())  # requests no past runs
        events: list[WatchEvent] = []
        try:
            async for event in watcher:
                events.append(event)  # noqa: PERF401 - kept when the watch ends with an error
        except SynchronizationError as error:
            return events, error
        return events, watcher.run


def foreign(server: HostileServer, location: str) -> bytes:
    url = location.format(own=server.url, evil=server.attacker.url, run=RUN_TARGET)
    return http("202 Accepted", b"", Location=url)


@pytest.mark.parametrize(
    "location",
    [
        "{evil}{run}",
        "http://user:password@127.0.0.1:1{run}",
        "http://127.0.0.1:1{run}",
        "https://127.0.0.1{run}",
        "//evil.example{run}",
        "https://api.bentley.com.evil.example{run}",
        "javascript:alert(1)",
        "file://{run}",
        "data:text/plain,{run}",
    ],
)
async def test_a_location_on_another_origin_ends_the_watch_without_a_request_to_it(location):
    async with hostile_server() as server:
        server.set("trigger", foreign(server, location))
        server.set("poll", ok(run_body(), "500 No poll expected"))
        events, end = await followed(server)
        assert isinstance(end, ForeignOriginError | WatchFailedError)
        assert not [event for event in events if not isinstance(event, TriggerDelayed)]
        assert server.strays() == []


WITHOUT_A_RUN = [
    "",
    "   ",
    "{own}",
    "{own}/",
    "{own}{run}/jobs",
    f"{{own}}{ROOT}//runs/",
    f"{{own}}{ROOT}/%2e%2e/runs/x",
    f"{{own}}{ROOT}/x/runs/..",
    f"{{own}}{ROOT}/x/runs/%0d%0aHost:%20evil.example",
    f"{{own}}{ROOT}/x/runs/%00",
    f"{{own}}{ROOT}/x/runs/{'9' * 5000}",
    f"{{own}}{ROOT}/x/runs/http:%2f%2fevil.example",
    "http://[::1{run}",
    "http://127.0.0.1:99999999{run}",
    "http://127.0.0.1:x{run}",
    "\xff\xfe\x80",
    f"{{own}}{ROOT}/\xff/runs/\xfe",
    "?{run}",
    "#{run}",
]
"""One in three, or all with `FULL_LENGTH=1`; what is no run at all is for tests/wire/test_locations.py."""


@pytest.mark.parametrize("location", WITHOUT_A_RUN[:: length(3, 1)])
async def test_a_location_without_a_run_is_never_requested_and_the_watch_fails(location):
    async with hostile_server() as server:
        server.set("trigger", foreign(server, location))
        events, end = await followed(server)
        assert isinstance(end, WatchFailedError | ForeignOriginError)
        assert all(isinstance(event, TriggerDelayed) for event in events)
        assert server.strays() == []


async def test_a_run_id_with_path_characters_stays_one_segment():
    async with hostile_server() as server:
        id_ = "..%2F..%2F..%2Fadmin%3Fx%3D1%23y"
        server.set("trigger", foreign(server, f"{{own}}{ROOT}/{CONNECTION}/runs/{id_}"))
        await followed(server)
        assert server.targets[1] == f"{ROOT}/{CONNECTION}/runs/{id_}"


@pytest.mark.parametrize(
    "location", ["\\\\evil.example{run}", "http://{run}", "///evil.example{run}", "evil.example{run}"]
)
async def test_only_the_ids_of_an_ambiguous_location_are_used(location):
    async with hostile_server() as server:
        server.set("trigger", foreign(server, location))
        await followed(server)
        assert server.targets[1:] == [RUN_TARGET]


async def test_two_locations_of_which_one_is_foreign_are_refused():
    async with hostile_server() as server:
        both = f"Location: {server.url}{RUN_TARGET}\r\nLocation: {server.attacker.url}{RUN_TARGET}\r\n"
        server.set("trigger", f"HTTP/1.1 202 Accepted\r\n{both}Content-Length: 0\r\n\r\n".encode())
        _, end = await followed(server)
        assert isinstance(end, ForeignOriginError)


@pytest.mark.parametrize("operation", ["trigger", "poll", "token"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent", "300 Choices"])
async def test_a_redirect_is_not_followed(operation, status):
    async with hostile_server() as server:
        server.set(operation, http(status, b"", Location=f"{server.attacker.url}{RUN_TARGET}"))
        token = ClientCredentials("id", "secret") if operation == "token" else "secret-token"
        _, end = await followed(server, token)
        assert isinstance(end, SynchronizationError)
        assert server.strays() == []


async def test_links_of_a_run_and_of_a_connection_are_never_requested():
    async with hostile_server() as server:
        evil = {"href": f"{server.attacker.url}{RUN_TARGET}"}
        links = {"self": evil, "next": evil, "prev": evil, "lastRun": evil, "iModel": evil, "canonical": evil}
        server.set("trigger", http("202 Accepted"), http("202 Accepted", b"", Location=f"{server.url}{RUN_TARGET}"))
        server.set("connection", ok({"connection": {"id": CONNECTION, "_links": links}, "_links": links}))
        server.set("runs", ok({"runs": [], "_links": links}))
        server.set("poll", ok(run_body("Executing", _links=links)), ok(run_body(_links=links)))
        _, end = await followed(server)
        assert end is not None
        assert not isinstance(end, BaseException)
        assert f"{ROOT}/{CONNECTION}" in server.targets
        assert server.strays() == []


@cache
def bomb() -> bytes:
    """200 MB of spaces, compressed to about 200 KB."""
    packer = zlib.compressobj(level=1, wbits=31)
    return b"".join(packer.compress(b" " * 2**20) for _ in range(200)) + packer.flush()


def chunked(*chunks: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)


def nested(depth: int) -> bytes:
    return b'{"run":{"id":"r","jobs":' + b"[" * depth + b"]" * depth + b"}}"


DELAYING = {
    "deeply nested arrays": http("200 OK", nested(100_000)),
    "deeply nested objects": http("200 OK", b'{"run":' * 30_000),
    "nested as deep as the parser goes": http("200 OK", nested(900)),
    "UTF-16": http("200 OK", GOOD.decode().encode("utf-16")),
    "a byte order mark": http("200 OK", b"\xef\xbb\xbf" + GOOD),
    "Latin-1": http("200 OK", '{"run":{"id":"ü","state":"Queued"}}'.encode("latin-1")),
    "half a surrogate pair": http("200 OK", b'{"run":{"id":"\\ud800","state":"Completed"}}'),
    "NaN": http("200 OK", b'{"run":{"id":"r","state":NaN}}'),
    "a number as the state": http("200 OK", b'{"run":{"id":"r","state":5}}'),
    "an array as the run": http("200 OK", b'{"run":[[]]}'),
    "a string of quotes": http("200 OK", b'"' * 100_000),
    "JSON labelled as gzip": http("200 OK", GOOD, Content_Encoding="gzip"),
    "gzip that ends in its middle": http("200 OK", gzip.compress(GOOD)[:20], Content_Encoding="gzip"),
    "a chunk whose size is no number": chunked() + b"zz\r\n{}\r\n",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000 + b"\r\n\r\n",
    "a thousand answers of one line": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "a length that is negative": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "not HTTP": b"\x00\x01\x02\x16\x03\x01 hello\r\n\r\n",
    "HTTP of another version": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "line ends within a header": b"HTTP/1.1 200 OK\r\nX-A: b\rc\nd\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("case", DELAYING)
async def test_a_malformed_answer_to_a_poll_delays_the_watch_and_does_not_end_it(case):
    async with hostile_server() as server:
        server.set("poll", then(DELAYING[case], lambda transport: transport.close()), ok(run_body()))
        events, end = await followed(server)
        assert not isinstance(end, BaseException), end
        assert [event.failures for event in events if isinstance(event, PollDelayed)] == [1]
        assert server.strays() == []


HUGE = {
    "a huge body": http("200 OK", GOOD + b" " * 2 * BOUND),
    "a huge body in chunks": chunked(*[b" " * 4096] * 200),
    "a huge body that lies about its length": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    + b" " * 2 * BOUND,
    "a gzip bomb": http("200 OK", bomb(), Content_Encoding="gzip"),
    "a bomb in a bomb": http("200 OK", gzip.compress(bomb()), Content_Encoding="gzip, gzip"),
    "a deflate bomb": http("200 OK", zlib.compress(b" " * 2**24), Content_Encoding="deflate"),
}


@pytest.mark.parametrize("case", HUGE)
async def test_an_answer_over_the_size_limit_is_not_kept_in_memory(case):
    async with hostile_server() as server:
        server.set("poll", HUGE[case])
        tracemalloc.start()
        try:
            _, end = await followed(server)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert isinstance(end, ResponseTooLargeError | WatchFailedError)
        assert peak < 40 * 2**20


HOSTILE_PROBLEMS = {
    "nested": nested(100_000),
    "no text": b"\xff" * 5000,
    "errors in errors": b'{"error":' * 20_000,
    "wrong types": b'{"error":{"code":5,"message":[],"details":{"a":1}}}',
    "control characters": b'{"error":{"code":"\\u001b[2J","message":"\\r\\nX-Injected: 1\\u202e"}}',
}


@pytest.mark.parametrize("body", HOSTILE_PROBLEMS)
@pytest.mark.parametrize("operation", ["trigger", "poll"])
async def test_an_error_answer_with_a_hostile_body_is_a_printable_error(operation, body):
    for status in ("400 Bad", "401 No", "403 No", "404 No", "409 No", "422 No", "500 No", "999 No"):
        async with hostile_server() as server:
            server.set(operation, http(status, HOSTILE_PROBLEMS[body]))
            _, end = await followed(server)
            assert isinstance(end, SynchronizationError)
            assert len(str(end)) < 2000
            assert all(character.isprintable() for character in str(end).replace("\n", ""))
            assert "\nX-Injected" not in str(end)


async def test_duplicate_keys_do_not_change_the_requested_run():
    async with hostile_server() as server:
        body = (
            b'{"run":{"id":"a","state":"Completed"},"run":{"id":"b","id":"c","state":"Executing","state":"Completed"}}'
        )
        server.set("poll", http("200 OK", body))
        _, end = await followed(server)
        assert end is not None
        assert end.state == "Completed"
        assert server.targets[1:] == [RUN_TARGET]


@pytest.mark.parametrize("value", ["nan", "inf", "-5", "1e400", "99999999999", "\xff", "Mon, 99 Xxx 0000 99:99:99", ""])
async def test_a_hostile_retry_after_neither_ends_nor_blocks_the_watch(value):
    async with hostile_server() as server:
        server.set("poll", ok({}, "503 Busy", Retry_After=value, Date=value), ok(run_body(), Date=value))
        _, end = await followed(server)
        assert not isinstance(end, BaseException), end


@pytest.mark.parametrize(
    "members",
    [
        {"expires_in": True},
        {"expires_in": -1},
        {"expires_in": "3600"},
        {"expires_in": 1e308},
        {"expires_in": None},
        {"expires_in": 10**400},
        {"access_token": "a\r\nX-Injected: 1"},
        {"access_token": "ü"},
        {"access_token": ["a"]},
        {"access_token": ""},
        {"access_token": "Bearer"},
    ],
)
async def test_a_hostile_token_answer_adds_no_header_and_causes_no_crash(members):
    async with hostile_server() as server:
        server.set("token", ok({"access_token": "issued-token", "token_type": "Bearer", **members}))
        _, end = await followed(server, ClientCredentials("id", "secret"))
        assert end is not None
        assert not any(b"\r\nX-Injected" in request for request in server.raw.requests)
        if "access_token" in members:
            assert isinstance(end, SynchronizationError)
            assert server.targets[0] == "/connect/token"
            assert set(server.targets) == {"/connect/token"}


async def test_a_token_that_would_add_a_header_is_refused():
    with pytest.raises(ConfigurationError, match="characters that no token has"):
        SynchronizationClient("abc\r\nX-Injected: 1")
