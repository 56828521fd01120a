"""The sign-in of a person at the emulator's issuer, over HTTP, and the requests that it makes."""

import base64
import hashlib
import socket
import sys
import webbrowser
from urllib.parse import urlsplit

import anyio
import pytest
from support.people.visitor import MemoryStore, Visitor, emulator, nothing, parameters, visit

from bentley_sync_async import (
    ConfigurationError,
    CredentialsError,
    SignInError,
    SynchronizationClient,
    TokenUnavailableError,
    auth,
)
from bentley_sync_async.auth import NativeApplication, kept_sign_in, open_browser, open_or_print, sign_in, sign_out
from bentley_sync_async.testing import ScriptedTransport, answer, lost, refusal
from bentley_sync_async.wire.oauth import SignIn, UserInfo, decode_sign_in, encode_sign_in

pytestmark = pytest.mark.usefixtures("state")

URL = "https://ims.example"
DOCUMENT = {
    "issuer": URL,
    "authorization_endpoint": f"{URL}/connect/authorize",
    "token_endpoint": f"{URL}/connect/token",
    "userinfo_endpoint": f"{URL}/connect/userinfo",
    "revocation_endpoint": f"{URL}/connect/revocation",
}
JANE = UserInfo(subject="dbc7868d-093f-5590-8b12-b83e3f83ff0b", name="Jane Doe", email="jane.doe@example.com")


def application(client_id="native-1", **more):
    return NativeApplication(client_id, **{"redirect_uri": "http://127.0.0.1/back", "store": MemoryStore()} | more)


def at(service):
    return application(service.settings.native_client_id)


async def signed_in(service, app, act=visit, **more):
    """Return the sign-in and the visitor."""
    failures = []
    async with anyio.create_task_group() as group:
        visitor = Visitor(group, act)
        try:
            return await sign_in(app, base_url=service.url, show=visitor, **more), visitor
        except SignInError as error:  # not in a group of errors
            failures.append(error)
    raise failures.pop()


async def test_a_person_signs_in_and_a_client_works_for_them():
    async with emulator() as service:
        app = at(service)
        found, visitor = await signed_in(service, app)
        assert found.user == JANE
        assert found.scopes == "openid profile email offline_access itwin-platform"
        assert [status for status, page in visitor.seen if "Back to the terminal" in page] == [200]
        assert await kept_sign_in(app, base_url=service.url) == found

        connection_id = service.add_connection()
        async with SynchronizationClient(app, base_url=service.url) as client:
            assert (await client.storage_connections.get(connection_id)).id == connection_id


