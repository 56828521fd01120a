"""Credentials that are no text."""

from urllib.parse import urlsplit

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)


async def sent(api, request, authorization):
    """Send bytes that no HTTP client would send; return the status."""
    url = urlsplit(api.emulator.url)
    async with await anyio.connect_tcp(url.hostname, url.port) as stream:
        head = b"%s HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\nAuthorization: %s\r\n\r\n"
        await stream.send(head % (request.encode(), authorization))
        answer = await stream.receive()
    return int(answer.split()[1])


@pytest.mark.parametrize("path", ["/connect/token", "/connect/revocation"])
async def test_basic_credentials_that_are_not_ascii_are_a_401(serving, path):
    async with serving() as api:
        assert await sent(api, f"POST {path}", b"Basic \xff\xfe") == 401


@pytest.mark.parametrize("path", ["/connect/userinfo", "/synchronization/imodels/storageconnections"])
async def test_a_token_whose_claims_are_not_ascii_is_a_401(serving, path):
    async with serving() as api:
        head = api.token.partition(".")[0].encode()
        for token in (head + b".\xff.\xff", b"\xff.\xff", b"\xff"):
            assert await sent(api, f"GET {path}", b"Bearer " + token) == 401
        assert await sent(api, f"GET {path}", b"Basic \xff") == 401
