"""The token endpoint after a sign-in, and the revocation endpoint."""

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)


async def test_a_code_becomes_tokens(serving, application, claims):
    async with serving() as api:
        app = application(api)
        granted = await app.sign_in(scope="offline_access itwin-platform")
        assert granted == {
            "access_token": granted["access_token"],
            "expires_in": 3600,
            "token_type": "Bearer",
            "scope": "offline_access itwin-platform",
            "refresh_token": granted["refresh_token"],
        }
        said = claims(granted["access_token"])
        assert said["scope"] == ["offline_access", "itwin-platform"]
        assert said["sub"] == claims(api.emulator.token(email="jane.doe@example.com"))["sub"]
        assert await app.works(granted["access_token"])


async def test_without_offline_access_there_is_no_refresh_token_and_without_openid_no_id_token(serving, application):
    async with serving() as api:
        assert not {"refresh_token", "id_token"} & (await application(api).sign_in(scope="itwin-platform")).keys()


async def test_a_token_without_the_scope_of_the_platform_does_not_open_it(serving, application):
    async with serving() as api:
        app = application(api)
        assert not await app.works((await app.sign_in(scope="openid"))["access_token"])


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "unknown"},
        {"redirect_uri": "http://127.0.0.1:4321/other"},
        {"code_verifier": "another-verifier-of-at-least-forty-three-characters"},
        {"code_verifier": "é"},
    ],
)
async def test_a_code_fits_only_its_own_request(serving, application, changes):
    async with serving() as api:
        app = application(api)
        code = (await app.allow())["code"]
        answer = await app.redeem(**{"code": code} | changes)
        assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


async def test_verifiers_cannot_be_tried_out(serving, application):
    async with serving() as api:
        app = application(api)
        code = (await app.allow())["code"]
        await app.redeem(code, code_verifier="x" * 43)
        assert (await app.redeem(code)).json["error"] == "invalid_grant"


async def test_a_code_that_is_used_again_ends_the_sign_in(serving, application):
    async with serving() as api:
        app = application(api)
        code = (await app.allow())["code"]
        granted = (await app.redeem(code)).json
        assert (await app.redeem(code)).json["error"] == "invalid_grant"
        assert not await app.works(granted["access_token"])
        assert (await app.refresh(granted["refresh_token"])).json["error"] == "invalid_grant"


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
async def test_each_field_of_a_code_is_required(serving, application, missing):
    async with serving() as api:
        app = application(api)
        form = {"grant_type": "authorization_code", "code": "c", "redirect_uri": "r", "code_verifier": "v"}
        del form[missing]
        answer = await app.token(**form)
        assert answer.json == {"error": "invalid_request", "error_description": f"{missing} is missing."}


async def test_a_refresh_token_works_once_and_brings_the_next(serving, application):
    async with serving(token_lifetime=100) as api:
        app = application(api)
        first = await app.sign_in()
        await anyio.sleep(101)
        second = (await app.refresh(first["refresh_token"], redirect_uri=app.redirect_uri)).json
        assert second["refresh_token"] != first["refresh_token"]
        assert not await app.works(first["access_token"])
        assert await app.works(second["access_token"])
        assert (await app.refresh(second["refresh_token"])).status == 200


async def test_a_refresh_token_that_is_used_again_ends_the_sign_in(serving, application):
    async with serving() as api:
        app = application(api)
        first = await app.sign_in()
        second = (await app.refresh(first["refresh_token"])).json
        assert (await app.refresh(first["refresh_token"])).json["error"] == "invalid_grant"
        assert (await app.refresh(second["refresh_token"])).json["error"] == "invalid_grant"
        assert not await app.works(second["access_token"])


async def test_one_sign_in_does_not_end_another(serving, application):
    async with serving() as api:
        app = application(api)
        first, other = await app.sign_in(), await app.sign_in()
        await app.revoke(first["refresh_token"])
        assert await app.works(other["access_token"])


async def test_a_refreshed_token_may_have_fewer_scopes_but_not_more(serving, application):
    async with serving() as api:
        app = application(api)
        granted = await app.sign_in(scope="openid offline_access itwin-platform")
        more = await app.refresh(granted["refresh_token"], scope="itwin-platform email")
        assert more.json["error"] == "invalid_scope"
        fewer = (await app.refresh(granted["refresh_token"], scope="itwin-platform")).json
        assert fewer["scope"] == "itwin-platform"
        assert "id_token" not in fewer
        assert (await app.refresh(fewer["refresh_token"])).json["scope"] == "openid offline_access itwin-platform"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"grant_type": "client_credentials", "scope": "itwin-platform"}, "unauthorized_client"),
    ],
)
async def test_a_wrong_request_of_the_application_is_refused(serving, application, changes, error):
    async with serving() as api:
        answer = await application(api).refresh(**{"refresh_token": "unknown"} | changes)
        assert (answer.status, answer.json["error"]) == (400, error)


async def test_a_service_application_has_no_sign_in(serving, application):
    async with serving() as api:
        app = application(api)
        code = (await app.allow())["code"]
        secrets = {"client_id": api.emulator.client_id, "client_secret": api.emulator.client_secret}
        assert (await app.redeem(code, **secrets)).json["error"] == "unauthorized_client"


async def test_a_revoked_access_token_is_refused_and_the_sign_in_goes_on(serving, application):
    async with serving() as api:
        app = application(api)
        granted = await app.sign_in()
        assert (await app.revoke(granted["access_token"])).status == 200
        assert not await app.works(granted["access_token"])
        assert (await app.refresh(granted["refresh_token"])).status == 200


async def test_a_revoked_refresh_token_ends_the_sign_in(serving, application):
    async with serving() as api:
        app = application(api)
        granted = await app.sign_in()
        assert (await app.revoke(granted["refresh_token"], token_type_hint="refresh_token")).status == 200
        assert not await app.works(granted["access_token"])
        assert (await app.refresh(granted["refresh_token"])).json["error"] == "invalid_grant"


async def test_an_unknown_token_is_none_to_revoke(serving, application):
    async with serving() as api:
        assert (await application(api).revoke("unknown")).status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"token": ""}, "invalid_request"),
        ({"client_id": "unknown"}, "invalid_client"),
        (
            {"client_id": "service-emulated-0123456789", "client_secret": "emulated-client-secret"},
            "invalid_grant",
        ),
    ],
)
async def test_a_wrong_revocation_is_refused_and_the_token_goes_on(serving, application, changes, error):
    async with serving() as api:
        app = application(api)
        granted = await app.sign_in()
        answer = await app.revoke(**{"token": granted["access_token"]} | changes)
        assert (answer.status, answer.json["error"]) == (400, error)
        assert await app.works(granted["access_token"])


async def test_revoking_all_tokens_ends_every_sign_in(serving, application):
    async with serving() as api:
        app = application(api)
        code, granted = (await app.allow())["code"], await app.sign_in()
        api.emulator.revoke_tokens()
        assert not await app.works(granted["access_token"])
        assert (await app.refresh(granted["refresh_token"])).json["error"] == "invalid_grant"
        assert (await app.redeem(code)).json["error"] == "invalid_grant"