async def test_the_url_has_a_challenge_a_state_and_the_redirect_uri_and_not_the_verifier():
    async with emulator() as service:
        _, first = await signed_in(service, at(service))
        _, second = await signed_in(service, at(service))
    asked, again = parameters(first.urls[0]), parameters(second.urls[0])
    assert asked["scope"] == "openid profile email offline_access itwin-platform"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert urlsplit(asked["redirect_uri"]).path == "/back"
    assert urlsplit(asked["redirect_uri"]).port > 1023
    assert {asked["state"], asked["code_challenge"]} & {again["state"], again["code_challenge"]} == set()
    assert asked.keys() == {
        *("client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
    }


async def test_the_code_is_redeemed_with_the_verifier_of_the_challenge():
    async def come_back(url):
        asked = parameters(url)
        return await visit(f"{asked['redirect_uri']}?code=the-code&state={asked['state']}")

    transport = ScriptedTransport(
        answer(200, DOCUMENT), answer(200, {"access_token": "t", "expires_in": 60}), answer(200, {"sub": "s"})
    )
    async with anyio.create_task_group() as group:
        visitor = Visitor(group, come_back)
        found = await sign_in(application(), issuer=URL, show=visitor, transport=transport)
    form = parameters(f"?{transport.sent[1].request.body.decode()}")
    digest = hashlib.sha256(form.pop("code_verifier").encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == parameters(visitor.urls[0])["code_challenge"]
    assert form == {
        "grant_type": "authorization_code",
        "client_id": "native-1",
        "code": "the-code",
        "redirect_uri": parameters(visitor.urls[0])["redirect_uri"],
    }
    assert (found.refresh_token, found.user) == (None, UserInfo(subject="s"))


async def test_an_answer_to_another_sign_in_changes_nothing():
    async def stranger_first(url):
        uri = parameters(url)["redirect_uri"]
        other = await visit(f"{uri}?code=theirs&state=theirs")
        denial = await visit(f"{uri}?error=access_denied&state=theirs")
        return other, denial, await visit(url)

    async with emulator() as service:
        found, visitor = await signed_in(service, at(service), stranger_first)
    [(other, denial, own)] = visitor.seen
    assert [status for status, _ in (other, denial, own)] == [400, 400, 200]
    assert "Another sign-in" in other[1]
    assert found.user == JANE


async def test_a_person_who_denies_is_told_so_in_the_browser_and_here():
    async def deny(url):
        return await visit(url, "deny")

    async with emulator() as service:
        app = at(service)
        with pytest.raises(SignInError, match=r"The sign-in was refused: access_denied: The person has denied"):
            await signed_in(service, app, deny)
    assert app.store.texts == {}


async def test_an_answer_without_a_code_is_a_refusal():
    async def come_back(url):
        asked = parameters(url)
        return await visit(f"{asked['redirect_uri']}?state={asked['state']}")

    async with emulator() as service:
        with pytest.raises(SignInError, match="missing_code"):
            await signed_in(service, at(service), come_back)


async def test_the_answer_of_another_issuer_is_refused():
    async def come_back(url):
        asked = parameters(url)
        return await visit(
            f"{asked['redirect_uri']}?code=the-code&state={asked['state']}&iss=https%3A%2F%2Fother.example"
        )

    async with emulator() as service:
        with pytest.raises(SignInError, match=r"another issuer, https://other\.example"):
            await signed_in(service, at(service), come_back)


async def test_a_person_who_does_not_come_back_is_waited_for_as_long_as_asked():
    async with emulator() as service:
        began = anyio.current_time()
        with pytest.raises(SignInError, match=r"did not come back in time to http://127\.0\.0\.1/back\. Sign in again"):
            await signed_in(service, at(service), nothing, timeout=200)
    assert 200 <= anyio.current_time() - began < 210


async def test_strangers_are_mentioned_when_the_person_does_not_come_back():
    async def stranger(url):
        return await visit(f"{parameters(url)['redirect_uri']}?code=theirs&state=theirs")

    async with emulator() as service:
        with pytest.raises(SignInError, match="an answer to another sign-in: close older pages"):
            await signed_in(service, at(service), stranger, timeout=200)


async def test_a_port_that_another_program_uses_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = application(redirect_uri=f"http://localhost:{port}/back")
        with pytest.raises(ConfigurationError, match=f"Port {port} of this machine"):
            await sign_in(app, issuer=URL, show=print, transport=ScriptedTransport(answer(200, DOCUMENT)))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (answer(404), "answered 404 to /.well-known/openid-configuration"),
        (answer(200, []), "is no issuer that people can sign in at"),
        (
            answer(200, DOCUMENT | {"issuer": "https://other.example"}),
            "says that it is the issuer https://other.example",
        ),
        (lost(), "No answer of the issuer"),
    ],
)
async def test_what_is_no_issuer_is_named(step, said):
    with pytest.raises(TokenUnavailableError, match=said):
        await sign_in(application(), issuer=URL, show=print, transport=ScriptedTransport(step))


async def test_an_issuer_in_plain_text_on_another_machine_is_refused():
    document = DOCUMENT | {"token_endpoint": "http://ims.example/connect/token"}
    with pytest.raises(ConfigurationError, match=r"plain http to ims\.example"):
        await sign_in(application(), issuer=URL, show=print, transport=ScriptedTransport(answer(200, document)))


