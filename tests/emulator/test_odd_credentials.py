"""Credentials that are no text, and links that would decide for a person."""

import base64
import hashlib
from urllib.parse import urlsplit

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"a" * 64).digest()).rstrip(b"=").decode()


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


async def test_a_link_does_not_decide_for_a_person(serving):
    async with serving() as api:
        query = {
            "client_id": api.emulator.settings.native_client_id,
            "redirect_uri": "http://127.0.0.1:45678/back",
            "response_type": "code",
            "scope": "openid",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "decision": "allow",
            "email": "jane.doe@example.com",
        }
        answer = await api.get("/connect/authorize", params=query, headers={"Authorization": ""})
        assert (answer.status, "Location" in answer.headers) == (200, False)
        assert b"<form" in answer.body
