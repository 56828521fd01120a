"""A client reports what it does to its hooks, without secrets, and no hook affects it."""

import logging

import pytest
from support.transport import ScriptedTransport, answer, refusal
from support.watch import emulated

from bentley_sync_async import ClientCredentials, RateLimitedError, RetryPolicy, ServerError, SynchronizationClient
from bentley_sync_async.emulator import FaultRule
from bentley_sync_async.transport import (
    LoggingHook,
    PollRecord,
    RequestRecord,
    RetryRecord,
    ThrottleRecord,
    TokenRecord,
)
from bentley_sync_async.transport.hooks import Record

RUN = {"run": {"id": "r", "state": "Completed", "result": "Success"}}


async def reported(*script, **options):
    records = []
    transport = ScriptedTransport(*script)
    client = SynchronizationClient("hush", transport=transport, hooks=[records.append], **options)
    async with client:
        await client.storage_connections.runs.get("c", "r")
    return records


async def test_a_request_is_reported_with_its_answer():
    (record,) = await reported(answer(200, RUN))
    assert isinstance(record, RequestRecord)
    assert (record.method, record.status, record.error) == ("GET", 200, None)
    assert record.url.endswith("/imodels/storageconnections/c/runs/r")
    assert record.size > 0


async def test_a_retry_is_reported_with_its_cause_and_its_delay():
    first, retry, second = await reported(refusal(502), answer(200, RUN))
    assert isinstance(first, RequestRecord)
    assert isinstance(first.error, ServerError)
    assert isinstance(retry, RetryRecord)
    assert (type(retry.cause), retry.attempt) == (ServerError, 1)
    assert 0.25 <= retry.delay <= 0.5
    assert isinstance(second, RequestRecord)


async def test_a_throttle_is_reported():
    _, throttle, retry, _ = await reported(refusal(429, **{"retry-after": "7"}), answer(200, RUN))
    assert isinstance(throttle, ThrottleRecord)
    assert (type(throttle.cause), throttle.delay) == (RateLimitedError, 7.0)
    assert isinstance(retry, RetryRecord)


async def test_tokens_and_polls_are_reported():
    records = []
    async with emulated() as (emulator, _):
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        down = emulator.add_fault(FaultRule(path="/connect/token", status=503, nth=1))
        async with SynchronizationClient(credentials, base_url=emulator.url, hooks=[records.append]) as client:
            watcher = client.watch(emulator.add_connection())
            events = [event async for event in watcher]
    tokens = [record for record in records if isinstance(record, TokenRecord)]
    polls = [record for record in records if isinstance(record, PollRecord)]
    assert down.fired == 1
    assert [record.error is None for record in tokens] == [False, True]
    assert {record.ref for record in polls} == {watcher.ref}
    assert sum(record.changes for record in polls) == len(events) - 2  # TriggerDelayed and RunTriggered came before
    assert [record.delay for record in polls][-1] is None
    assert all(record.delay > 0 for record in polls[:-1])


async def test_a_hook_that_fails_has_no_effect_and_is_logged_without_its_text(caplog):
    def broken(record):
        raise RuntimeError("hush")

    records = []
    transport = ScriptedTransport(answer(200, RUN))
    async with SynchronizationClient("token", transport=transport, hooks=[broken, records.append]) as client:
        await client.storage_connections.runs.get("c", "r")
    assert len(records) == 1
    assert "A hook of the client failed: RuntimeError" in caplog.text
    assert "hush" not in caplog.text


class Selective:
    def __init__(self, wants):
        self.wants = wants
        self.records = []

    def __call__(self, record):
        self.records.append(record)


async def run_with(*hooks):
    script = (refusal(502), answer(200, RUN))
    async with SynchronizationClient("token", transport=ScriptedTransport(*script), hooks=hooks) as client:
        await client.storage_connections.runs.get("c", "r")


async def test_a_request_that_no_hook_wants_is_not_reported():
    hook = Selective(lambda kind: kind is not RequestRecord)
    await run_with(hook)
    assert [type(record) for record in hook.records] == [RetryRecord]


async def test_a_request_that_any_hook_wants_is_reported():
    records = []
    await run_with(Selective(lambda _kind: False), records.append)
    assert [type(record) for record in records] == [RequestRecord, RetryRecord, RequestRecord]


async def test_a_hook_whose_wants_fails_gets_every_record():
    hook = Selective(lambda kind: 1 / 0)
    await run_with(hook)
    assert len(hook.records) == 3


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        (logging.DEBUG, {RequestRecord, RetryRecord, ThrottleRecord, TokenRecord, PollRecord}),
        (logging.INFO, {RetryRecord, ThrottleRecord, TokenRecord}),
        (logging.WARNING, {ThrottleRecord, TokenRecord}),
        (logging.ERROR, set()),
    ],
)
def test_the_logging_hook_wants_the_records_that_its_level_lets_through(caplog, level, wanted):
    caplog.set_level(level, "bentley_sync_async")
    kinds = [RequestRecord, RetryRecord, ThrottleRecord, TokenRecord, PollRecord, Record]
    assert {kind for kind in kinds if LoggingHook().wants(kind)} == wanted


async def test_by_default_records_are_logged_with_their_fields(caplog):
    caplog.set_level(logging.DEBUG, "bentley_sync_async")
    async with emulated() as (emulator, _):
        emulator.add_fault(FaultRule(path="/runs/", status=429, retry_after=30, nth=1))
        emulator.add_fault(FaultRule(path="storageconnections/[^/]+$", status=502, nth=1))
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=emulator.url) as client:
            connection_id = emulator.add_connection()
            await client.storage_connections.get(connection_id)
            await client.watch(connection_id).result()
    by_logger = {}
    for line in caplog.records:
        by_logger.setdefault(line.name.removeprefix("bentley_sync_async."), []).append(line)
    assert set(by_logger) == {"request", "retry", "throttle", "token", "poll"}
    assert {line.levelname for line in by_logger["throttle"]} == {"WARNING"}
    assert "All requests pause for 30.0 s: RateLimitedError 429" in caplog.text
    assert by_logger["request"][0].sync_status == 502
    assert by_logger["retry"][0].sync_attempt == 1
    assert by_logger["poll"][-1].getMessage().endswith("the last poll")
    assert emulator.client_secret not in caplog.text


async def test_a_failed_token_request_is_logged_as_a_warning(caplog):
    caplog.set_level(logging.WARNING, "bentley_sync_async")

    async def fails():
        raise OSError("hush")

    client = SynchronizationClient(fails, transport=ScriptedTransport(), retry=RetryPolicy(attempts=1))
    with pytest.raises(Exception, match="token source failed"):
        await client.storage_connections.get("c")
    assert "No token after 0.000 s: TokenUnavailableError" in caplog.text
    assert "hush" not in caplog.text


def test_a_record_of_another_kind_is_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    LoggingHook()(Record())
    assert caplog.records == []
