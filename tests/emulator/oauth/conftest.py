"""An application that people sign in to, which shares no code with the emulator."""

import base64
import hashlib
import html
import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"


def decoded(segment):
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def claims(token):
    return decoded(token.split(".")[1])


class Application:
    """Asks with the authorization code grant and PKCE."""

    redirect_uri = "http://127.0.0.1:4321/callback"

    def __init__(self, api):
        self.api = api
        self.client_id = api.emulator.settings.native_client_id

    def request(self, **changes):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email offline_access itwin-platform",
            "state": "s t&1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | changes
        return {name: text for name, text in asked.items() if text is not None}

    async def ask(self, **changes):
        return await self.api.get("/connect/authorize", params=self.request(**changes), headers={"Authorization": ""})

    async def press(self, page, button, **fields):
        """Send the form of the consent page, as a browser does when a person presses a button."""
        text = page.body.decode()
        inputs = re.findall(r'<input type="(?:hidden|email)" name="([^"]*)" value="([^"]*)"', text)
        form = {name: html.unescape(value) for name, value in inputs} | fields | {"decision": button}
        return await self.api.post("/connect/authorize", data=form, headers={"Authorization": ""})

    async def allow(self, *, email="jane.doe@example.com", **changes):
        """Return the parameters with which the browser comes back after the person has pressed Allow."""
        return came_back(await self.press(await self.ask(**changes), "allow", email=email))

    async def token(self, **form):
        return await self.api.post(
            "/connect/token", data={"client_id": self.client_id} | form, headers={"Authorization": ""}
        )

    async def redeem(self, code, **changes):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return await self.token(**form | {"code_verifier": VERIFIER} | changes)

    async def sign_in(self, **changes):
        """Return the token endpoint's answer to a whole sign-in."""
        return (await self.redeem((await self.allow(**changes))["code"])).json

    async def refresh(self, refresh_token, **changes):
        return await self.token(**{"grant_type": "refresh_token", "refresh_token": refresh_token} | changes)

    async def revoke(self, token, **changes):
        form = {"client_id": self.client_id, "token": token} | changes
        return await self.api.post("/connect/revocation", data=form, headers={"Authorization": ""})

    async def works(self, access_token):
        headers = {"Authorization": f"Bearer {access_token}"}
        path = f"/synchronization/imodels/storageconnections/{self.api.emulator.add_connection()}"
        return (await self.api.get(path, headers=headers)).status == 200


def came_back(answer):
    """The parameters of the redirect, which must lead to the application."""
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == Application.redirect_uri
    return dict(parse_qsl(location.query, strict_parsing=True))


@pytest.fixture(name="came_back")
def came_back_fixture():
    return came_back


@pytest.fixture
def application():
    return Application


@pytest.fixture(name="claims")
def claims_fixture():
    return claims


@pytest.fixture(name="decoded")
def decoded_fixture():
    return decoded
