"""Spans and metrics follow the conventions of OpenTelemetry, and no metric grows with the number of ids.

The expected names are OpenTelemetry's own constants.
"""

import re
import subprocess
import sys

import pytest
from opentelemetry.semconv._incubating.attributes.url_attributes import URL_TEMPLATE
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.semconv.metrics.http_metrics import HTTP_CLIENT_REQUEST_DURATION
from opentelemetry.trace import SpanKind, StatusCode
from support.otel import Collected
from support.transport import After, ScriptedTransport, answer, lost, refusal
from support.watch import emulated

from bentley_sync_async import ExecutionState, RetryPolicy, RunRef, SynchronizationClient, SynchronizationError
from bentley_sync_async.emulator import FaultRule
from bentley_sync_async.emulator.synchronization.routes import operations
from bentley_sync_async.transport import PollRecord, Record, RequestRecord, Token

ROOT = "https://api.example"
RUN = {"run": {"id": "r", "state": "Completed", "result": "Success"}}
RUN_TEMPLATE = "/synchronization/imodels/storageconnections/{id}/runs/{id}"
RUN_URL = f"{ROOT}/synchronization/imodels/storageconnections/c/runs/r"


def client_of(collected, *script, token="token", base_url=ROOT, **options):
    return SynchronizationClient(
        token, transport=ScriptedTransport(*script), base_url=base_url, hooks=[collected.hook], **options
    )


async def succeeded(*script, **options):
    """Get a run, and return what was collected."""
    collected = Collected()
    await client_of(collected, *script, **options).storage_connections.runs.get("c", "r")
    return collected


async def failed(failure):
    """Get a run with one attempt that fails, and return what was collected."""
    collected = Collected()
    client = client_of(collected, failure, retry=RetryPolicy(attempts=1))
    with pytest.raises(SynchronizationError):
        await client.storage_connections.runs.get("c", "r")
    return collected


def recorded(*records):
    collected = Collected()
    for record in records:
        collected.hook(record)
    return collected


def request_record(url, **fields):
    plain = {"method": "GET", "url": url, "status": 200, "error": None, "duration": 0.0, "size": 0, "resends": 0}
    return RequestRecord(**(plain | fields))


async def test_a_request_is_a_client_span_named_by_its_method_and_template():
    (span,) = (await succeeded(answer(200, RUN))).spans
    assert (span.name, span.kind) == (f"GET {RUN_TEMPLATE}", SpanKind.CLIENT)


async def test_a_span_has_the_attributes_of_the_conventions_and_no_others():
    (span,) = (await succeeded(answer(200, RUN))).spans
    assert span.attributes == {
        HTTP_REQUEST_METHOD: "GET",
        HTTP_RESPONSE_STATUS_CODE: 200,
        SERVER_ADDRESS: "api.example",
        SERVER_PORT: 443,
        URL_FULL: RUN_URL,
        URL_TEMPLATE: RUN_TEMPLATE,
    }


@pytest.mark.parametrize(
    ("root", "server"),
    [
        ("http://127.0.0.1:8123", ("127.0.0.1", 8123)),
        ("http://[::1]:8123", ("::1", 8123)),
        ("http://localhost", ("localhost", 80)),
        ("https://localhost", ("localhost", 443)),
    ],
)
async def test_server_and_port_are_those_of_the_url(root, server):
    (span,) = (await succeeded(answer(200, RUN), base_url=root)).spans
    assert (span.attributes[SERVER_ADDRESS], span.attributes[SERVER_PORT]) == server


async def test_a_span_lasts_as_long_as_its_request():
    (span,) = (await succeeded(After(2.5, answer(200, RUN)))).spans
    assert span.end_time - span.start_time == pytest.approx(2.5e9)


async def test_a_span_is_a_child_of_the_current_span():
    collected = Collected()
    client = client_of(collected, answer(200, RUN))
    with collected.tracer_provider.get_tracer("caller").start_as_current_span("caller") as caller:
        await client.storage_connections.runs.get("c", "r")
    assert collected.spans[0].parent.span_id == caller.get_span_context().span_id


@pytest.mark.parametrize("reply", [answer(202, location=RUN_URL), answer(303, location=RUN_URL)])
async def test_an_expected_answer_of_the_operation_is_no_error(reply):
    collected = Collected()
    await client_of(collected, reply).storage_connections.runs.trigger("c")
    (span,) = collected.spans
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes[HTTP_RESPONSE_STATUS_CODE] == reply.status
    assert ERROR_TYPE not in span.attributes


