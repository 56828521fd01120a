"""The aiohttp transport against a server that sends raw bytes."""

import asyncio
import functools
import gzip
import platform
import socket
import tracemalloc
import zlib
from contextlib import asynccontextmanager

import aiohttp
import anyio
import pytest
from support.quick import each
from support.transport import http, raw_server, reset, then

from bentley_sync_async._version import __version__
from bentley_sync_async.errors import (
    ConfigurationError,
    ConnectionLostError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TransportError,
)
from bentley_sync_async.transport.http import AiohttpTransport, connection_limit
from bentley_sync_async.transport.messages import Request


def get(server, path="/", **headers):
    return Request(method="GET", url=server.url + path, headers=headers)


def post(server, body=b"{}"):
    return Request(method="POST", url=server.url + "/", body=body)


@asynccontextmanager
async def connected(*script, repeat=False, **options):
    async with raw_server(*script, repeat=repeat) as server, AiohttpTransport(**options) as transport:
        yield server, transport


async def answered(wire, **options):
    async with connected(wire, **options) as (server, transport):
        return await transport.send(get(server), timeout=60)


async def failure(wire, *, request=get, timeout=60.0, **options):
    async with connected(wire, **options) as (server, transport):
        with pytest.raises(TransportError) as caught:
            await transport.send(request(server), timeout=timeout)
    return caught.value


def stay_silent(_transport):
    pass


def close(transport):
    transport.close()


# Requests.


async def test_method_target_headers_and_body_arrive():
    async with connected(http()) as (server, transport):
        request = Request(method="PUT", url=f"{server.url}/a?b=1", headers={"Prefer": "return=minimal"}, body=b"abc")
        await transport.send(request, timeout=60)

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], server.header("Prefer"), body) == (
        b"PUT /a?b=1 HTTP/1.1",
        "return=minimal",
        b"abc",
    )


@each(
    "target",
    [
        "/a%2Fb",
        "/a%2fb",
        "/%2e%2e/x",
        "/a%3Fb%23c",
        "/a%25b",
        "/caf%C3%A9",
        "/a?%24top=1",
        "/a?$top=1&x=%2F",
        "/a%20b?c=d%20e",
        "/a?c=d+e",
        "/a//b",
    ],
)
async def test_a_percent_encoded_target_is_sent_unchanged(target):
    async with connected(http()) as (server, transport):
        await transport.send(get(server, target), timeout=60)

    assert server.targets == [target]


async def test_the_user_agent_names_the_package_and_its_version():
    async with connected(http()) as (server, transport):
        await transport.send(get(server), timeout=60)

    assert server.header("User-Agent") == (
        f"bentley-sync-async/{__version__} (Python {platform.python_version()}; aiohttp {aiohttp.__version__})"
    )


async def test_compressed_answers_are_accepted():
    async with connected(http()) as (server, transport):
        await transport.send(get(server), timeout=60)

    assert server.header("Accept-Encoding") == "gzip, deflate"


@each("name", ["Authorization", "Cookie"])
async def test_no_authorization_or_cookie_is_added(name):
    async with connected(http()) as (server, transport):
        await transport.send(get(server), timeout=60)

    assert server.header(name) is None


async def test_the_authorization_that_was_given_is_sent():
    async with connected(http()) as (server, transport):
        await transport.send(get(server, Authorization="Bearer x"), timeout=60)

    assert server.header("Authorization") == "Bearer x"


async def test_a_post_without_a_body_has_no_body():
    async with connected(http()) as (server, transport):
        await transport.send(Request(method="POST", url=server.url), timeout=60)

    assert (server.header("Content-Length"), server.header("Transfer-Encoding")) == ("0", None)


# Answers.


async def test_status_headers_and_body_come_back():
    response = await answered(http("202 Accepted", b"abc", Location="/there"))

    assert (response.status, response.headers["location"], response.body) == (202, "/there", b"abc")


async def test_header_names_are_in_lower_case():
    response = await answered(http(ETag="1", X_Correlation_ID="2", RETRY_AFTER="3"))

    assert set(response.headers) == {"etag", "x-correlation-id", "retry-after", "content-length"}


