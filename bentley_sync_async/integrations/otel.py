"""The hook that exports records as spans and metrics of OpenTelemetry; needs the extra `otel`.

Requests follow the semantic conventions for HTTP clients, https://opentelemetry.io/docs/specs/semconv/http/. Names
that these do not define begin with `bentley_sync_async`.
"""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from bentley_sync_async import APIError, SynchronizationError, __version__
from bentley_sync_async.transport import PollRecord, Record, RequestRecord, RetryRecord, ThrottleRecord, TokenRecord

try:
    from opentelemetry import metrics, trace
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError(
        "OpenTelemetryHook needs opentelemetry-api. From the clone: pip install '.[otel]'", name=exc.name
    ) from exc

_SCOPE = "bentley_sync_async"
_PORTS = {"http": 80, "https": 443}
_SEGMENTS = frozenset(
    {
        "",
        "authorizationinformation",
        "configurations",
        "connections",
        "imodels",
        "itwins",
        "manifestconnections",
        "reports",
        "run",
        "runs",
        "sourcefiles",
        "storageconnections",
        "synchronization",
    }
)

# The boundaries of histograms; the first are those that the conventions advise for the duration of requests.
_SHORT = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_LONG = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_MANY = (0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)

_HISTOGRAMS = {
    RequestRecord: ("http.client.request.duration", "s", "Duration of HTTP client requests.", _SHORT),
    RetryRecord: (f"{_SCOPE}.retry.delay", "s", "Waits before a call is retried.", _LONG),
    ThrottleRecord: (f"{_SCOPE}.throttle.delay", "s", "Pauses of all requests during a throttle.", _LONG),
    TokenRecord: (f"{_SCOPE}.token.duration", "s", "Duration of token requests.", _SHORT),
    PollRecord: (f"{_SCOPE}.poll.changes", "{event}", "Events that a poll of a run brought.", _MANY),
}

_Attributes = Mapping[str, str | int]


class OpenTelemetryHook:
    """Turns the records of a client into spans and metrics.

    A request is a span of the kind CLIENT, a token request one of the kind INTERNAL, both children of the span that is
    current where the client is used. Every record is a value of a histogram, whose attributes are few and hold no id.
    Spans and metrics hold the type of an error, never its text.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        """Make a hook for `SynchronizationClient(hooks=...)`.

        Args:
            tracer_provider: Where spans go; by default the global provider.
            meter_provider: Where metrics go; by default the global provider.
        """
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(_SCOPE, __version__, meter_provider)
        self._histograms = {
            kind: meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=boundaries)
            for kind, (name, unit, description, boundaries) in _HISTOGRAMS.items()
        }

    def __call__(self, record: Record) -> None:
        """Export a record."""
        match record:
            case RequestRecord():
                value, attributes = record.duration, _of_request(record)
                self._request(record, attributes)
            case TokenRecord():
                value, attributes = record.duration, _of_error(record.error)
                self._span(f"{_SCOPE}.token", trace.SpanKind.INTERNAL, record, attributes)
            case RetryRecord():
                value, attributes = record.delay, {"http.request.method": record.method, **_of_error(record.cause)}
            case ThrottleRecord():
                value, attributes = record.delay, _of_error(record.cause)
            case PollRecord():
                # A state that this package does not know could be any text, and each would be a series of its own.
                state = record.state.value if record.state.known else "_OTHER"
                value, attributes = record.changes, {f"{_SCOPE}.run.state": state}
            case _:
                return
        self._histograms[type(record)].record(value, attributes)

    def _request(self, record: RequestRecord, attributes: _Attributes) -> None:
        resends = {"http.request.resend_count": record.resends} if record.resends else {}
        name = f"{record.method} {attributes['url.template']}"
        self._span(name, trace.SpanKind.CLIENT, record, {**attributes, "url.full": record.url, **resends})

    def _span(
        self, name: str, kind: trace.SpanKind, record: RequestRecord | TokenRecord, attributes: _Attributes
    ) -> None:
        ends = time.time_ns()  # a hook is called at once
        begins = ends - int(record.duration * 1e9)
        span = self._tracer.start_span(name, kind=kind, attributes=attributes, start_time=begins)
        if record.error is not None:
            span.set_status(trace.StatusCode.ERROR)
        span.end(ends)


def _of_request(record: RequestRecord) -> _Attributes:
    parts = urlsplit(record.url)
    status = {} if record.status is None else {"http.response.status_code": record.status}
    return {
        "http.request.method": record.method,
        "server.address": parts.hostname or "",
        "server.port": parts.port or _PORTS[parts.scheme],
        "url.template": _template(parts.path),
        **status,
        **_of_error(record.error),
    }


def _template(path: str) -> str:
    """Return the path without that of the base URL, with `{id}` in place of every id."""
    of_api = path[max(path.rfind("/synchronization/"), 0) :]
    return "/".join(part if part in _SEGMENTS else "{id}" for part in of_api.split("/"))


def _of_error(error: SynchronizationError | None) -> _Attributes:
    match error:
        case None:
            return {}
        case APIError():
            return {"error.type": str(error.status)}
        case _:
            return {"error.type": f"{type(error).__module__}.{type(error).__qualname__}"}