@pytest.mark.parametrize("status", [404, 429, 500])
async def test_the_error_type_of_an_error_status_is_the_status(status):
    (span,) = (await failed(refusal(status))).spans
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes[HTTP_RESPONSE_STATUS_CODE], span.attributes[ERROR_TYPE]) == (status, str(status))


async def test_the_error_type_of_a_redirect_is_the_class_of_the_error():
    (span,) = (await failed(answer(302, location="https://elsewhere.example/"))).spans
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes[HTTP_RESPONSE_STATUS_CODE], span.attributes[ERROR_TYPE]) == (
        302,
        "bentley_sync_async.ProtocolError",
    )


async def test_the_error_type_of_a_request_without_an_answer_is_the_class_of_the_error():
    (span,) = (await failed(lost())).spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes[ERROR_TYPE] == "bentley_sync_async.ConnectionLostError"
    assert HTTP_RESPONSE_STATUS_CODE not in span.attributes


@pytest.mark.parametrize("failure", [refusal(500, "Hush", "hush"), lost(url=f"{RUN_URL}?hush")])
async def test_the_text_of_an_error_is_not_in_its_span(failure):
    (span,) = (await failed(failure)).spans
    assert "hush" not in span.to_json().lower()


async def test_every_request_of_a_call_but_the_first_has_a_resend_count():
    tokens = iter(("one", "two", "three"))

    async def fetch():
        return Token(value=next(tokens))

    collected = await succeeded(refusal(401), refusal(502), refusal(401), answer(200, RUN), token=fetch)
    requests = [span for span in collected.spans if span.kind is SpanKind.CLIENT]
    assert [span.attributes.get(HTTP_REQUEST_RESEND_COUNT) for span in requests] == [None, 1, 2, 3]


async def test_the_resend_count_starts_again_with_each_call():
    collected = Collected()
    client = client_of(collected, refusal(502), answer(200, RUN), answer(200, RUN))
    for _ in range(2):
        await client.storage_connections.runs.get("c", "r")
    assert [span.attributes.get(HTTP_REQUEST_RESEND_COUNT) for span in collected.spans] == [None, 1, None]


@pytest.mark.parametrize("operation", [operation for operation in operations(None) if operation.api is not None])
def test_every_operation_of_the_api_has_a_template(operation):
    variable = r"\(\?P<\w+>\[\^/\]\+\)"
    path = re.sub(r"\(\?P<scope>(\w+)\)", r"\1", operation.path)  # a part that is always the same
    (span,) = recorded(request_record(ROOT + re.sub(variable, "8e6a-1", path) + "?$top=5")).spans
    assert span.attributes[URL_TEMPLATE] == re.sub(variable, "{id}", path)


@pytest.mark.parametrize("path", ["/gateway", "/synchronization/v2", "/a/b/c"])
def test_the_template_does_not_include_the_path_of_the_base_url(path):
    (span,) = recorded(request_record(f"{ROOT}{path}/synchronization/imodels/new")).spans
    assert span.attributes[URL_TEMPLATE] == "/synchronization/imodels/{id}"


def test_unknown_parts_of_a_path_are_ids_in_the_template():
    (span,) = recorded(request_record(f"{ROOT}/gateway/imodels/new")).spans
    assert span.attributes[URL_TEMPLATE] == "/{id}/imodels/{id}"


async def test_the_duration_of_requests_is_a_histogram_in_seconds_with_the_advised_bounds():
    metric = (await succeeded(After(2.5, answer(200, RUN)))).metrics[HTTP_CLIENT_REQUEST_DURATION]
    (point,) = metric.data.data_points
    assert metric.unit == "s"
    assert point.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert (point.count, point.sum) == (1, pytest.approx(2.5))


async def test_the_duration_of_a_request_has_the_attributes_of_the_conventions_and_no_url():
    (point,) = (await failed(refusal(404))).points(HTTP_CLIENT_REQUEST_DURATION)
    assert point.attributes == {
        ERROR_TYPE: "404",
        HTTP_REQUEST_METHOD: "GET",
        HTTP_RESPONSE_STATUS_CODE: 404,
        SERVER_ADDRESS: "api.example",
        SERVER_PORT: 443,
        URL_TEMPLATE: RUN_TEMPLATE,
    }


async def test_requests_that_differ_in_their_ids_are_one_series():
    collected = Collected()
    client = client_of(collected, *[answer(200, RUN)] * 20)
    for n in range(20):
        await client.storage_connections.runs.get(f"c{n}", f"r{n}")
    assert [point.count for point in collected.points(HTTP_CLIENT_REQUEST_DURATION)] == [20]


