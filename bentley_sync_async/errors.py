"""The exception tree of the package: everything it raises on purpose is a `SynchronizationError`.

Every error says what happened, to which id or URL, and what to do next. All of them pickle and copy with everything
they carry. None of them carries a token, a client secret or a signed URL: text from the service is
redacted before an error holds it. Errors that carry a run are defined where its model is known: `RunFailedError` in
`models/runs.py`, and the errors of a watch in `watch/errors.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class SynchronizationError(Exception):
    """The root of the tree: `except SynchronizationError` catches everything that this package raises on purpose.

    Attributes:
        resume_token: Of an error that ended a watch: `client.resume(resume_token)` continues where the watch ended, in
            another process, too. `None` of any other error.
    """

    resume_token: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[SynchronizationError], args: tuple[Any, ...], state: dict[str, Any]) -> SynchronizationError:
    error = cls.__new__(cls, *args)
    error.args = args  # OSError, a base of TimeoutError, takes them in its __init__ only
    error.__dict__.update(state)
    return error


class ConfigurationError(SynchronizationError):
    """A setting of the client cannot work; the message names it."""


class InvalidArgumentError(SynchronizationError, ValueError):
    """An argument is invalid (an empty id, a negative timeout); nothing was sent."""


class UsageError(SynchronizationError, RuntimeError):
    """An object cannot be used here or now: a client in two event loops or after a fork, a bulk not entered."""


# Error statuses of the service.


@dataclass(frozen=True, kw_only=True)
class ProblemDetail:
    """One mistake in a request (an element of `error.details` in every 422 example).

    Attributes:
        code: Such as `InvalidValue` or `MissingRequiredProperty`.
        message: For people.
        target: The property or parameter that it is about; `None` if it is about the whole body.
    """

    code: str | None = None
    message: str | None = None
    target: str | None = None

    def __str__(self) -> str:
        about = f"{self.target}: " if self.target else ""
        return f"{about}{self.message or 'no message'} ({self.code or 'no code'})"


class APIError(SynchronizationError):
    """The service answered with an error status.

    Attributes:
        status: HTTP status.
        code: The service's error code, `None` if the body held none. Match on this, never on `message`.
        message: The service's message, redacted; `None` if the body held none.
        target: What the error is about, as the service names it.
        details: The service's details, one for each mistake.
        retry_after: Seconds that the service requests to wait; `None` if it did not say.
        method: HTTP method of the request.
        url: URL of the request, without secrets.
        request_id: The id that the service's operators can look up, `None` if there was none.
    """

    advice = "See the service's code and message for what to change."

    def __init__(
        self,
        *,
        status: int,
        method: str,
        url: str,
        code: str | None = None,
        message: str | None = None,
        target: str | None = None,
        details: Sequence[ProblemDetail] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        self.status = status
        self.method = method
        self.url = url
        self.code = code
        self.message = message
        self.target = target
        self.details = tuple(details)
        self.retry_after = retry_after
        self.request_id = request_id
        super().__init__(self._text())

    def _text(self) -> str:
        described = ": ".join(part for part in (self.code, self.message) if part) or "no error object in the answer"
        lines = [f"{self.method} {self.url} answered {self.status} {described}"]
        lines += [f"  - {detail}" for detail in self.details]
        if self.target and not self.details:
            lines.append(f"  about: {self.target}")
        if self.retry_after is not None:
            lines.append(f"  the service requests to wait {self.retry_after:g} s")
        if self.request_id:
            lines.append(f"  request id: {self.request_id}")
        lines.append(f"  {self.advice}")
        return "\n".join(lines)


class AuthenticationError(APIError):
    """401: the service did not accept the token."""

    advice = (
        "The token is missing, expired, of another issuer, or lacks the scope itwin-platform. "
        "Check that token and environment (prod, qa, dev) belong together."
    )


class PermissionDeniedError(APIError):
    """403: the token is good, but its owner may not do this."""

    advice = "Add the user or service application to the iTwin, with a role that may synchronize the iModel."


class NotFoundError(APIError):
    """404: what was requested does not exist, or the caller cannot see it."""

    advice = "Check the id, that it was not deleted, and that the caller is a member of its iTwin."


class ConflictError(APIError):
    """409: the request conflicts with something that already exists or runs."""

    advice = (
        "A file can belong to one connection of an iModel only, and a connection that is running cannot be deleted; "
        "for a trigger, wait a second and trigger again."
    )


class UnprocessableError(APIError):
    """422: the service understood the request and finds it invalid; `details` say what is wrong."""

    advice = "Correct what the details name, then send the request again."


class RateLimitedError(APIError):
    """429: too many requests for this application's tier; `retry_after` says how long to wait."""

    advice = "The quota counts per application: lower the concurrency, wait, or use a higher tier."


class ServerError(APIError):
    """5xx: the service itself failed."""

    advice = "Nothing to correct on this side: try again later, and quote the request id if it persists."


# Requests without a usable answer.


class TransportError(SynchronizationError):
    """The request got no whole answer.

    Attributes:
        method: HTTP method of the request.
        url: URL of the request, without secrets.
        sent: Whether the service may have received the request. `False` only if it certainly did not.
    """

    def __init__(self, text: str, *, method: str, url: str, sent: bool) -> None:
        self.method = method
        self.url = url
        self.sent = sent
        hint = "" if method == "GET" or not sent else "; it may have been carried out: check before sending it again"
        super().__init__(f"{method} {url}: {text}{hint}")


