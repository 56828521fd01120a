"""Diagnostic reports: where they are, and what is in them. Loaded when first used."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bentley_sync_async.config import LOOPBACK
from bentley_sync_async.errors import (
    DecodeError,
    InvalidArgumentError,
    ProtocolError,
    ReportUnavailableError,
    SynchronizationError,
    TransportError,
)
from bentley_sync_async.models.reports import DiagnosticReport, Report
from bentley_sync_async.redaction import excerpt, redact, without_in_text
from bentley_sync_async.resources.base import Resource, decoded
from bentley_sync_async.transport.messages import Request, Response
from bentley_sync_async.wire.codec import decode_page
from bentley_sync_async.wire.documents.reports import decode_report
from bentley_sync_async.wire.ids import check_id
from bentley_sync_async.wire.locations import split_url

_OK, _FIRST_ERROR = 200, 400

_LONGEST_URL = 4096
"""Characters of a signed URL; the service's have some hundreds."""


class Reports(Resource):
    """`client.reports`: what connectors found in files, element by element. A technology preview of the service."""

    async def list(self, imodel_id: str, run_id: str, task_id: str | None = None) -> tuple[DiagnosticReport, ...]:
        """List the reports of a run, or of one of its tasks (`get-diagnostic-reports`).

        Args:
            imodel_id: The iModel.
            run_id: The run.
            task_id: The task; `None` for all tasks.

        Raises:
            UnprocessableError: The service does not accept an id.
        """
        query: dict[str, str | int | None] = {
            "imodelId": check_id(imodel_id, "imodel_id"),
            "runId": check_id(run_id, "run_id"),
            "taskId": check_id(task_id, "task_id") if task_id is not None else None,
        }
        request = self._request("GET", "reports", query=query)
        page = await decoded(
            request, await self._pipeline.call(request), lambda body: decode_page(body, "reports", DiagnosticReport)
        )
        return page.items

    async def read(self, report: DiagnosticReport) -> Report:
        """Return what is in a report.

        Args:
            report: From `list`, not long ago: its URL expires.

        Raises:
            DecodeError: What is behind the URL is no report.
            SynchronizationError: As `download`.
        """
        request, response, shown = await self._get(report)
        failures: list[DecodeError] = []
        try:
            return await decoded(request, response, decode_report)
        except DecodeError as error:  # its excerpt may quote the signature, in any notation
            failures.append(DecodeError(error.problem, path=error.path, source=f"GET {shown}"))
        del response  # the traceback would keep it
        raise failures.pop()

    async def download(self, report: DiagnosticReport) -> bytes:
        """Return a report as the connector wrote it, byte for byte; usually JSON.

        It is read from its signed URL, once and without the access token, and counts towards no quota.

        Args:
            report: From `list`, not long ago: its URL expires.

        Raises:
            InvalidArgumentError: It is no `DiagnosticReport`.
            ReportUnavailableError: The store does not return it, such as after its URL has expired: list it again.
            ProtocolError: The service gave no URL, or one that is not safe to use; or the answer is a redirect.
            TransportError: No whole answer.
        """
        _, response, _ = await self._get(report)
        return response.body

    async def _get(self, report: DiagnosticReport) -> tuple[Request, Response, str]:
        """Return the request, the answer, and the URL as it may be shown."""
        if not isinstance(report, DiagnosticReport):
            raise InvalidArgumentError(f"A report is a DiagnosticReport, not {type(report).__name__}.")
        parts = self._checked_url(report)
        # Errors and records show no query, whatever the signature in it is called.
        shown = excerpt(f"{parts.scheme}://{parts.netloc}{parts.path}", 300)
        request = Request(method="GET", url=parts.geturl(), secret=_signature(parts.query))
        response = await self._fetch(request, shown)
        if response.status == _OK:
            return request, response, shown
        refusal = _refusal(report, response, shown)
        del response  # the traceback would keep it
        raise refusal

    def _checked_url(self, report: DiagnosticReport) -> SplitResult:
        """Return the URL of a report after a check that it is one to send a request to.

        Raises:
            ProtocolError: It is missing, no URL, too long, not https, or holds a user or password. Plain http is for a
                client of loopback that is led to loopback.
        """
        parts = split_url(report.sas_uri)
        problem = "is missing or no URL"
        if parts is not None and parts.hostname:
            local = parts.hostname in LOOPBACK and urlsplit(self.base_url).hostname in LOOPBACK
            if len(report.sas_uri or "") > _LONGEST_URL:
                problem = f"has more than {_LONGEST_URL} characters"
            elif parts.username is not None or parts.password is not None:
                problem = "holds a user or a password"
            elif parts.scheme == "https" or (parts.scheme == "http" and local):
                return parts
            else:
                problem = f"is not https, but {excerpt(parts.scheme)}"
        raise ProtocolError(f"The sasUri of report {excerpt(report.id)} {problem}. Nothing was sent there.")

    async def _fetch(self, request: Request, shown: str) -> Response:
        failures: list[TransportError] = []
        try:
            return await self._pipeline.send_without_token(request)
        except TransportError as error:
            reason = str(error).removeprefix(f"GET {redact(request.url)}: ")
            reason = without_in_text(request.secret, _without_query(reason, urlsplit(request.url).query))
            failures.append(type(error)(reason, method="GET", url=shown, sent=error.sent))
        raise failures.pop()  # outside the handler: the transport's error shows the URL


def _refusal(report: DiagnosticReport, response: Response, shown: str) -> SynchronizationError:
    if response.status < _FIRST_ERROR:
        return ProtocolError(
            f"GET {shown} answered {response.status}, and a report is answered {_OK} only. Redirects are not followed."
        )
    code = excerpt(response.headers.get("x-ms-error-code", "")) or None
    if code is not None and code in unquote(report.sas_uri or ""):
        code = None  # it quotes the URL
    answered = f"{response.status} {code}" if code else str(response.status)
    return ReportUnavailableError(
        f"Report {excerpt(report.id)} cannot be read: GET {shown} answered {answered}. "
        "Its URL may have expired: list the reports again, and read the one that is listed then.",
        report_id=report.id,
        status=response.status,
        code=code,
    )


def _without_query(text: str, query: str) -> str:
    for spelled in (query, redact(query)):
        text = text.replace(spelled, "[hidden]") if spelled else text
    return text


def _signature(query: str) -> str:
    """Return what no text may quote: the signature, or all of a query that has none by the known name."""
    return next((value for name, value in parse_qsl(query) if name.lower() == "sig"), query)
