"""Sign-in of people, the tokens that come of it, and calls of pages of other origins."""

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)

BACK = "http://127.0.0.1:45678/signin-callback"
VERIFIER = "a" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPE = "openid profile email offline_access itwin-platform"
NOBODY = {"authorization": ""}


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def encoded(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def asked(api, **changes):
    query = {
        "client_id": api.emulator.settings.native_client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": SCOPE,
        "state": "xyz",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (query | changes).items() if value is not None}


async def decide(api, **changes):
    """Post the consent page; return the answer and the parameters that go back to the application."""
    form = asked(api, decision="allow", email="Jane.Doe@example.com") | changes
    answer = await api.post("/connect/authorize", data=form, headers=NOBODY)
    back = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    return answer, {name: values[0] for name, values in back.items()}


async def redeem(api, granted_code, **changes):
    form = {
        "grant_type": "authorization_code",
        "client_id": api.emulator.settings.native_client_id,
        "code": granted_code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    return await api.post("/connect/token", data=form | changes, headers=NOBODY)


async def refresh(api, token):
    form = {"grant_type": "refresh_token", "refresh_token": token}
    form["client_id"] = api.emulator.settings.native_client_id
    return await api.post("/connect/token", data=form, headers=NOBODY)


async def signed_in(api):
    _, back = await decide(api)
    answer = await redeem(api, back["code"])
    assert answer.status == 200
    return answer.json


async def me(api, token):
    return await api.get("/users/me", headers={"Authorization": f"Bearer {token}"})


async def test_the_discovery_document_has_what_official_libraries_check(serving):
    async with serving() as api:
        found = (await api.get("/.well-known/openid-configuration", headers=NOBODY)).json
        url = api.emulator.url
        assert found["issuer"] == url
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            assert found[name].startswith(f"{url}/")
        for name in ("response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"):
            assert found[name]
        keys = (await api.get(found["jwks_uri"], headers=NOBODY)).json["keys"]
        assert keys[0]["kty"] == "RSA"


async def test_an_access_token_is_a_jwt_that_says_whose_it_is_and_until_when(serving):
    async with serving() as api:
        claims = claims_of(api.emulator.token(lifetime=60))
        assert {"iss", "aud", "sub", "client_id", "scope", "iat", "exp"} <= claims.keys()
        assert (claims["iss"], claims["client_id"]) == (api.emulator.url, api.emulator.client_id)
        assert 60 <= claims["exp"] - claims["iat"] <= 61  # whole seconds


async def test_a_token_that_was_not_issued_here_is_refused(serving):
    async with serving() as api:
        header, body, signature = api.token.split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        other = (
            base64.urlsafe_b64encode(json.dumps(claims_of(api.token) | {"scope": "x"}).encode()).rstrip(b"=").decode()
        )
        for forged in (
            f"{none}.{body}.",
            f"{none}.{body}.{signature}",
            f"{header}.{other}.{signature}",
            f"{header}.{body}.",
        ):
            assert (await me(api, forged)).status == 401
        assert (await me(api, api.token)).status == 200
        await anyio.sleep(3601)
        assert (await me(api, api.token)).status == 401


async def test_a_person_signs_in_with_a_code_and_the_verifier_of_its_challenge(serving):
    async with serving() as api:
        page = await api.get("/connect/authorize", params=asked(api), headers=NOBODY)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert b"<form" in page.body
        answer, back = await decide(api)
        assert (answer.status, answer.headers["Location"].partition("?")[0]) == (302, BACK)
        assert back.keys() == {"code", "state"}
        granted = (await redeem(api, back["code"])).json
        assert granted.keys() == {"access_token", "expires_in", "token_type", "scope", "refresh_token", "id_token"}
        assert claims_of(granted["id_token"])["nonce"] == "n-1"
        user = (await me(api, granted["access_token"])).json["user"]
        assert (user["email"], user["id"]) == ("jane.doe@example.com", claims_of(granted["access_token"])["sub"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "b" * 64}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/other"}, "invalid_grant"),
        ({"code": "other"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_of_no_use_to_anybody_else(changes, error, serving):
    async with serving() as api:
        _, back = await decide(api)
        answer = await redeem(api, back["code"], **changes)
        assert (answer.status, answer.json["error"]) == (400, error)


async def test_a_code_works_once_and_its_second_use_ends_the_sign_in(serving):
    async with serving() as api:
        _, back = await decide(api)
        granted = (await redeem(api, back["code"])).json
        assert (await redeem(api, back["code"])).json["error"] == "invalid_grant"
        assert (await me(api, granted["access_token"])).status == 401


async def test_a_code_is_short_lived(serving):
    async with serving() as api:
        _, back = await decide(api)
        await anyio.sleep(61)
        assert (await redeem(api, back["code"])).json["error"] == "invalid_grant"


async def test_a_refresh_token_is_replaced_and_its_reuse_ends_the_sign_in(serving):
    async with serving() as api:
        granted = await signed_in(api)
        again = (await refresh(api, granted["refresh_token"])).json
        assert (await me(api, again["access_token"])).status == 200
        assert (await refresh(api, granted["refresh_token"])).json["error"] == "invalid_grant"
        assert (await refresh(api, again["refresh_token"])).json["error"] == "invalid_grant"


async def test_a_revoked_sign_in_is_over(serving):
    async with serving() as api:
        granted = await signed_in(api)
        form = {"token": granted["refresh_token"], "client_id": api.emulator.settings.native_client_id}
        assert (await api.post("/connect/revocation", data=form, headers=NOBODY)).status == 200
        assert (await me(api, granted["access_token"])).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://attacker.example/"},
        {"redirect_uri": "http://127.0.0.1.attacker.example/"},
        {"redirect_uri": None},
        {"client_id": "somebody else"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(changes, serving):
    async with serving() as api:
        answer = await api.get("/connect/authorize", params=asked(api, **changes), headers=NOBODY)
        assert (answer.status, answer.headers.get("Location")) == (400, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_an_impossible_request_goes_back_with_its_error_and_state(changes, error, serving):
    async with serving() as api:
        answer = await api.get("/connect/authorize", params=asked(api, **changes), headers=NOBODY)
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert (answer.status, back["error"], back["state"]) == (302, [error], ["xyz"])


async def test_a_person_may_refuse(serving):
    async with serving() as api:
        _, back = await decide(api, decision="deny")
        assert (back["error"], back["state"]) == ("access_denied", "xyz")


async def test_a_page_of_another_origin_may_call(serving, connections):
    async with serving() as api:
        asking = {
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,prefer",
        }
        answer = await api.send("OPTIONS", f"{connections}/x/run", headers=asking | NOBODY)
        assert answer.status in {200, 204}
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", "https://app.example"}
        allowed = answer.headers["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in ("authorization", "content-type", "prefer"))
        run = await api.post(
            f"{connections}/{api.emulator.add_connection()}/run", headers={"Origin": "https://app.example"}
        )
        exposed = run.headers["Access-Control-Expose-Headers"].lower()
        assert (run.status, "location" in exposed, "retry-after" in exposed) == (202, True, True)
        refused = await api.get("/users/me", headers={"Origin": "https://app.example", "Authorization": "Bearer no"})
        assert refused.status == 401
        assert "Access-Control-Allow-Origin" in refused.headers


async def test_a_put_without_a_type_makes_a_connection_user_unless_the_option_says_no(serving, connections):
    for reset, kind in ((True, "User"), (False, "Service")):
        async with serving(put_resets_authentication_type=reset) as api:
            connection = api.emulator.add_connection()
            answer = await api.put(f"{connections}/{connection}", json={"displayName": "renamed"})
            assert answer.json["connection"]["authenticationType"] == kind