class ConnectionLostError(TransportError):
    """The connection could not be made, or broke before the whole answer was there: check network and proxy."""


class RequestTimeoutError(TransportError):
    """The whole answer was not there in time: raise `Timeouts.request`, which includes the body, if it is too short."""


class ResponseTooLargeError(TransportError):
    """The answer's body is too large: request smaller pages, or raise `max_body_bytes`."""


class DecodeError(SynchronizationError):
    """An answer is not what the API promises: not JSON, or a value of the wrong type.

    Attributes:
        problem: What is wrong.
        path: JSON path of the value, `$` for the whole body.
        excerpt: The beginning of the value, without secrets.
        source: The request that was answered; `None` if the body is from elsewhere.
    """

    def __init__(self, problem: str, *, path: str = "$", excerpt: str = "", source: str | None = None) -> None:
        self.problem = problem
        self.path = path
        self.excerpt = excerpt
        self.source = source
        found = f", found {excerpt}" if excerpt else ""
        super().__init__(
            f"Unexpected answer{f' to {source}' if source else ''} at {path}: {problem}{found}. "
            "If this persists, the API has changed, or a proxy or gateway answers in its place."
        )

    def answering(self, source: str) -> DecodeError:
        """Return the same error with the request that was answered."""
        return DecodeError(self.problem, path=self.path, excerpt=self.excerpt, source=source)


class ProtocolError(SynchronizationError):
    """An answer does not follow the API: a status that no page lists, a Location that names nothing.

    Check `base_url`, and the proxies and gateways between this client and the service.
    """


class LocationError(ProtocolError):
    """A Location is missing or names no run. After a trigger the run may exist: list runs before triggering again."""


class ResumeTokenError(SynchronizationError, ValueError):
    """A resume token cannot be used: damaged, of a later version, or of another origin. Nothing was sent.

    Update the package, use a client of that origin, or attach to the run by its URL.
    """


class ForeignOriginError(ProtocolError):
    """A Location or link points to another host than the one of this client; nothing was sent there.

    If a gateway rewrites hosts, set `base_url` to the one that it returns.
    """


class ReportUnavailableError(SynchronizationError):
    """The store of diagnostic reports does not return a report: list the reports again, as their URLs expire.

    Attributes:
        report_id: The report.
        status: HTTP status of the store.
        code: The store's error code, such as `AuthenticationFailed` for an expired URL; `None` if it did not say.
    """

    def __init__(self, text: str, *, report_id: str, status: int, code: str | None) -> None:
        self.report_id = report_id
        self.status = status
        self.code = code
        super().__init__(text)


class WebhookError(SynchronizationError):
    """A webhook's message was refused: forged, repeated, too old, or of another kind.

    Attributes:
        status: HTTP status to answer the message with; 200 if the platform need not send it again.
    """

    def __init__(self, text: str, *, status: int) -> None:
        self.status = status
        super().__init__(text)


# Files and iModels.


class FileTransferError(SynchronizationError):
    """The content of a file did not get to the store behind Storage, or from it.

    What was there before is still there: the content of an upload is in force only when it is complete.

    Attributes:
        file_id: The file in Storage.
        status: HTTP status of the store; `None` if it did not answer.
        code: The store's error code, such as `AuthenticationFailed` for an expired URL; `None` if it did not say.
    """

    def __init__(self, text: str, *, file_id: str, status: int | None = None, code: str | None = None) -> None:
        self.file_id = file_id
        self.status = status
        self.code = code
        super().__init__(text)


class IModelNotInitializedError(SynchronizationError):
    """A new iModel cannot be used: its initialization failed, or has not ended in time.

    Attributes:
        imodel_id: The iModel; it exists.
        state: The state of its creation, such as `scheduled` or `failed`.
    """

    def __init__(self, text: str, *, imodel_id: str, state: str) -> None:
        self.imodel_id = imodel_id
        self.state = state
        super().__init__(text)


class AmbiguousNameError(SynchronizationError):
    """Several entities have the name, or the number, that was looked for: use the id of one.

    Attributes:
        ids: Their ids.
    """

    def __init__(self, text: str, *, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(text)


# Tokens.


class TokenError(SynchronizationError):
    """There is no access token."""


class CredentialsError(TokenError):
    """The issuer refuses these credentials, and a retry cannot help: correct id, secret or environment."""


class SignInError(TokenError):
    """A person denied a sign-in or a consent, or did not give it in time."""


class TokenUnavailableError(TokenError):
    """The issuer, or the caller's own token source, failed for a transient cause.

    Attributes:
        retry_after: Seconds that the issuer requests to wait; `None` if it did not say.
    """

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(text)


# Runs.


class RunNotCompletedError(SynchronizationError):
    """The run has no result yet: follow it to its end first."""


# Bulks.


class JournalError(SynchronizationError):
    """The journal of a bulk cannot be used: no room, no permission, damaged, or of a later version.

    Nothing is triggered that the journal has not recorded; what it has recorded is kept.
    """


class JournalInUseError(JournalError):
    """Another process uses the journal.

    Attributes:
        pid: The id of that process on its machine; `None` if it is unknown.
    """

    def __init__(self, text: str, *, pid: int | None) -> None:
        self.pid = pid
        super().__init__(text)
