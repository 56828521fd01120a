"""An issuer of people's tokens: its addresses, its answers, and the messages to it, which oauthlib makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from attrs import evolve

from bentley_sync_async.config import root_url
from bentley_sync_async.errors import DecodeError, TokenUnavailableError, TransportError
from bentley_sync_async.transport.messages import Request, Response, Transport, without_secret
from bentley_sync_async.wire.oauth import (
    Endpoints,
    SignIn,
    TokenAnswer,
    UserInfo,
    decode_endpoints,
    decode_user,
)

from .applications import NativeApplication
from .token_endpoint import OK, ask_for_token, form_request

DISCOVERY = "/.well-known/openid-configuration"

_FORBIDDEN = 403


class Issuer:
    """The issuer of an environment, such as `https://ims.bentley.com`.

    Attributes:
        url: Its URL.
    """

    def __init__(self, url: str, transport: Transport, *, timeout: float = 30.0) -> None:
        """Make it; nothing is sent.

        Args:
            url: Its URL.
            transport: Sends the requests.
            timeout: Seconds for each.
        """
        self.url = root_url(url, "issuer")
        self._transport = transport
        self._timeout = timeout
        self._endpoints: Endpoints | None = None

    async def endpoints(self) -> Endpoints:
        """Return its addresses, which are asked for once (OpenID Connect Discovery, 4).

        Raises:
            TokenUnavailableError: There was no answer, or one that another issuer, or no issuer, would give.
            ConfigurationError: An address is plain http to another machine.
        """
        if self._endpoints is None:
            response = await self._send(Request(method="GET", url=f"{self.url}{DISCOVERY}"))
            if response.status != OK:
                raise TokenUnavailableError(
                    f"{self.url} answered {response.status} to {DISCOVERY}: it is no issuer, or not available now."
                )
            try:
                found = decode_endpoints(response.body)
            except DecodeError as exc:
                raise TokenUnavailableError(f"{self.url} is no issuer that people can sign in at: {exc}") from exc
            if found.issuer.rstrip("/") != self.url:
                raise TokenUnavailableError(
                    f"{self.url} says that it is the issuer {found.issuer}: set issuer to that."
                )
            for url in (found.authorization, found.token, found.userinfo, found.revocation):
                root_url(url or self.url, "an address of the issuer")
            self._endpoints = found
        return self._endpoints

    async def redeem(self, application: NativeApplication, code: str, redirect_uri: str, verifier: str) -> TokenAnswer:
        """Return the tokens for the code that the browser brought (RFC 6749, 4.1.3; RFC 7636, 4.5).

        Raises:
            CredentialsError: The issuer refuses the code.
            TokenUnavailableError: There was no answer.
        """
        from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415 - of the extra `login`

        form = WebApplicationClient(application.client_id).prepare_request_body(
            code=code, redirect_uri=redirect_uri, code_verifier=verifier
        )
        return await self._ask(application, form, code, "Sign in again.")

    async def refresh(self, application: NativeApplication, sign_in: SignIn) -> SignIn:
        """Return the sign-in with new tokens (RFC 6749, 6).

        Raises:
            CredentialsError: The sign-in is over.
            TokenUnavailableError: There was no answer.
        """
        from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415 - of the extra `login`

        secret = sign_in.refresh_token or ""
        form = WebApplicationClient(application.client_id).prepare_refresh_body(
            refresh_token=secret, client_id=application.client_id
        )
        answer = await self._ask(application, form, secret, "The sign-in is over: sign in again.")
        return evolve(
            sign_in,
            access_token=answer.access_token,
            expires=expiry(answer),
            refresh_token=answer.refresh_token or sign_in.refresh_token,  # an issuer may leave it valid
            scopes=answer.scope or sign_in.scopes,
        )

    async def user(self, access_token: str) -> UserInfo | None:
        """Return whose access token this is (OpenID Connect Core, 5.3); `None` if the issuer does not say.

        Raises:
            TokenUnavailableError: There was no answer.
        """
        url = (await self.endpoints()).userinfo
        if url is None:
            return None
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        response = await self._send(Request(method="GET", url=url, headers=headers, secret=access_token))
        if response.status == _FORBIDDEN:  # without the scope openid
            return None
        try:
            return decode_user(response.body) if response.status == OK else None
        except DecodeError:  # perhaps signed or encrypted
            return None

    async def revoke(self, application: NativeApplication, token: str) -> bool:
        """Revoke a refresh token with its sign-in (RFC 7009); return whether the issuer did so.

        Raises:
            TokenUnavailableError: There was no answer.
        """
        url = (await self.endpoints()).revocation
        if url is None:
            return False
        form = {"token": token, "token_type_hint": "refresh_token", "client_id": application.client_id}
        response = await self._send(form_request(url, urlencode(form).encode(), token))
        return response.status == OK

    async def _ask(self, application: NativeApplication, form: str, secret: str, advice: str) -> TokenAnswer:
        request = form_request((await self.endpoints()).token, form.encode(), secret)
        return await ask_for_token(
            request,
            transport=self._transport,
            timeout=self._timeout,
            issuer=self.url,
            whose=f"the application {application.client_id}",
            advice=advice,
        )

    async def _send(self, request: Request) -> Response:
        try:
            return without_secret(request.secret, await self._transport.send(request, timeout=self._timeout))
        except TransportError as exc:
            raise TokenUnavailableError(f"No answer of the issuer: {exc}") from exc


def expiry(answer: TokenAnswer) -> datetime | None:
    """Return when the access token expires, by the clock of this machine."""
    return datetime.now(UTC) + timedelta(seconds=answer.expires_in) if answer.expires_in is not None else None