@each("status", [204, 301, 303, 308, 400, 401, 404, 429, 500, 503, 599])
async def test_every_status_is_an_answer(status):
    assert (await answered(http(f"{status} Whatever"))).status == status


async def test_a_chunked_body_is_reassembled():
    wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"

    assert (await answered(wire)).body == b"abcde"


async def test_a_body_that_ends_with_the_connection_is_whole():
    assert (await answered(then(b"HTTP/1.1 200 OK\r\n\r\nabc", close))).body == b"abc"


async def test_a_gzip_body_is_decompressed():
    assert (await answered(http("200 OK", gzip.compress(b"abc"), Content_Encoding="gzip"))).body == b"abc"


async def test_a_deflated_body_is_decompressed():
    assert (await answered(http("200 OK", zlib.compress(b"abc"), Content_Encoding="deflate"))).body == b"abc"


async def test_one_connection_serves_one_request_after_the_other():
    async with connected(http(), repeat=True) as (server, transport):
        for _ in range(3):
            await transport.send(get(server), timeout=60)

    assert (server.connections, len(server.requests)) == (1, 3)


UNSOLICITED = {
    "the answer again": http("200 OK", b"stale"),
    "the beginning of an answer": http("200 OK", b"stale")[:-1],
    "a 408": http("408 Request Timeout", Connection="close"),
    "junk": b"\x00\xffjunk\r\n\r\n",
}


def followed_by(extra):
    """Return a step that answers, and writes more a second later."""

    def step(transport):
        transport.write(http("200 OK", b"first"))
        asyncio.get_running_loop().call_later(1, transport.write, extra)

    return step


@each("extra", UNSOLICITED)
async def test_an_unsolicited_answer_is_not_the_answer_to_the_next_request(extra):
    async with connected(followed_by(UNSOLICITED[extra]), http("200 OK", b"true")) as (server, transport):
        await transport.send(get(server), timeout=60)
        await anyio.sleep(2)

        assert (await transport.send(get(server), timeout=60)).body == b"true"


@each("extra", UNSOLICITED)
async def test_a_connection_with_unsolicited_data_is_closed(extra):
    async with connected(followed_by(UNSOLICITED[extra]), http()) as (server, transport):
        await transport.send(get(server), timeout=60)
        await anyio.sleep(2)
        await transport.send(get(server), timeout=60)
        await anyio.sleep(0.1)

        assert [connection.is_closing() for connection in server.transports] == [True, False]


async def test_of_many_connections_none_with_unsolicited_data_is_used_again():
    async with connected(*[followed_by(http("200 OK", b"stale"))] * 5, http("200 OK", b"true")) as (server, transport):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(functools.partial(transport.send, get(server), timeout=60))
        await anyio.sleep(2)

        assert (await transport.send(get(server), timeout=60)).body == b"true"
        assert server.connections == 6


async def test_an_early_answer_on_a_new_connection_is_valid(monkeypatch):
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def slowly(*arguments, **options):
        connected = await connect(*arguments, **options)
        await anyio.sleep(1)
        return connected

    monkeypatch.setattr(loop, "create_connection", slowly)
    async with connected() as (server, transport):
        server.greeting = http("503 Busy", b"busy", Retry_After="5")
        response = await transport.send(get(server), timeout=60)

    assert (response.status, server.connections) == (503, 1)


# Numbers of connections.


async def test_the_transports_own_session_has_as_many_connections_as_requests():
    async with connected(*[stay_silent] * 150) as (server, transport):
        async with anyio.create_task_group() as group:
            for _ in range(150):
                group.start_soon(functools.partial(transport.send, get(server), timeout=60))
            await anyio.sleep(1)
            group.cancel_scope.cancel()

        assert server.connections == 150


@each(
    ("options", "expected"),
    [({"limit": 10}, 10), ({"limit": 0}, 100), ({"limit": 500}, 100), ({"limit_per_host": 7}, 7)],
)
async def test_the_connection_limit_is_the_lower_of_the_wanted_one_and_that_of_the_session(options, expected):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(**options)) as session:
        assert connection_limit(session, 100) == expected