async def test_a_retry_is_recorded_by_its_delay():
    (point,) = (await succeeded(refusal(503, retry_after="40"), answer(200, RUN))).points(
        "bentley_sync_async.retry.delay"
    )
    assert (point.count, point.sum) == (1, 40)
    assert point.attributes == {HTTP_REQUEST_METHOD: "GET", ERROR_TYPE: "503"}


async def test_a_throttle_is_recorded_by_its_pause():
    collected = await succeeded(refusal(429, retry_after="40"), answer(200, RUN))
    (point,) = collected.points("bentley_sync_async.throttle.delay")
    assert (point.count, point.sum) == (1, 40)
    assert point.attributes == {ERROR_TYPE: "429"}


async def test_a_token_is_an_internal_span_and_a_duration():
    async def fetch():
        return "token"

    collected = await succeeded(answer(200, RUN), token=fetch)
    span = collected.spans[0]
    (point,) = collected.points("bentley_sync_async.token.duration")
    assert (span.name, span.kind, span.attributes) == ("bentley_sync_async.token", SpanKind.INTERNAL, {})
    assert (point.count, point.attributes) == (1, {})


async def test_a_failed_token_request_is_an_error_without_its_text():
    collected = Collected()

    async def fetch():
        raise OSError("hush")

    client = client_of(collected, token=fetch, retry=RetryPolicy(attempts=1))
    with pytest.raises(SynchronizationError):
        await client.storage_connections.runs.get("c", "r")
    (span,) = collected.spans
    (point,) = collected.points("bentley_sync_async.token.duration")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes == point.attributes == {ERROR_TYPE: "bentley_sync_async.TokenUnavailableError"}
    assert "hush" not in span.to_json()


@pytest.mark.parametrize(("state", "shown"), [("Executing", "Executing"), ("Hibernating 8e6a", "_OTHER")])
def test_polls_are_counted_by_state_with_all_unknown_states_as_one(state, shown):
    ref = RunRef(connection_id="c", run_id="r")
    record = PollRecord(ref=ref, state=ExecutionState(state), changes=3, delay=None)
    (point,) = recorded(record, record).points("bentley_sync_async.poll.changes")
    assert (point.count, point.sum) == (2, 6)
    assert point.attributes == {"bentley_sync_async.run.state": shown}


def test_a_record_of_another_kind_is_ignored():
    collected = recorded(Record())
    assert (collected.spans, collected.metrics) == ((), {})


async def test_no_metric_of_watches_with_failures_holds_an_id():
    collected = Collected()
    async with emulated() as (emulator, _):
        emulator.add_fault(FaultRule(path="/runs/", status=503, retry_after=3, nth=1))
        emulator.add_fault(FaultRule(path="storageconnections/[^/]+$", status=502, nth=1))
        async with SynchronizationClient(emulator.token(), base_url=emulator.url, hooks=[collected.hook]) as client:
            watchers = [client.watch(emulator.add_connection()) for _ in range(3)]
            for watcher in watchers:
                await watcher.result()
                await client.storage_connections.get(watcher.ref.connection_id)
    ids = {id_ for watcher in watchers for id_ in (watcher.ref.connection_id, watcher.ref.run_id)}
    values = {
        str(value)
        for metric in collected.metrics.values()
        for point in metric.data.data_points
        for value in point.attributes.values()
    }
    assert collected.metrics.keys() == {
        HTTP_CLIENT_REQUEST_DURATION,
        "bentley_sync_async.retry.delay",
        "bentley_sync_async.throttle.delay",
        "bentley_sync_async.poll.changes",
    }
    assert [value for value in values if any(id_ in value for id_ in ids)] == []


def test_without_the_extra_the_error_says_how_to_install_it():
    program = "import sys; sys.modules['opentelemetry'] = None; import bentley_sync_async.integrations.otel"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "OpenTelemetryHook needs opentelemetry-api. From the clone: pip install '.[otel]'" in done.stderr


def test_providers_that_are_made_global_after_the_hook_get_its_spans():
    program = """
from bentley_sync_async.transport import TokenRecord
from bentley_sync_async.integrations.otel import OpenTelemetryHook
hook = OpenTelemetryHook()
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
hook(TokenRecord(duration=1.0, error=None))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert '"name": "bentley_sync_async.token"' in done.stdout
