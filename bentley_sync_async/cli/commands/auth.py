"""`bentley-sync auth`: the sign-in of a person, its state and end, and the consent to runs of User connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve, frozen

from bentley_sync_async import (
    ClientCredentials,
    ConfigurationError,
    Environment,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    SynchronizationClient,
    TokenUnavailableError,
    TransportError,
    UnprocessableError,
    auth,
    to_json,
)
from bentley_sync_async.auth import NativeApplication, SignIn, TokenClaims, UserInfo, open_browser
from bentley_sync_async.cli.clients import make_client
from bentley_sync_async.cli.commands.ending import remark, say
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.settings import SETTINGS, Settings, resolve

_REGISTER = (
    "No application to sign in to: register one of the type Native at https://developer.bentley.com/my-apps, with the "
    "redirect URI {uri} and the scopes {scopes}, and name it: bentley-sync auth login --client-id CLIENT_ID"
)


def show_url(url: str, *, browser: bool) -> None:
    """Open the page for a person, if they want that and there is a browser, and print it anyway."""
    if browser and open_browser(url):
        remark(f"A browser opens. If none does, visit this page on this machine:\n  {url}")
    else:
        remark(f"Visit this page in a browser on this machine:\n  {url}")


# Sign in.


async def log_in(client_id: str | None, redirect_uri: str | None, *, browser: bool, timeout: float) -> ExitCode:
    """Let a person sign in, and remember the application in the profile."""
    settings = resolve()
    application = _application(settings, client_id, redirect_uri)
    client = _anonymous(settings)
    signed_in = await auth.sign_in(
        application,
        base_url=client.config.base_url,
        issuer=client.config.issuer,
        timeout=timeout,
        show=lambda url: show_url(url, browser=browser),
    )
    new = {"client_id": application.client_id, "redirect_uri": redirect_uri}
    changes = {name: value for name, value in new.items() if value is not None and settings.get(name) != value}
    if changes:
        settings.file.changed(settings.profile, changes)
        say(f"Profile {settings.profile} has the {' and the '.join(changes)} now.")
    who = f" as {signed_in.user}" if signed_in.user is not None else ""
    say(f"Signed in{who} to {client.config.issuer}.\n{_kept(application)}")
    for name in _winners(settings, application):
        remark(f"{name} is set, and wins over this sign-in: unset it to use the sign-in.")
    return ExitCode.SUCCESS


def _winners(settings: Settings, application: NativeApplication) -> list[str]:
    """Return the variables that keep commands from using a sign-in."""
    winners = [SETTINGS[name] for name in ("token", "client_secret") if settings.get(name) is not None]
    client_id = settings.made.get("client_id")
    if client_id is not None and client_id.value != application.client_id and client_id.source == SETTINGS["client_id"]:
        winners.append(client_id.source)
    return winners


def _application(settings: Settings, client_id: str | None, redirect_uri: str | None) -> NativeApplication:
    client_id = client_id or settings.get("client_id")
    if client_id is None:
        example = NativeApplication("native")
        raise ConfigurationError(_REGISTER.format(uri=example.redirect_uri, scopes=" ".join(example.scopes)))
    if client_id.startswith("service-"):
        raise ConfigurationError(
            f"{client_id} is a service application, which nobody signs in to: set BENTLEY_SYNC_CLIENT_ID and "
            "BENTLEY_SYNC_CLIENT_SECRET, or name a native application with --client-id."
        )
    if redirect_uri is not None:
        return NativeApplication(client_id, redirect_uri=redirect_uri)
    return settings.application(client_id)


def _anonymous(settings: Settings) -> SynchronizationClient:
    """Return a client that is never opened, for the addresses that it would use."""
    return SynchronizationClient.from_env(settings.variables, token="none")  # noqa: S106 - it is sent nowhere


def _kept(application: NativeApplication) -> str:
    store = application.store or auth.default_store()
    missing = "" if isinstance(store, auth.KeyringStore) else "There is no keyring here: "
    return f"{missing}{'the' if missing else 'The'} tokens are kept in {store.place}."


# Sign out.


async def log_out() -> ExitCode:
    """Delete and revoke the tokens of a person."""
    settings = resolve()
    application = _application(settings, None, None)
    config = _anonymous(settings).config
    found = await auth.sign_out(application, base_url=config.base_url, issuer=config.issuer)
    say(f"Signed out of {config.issuer}." if found else f"Nobody was signed in at {config.issuer}.")
    return ExitCode.SUCCESS


# State.


@frozen(kw_only=True)
class Status:
    """Who commands work for.

    Attributes:
        kind: `person`, `service` (a service application) or `token` (a token of the caller's).
        source: Where the credentials come from.
        profile: The profile.
        environment: The deployment; `None` if it is none of Bentley's.
        base_url: The platform's root.
        issuer: The issuer of tokens.
        client_id: The application; `None` if it is unknown.
        user: The person, or the account of a service application; `None` if that is unknown.
        scopes: What is allowed; `None` if that is unknown.
        expires: When the access token expires; `None` if that is unknown.
        renewed: Whether it is renewed then.
        consent: Whether the user lets the service work for them; `None` if that is unknown.
        problem: Why the service was not asked; `None` if it was.
    """

    kind: str
    source: str
    profile: str
    environment: str | None = None
    base_url: str = ""
    issuer: str = ""
    client_id: str | None = None
    user: UserInfo | None = None
    scopes: str | None = None
    expires: datetime | None = None
    renewed: bool = False
    consent: bool | None = None
    problem: str | None = None


async def show_status(*, json: bool) -> ExitCode:
    """Ask the service whether the credentials work, and print whose they are."""
    settings = resolve()
    credentials = settings.credentials()
    consent: bool | None = None
    problem: str | None = None
    async with make_client(hooks=(), retry=RetryPolicy(attempts=2)) as client:
        try:
            consent = (await client.authorization.get()).is_user_authorized
        except UnprocessableError:
            pass  # an earlier version of the service requires a redirectUrl: the credentials work
        except (TransportError, TokenUnavailableError, RateLimitedError, ServerError) as exc:
            problem = str(exc)
        config = client.config
    status = evolve(
        await _known(settings, credentials, config.issuer),
        environment=next((one.name.lower() for one in Environment if one.base_url == config.base_url), None),
        base_url=config.base_url,
        issuer=config.issuer,
        consent=consent,
        problem=problem,
    )
    print(to_json(status)) if json else say(_text(status))
    if problem is None:
        return ExitCode.SUCCESS
    remark(f"The service was not asked: {problem}")
    return ExitCode.ERROR


async def _known(settings: Settings, credentials: str | ClientCredentials | NativeApplication, issuer: str) -> Status:
    """Return what is known of the credentials."""
    if isinstance(credentials, str):
        claims = auth.read_token(credentials)
        return _of_token(claims, Status(kind="token", source=settings.made["token"].source, profile=settings.profile))
    if isinstance(credentials, ClientCredentials):
        source = settings.made["client_secret"].source
        status = Status(kind="service", source=source, profile=settings.profile, client_id=credentials.client_id)
        return evolve(status, scopes="itwin-platform", renewed=True)
    store = credentials.store or auth.default_store()
    found = await auth.kept_sign_in(credentials, issuer=issuer)
    status = Status(kind="person", source=store.place, profile=settings.profile, client_id=credentials.client_id)
    return status if found is None else _of_token(found, status, renewed=found.refresh_token is not None)


def _of_token(known: SignIn | TokenClaims, status: Status, *, renewed: bool = False) -> Status:
    return evolve(
        status,
        client_id=known.client_id,
        user=known.user,
        scopes=known.scopes,
        expires=known.expires,
        renewed=renewed,
    )


_KINDS = {"person": "Signed in", "service": "Service application", "token": "Access token"}
_CONSENT = {
    True: "given",
    False: "missing, so runs of User connections fail: bentley-sync auth consent",
    None: "unknown",
}


def _text(status: Status) -> str:
    who = status.user if status.user is not None else status.client_id if status.kind == "service" else None
    rows = {
        "application": status.client_id,
        "environment": f"{status.environment or 'none of Bentley'}: {status.base_url}, issuer {status.issuer}",
        "profile": status.profile,
        "scopes": status.scopes,
        "valid": _validity(status),
        "consent": None if status.kind == "service" or status.problem is not None else _CONSENT[status.consent],
        "kept in": status.source,
    }
    lines = [f"{_KINDS[status.kind]}{f' as {who}' if who is not None and status.kind != 'service' else ''}"]
    return "\n".join([*lines, *(f"  {name:<12}{value}" for name, value in rows.items() if value)])


def _validity(status: Status) -> str:
    renewal = "renewed by itself" if status.renewed else "not renewed: sign in again then"
    if status.expires is None:
        return renewal if status.renewed else "unknown"
    if status.expires <= datetime.now(UTC):
        return f"until {status.expires.astimezone():%Y-%m-%d %H:%M}, so it is over"
    minutes = (status.expires - datetime.now(UTC)) // timedelta(minutes=1)
    left = f"{minutes} minutes" if minutes != 1 else "1 minute"
    return f"until {status.expires.astimezone():%H:%M}, in {left}, {renewal}"


# Consent.


async def give_consent(*, browser: bool, timeout: float) -> ExitCode:
    """Let a person consent to runs of User connections, and wait for it."""
    if isinstance(resolve().credentials(), ClientCredentials):
        raise ConfigurationError(
            "A service application needs no consent: it runs connections of the type Service. The consent is a "
            "person's: sign in first (bentley-sync auth login), without BENTLEY_SYNC_CLIENT_SECRET."
        )
    async with make_client(hooks=()) as client:
        given = await auth.consent(
            client.authorization.get, timeout=timeout, show=lambda url: show_url(url, browser=browser)
        )
    say("The service works for you now." if given else "The service works for you already.")
    return ExitCode.SUCCESS
