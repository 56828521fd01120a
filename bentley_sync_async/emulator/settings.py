"""How the emulator behaves where the pages disagree or are silent, and everything else that can be chosen."""

# ruff: noqa: RUF009 - the calls make attributes, as attrs.field does
from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Literal, TypedDict

from attrs import fields_dict, frozen

from bentley_sync_async.errors import ConfigurationError

from .fields import checked, choice, flag, integer, number, text

Tier = Literal["community", "standard", "premium", "custom", "unlimited"]


@frozen(kw_only=True)
class Settings:
    """All choices, with the defaults that are closest to the service of today.

    Attributes:
        seed: Decides everything that is drawn: ids, durations, results. The same seed gives the same world.
        speed: How many seconds of a run pass in one second of the event loop.
        start: The emulator's UTC clock at its start; the wall clock's instant if it is left out.
        tier: The rate limit tier of every client.
        per_minute: Calls a minute, in place of the tier's.
        per_hour: Calls an hour, in place of the tier's.
        rate_limit_code: The newer (`RateLimitExceeded`) or the older spelling of a 429.
        retry_after: Whether a 429 says how long to wait, and how.
        wrapped_errors: Whether 401 and 429 have the API's error form, or that of the gateway before it.
        client_id: The service application that may ask for tokens.
        client_secret: Its secret.
        token_lifetime: Seconds of the event loop for which a token is good.
        tokens: Which bearer tokens are accepted: those `issued` here and still good, `any`, or `none` is needed.
        consent: Whether users have authorized the service, which runs of User connections need.
        accept_window: Seconds of the event loop for which a trigger is being accepted: another one gets a 409.
        location: Whether the Location of a run is absolute or relative.
        page_size: Length of a page when `$top` is not given.
        max_page_size: The largest `$top`.
        always_next: Whether the last page has a `next` link, too.
        newest_first: Order of a list of runs.
        honour_prefer: Whether `Prefer: return=representation` is heeded.
        canceled: The spelling of that result.
        jobs_at_start: What stands for the jobs of a run that has none yet.
        error_rate: Probability that an unscripted task fails.
        retry_rate: Probability that an unscripted task is tried again.
    """

    seed: int = integer(0, minimum=None)
    speed: float = number(1.0, above=True)
    start: datetime | None = checked(
        None, lambda value: isinstance(value, datetime) and value.tzinfo is not None, "an instant with its offset"
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


def refuse_unknown(names: Iterable[str]) -> None:
    """Refuse a name that is no option.

    Raises:
        ConfigurationError: With the name, and the option that was probably meant.
    """
    known = list(fields_dict(Settings))
    for name in names:
        if name not in known:
            meant = get_close_matches(name, known, n=1)
            hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}."
            raise ConfigurationError(f"{name} is no option of the emulator; {hint}")