async def test_a_code_that_the_issuer_refuses_is_quoted_nowhere():
    async def come_back(url):
        asked = parameters(url)
        return await visit(f"{asked['redirect_uri']}?code=the-code&state={asked['state']}")

    refused = answer(400, {"error": "invalid_grant", "error_description": "unknown: the-code"})
    transport = ScriptedTransport(answer(200, DOCUMENT), refused)
    async with anyio.create_task_group() as group:
        with pytest.raises(CredentialsError, match="invalid_grant") as caught:
            await sign_in(application(), issuer=URL, show=Visitor(group, come_back), transport=transport)
    assert "the-code" not in str(caught.value)


KEPT = SignIn(issuer=URL, client_id="native-1", scopes="a", access_token="access", refresh_token="refresh-1")


def kept_application(sign_in=KEPT):
    app = application()
    app.store.save(f"{app.client_id} {URL}", encode_sign_in(sign_in))
    return app


async def test_a_sign_out_revokes_the_refresh_token_and_forgets():
    app, transport = kept_application(), ScriptedTransport(answer(200, DOCUMENT), answer(200))
    assert await sign_out(app, issuer=URL, transport=transport) is True
    assert app.store.texts == {}
    assert parameters(f"?{transport.sent[1].request.body.decode()}") == {
        "token": "refresh-1",
        "token_type_hint": "refresh_token",
        "client_id": "native-1",
    }
    assert await sign_out(app, issuer=URL, transport=ScriptedTransport()) is False


async def test_a_sign_out_forgets_also_if_the_issuer_does_not_answer():
    app = kept_application()
    with pytest.raises(TokenUnavailableError):
        await sign_out(app, issuer=URL, transport=ScriptedTransport(lost()))
    assert app.store.texts == {}


async def test_an_issuer_without_revocation_is_not_asked():
    document = {name: url for name, url in DOCUMENT.items() if name != "revocation_endpoint"}
    transport = ScriptedTransport(answer(200, document))
    assert await sign_out(kept_application(), issuer=URL, transport=transport) is True


@pytest.mark.parametrize("step", [refusal(403), refusal(500), answer(200, {}), answer(200, "signed")])
async def test_who_signed_in_may_stay_unknown(step):
    async def come_back(url):
        asked = parameters(url)
        return await visit(f"{asked['redirect_uri']}?code=the-code&state={asked['state']}")

    transport = ScriptedTransport(answer(200, DOCUMENT), answer(200, {"access_token": "t"}), step)
    async with anyio.create_task_group() as group:
        found = await sign_in(application(), issuer=URL, show=Visitor(group, come_back), transport=transport)
    assert (found.user, found.expires) == (None, None)


async def test_a_damaged_sign_in_is_none():
    app = application()
    app.store.save(f"native-1 {URL}", "{")
    assert decode_sign_in("{") is None
    assert await kept_sign_in(app, issuer=URL) is None


@pytest.mark.parametrize(
    "uri",
    ["", "https://localhost/x", "http://example.com/x", "http://localhost:x/", "http://localhost/?a=b", "http://["],
)
def test_a_redirect_uri_must_lead_to_this_machine(uri):
    with pytest.raises(ConfigurationError, match="redirect_uri must be http on this machine"):
        NativeApplication("native-1", redirect_uri=uri)


@pytest.mark.parametrize("client_id", ["", " ", None])
def test_an_application_must_have_an_id(client_id):
    with pytest.raises(ConfigurationError, match="client_id"):
        NativeApplication(client_id)


def test_scopes_may_be_a_text():
    assert NativeApplication("n", scopes="openid itwin-platform").scopes == ("openid", "itwin-platform")


def test_without_a_display_there_is_no_browser_and_the_page_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert open_browser("http://127.0.0.1:9/") is False
    open_or_print("http://127.0.0.1:9/")
    assert capsys.readouterr().err == "Visit this page in a browser on this machine:\n  http://127.0.0.1:9/\n"


def test_without_a_browser_there_is_none(monkeypatch):
    def none(*_):
        raise webbrowser.Error

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", none)
    assert open_browser("http://127.0.0.1:9/") is False


def test_the_namespace_has_its_names_and_no_others():
    assert set(auth.__all__) <= set(dir(auth))
    with pytest.raises(AttributeError, match=r"module 'bentley_sync_async\.auth' has no attribute 'log_in'"):
        _ = auth.log_in
