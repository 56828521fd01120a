"""The discovery document, id tokens, the userinfo endpoint and the end of a session."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.looptime(start=0)
REQUIRED = {
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
}
JANE = {
    "name": "Jane Doe",
    "given_name": "Jane",
    "family_name": "Doe",
    "preferred_username": "jane.doe@example.com",
    "email": "jane.doe@example.com",
    "email_verified": True,
}


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


async def discovered(api):
    return (await api.get("/.well-known/openid-configuration", headers={"Authorization": ""})).json


async def userinfo(api, token):
    return await api.get("/connect/userinfo", headers={"Authorization": f"Bearer {token}"})


async def test_the_discovery_document_has_what_openid_connect_requires(serving):
    async with serving() as api:
        document = await discovered(api)
        assert document.keys() >= REQUIRED
        assert "RS256" in document["id_token_signing_alg_values_supported"]
        assert document["code_challenge_methods_supported"] == ["S256"]


async def test_every_endpoint_of_the_discovery_document_is_there(serving):
    async with serving() as api:
        document = await discovered(api)
        for name, url in document.items():
            if name.endswith(("_endpoint", "_uri")):
                assert {(await api.get(url)).status, (await api.post(url)).status} - {404, 405}, name


async def test_the_issuer_has_the_host_by_which_it_was_asked(serving):
    async with serving() as api:
        url = api.emulator.url.replace("127.0.0.1", "localhost")
        document = await api.get("/.well-known/openid-configuration", headers={"Host": url.removeprefix("http://")})
        assert (document.json["issuer"], document.json["token_endpoint"]) == (url, f"{url}/connect/token")


async def test_an_id_token_names_the_person_and_repeats_the_nonce(serving, application, claims):
    async with serving(start=datetime(2026, 1, 1, tzinfo=UTC)) as api:
        app = application(api)
        granted = await app.sign_in(nonce="n-1")
        said, access = claims(granted["id_token"]), claims(granted["access_token"])
        assert said == {
            "iss": api.emulator.url,
            "aud": app.client_id,
            "iat": access["iat"],
            "exp": access["iat"] + 3600,
            "auth_time": access["iat"],
            "sid": access["sid"],
            "sub": access["sub"],
            "nonce": "n-1",
            **JANE,
        }


async def test_a_refreshed_id_token_is_the_same_persons_without_the_nonce(serving, application, claims):
    async with serving() as api:
        app = application(api)
        first = await app.sign_in(nonce="n-1")
        second = (await app.refresh(first["refresh_token"])).json
        first_said, second_said = claims(first["id_token"]), claims(second["id_token"])
        assert second_said["sub"] == first_said["sub"]
        assert "nonce" not in second_said


async def test_the_published_key_verifies_an_id_token(serving, application, decoded):
    async with serving() as api:
        signed, _, signature = (await application(api).sign_in())["id_token"].rpartition(".")
        [key] = (await api.get((await discovered(api))["jwks_uri"])).json["keys"]
        assert decoded(signed.partition(".")[0]) == {"alg": "RS256", "typ": "JWT", "kid": key["kid"]}
        modulus = number(key["n"])
        assert modulus.bit_length() == 2048
        opened = pow(number(signature), number(key["e"]), modulus).to_bytes(256)
        assert opened.startswith(b"\x00\x01" + b"\xff" * 200)
        assert opened.endswith(b"\x05\x00\x04\x20" + hashlib.sha256(signed.encode()).digest())


async def test_userinfo_says_what_the_scopes_allow(serving, application, claims):
    async with serving() as api:
        app = application(api)
        full = await app.sign_in()
        subject = claims(full["access_token"])["sub"]
        answer = await userinfo(api, full["access_token"])
        assert (answer.status, answer.json) == (200, {"sub": subject, **JANE})
        least = await app.sign_in(scope="openid")
        assert (await userinfo(api, least["access_token"])).json == {"sub": subject}


async def test_userinfo_needs_a_valid_token_with_openid(serving):
    async with serving() as api:
        unknown, service = await userinfo(api, "unknown"), await userinfo(api, api.token)
        assert (unknown.status, unknown.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
        assert service.status == 403
        assert 'error="insufficient_scope"' in service.headers["WWW-Authenticate"]


async def test_the_end_of_a_session_ends_the_sign_in_of_the_id_token(serving, application):
    async with serving() as api:
        app = application(api)
        granted, other = await app.sign_in(), await app.sign_in()
        query = {"id_token_hint": granted["id_token"], "post_logout_redirect_uri": app.redirect_uri, "state": "x y"}
        answer = await api.get("/connect/endsession", params=query)
        assert (answer.status, answer.headers["Location"]) == (302, f"{app.redirect_uri}?state=x+y")
        assert not await app.works(granted["access_token"])
        assert (await app.refresh(granted["refresh_token"])).json["error"] == "invalid_grant"
        assert await app.works(other["access_token"])


@pytest.mark.parametrize("hint", ["", "x", "a.b.c"])
async def test_the_end_of_a_session_without_a_known_id_token_ends_nothing(serving, application, hint):
    async with serving() as api:
        app = application(api)
        granted = await app.sign_in()
        answer = await api.post("/connect/endsession", data={"id_token_hint": hint})
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert await app.works(granted["access_token"])


async def test_after_the_end_of_a_session_nobody_is_sent_to_an_unregistered_uri(serving):
    async with serving() as api:
        query = {"post_logout_redirect_uri": "https://attacker.example/"}
        answer = await api.get("/connect/endsession", params=query)
        assert answer.status == 400
        assert "Location" not in answer.headers


async def test_without_a_state_the_uri_after_the_session_is_as_it_was_given(serving):
    async with serving() as api:
        answer = await api.get("/connect/endsession", params={"post_logout_redirect_uri": "http://localhost:3000/bye"})
        assert answer.headers["Location"] == "http://localhost:3000/bye"
