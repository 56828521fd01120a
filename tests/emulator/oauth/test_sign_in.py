"""The authorization endpoint and its consent page."""

import re

import anyio
import pytest

pytestmark = pytest.mark.looptime(start=0)


async def test_the_page_asks_in_a_plain_form(serving, application):
    async with serving() as api:
        page = await application(api).ask()
        text = page.body.decode()
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["Cache-Control"] == "no-store"
        assert '<html lang="en">' in text
        assert "<label>E-mail address <input" in text
        assert re.findall(r"<li>(.*)</li>", text) == ["openid", "profile", "email", "offline_access", "itwin-platform"]
        assert re.findall(r'<button type="submit" name="decision" value="(\w+)"', text) == ["allow", "deny"]
        assert "<script" not in text
        assert api.emulator.settings.native_client_id in text


@pytest.mark.parametrize(
    ("changes", "email"), [({}, "jane.doe@example.com"), ({"login_hint": "joe@example.com"}, "joe@example.com")]
)
async def test_the_page_proposes_a_person(serving, application, changes, email):
    async with serving() as api:
        assert f'name="email" value="{email}"' in (await application(api).ask(**changes)).body.decode()


async def test_allow_sends_the_browser_back_with_a_code_and_the_state(serving, application):
    async with serving() as api:
        back = await application(api).allow()
        assert back == {"code": back["code"], "state": "s t&1"}


async def test_without_a_state_none_comes_back(serving, application):
    async with serving() as api:
        assert (await application(api).allow(state=None)).keys() == {"code"}


async def test_the_answer_can_be_in_the_fragment(serving, application):
    async with serving() as api:
        app = application(api)
        answer = await app.press(await app.ask(response_mode="fragment"), "allow")
        assert answer.headers["Location"].startswith(f"{app.redirect_uri}#code=")
        assert answer.headers["Location"].endswith("&state=s+t%261")


async def test_deny_sends_the_browser_back_with_an_error(serving, application, came_back):
    async with serving() as api:
        app = application(api)
        back = came_back(await app.press(await app.ask(), "deny"))
        assert (back["error"], back["state"]) == ("access_denied", "s t&1")


async def test_no_link_decides_for_a_person(serving, application):
    async with serving() as api:
        assert (await application(api).ask(decision="allow", email="jane@example.com")).status == 200


@pytest.mark.parametrize("email", ["", "jane", "a b@c", "@"])
async def test_what_is_no_address_is_asked_again(serving, application, email):
    async with serving() as api:
        app = application(api)
        again = await app.press(await app.ask(), "allow", email=email)
        assert again.status == 400
        assert 'role="alert"' in again.body.decode()
        assert (await app.press(again, "allow", email="jane@example.com")).status == 302


async def test_a_request_may_be_posted(serving, application):
    async with serving() as api:
        app = application(api)
        page = await api.post("/connect/authorize", data=app.request(), headers={"Authorization": ""})
        assert (await app.press(page, "allow")).status == 302


async def test_texts_of_the_request_are_no_html(serving, application):
    async with serving() as api:
        text = (await application(api).ask(state='"><b>', login_hint='"><i>')).body.decode()
        assert "<b>" not in text
        assert "<i>" not in text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "itwin-platform everything"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_a_wrong_request_goes_back_with_its_error_and_the_state(serving, application, came_back, changes, error):
    async with serving() as api:
        back = came_back(await application(api).ask(**changes))
        assert (back["error"], back["state"]) == (error, "s t&1")
        assert back["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"client_id": "service-emulated-0123456789"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://attacker.example/callback"},
        {"redirect_uri": "https://127.0.0.1/callback"},
        {"redirect_uri": "http://127.0.0.1.attacker.example/"},
        {"redirect_uri": "http://127.0.0.1@attacker.example/"},
        {"redirect_uri": "http://jane@127.0.0.1/"},
        {"redirect_uri": "http://127.0.0.1:99999/"},
        {"redirect_uri": "http://[::1/"},
        {"redirect_uri": "http://localhost\\.attacker.example/"},
        {"redirect_uri": "http://localhost/\r\nSet-Cookie: a=b"},
        {"redirect_uri": "http://localhost/#fragment"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_an_unregistered_client_or_uri_is_told_on_a_page_and_nobody_is_sent_there(serving, application, changes):
    async with serving() as api:
        answer = await application(api).ask(**changes)
        assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1/a", "http://[::1]:65535/", "http://localhost:3301/signin-callback"]
)
async def test_any_port_and_path_of_this_machine_is_registered(serving, application, uri):
    async with serving() as api:
        app = application(api)
        answer = await app.press(await app.ask(redirect_uri=uri), "allow")
        assert answer.headers["Location"].startswith(f"{uri}?code=")


async def test_other_uris_are_registered_in_a_setting(serving, application):
    uri = "https://app.example/callback?keep=1"
    async with serving(redirect_uris=[uri]) as api:
        app = application(api)
        answer = await app.press(await app.ask(redirect_uri=uri), "allow")
        assert answer.headers["Location"].startswith(f"{uri}&code=")
        assert (await app.ask(redirect_uri="https://app.example/callback?keep=2")).status == 400


async def test_a_code_expires_after_a_minute(serving, application):
    async with serving() as api:
        app = application(api)
        soon, late = (await app.allow())["code"], (await app.allow())["code"]
        await anyio.sleep(59)
        assert (await app.redeem(soon)).status == 200
        await anyio.sleep(1)
        assert (await app.redeem(late)).json["error"] == "invalid_grant"
