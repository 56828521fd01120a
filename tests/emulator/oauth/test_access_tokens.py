"""Access tokens: JSON Web Tokens that the emulator alone can issue."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)
START = datetime(2026, 1, 1, tzinfo=UTC)


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def status(api, token):
    path = f"/synchronization/imodels/storageconnections/{api.emulator.add_connection()}"
    return (await api.get(path, headers={"Authorization": f"Bearer {token}"})).status


async def test_a_token_says_who_may_do_what_until_when(serving, claims):
    async with serving(start=START, token_lifetime=100) as api:
        said = claims(api.emulator.token())
        now = int(START.timestamp())
        assert said == {
            "iss": api.emulator.url,
            "aud": f"{api.emulator.url}/resources",
            "sub": said["sub"],
            "client_id": api.emulator.client_id,
            "scope": ["itwin-platform"],
            "iat": now,
            "exp": now + 100,
            "jti": said["jti"],
        }


async def test_the_times_of_a_token_follow_the_loop_whatever_the_speed(serving, claims):
    async with serving(start=START, speed=1000) as api:
        await anyio.sleep(50)
        assert claims(api.emulator.token())["iat"] == START.timestamp() + 50


async def test_without_a_start_the_times_are_those_of_the_wall_clock(serving, claims):
    async with serving() as api:
        assert abs(claims(api.emulator.token())["iat"] - datetime.now(UTC).timestamp()) < 60


async def test_two_tokens_are_never_the_same(serving, claims):
    async with serving(start=START) as api:
        first, second = (claims(api.emulator.token()) for _ in range(2))
        assert first["jti"] != second["jti"]
        assert first | {"jti": ""} == second | {"jti": ""}


async def test_a_token_of_another_emulator_with_the_same_seed_is_refused(serving):
    async with serving() as api, serving() as other:
        assert await status(api, other.emulator.token()) == 401


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS512", "typ": "JWT"}, {"typ": "JWT"}])
async def test_a_token_with_another_header_is_refused(serving, header):
    async with serving() as api:
        _, payload, signature = api.emulator.token().split(".")
        assert await status(api, f"{segment(header)}.{payload}.{signature}") == 401
        assert await status(api, f"{segment(header)}.{payload}.") == 401


async def test_an_unsigned_or_falsely_signed_token_is_refused(serving):
    async with serving() as api:
        header, payload, signature = api.emulator.token().split(".")
        forged = hmac.new(b"guess", f"{header}.{payload}".encode(), hashlib.sha256).digest()
        encoded = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
        for wrong in ("", encoded, f"{signature}=", signature[:-1], f"{signature}é"):
            assert await status(api, f"{header}.{payload}.{wrong}") == 401


async def test_a_token_with_changed_claims_is_refused(serving, claims):
    async with serving() as api:
        token = api.emulator.token(lifetime=-1)
        header, _, signature = token.split(".")
        longer = segment(claims(token) | {"exp": 2**40})
        assert await status(api, token) == 401
        assert await status(api, f"{header}.{longer}.{signature}") == 401


@pytest.mark.parametrize("text", ["x", "..", "a.b", "a.b.c.d", "é.é.é"])
async def test_other_texts_are_refused(serving, text):
    async with serving() as api:
        assert await status(api, text) == 401


async def test_a_token_for_a_person_is_theirs_and_the_applications(serving, claims):
    async with serving() as api:
        jane, same, joe = (
            claims(api.emulator.token(email=email))
            for email in ("jane@example.com", "JANE@example.com", "joe@example.com")
        )
        assert jane["client_id"] == api.emulator.settings.native_client_id
        assert jane["sub"] == same["sub"] != joe["sub"]
        assert await status(api, api.emulator.token(email="joe@example.com")) == 200


async def test_no_secret_is_in_a_repr(serving):
    async with serving(client_secret="a-secret-of-a-test") as api:
        token = api.emulator.token()
        await api.get("/connect/endsession", params={"id_token_hint": "a-hint"})
        await api.get("/", headers={"Authorization": f"Bearer {token}"})
        shown = f"{api.emulator.settings!r}{api.emulator.requests!r}"
        assert "service-emulated" in shown
        assert not any(secret in shown for secret in ("a-secret-of-a-test", token, "a-hint"))
