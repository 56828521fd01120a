"""The settings of a client: hosts, issuers, timeouts, rate tiers, and the variables of the environment."""

import enum
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self
from urllib.parse import SplitResult, urlsplit

from attrs import Attribute, field, frozen

from bentley_sync_async.errors import ConfigurationError

SCOPE = "itwin-platform"
"""The one OAuth scope of the API."""

WhenActive = Literal["join", "rerun"]
"""What to do when a run of the connection itself is active: follow it, or trigger another one after it."""

WhenBusy = Literal["wait", "join", "fail"]
"""What to do when a run of another connection occupies the iModel: wait for its end, follow it, or raise."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The hosts to which plain http is allowed."""


class Environment(enum.Enum):
    """One of the deployments of the iTwin Platform: its API host and the issuer of its tokens."""

    PROD = ("https://api.bentley.com", "https://ims.bentley.com")
    QA = ("https://qa-api.bentley.com", "https://qa-ims.bentley.com")
    DEV = ("https://dev-api.bentley.com", "https://qa-ims.bentley.com")

    def __init__(self, base_url: str, issuer: str) -> None:
        self.base_url = base_url
        self.issuer = issuer

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the environment of that name, in upper or lower case.

        Raises:
            ConfigurationError: There is none.
        """
        try:
            return cls[name.strip().upper()]
        except KeyError:
            known = ", ".join(environment.name.lower() for environment in cls)
            raise ConfigurationError(f"There is no environment {name!r}; there are: {known}.") from None


def _positive(_settings: object, attribute: "Attribute[Any]", value: float) -> None:
    if not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{attribute.name} must be more than 0, not {value!r}.")


def _whole(_settings: object, attribute: "Attribute[Any]", value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{attribute.name} must be a whole number of 1 or more, not {value!r}.")


def _positive_or_none(settings: object, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is not None:
        _positive(settings, attribute, value)


def _is_tier(_settings: object, attribute: "Attribute[Any]", value: object) -> None:
    if value is not None and not isinstance(value, RateTier):
        raise ConfigurationError(f"{attribute.name} must be a RateTier such as RateTier.COMMUNITY, not {value!r}.")


def _is_share(_settings: object, attribute: "Attribute[Any]", value: float) -> None:
    if not isinstance(value, int | float) or not 0 < value <= 1:
        raise ConfigurationError(f"{attribute.name} must be more than 0 and at most 1, not {value!r}.")


@frozen(kw_only=True)
class RateTier:
    """How many calls the platform takes from one application (page `overview/rate-limits`).

    `COMMUNITY` (once Trial), `STANDARD` (once Basic), `PREMIUM` and `CUSTOM` are the platform's; `UNLIMITED` is no tier
    of the platform and has no limit at all. An application with limits of its own has a tier of its own:
    `RateTier(name="ours", per_minute=2000)`.

    Attributes:
        name: What it is called.
        per_minute: Calls in a minute; `None` for no limit.
        per_hour: Calls in an hour; `None` for no limit.
    """

    COMMUNITY: ClassVar["RateTier"]
    STANDARD: ClassVar["RateTier"]
    PREMIUM: ClassVar["RateTier"]
    CUSTOM: ClassVar["RateTier"]
    UNLIMITED: ClassVar["RateTier"]

    name: str
    per_minute: int | None = field(default=None, validator=_positive_or_none)
    per_hour: int | None = field(default=None, validator=_positive_or_none)

    @classmethod
    def named(cls, name: str) -> "RateTier":
        """Return the preset of that name, today's or the former, in upper or lower case.

        Raises:
            ConfigurationError: There is none.
        """
        try:
            return _TIERS[name.strip().lower()]
        except KeyError:
            known = ", ".join(_TIERS)
            raise ConfigurationError(f"There is no rate tier {name!r}; there are: {known}.") from None


RateTier.COMMUNITY = RateTier(name="Community", per_minute=500, per_hour=5000)
RateTier.STANDARD = RateTier(name="Standard", per_minute=5000)
RateTier.PREMIUM = RateTier(name="Premium", per_minute=5000)
RateTier.CUSTOM = RateTier(name="Custom", per_minute=5000)
RateTier.UNLIMITED = RateTier(name="Unlimited")
_TIERS = {
    "community": RateTier.COMMUNITY,
    "trial": RateTier.COMMUNITY,
    "standard": RateTier.STANDARD,
    "basic": RateTier.STANDARD,
    "premium": RateTier.PREMIUM,
    "custom": RateTier.CUSTOM,
    "unlimited": RateTier.UNLIMITED,
}


@frozen(kw_only=True)
class Timeouts:
    """How long one request and one logical call may take, in seconds. The timeout of a watch is the watch's own.

    Attributes:
        connect: To make a connection.
        request: For one request: connecting, sending, and reading the body to its end.
        call: For one logical call: all its attempts, the waiting between them, and for a token and a connection.
        close: For the answer to a trigger that is under way when the client is left.
    """

    connect: float = field(default=10.0, validator=_positive)
    request: float = field(default=60.0, validator=_positive)
    call: float = field(default=900.0, validator=_positive)
    close: float = field(default=5.0, validator=_positive)


def root_url(url: str, setting: str) -> str:
    """Return a root URL without its trailing slash.

    Raises:
        ConfigurationError: It is not an http(s) URL, holds credentials, a query or a fragment, or is plain http to
            anything but loopback: a token would travel in clear text.
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # fails for a name that cannot be resolved
    except ValueError as exc:
        raise ConfigurationError(f"{setting} is not a URL: {exc}.") from exc
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"{setting} must be a URL like https://api.bentley.com, not {_shown(parts)!r}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{setting} must hold no user, password, query or fragment: {_shown(parts)!r}.")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ConfigurationError(
            f"{setting} is plain http to {host}, and anyone on the way could read a token sent there: use https. "
            "Plain http is for loopback only."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _shown(parts: SplitResult) -> str:
    """Return a URL as far as an error may show it: no credentials, no query."""
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else parts.path[:80]


def _base_url(url: str) -> str:
    return root_url(url, "base_url")


def _issuer(url: str) -> str:
    return root_url(url, "issuer")


@frozen(kw_only=True)
class ClientConfig:
    """All settings of a client that are plain values.

    Attributes:
        base_url: The platform's root, such as `https://api.bentley.com`; the client adds `/synchronization/...`.
        issuer: The issuer of tokens for client credentials, such as `https://ims.bentley.com`.
        timeouts: How long a request and a call may take.
        max_body_bytes: The bound on an answer's size, after decompression.
        max_connections: How many requests may be under way at a time; the others wait.
        rate_tier: The tier of the application; `None` if it is unknown: `STANDARD` until the service names another.
        share: The part of the tier's calls that this client may make, above 0 and at most 1.
    """

    base_url: str = field(default=Environment.PROD.base_url, converter=_base_url)
    issuer: str = field(default=Environment.PROD.issuer, converter=_issuer)
    timeouts: Timeouts = Timeouts()
    max_body_bytes: int = field(default=64 * 1024 * 1024, validator=_positive)
    max_connections: int = field(default=100, validator=_whole)
    rate_tier: RateTier | None = field(default=None, validator=_is_tier)
    share: float = field(default=1.0, validator=_is_share)


def addresses(environment: Environment, base_url: str | None, issuer: str | None) -> tuple[str, str]:
    """Return base URL and issuer: those given, else the environment's.

    On loopback the base URL is the issuer as well, unless another is given: the emulator is both, and the credentials
    of an emulator must not be sent to the real issuer.
    """
    local = base_url is not None and urlsplit(root_url(base_url, "base_url")).hostname in LOOPBACK
    if base_url is None:
        base_url = environment.base_url
    if issuer is None:
        issuer = base_url if local else environment.issuer
    return base_url, issuer


@frozen(kw_only=True)
class EnvironmentSettings:
    """The settings that the `BENTLEY_SYNC_*` variables hold.

    Attributes:
        config: The plain settings.
        token: `BENTLEY_SYNC_TOKEN`.
        client_id: `BENTLEY_SYNC_CLIENT_ID`.
        client_secret: `BENTLEY_SYNC_CLIENT_SECRET`.
    """

    config: ClientConfig
    token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


def from_env(environ: Mapping[str, str], *, needs_credentials: bool = True) -> EnvironmentSettings:
    """Read the `BENTLEY_SYNC_*` variables from a mapping.

    `BENTLEY_SYNC_ENVIRONMENT` (prod, qa, dev; default prod) gives the API host and the issuer, `BENTLEY_SYNC_BASE_URL`
    and `BENTLEY_SYNC_ISSUER` replace them (on loopback the former is both). `BENTLEY_SYNC_TOKEN` is an access
    token; without it `BENTLEY_SYNC_CLIENT_ID` and `BENTLEY_SYNC_CLIENT_SECRET` name a service application.
    `BENTLEY_SYNC_RATE_TIER` (community, standard, premium, custom, unlimited) is the application's.

    Args:
        environ: The variables.
        needs_credentials: Whether it is an error if there are none.

    Raises:
        ConfigurationError: A variable has an impossible value, or the message names the variables that are missing.
    """
    values = {name: text.strip() for name, text in environ.items() if name.startswith("BENTLEY_SYNC_") and text.strip()}
    environment = Environment.named(values.get("BENTLEY_SYNC_ENVIRONMENT", "prod"))
    token = values.get("BENTLEY_SYNC_TOKEN")
    client_id = values.get("BENTLEY_SYNC_CLIENT_ID")
    client_secret = values.get("BENTLEY_SYNC_CLIENT_SECRET")
    if needs_credentials and token is None and not (client_id and client_secret):
        wanted = {"BENTLEY_SYNC_CLIENT_ID": client_id, "BENTLEY_SYNC_CLIENT_SECRET": client_secret}
        missing = " and ".join(name for name, value in wanted.items() if not value)
        raise ConfigurationError(f"No credentials: set {missing} for a service application, or BENTLEY_SYNC_TOKEN.")
    given = {
        name: root_url(values[name], name)
        for name in ("BENTLEY_SYNC_BASE_URL", "BENTLEY_SYNC_ISSUER")
        if name in values
    }
    base_url, issuer = addresses(environment, given.get("BENTLEY_SYNC_BASE_URL"), given.get("BENTLEY_SYNC_ISSUER"))
    tier = RateTier.named(values["BENTLEY_SYNC_RATE_TIER"]) if "BENTLEY_SYNC_RATE_TIER" in values else None
    config = ClientConfig(base_url=base_url, issuer=issuer, rate_tier=tier)
    return EnvironmentSettings(config=config, token=token, client_id=client_id, client_secret=client_secret)
