"""Operations on users."""

import base64
import json

import pytest

from tests.emulator import schemas

pytestmark = pytest.mark.looptime(start=0)


async def test_the_caller_is_the_service_application(serving):
    async with serving() as api:
        answer = await api.get("/users/me")
        assert answer.status == 200
        user = answer.json["user"]
        schemas.validate(user, schemas.USER)
        assert user["email"] == f"{api.emulator.client_id}@apps.imsoidc.bentley.com"
        assert (await api.get("/users/me")).json == answer.json


async def test_users_are_found_by_id_and_by_name(serving):
    async with serving() as api:
        me = (await api.get("/users/me")).json["user"]
        token = api.emulator.token(email="somebody@example.com")
        other = (await api.get("/users/me", headers={"Authorization": f"Bearer {token}"})).json["user"]
        assert other["email"] == "somebody@example.com"
        ids = [me["id"].upper(), "22acf21e-0575-4faf-849b-bcd538718269", other["id"]]
        assert (await api.post("/users/getbyidlist", json=ids)).json == {"users": [me, other]}
        assert (await api.get("/users/?$search=SOMEBODY")).json == {"users": [other]}
        assert len((await api.get("/users")).json["users"]) == 2


async def test_a_person_is_the_user_of_their_token(serving):
    async with serving() as api:
        token = api.emulator.token(email="Jane.Doe@example.com")
        user = (await api.get("/users/me", headers={"Authorization": f"Bearer {token}"})).json["user"]
        claims = token.split(".")[1]
        assert user["id"] == json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"]
        assert (user["givenName"], user["surname"], user["email"]) == ("Jane", "Doe", "jane.doe@example.com")


async def test_a_token_that_is_not_known_is_nobodys_name(serving):
    async with serving(tokens="any") as api:
        answer = await api.get("/users/me", headers={"Authorization": "Bearer a.secret.token"})
        assert answer.json["user"]["email"].startswith(api.emulator.client_id)
        assert "secret" not in (await api.get("/users")).body.decode()


@pytest.mark.parametrize("body", [b"", b"{}", b'["toto"]', b"[1]"])
async def test_a_list_that_is_none_of_ids_is_unprocessable(serving, body):
    async with serving() as api:
        answer = await api.post("/users/getbyidlist", data=body)
        assert (answer.status, answer.error["code"]) == (422, "InvalidUsersRequest")


@pytest.mark.parametrize("path", ["/users/me", "/itwins", "/imodels", "/storage/", "/webhooks"])
async def test_every_product_wants_a_token(serving, path):
    async with serving() as api:
        answer = await api.get(path, headers={"Authorization": "Bearer none"})
        assert (answer.status, answer.error["code"]) == (401, "HeaderNotFound")


@pytest.mark.parametrize("path", ["/users/me", "/itwins", "/webhooks"])
async def test_every_product_counts_towards_the_rate_limit(serving, path):
    async with serving(per_minute=1) as api:
        assert (await api.get(path)).status == 200
        answer = await api.get(path)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
        assert answer.headers["ITwinPlatform-RateLimited-API"] == path.split("/")[1]
