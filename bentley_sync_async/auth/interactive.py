"""The sign-in of a person: authorization code with PKCE, in their browser, which returns to this machine (RFC 8252).

    application = NativeApplication("native-...")
    await sign_in(application)
    async with SynchronizationClient(application) as client:
        ...

`sign_in` keeps the tokens in the system's keyring, and the client renews them there.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import parse_qs

import anyio
from attrs import define, field

from bentley_sync_async.config import Environment, addresses
from bentley_sync_async.errors import SignInError
from bentley_sync_async.redaction import excerpt
from bentley_sync_async.transport.messages import Transport
from bentley_sync_async.wire.oauth import Endpoints, SignIn

from .applications import NativeApplication
from .issuer import Issuer, expiry
from .kept import KeptSignIn, check_installed
from .redirects import Page, listening

_DONE = Page("Back to the terminal", "The terminal says whether you are signed in. You can close this page.")
_REFUSED = Page("Not signed in", "The sign-in was refused. The terminal says more. You can close this page.")
_OTHER = Page(
    "Another sign-in",
    "This answer belongs to another sign-in than the one that is under way. Use the page that was opened last.",
    "400 Bad Request",
)


def open_browser(url: str) -> bool:
    """Open the URL in the person's browser; return whether there is one. The variable BROWSER names another one.

    It is opened by a process of its own, as some browsers keep their caller waiting, write to its output, or end with
    it. A browser for the terminal is not used, as it would take the terminal.
    """
    import webbrowser  # noqa: PLC0415 - used by people only

    graphical = sys.platform in {"win32", "darwin"} or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    if not graphical:
        return False
    command = [sys.executable, "-m", "webbrowser", url]
    nowhere = subprocess.DEVNULL
    start = partial(subprocess.run, command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    threading.Thread(target=start, daemon=True).start()
    return True


def open_or_print(url: str) -> None:
    """Open the URL in the person's browser, and print it to stderr, should it not open."""
    opened = open_browser(url)
    how = "A browser opens. If none does, visit:" if opened else "Visit this page in a browser on this machine:"
    sys.stderr.write(f"{how}\n  {url}\n")


async def sign_in(
    application: NativeApplication,
    *,
    environment: Environment = Environment.PROD,
    base_url: str | None = None,
    issuer: str | None = None,
    timeout: float = 300.0,
    show: Callable[[str], object] = open_or_print,
    transport: Transport | None = None,
) -> SignIn:
    """Let a person sign in to the application in their browser, and keep the tokens in the application's store.

    Args:
        application: What they sign in to.
        environment: The deployment, whose issuer is used.
        base_url: As for the client: on loopback it is the issuer, too.
        issuer: The issuer instead of the environment's.
        timeout: Seconds that the person has.
        show: Called with the URL of the page to sign in on; `open_or_print` by default.
        transport: Sends the requests instead of aiohttp.

    Raises:
        SignInError: The person denied it, or did not do it in time.
        CredentialsError: The issuer refused the code.
        TokenUnavailableError: The issuer did not answer.
        ConfigurationError: A library of the extra `login` is missing, a setting is impossible, the port of the redirect
            URI is used, or the store cannot be written.
    """
    check_installed()
    async with _opened(transport) as opened:
        at = Issuer(addresses(environment, base_url, issuer)[1], opened)
        endpoints = await at.endpoints()
        begun = _Authorization(application, endpoints)
        async with listening(application.redirect_uri, begun.answer) as redirect_uri:
            show(begun.url(redirect_uri))
            with anyio.move_on_after(timeout):
                await begun.ended.wait()
            code = begun.code()
        answer = await at.redeem(application, code, redirect_uri, begun.verifier)
        user = await at.user(answer.access_token)
    signed_in = SignIn(
        issuer=at.url,
        client_id=application.client_id,
        scopes=answer.scope or " ".join(application.scopes),
        access_token=answer.access_token,
        expires=expiry(answer),
        refresh_token=answer.refresh_token,
        user=user,
    )
    kept = KeptSignIn(application, at.url)
    async with kept.lock():
        await kept.save(signed_in)
    return signed_in


