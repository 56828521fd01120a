"""Token requests, and the tokens that the API accepts."""

import base64

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)
NOT_FOUND = {
    "error": {
        "code": "HeaderNotFound",
        "message": "Header Authorization was not found in the request. Access denied.",
    }
}


def form(api, **changes):
    return {
        "grant_type": "client_credentials",
        "client_id": api.emulator.client_id,
        "client_secret": api.emulator.client_secret,
        "scope": "itwin-platform",
    } | changes


async def ask(api, data, **headers):
    return await api.post("/connect/token", data=data, headers={"authorization": "", **headers})


async def test_the_discovery_document_names_the_token_endpoint(serving):
    async with serving() as api:
        found = (await api.get("/.well-known/openid-configuration")).json
        assert (found["issuer"], found["token_endpoint"]) == (api.emulator.url, f"{api.emulator.url}/connect/token")


async def test_a_service_application_gets_a_token_by_form(serving, connections):
    async with serving() as api:
        answer = await ask(api, form(api))
        granted = answer.json
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert granted == {
            "access_token": granted["access_token"],
            "expires_in": 3600,
            "token_type": "Bearer",
            "scope": "itwin-platform",
        }
        api.token = granted["access_token"]
        assert (await api.get(f"{connections}/{api.emulator.add_connection()}")).status == 200


async def test_a_service_application_gets_a_token_by_basic_authentication(serving):
    async with serving() as api:
        data = {"grant_type": "client_credentials", "scope": "itwin-platform"}
        basic = "Basic " + base64.b64encode(f"{api.emulator.client_id}:{api.emulator.client_secret}".encode()).decode()
        assert (await ask(api, data, authorization=basic)).status == 200


async def test_basic_credentials_are_form_encoded_first(serving):
    async with serving(client_secret="a b:c%") as api:
        basic = "Basic " + base64.b64encode(f"{api.emulator.client_id}:a+b%3Ac%25".encode()).decode()
        data = {"grant_type": "client_credentials", "scope": "itwin-platform"}
        assert (await ask(api, data, authorization=basic)).status == 200


@pytest.mark.parametrize("basic", ["Basic eDp5", "Basic %%%", "Basic /w=="])
async def test_wrong_basic_credentials_are_a_401_with_a_challenge(serving, basic):
    async with serving() as api:
        answer = await ask(api, form(api), authorization=basic)
        assert (answer.status, answer.json) == (401, {"error": "invalid_client"})
        assert answer.headers["WWW-Authenticate"] == "Basic"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "guess"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"scope": "openid itwin-platform"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_a_wrong_form_is_refused_with_its_oauth_error(serving, changes, error):
    async with serving() as api:
        answer = await ask(api, form(api, **changes))
        assert (answer.status, answer.json) == (400, {"error": error})


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer unknown", "Basic eDp5"])
async def test_without_a_valid_token_the_api_answers_with_the_documented_401(serving, connections, header):
    async with serving() as api:
        answer = await api.get(connections, headers={"Authorization": header})
        assert (answer.status, answer.json) == (401, NOT_FOUND)


async def test_the_gateway_has_its_own_error_form(serving, connections):
    async with serving(wrapped_errors=False) as api:
        answer = await api.get(connections, headers={"Authorization": ""})
        assert answer.json == {
            "statusCode": 401,
            "message": "Access denied due to invalid access_token. "
            "Make sure to provide a valid token for this API endpoint.",
        }


async def test_a_token_expires_on_the_loops_clock(serving, connections):
    async with serving(token_lifetime=100, speed=1000) as api:
        path = f"{connections}/{api.emulator.add_connection()}"
        api.token = (await ask(api, form(api))).json["access_token"]
        short = api.emulator.token(lifetime=10)
        await anyio.sleep(50)
        assert (await api.get(path)).status == 200
        assert (await api.get(path, headers={"Authorization": f"Bearer {short}"})).status == 401
        await anyio.sleep(51)
        assert (await api.get(path)).status == 401


async def test_revoked_tokens_are_refused(serving, connections):
    async with serving() as api:
        path = f"{connections}/{api.emulator.add_connection()}"
        api.emulator.revoke_tokens()
        assert (await api.get(path)).status == 401
        api.token = api.emulator.token()
        assert (await api.get(path)).status == 200


async def test_old_scopes_allow_reading_or_modifying(serving, connections):
    async with serving() as api:
        path = f"{connections}/{api.emulator.add_connection()}"
        api.token = api.emulator.token(scope="openid synchronization:read")
        assert (await api.get(path)).status == 200
        assert (await api.delete(path)).status == 401
        api.token = api.emulator.token(scope="synchronization:modify")
        assert (await api.delete(path)).status == 204


@pytest.mark.parametrize(
    ("tokens", "header", "status"), [("any", "Bearer x", 200), ("any", "", 401), ("none", "", 200)]
)
async def test_token_checks_can_be_disabled(serving, connections, tokens, header, status):
    async with serving(tokens=tokens) as api:
        path = f"{connections}/{api.emulator.add_connection()}"
        assert (await api.get(path, headers={"Authorization": header})).status == status
        assert (await api.get(path)).status == 200
