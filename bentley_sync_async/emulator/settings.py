"""The emulator's options: its seed, speed and quotas, and its behaviour where the API's pages differ or are silent."""

# ruff: noqa: RUF009 - the calls make attributes, as attrs.field does
from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Literal, TypedDict
from urllib.parse import urlsplit

from attrs import Attribute, field, fields_dict, frozen

from bentley_sync_async.errors import ConfigurationError

from .fields import checked, choice, flag, integer, number, text

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def _is_container_url(value: object) -> bool:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname and parts.path.strip("/"))


def _check_key(_instance: object, attribute: Attribute[str], value: object) -> None:
    """Refuse a key that is not base64, without showing it."""
    if not isinstance(value, str) or _BASE64.fullmatch(value) is None:
        raise ConfigurationError(f"{attribute.name} must be the key of a storage account, base64.")


Tier = Literal["community", "standard", "premium", "custom", "unlimited"]


@frozen(kw_only=True)
class Settings:
    """All options, with the defaults that are closest to the service of today.

    Attributes:
        seed: Seed of all random values: ids, durations, results. The same seed gives the same ids and runs.
        speed: Seconds of a run that pass in one second of the event loop.
        start: Time of the emulator's UTC clock at its start; by default that of the wall clock.
        tier: The rate limit tier of every client.
        per_minute: Requests per minute, in place of the tier's quota.
        per_hour: Requests per hour, in place of the tier's quota.
        rate_limit_code: The error code of a 429: the newer `RateLimitExceeded` or the older `TooManyRequests`.
        retry_after: The form of a 429's `Retry-After` header, or `none` for a 429 without it.
        wrapped_errors: Whether 401 and 429 have the API's error form; otherwise that of the gateway in front of it.
        client_id: The service application that can request tokens.
        client_secret: Its secret.
        token_lifetime: Seconds of the event loop for which a token is valid.
        tokens: Which bearer tokens are accepted: `issued` (those issued here that are still valid) or `any`; with
            `none`, requests need no token.
        consent: Whether users have authorized the service; runs of User connections need it.
        accept_window: Seconds of the event loop after a trigger for which another trigger of the iModel gets a 409.
        location: Whether the `Location` of a run is an absolute URL or a path.
        page_size: Items on a page without `$top`.
        max_page_size: The largest `$top`.
        always_next: Whether the last page has a `next` link as well.
        newest_first: Whether lists of runs begin with the newest run; otherwise with the oldest.
        honour_prefer: Whether `Prefer: return=representation` has an effect.
        canceled: The spelling of the result Canceled.
        jobs_at_start: The form of `jobs` in a run that has no jobs yet.
        error_rate: Probability that an unscripted task fails.
        retry_rate: Probability that an unscripted task is retried.
        strict: Whether connections can only be made of iModels and files that exist. Otherwise they may name any:
            an iModel that nobody created is created with the connection, in an iTwin of its own, and a file that nobody
            created is taken for one with content.
        upload_lifetime: Seconds of the event loop for which a signed URL of a file's content is valid.
        blob_url: URL of a container of another blob store, to which upload URLs then lead, such as
            `http://127.0.0.1:10000/devstoreaccount1/uploads`.
        blob_key: The key of that blob store's account, base64.
    """

    seed: int = integer(0, minimum=None)
    speed: float = number(1.0, above=True)
    start: datetime | None = checked(
        None, lambda value: isinstance(value, datetime) and value.tzinfo is not None, "a time with its UTC offset"
    )
    tier: Tier = choice("standard", "community", "standard", "premium", "custom", "unlimited")
    per_minute: int | None = integer(None, minimum=1)
    per_hour: int | None = integer(None, minimum=1)
    rate_limit_code: Literal["RateLimitExceeded", "TooManyRequests"] = choice(
        "RateLimitExceeded", "RateLimitExceeded", "TooManyRequests"
    )
    retry_after: Literal["seconds", "date", "none"] = choice("seconds", "seconds", "date", "none")
    wrapped_errors: bool = flag(default=True)
    client_id: str = text("service-emulated-0123456789")
    client_secret: str = text("emulated-client-secret")
    token_lifetime: float = number(3600.0, above=True)
    tokens: Literal["issued", "any", "none"] = choice("issued", "issued", "any", "none")
    consent: bool = flag(default=False)
    accept_window: float = number(0.2)
    location: Literal["absolute", "relative"] = choice("absolute", "absolute", "relative")
    page_size: int = integer(100, minimum=1)
    max_page_size: int = integer(1000, minimum=1)
    always_next: bool = flag(default=False)
    newest_first: bool = flag(default=True)
    honour_prefer: bool = flag(default=True)
    canceled: Literal["Canceled", "Cancelled"] = choice("Canceled", "Canceled", "Cancelled")
    jobs_at_start: Literal["missing", "null", "empty"] = choice("missing", "missing", "null", "empty")
    error_rate: float = number(0.02, maximum=1.0)
    retry_rate: float = number(0.1, maximum=1.0)
    strict: bool = flag(default=False)
    upload_lifetime: float = number(3600.0)
    blob_url: str | None = checked(None, _is_container_url, "the http or https URL of a container")
    blob_key: str = field(default="", validator=_check_key, repr=False)


class Options(TypedDict, total=False):
    """The attributes of `Settings` as keyword arguments."""

    seed: int
    speed: float
    start: datetime | None
    tier: Tier
    per_minute: int | None
    per_hour: int | None
    rate_limit_code: Literal["RateLimitExceeded", "TooManyRequests"]
    retry_after: Literal["seconds", "date", "none"]
    wrapped_errors: bool
    client_id: str
    client_secret: str
    token_lifetime: float
    tokens: Literal["issued", "any", "none"]
    consent: bool
    accept_window: float
    location: Literal["absolute", "relative"]
    page_size: int
    max_page_size: int
    always_next: bool
    newest_first: bool
    honour_prefer: bool
    canceled: Literal["Canceled", "Cancelled"]
    jobs_at_start: Literal["missing", "null", "empty"]
    error_rate: float
    retry_rate: float
    strict: bool
    upload_lifetime: float
    blob_url: str | None
    blob_key: str


def refuse_unknown(names: Iterable[str]) -> None:
    """Refuse an option that does not exist.

    Raises:
        ConfigurationError: The message names the closest option, or else all options.
    """
    known = list(fields_dict(Settings))
    for name in names:
        if name not in known:
            meant = get_close_matches(name, known, n=1)
            hint = f"did you mean {meant[0]}?" if meant else f"the options are {', '.join(known)}."
            raise ConfigurationError(f"{name} is not an option of the emulator; {hint}")