def test_without_a_session_the_connection_limit_is_the_wanted_one():
    assert connection_limit(None, 1000) == 1000


# Redirects and cookies.


@each("status", [301, 302, 303, 307, 308])
@each("method", ["GET", "POST"])
async def test_a_redirect_is_an_answer_and_its_target_is_never_contacted(status, method):
    async with (
        raw_server(http(), repeat=True) as target,
        connected(http(f"{status} Elsewhere", Location=target.url)) as (server, transport),
    ):
        response = await transport.send(Request(method=method, url=server.url), timeout=60)

    assert (response.status, target.connections, len(server.requests)) == (status, 0, 1)


async def test_cookies_of_the_server_are_not_sent_back(monkeypatch):
    async with connected(http(Set_Cookie="session=1; Path=/"), repeat=True) as (server, transport):
        url = by_name(server, monkeypatch)
        for _ in range(2):
            await transport.send(Request(method="GET", url=url), timeout=60)

    assert [server.header("Cookie", nth) for nth in (0, 1)] == [None, None]


def by_name(server, monkeypatch, error=None):
    """Return a URL of the server with a host name, resolved here; aiohttp ignores cookies of bare addresses."""

    async def getaddrinfo(_host, port, **_options):
        if error is not None:
            raise error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    return server.url.replace("127.0.0.1", "server.example")


# Answers that break.