async def sign_out(
    application: NativeApplication,
    *,
    environment: Environment = Environment.PROD,
    base_url: str | None = None,
    issuer: str | None = None,
    transport: Transport | None = None,
) -> bool:
    """Delete the tokens of the person who signed in, and revoke them; return whether somebody had signed in.

    Args:
        application: What they signed in to.
        environment: The deployment, whose issuer is used.
        base_url: As for the client: on loopback it is the issuer, too.
        issuer: The issuer instead of the environment's.
        transport: Sends the requests instead of aiohttp.

    Raises:
        TokenUnavailableError: The tokens were deleted, but the issuer did not answer.
        ConfigurationError: The store cannot be read or written.
    """
    async with _opened(transport) as opened:
        at = Issuer(addresses(environment, base_url, issuer)[1], opened)
        kept = KeptSignIn(application, at.url)
        async with kept.lock():
            found = await kept.load()
            await kept.delete()
        if found is not None and found.refresh_token is not None:
            await at.revoke(application, found.refresh_token)
    return found is not None


async def kept_sign_in(
    application: NativeApplication,
    *,
    environment: Environment = Environment.PROD,
    base_url: str | None = None,
    issuer: str | None = None,
) -> SignIn | None:
    """Return the sign-in that is kept, without a request; `None` if nobody has signed in.

    Args:
        application: What somebody may have signed in to.
        environment: The deployment, whose issuer is used.
        base_url: As for the client: on loopback it is the issuer, too.
        issuer: The issuer instead of the environment's.

    Raises:
        ConfigurationError: The store cannot be read.
    """
    kept = KeptSignIn(application, addresses(environment, base_url, issuer)[1])
    async with kept.lock():
        return await kept.load()


@asynccontextmanager
async def _opened(transport: Transport | None) -> AsyncGenerator[Transport]:
    if transport is not None:
        yield transport
    else:
        from bentley_sync_async.transport.http import AiohttpTransport  # noqa: PLC0415 - loads aiohttp

        async with AiohttpTransport() as own:
            yield own


@define
class _Authorization:
    """One request for authorization, and the answer to it that the browser brings."""

    application: NativeApplication
    endpoints: Endpoints
    state: str = field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(factory=lambda: secrets.token_urlsafe(48), repr=False)
    ended: anyio.Event = field(factory=anyio.Event)
    strangers: int = 0
    _code: str = field(default="", repr=False)
    _refusal: str = ""

    def url(self, redirect_uri: str) -> str:
        """Return the page to sign in on (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
        from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415 - of the extra `login`

        client = WebApplicationClient(self.application.client_id)
        url: str = client.prepare_request_uri(
            _secure(self.endpoints.authorization),
            redirect_uri=redirect_uri,
            scope=list(self.application.scopes),
            state=self.state,
            code_challenge=client.create_code_challenge(self.verifier, "S256"),
            code_challenge_method="S256",
        )
        return self.endpoints.authorization.partition("://")[0] + url.removeprefix("https")

    def answer(self, query: str) -> Page:
        """Take what the browser brought; return what it shows. The answer to another request changes nothing."""
        from oauthlib.oauth2 import (  # noqa: PLC0415 - of the extra `login`
            MismatchingStateError,
            OAuth2Error,
            WebApplicationClient,
        )

        client = WebApplicationClient(self.application.client_id)
        issuer = parse_qs(query).get("iss", [self.endpoints.issuer])[0]  # RFC 9207
        try:
            found = client.parse_request_uri_response(f"https://localhost/?{query}", state=self.state)
            if issuer != self.endpoints.issuer:
                self._refusal = f"the answer is of another issuer, {excerpt(issuer)}"
            else:
                self._code = found["code"]
        except MismatchingStateError:
            self.strangers += 1
            return _OTHER
        except OAuth2Error as exc:
            self._refusal = excerpt(f"{exc.error}: {exc.description}" if exc.description else str(exc.error), 300)
        self.ended.set()
        return _REFUSED if self._refusal else _DONE

    def code(self) -> str:
        """Return the code that the browser brought.

        Raises:
            SignInError: It brought a refusal, or nothing.
        """
        if self._refusal:
            raise SignInError(f"The sign-in was refused: {self._refusal}. Nobody is signed in anew.")
        if not self._code:
            also = " The browser brought an answer to another sign-in: close older pages." if self.strangers else ""
            raise SignInError(
                f"The browser did not come back in time to {self.application.redirect_uri}.{also} Sign in again."
            )
        return self._code


def _secure(url: str) -> str:
    """Return the URL with https: oauthlib takes no other, and http is here for loopback only, which was checked."""
    return f"https{url.removeprefix('https').removeprefix('http')}"
