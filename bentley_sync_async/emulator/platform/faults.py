"""Fault rules: which requests they match, and how they break the answers."""

# ruff: noqa: RUF009 - the calls make attributes, as attrs.field does
from __future__ import annotations

import enum
import random
import re
from collections.abc import Iterable

import attrs
from attrs import define, field

from bentley_sync_async.emulator.fields import flag, integer, mapping, number, own_enum, pattern, text

from .clock import Clock
from .messages import MEDIA_TYPE, Reply
from .problems import ProblemError

_HTML = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


class FaultAction(enum.StrEnum):
    """What happens to an answer."""

    STATUS = "status"
    """The rule's own answer is sent: `status`, `code`, `message`, `body`."""

    DELAY = "delay"
    """The answer is only late by `delay`, which works with every other action, too."""

    RESET_BEFORE_HEADERS = "reset_before_headers"
    """The connection is reset and nothing is sent."""

    RESET_AFTER_HEADERS = "reset_after_headers"
    """The connection is reset after the headers are sent."""

    TRUNCATED_BODY = "truncated_body"
    """The connection is closed in the middle of the body."""

    WRONG_CONTENT_TYPE = "wrong_content_type"
    """The body is correct; the content type is `text/plain`."""

    HTML_BODY = "html_body"
    """The status is correct; the body is a web page."""

    EMPTY_BODY = "empty_body"
    """The status is correct; the body is empty."""

    NO_LOCATION = "no_location"
    """The `Location` header is missing."""

    RELATIVE_LOCATION = "relative_location"
    """The `Location` is a path."""

    FOREIGN_LOCATION = "foreign_location"
    """The `Location` is the rule's `location`, by default on another host."""


_NOT_PERFORMED = frozenset({FaultAction.STATUS, FaultAction.RESET_BEFORE_HEADERS})


@define(kw_only=True)
class FaultRule:
    """Breaks the answers to some requests.

    Attributes:
        action: What happens to the answer.
        method: Matches only requests with this method.
        path: Matches only requests in whose path this regular expression is found; case-insensitive.
        nth: Breaks only the nth matching request, counted from 1.
        first: Number of the first matching request that is broken, counted from 1.
        last: Number of the last matching request that is broken.
        every: Breaks every so many matching requests, beginning with `first`.
        probability: Probability with which each of these requests is broken.
        delay: Seconds of the event loop between the operation and the answer.
        performed: Whether the operation is performed. By default it is, except for `status` and
            `reset_before_headers`. If it is not, the action applies to the rule's own answer.
        status: HTTP status of the rule's own answer.
        code: Its error code; without `code` and `body` its body is empty.
        message: Its error text.
        body: Its body, in place of `code` and `message`.
        headers: Additional headers of the answer.
        retry_after: Seconds of its `Retry-After`.
        retry_after_date: Whether its `Retry-After` is a date.
        location: The `Location` of `foreign_location`.
        met: How many requests have matched.
        fired: How many answers were broken.
    """

    action: FaultAction = own_enum(FaultAction.STATUS, FaultAction)
    method: str | None = text(None)
    path: str = pattern("")
    nth: int | None = integer(None, minimum=1)
    first: int = integer(1, minimum=1)
    last: int | None = integer(None, minimum=1)
    every: int = integer(1, minimum=1)
    probability: float = number(1.0, maximum=1.0)
    delay: float = number(0.0)
    performed: bool | None = flag(None)
    status: int = integer(503, minimum=200)
    code: str | None = text(None)
    message: str = text("Emulated failure.")
    body: str | None = text(None)
    headers: dict[str, str] = mapping(attrs.Factory(dict[str, str]))
    retry_after: float | None = number(None)
    retry_after_date: bool = flag(default=False)
    location: str = text("https://attacker.example/synchronization/imodels/storageconnections/x/runs/y")
    met: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def matches(self, method: str, path: str, rng: random.Random) -> bool:
        """Count a request if it matches, and return whether its answer is to be broken."""
        if self.method is not None and self.method.upper() != method:
            return False
        if re.search(self.path, path, re.IGNORECASE) is None:
            return False
        self.met += 1
        if self.nth is not None:
            due = self.met == self.nth
        else:
            in_range = self.met >= self.first and (self.last is None or self.met <= self.last)
            due = in_range and (self.met - self.first) % self.every == 0
        return due and (self.probability >= 1 or rng.random() < self.probability)

    @property
    def performs(self) -> bool:
        """Whether the operation is performed."""
        return self.action not in _NOT_PERFORMED if self.performed is None else self.performed

    def apply(self, reply: Reply | None, clock: Clock) -> Reply:
        """Return the broken answer. The argument is the operation's answer, or `None` if it was not performed."""
        answer = self._own_answer(clock) if reply is None or self.action is FaultAction.STATUS else reply
        headers = {**answer.headers, **self.headers}
        match self.action:
            case FaultAction.WRONG_CONTENT_TYPE:
                headers["Content-Type"] = "text/plain; charset=utf-8"
            case FaultAction.HTML_BODY:
                return Reply(answer.status, _HTML, {**headers, "Content-Type": "text/html; charset=utf-8"})
            case FaultAction.EMPTY_BODY:
                return Reply(answer.status, b"", headers)
            case FaultAction.NO_LOCATION:
                headers.pop("Location", None)
            case FaultAction.RELATIVE_LOCATION if "Location" in headers:
                headers["Location"] = re.sub(r"^https?://[^/]+", "", headers["Location"])
            case FaultAction.FOREIGN_LOCATION:
                headers["Location"] = self.location
            case _:
                pass
        return attrs.evolve(answer, headers=headers)

    def _own_answer(self, clock: Clock) -> Reply:
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["Retry-After"] = (
                clock.http_date(self.retry_after) if self.retry_after_date else f"{self.retry_after:g}"
            )
        if self.body is not None:
            return Reply(self.status, self.body.encode(), {"Content-Type": MEDIA_TYPE, **headers})
        if self.code is not None:
            return Reply.of_problem(ProblemError(self.status, self.code, self.message, headers=headers))
        return Reply(self.status, b"", headers)


class Faults:
    """All fault rules; the first one that fires breaks the answer."""

    def __init__(self, seed: int, rules: Iterable[FaultRule] = ()) -> None:
        self.rules = list(rules)
        self._random = random.Random(f"faults/{seed}")

    def due(self, method: str, path: str) -> FaultRule | None:
        """Return the rule that breaks the answer to a request. Every rule counts the request."""
        due = [rule for rule in self.rules if rule.matches(method, path, self._random)]
        if not due:
            return None
        due[0].fired += 1
        return due[0]