LOST = {
    "a reset before the status line": reset,
    "an end before the status line": close,
    "a reset in the status line": then(b"HTTP/1.", reset),
    "a reset in the headers": then(b"HTTP/1.1 200 OK\r\nContent-Le", reset),
    "an end in the headers": then(b"HTTP/1.1 200 OK\r\nContent-Le", close),
    "a reset in the body": then(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", reset),
    "a body shorter than its Content-Length": then(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close),
    "a chunked body without its end": then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", close),
    "garbage in place of a chunk": then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n???", close),
    "garbage after a chunk": then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcdef\r\n", close),
    "a bad status line": then(b"ICY 200 OK\r\n\r\n", close),
    "a status that is no number": then(b"HTTP/1.1 abc Fine\r\n\r\n", close),
    "no HTTP at all": then(b"\x15\x03\x01\x00\x02\x02\x28", close),
    "a header without a colon": then(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", close),
    "a Content-Length that is no number": then(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", close),
    "two lengths": then(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", close),
    "an endless header": then(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", close),
    "gzip that is none": then(http("200 OK", b"not gzip at all", Content_Encoding="gzip"), close),
}


@each("broken", LOST)
async def test_a_broken_answer_is_a_lost_connection(broken):
    error = await failure(LOST[broken])

    assert isinstance(error, ConnectionLostError)


@each("broken", LOST)
async def test_a_request_with_a_broken_answer_may_have_been_received(broken):
    error = await failure(LOST[broken], request=post)

    assert error.sent


@each("broken", ["a reset before the status line", "an end before the status line"])
@each("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_whose_connection_breaks_is_sent_once(broken, method):
    async with connected(LOST[broken], http()) as (server, transport):
        with pytest.raises(ConnectionLostError):
            await transport.send(Request(method=method, url=server.url, body=b"{}"), timeout=60)

    assert len(server.requests) == 1


@each("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_whose_reused_connection_breaks_is_sent_once(method):
    async with connected(http(), close, http()) as (server, transport):
        await transport.send(get(server), timeout=60)
        with pytest.raises(ConnectionLostError):
            await transport.send(Request(method=method, url=server.url), timeout=60)

    assert len(server.requests) == 2


async def test_the_next_request_after_a_broken_one_succeeds():
    async with connected(LOST["a reset in the body"], http("200 OK", b"fine")) as (server, transport):
        with pytest.raises(ConnectionLostError):
            await transport.send(post(server), timeout=60)

        assert (await transport.send(get(server), timeout=60)).body == b"fine"


async def test_a_lost_connection_names_method_and_url():
    async with connected(reset) as (server, transport):
        with pytest.raises(ConnectionLostError, match=f"^POST {server.url}/: the connection broke"):
            await transport.send(post(server), timeout=60)


async def test_a_lost_connection_shows_no_secret_of_its_url():
    async with connected(reset) as (server, transport):
        with pytest.raises(ConnectionLostError) as caught:
            await transport.send(Request(method="POST", url=f"{server.url}/?sig=hush"), timeout=60)

    assert "hush" not in f"{caught.value}{caught.value.url}"


async def test_a_request_to_a_closed_port_was_not_sent():
    async with raw_server() as server:
        pass
    async with AiohttpTransport() as transport:
        with pytest.raises(ConnectionLostError) as caught:
            await transport.send(post(server), timeout=60)

    assert not caught.value.sent


async def test_a_request_to_a_host_without_an_address_was_not_sent(monkeypatch):
    async with connected() as (server, transport):
        url = by_name(server, monkeypatch, socket.gaierror(-2, "Name or service not known"))
        with pytest.raises(ConnectionLostError) as caught:
            await transport.send(Request(method="POST", url=url), timeout=60)

    assert not caught.value.sent


# Answers that take too long, in virtual time.

SLOW = {
    "silence": stay_silent,
    "half the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "headers and no body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    "half the body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    "a chunk and no more": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


@pytest.mark.parametrize("stall", SLOW)
async def test_a_stalled_answer_ends_at_its_timeout(stall):
    error = await failure(SLOW[stall], timeout=33.0)

    assert (type(error), anyio.current_time()) == (RequestTimeoutError, 33.0)


@each("stall", SLOW)
async def test_a_request_whose_answer_stalls_may_have_been_received(stall):
    assert (await failure(SLOW[stall], request=post, timeout=33.0)).sent


async def test_a_slow_trickle_of_data_does_not_prolong_the_timeout():
    def trickle(transport):
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        write_more(transport)

    def write_more(transport):
        if not transport.is_closing():
            transport.write(b"a")
            asyncio.get_running_loop().call_later(1.0, write_more, transport)

    await failure(trickle, timeout=33.0)

    assert anyio.current_time() == 33.0


async def test_a_slow_answer_within_its_timeout_is_complete():
    def finish_later(transport):
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        asyncio.get_running_loop().call_later(32.0, transport.write, b"def")

    async with connected(finish_later) as (server, transport):
        assert (await transport.send(get(server), timeout=33.0)).body == b"abcdef"


async def test_a_timeout_is_kept_to_the_fraction_of_a_second():
    await anyio.sleep(0.25)

    await failure(stay_silent, timeout=33.0)

    assert anyio.current_time() == pytest.approx(33.25)


async def test_a_timeout_error_names_the_seconds():
    assert "no whole answer after 33 s" in str(await failure(stay_silent, timeout=33.0))


async def never(*_arguments):
    await anyio.sleep_forever()


async def test_a_connection_that_takes_too_long_is_a_timeout_and_the_request_was_not_sent(monkeypatch):
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never, raising=False)

    error = await failure(stay_silent, connect_timeout=7.0)

    assert (type(error), error.sent, anyio.current_time()) == (RequestTimeoutError, False, 7.0)


async def test_the_default_connect_timeout_is_ten_seconds(monkeypatch):
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never, raising=False)

    await failure(stay_silent)

    assert anyio.current_time() == 10.0


async def test_the_connect_timeout_does_not_limit_the_answer():
    def answer_later(transport):
        asyncio.get_running_loop().call_later(30.0, transport.write, http("200 OK", b"late"))

    assert (await answered(answer_later, connect_timeout=5.0)).body == b"late"


async def test_a_cancelled_request_closes_its_connection():
    async with connected(stay_silent) as (server, transport):
        with anyio.move_on_after(5):
            await transport.send(get(server), timeout=60)
        await anyio.sleep(0.1)

        assert server.transports[0].is_closing()


# Answers that are too large.


class Endless:
    """A step that writes as long as the client reads."""

    def __init__(self):
        self.written = 0

    def __call__(self, transport):
        transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.write_more(transport)

    def write_more(self, transport):
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() == 0:
            transport.write(b"a" * 65536)
            self.written += 65536
        asyncio.get_running_loop().call_soon(self.write_more, transport)


def bomb():
    """Return the beginning of a gzip stream and a piece of it that may be repeated: 1 MiB of zeros each."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    begin = squeeze.compress(b"") + squeeze.flush(zlib.Z_FULL_FLUSH)
    zeros = bytes(2**20)
    pieces = [squeeze.compress(zeros) + squeeze.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    return begin, pieces[1]


async def test_a_body_of_the_largest_size_is_complete():
    assert len((await answered(http("200 OK", b"a" * 1000), max_body_bytes=1000)).body) == 1000


async def test_a_larger_body_is_rejected():
    error = await failure(http("200 OK", b"a" * 1001), max_body_bytes=1000)

    assert (type(error), error.sent) == (ResponseTooLargeError, True)
    assert "larger than 1000 bytes" in str(error)


async def test_the_default_size_limit_is_64_mebibytes():
    async with connected(http("200 OK", b"a" * (2**26 + 1))) as (server, transport):
        with pytest.raises(ResponseTooLargeError, match="67108864"):
            await transport.send(get(server), timeout=60)


async def test_an_endless_body_is_rejected_early():
    flood = Endless()

    error = await failure(flood, max_body_bytes=2**20)

    assert type(error) is ResponseTooLargeError
    assert flood.written < 2**25


async def test_the_size_limit_counts_decompressed_bytes():
    error = await failure(http("200 OK", gzip.compress(bytes(100_000)), Content_Encoding="gzip"), max_body_bytes=50_000)

    assert type(error) is ResponseTooLargeError


async def test_a_gzip_bomb_is_rejected_in_little_memory():
    begin, piece = bomb()
    wire = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + begin + piece * 2000
    tracemalloc.start()
    try:
        error = await failure(wire, max_body_bytes=2**20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert type(error) is ResponseTooLargeError
    assert peak < 2**25


async def test_the_connection_of_a_rejected_body_is_not_used_again():
    async with connected(http("200 OK", b"a" * 1001), http(), max_body_bytes=1000) as (server, transport):
        with pytest.raises(ResponseTooLargeError):
            await transport.send(get(server), timeout=60)
        await transport.send(get(server), timeout=60)

    assert len(server.requests) == 2


# Sessions.


async def test_sending_without_entering_the_transport_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="async with"):
        await AiohttpTransport().send(Request(method="GET", url="http://127.0.0.1:9/"), timeout=60)


async def test_sending_after_leaving_the_transport_is_a_configuration_error():
    async with AiohttpTransport() as transport:
        pass

    with pytest.raises(ConfigurationError, match="async with"):
        await transport.send(Request(method="GET", url="http://127.0.0.1:9/"), timeout=60)


async def test_a_transport_may_be_entered_again():
    async with connected(http()) as (server, transport):
        pass
    async with raw_server(http()) as server, transport:
        assert (await transport.send(get(server), timeout=60)).status == 200


async def test_leaving_the_transport_closes_the_connections_of_its_own_session():
    async with raw_server(http()) as server:
        async with AiohttpTransport() as transport:
            await transport.send(get(server), timeout=60)
        await anyio.sleep(0.1)

        assert server.transports[0].is_closing()


async def test_a_session_that_was_passed_in_is_used():
    async with (
        aiohttp.ClientSession(headers={"X-Session": "mine"}) as session,
        connected(http(), session=session) as (server, transport),
    ):
        await transport.send(get(server), timeout=60)

    assert server.header("X-Session") == "mine"


async def test_a_session_that_was_passed_in_is_not_closed():
    async with aiohttp.ClientSession() as session:
        async with AiohttpTransport(session=session):
            pass

        assert not session.closed


@each("name", ["Authorization", "authorization"])
async def test_a_session_with_an_authorization_header_is_rejected(name):
    async with aiohttp.ClientSession(headers={name: "Bearer theirs"}) as session:
        with pytest.raises(ConfigurationError, match="Authorization"):
            AiohttpTransport(session=session)


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
async def test_a_session_with_credentials_is_rejected():
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("me", "secret")) as session:
        with pytest.raises(ConfigurationError, match="Authorization"):
            AiohttpTransport(session=session)


async def test_an_error_status_is_an_answer_even_if_the_session_raises_for_status():
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        connected(http("404 Not Found", b"{}"), session=session) as (server, transport),
    ):
        assert (await transport.send(get(server), timeout=60)).status == 404


async def test_the_timeout_of_a_session_that_was_passed_in_is_not_used():
    impatient = aiohttp.ClientTimeout(total=1.0, sock_read=1.0)
    async with (
        aiohttp.ClientSession(timeout=impatient) as session,
        connected(stay_silent, session=session) as (server, transport),
    ):
        with pytest.raises(RequestTimeoutError):
            await transport.send(get(server), timeout=33.0)

    assert anyio.current_time() == 33.0


async def test_a_request_on_a_session_that_was_passed_in_keeps_its_timeout_after_the_end_of_the_transport():
    async with aiohttp.ClientSession() as session, raw_server(stay_silent) as server:
        async with AiohttpTransport(session=session) as transport:
            sending = asyncio.create_task(transport.send(get(server), timeout=33.0))
            await anyio.sleep(1.0)
        with pytest.raises(RequestTimeoutError), anyio.fail_after(100.0):
            await sending

    assert anyio.current_time() == 33.0


async def test_redirects_are_not_followed_with_a_session_that_was_passed_in():
    async with (
        aiohttp.ClientSession() as session,
        raw_server(http(), repeat=True) as target,
        connected(http("302 Found", Location=target.url), session=session) as (server, transport),
    ):
        await transport.send(get(server), timeout=60)

    assert target.connections == 0


@each("broken", LOST)
async def test_no_error_or_its_causes_hold_the_token_that_was_sent(broken):
    async with connected(LOST[broken], repeat=False) as (server, transport):
        headers = {"Authorization": "Bearer hush"}
        with pytest.raises(ConnectionLostError) as caught:
            await transport.send(Request(method="POST", url=server.url, headers=headers), timeout=60)

    reported, error = [], caught.value
    while error is not None:
        reported.append(f"{error!r} {error} {vars(error)}")
        error = error.__cause__ or error.__context__
    assert server.header("authorization") == "Bearer hush"
    assert "hush" not in "".join(reported)


@pytest.fixture
def netrc(tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login me password theirs\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(path))


async def in_place(function, *args):
    return function(*args)


@pytest.mark.usefixtures("netrc")
@each("headers", [{"Authorization": "Bearer ours"}, {}])
async def test_a_netrc_file_neither_replaces_our_authorization_nor_adds_one(headers):
    async with aiohttp.ClientSession(trust_env=True) as session:
        assert session._get_netrc_auth("127.0.0.1").password == "theirs"
        async with connected(http(), session=session) as (server, transport):
            answer = await transport.send(Request(method="GET", url=server.url, headers=headers), timeout=1e6)
    assert answer.status == 200
    assert server.header("Authorization") == headers.get("Authorization")
    assert server.requests[0].lower().count(b"authorization") == len(headers)


async def test_a_session_that_got_an_authorization_header_later_is_rejected():
    async with aiohttp.ClientSession() as session, connected(http(), session=session) as (server, transport):
        session.headers["Authorization"] = "Bearer theirs"
        with pytest.raises(ConfigurationError, match="adds its own Authorization"):
            await transport.send(get(server), timeout=60)
    assert server.requests == []


async def test_a_session_that_was_closed_is_rejected():
    async with aiohttp.ClientSession() as session, connected(http(), session=session) as (server, transport):
        await session.close()
        with pytest.raises(ConfigurationError, match="The session passed in is closed"):
            await transport.send(get(server), timeout=60)
    with pytest.raises(ConfigurationError, match="The session passed in is closed"):
        AiohttpTransport(session=session)
